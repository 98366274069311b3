"""Has enough been read? The kinds of error that turned up, in the order in which items were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Min, QuerySet

from evalhub.projects.models import Project
from reviews.models import GroupedNote, Label, NoteGroup, ReviewItem, Round
from reviews.notes.board import TIES, notes_in, waiting
from taxonomy.models import ErrorType, Verdict
from taxonomy.statistics.saturation import Saturation, curve
from taxonomy.versions import tree_of

READ_FIRST = 100
QUIET = 20
"""It is enough when so many items are read and the last so many brought nothing new: as practitioners publish."""

Kind = tuple[str, int]
"""“type” or “group”, and the key."""


@dataclass(frozen=True)
class Arrival:
    """A kind of error that was met. ``place``: how many items had been read when it was, the first one included."""

    place: int
    kind: str
    key: int
    name: str
    output: int
    items: int
    kinds: int

    @property
    def is_group(self) -> bool:
        return self.kind == "group"


@dataclass(frozen=True)
class Reading:
    """What reading brought. ``arrivals`` in the order of reading, with how many kinds there were then."""

    read: int
    arrivals: Sequence[Arrival]
    saturation: Saturation
    left: int = 0
    """Of the last QUIET items, how many fail with a note that nobody grouped: it may tell of a new kind."""

    @property
    def kinds(self) -> int:
        return len(self.arrivals)

    @property
    def quiet(self) -> int:
        """How many items were read since the last new kind."""
        return self.read - (self.arrivals[-1].place if self.arrivals else 0)

    @property
    def is_enough(self) -> bool:
        return self.is_quiet and not self.left

    @property
    def is_quiet(self) -> bool:
        return self.kinds > 0 and self.read >= READ_FIRST and self.quiet >= QUIET


def reading_of(project: Project, shown: Round | None = None) -> Reading:
    """The items with a label, in the order of their first one, and the error types of their labels; of those that are
    merged into others, the others. A group of notes that is no error type yet counts as a kind too.

    Without practice rounds and known items, which are chosen to hold certain errors. Eight statements.
    """
    items, kinds = items_read(project, shown)
    saturation = curve(kinds.get(item, ()) for item in items)
    open_notes = waiting(notes_in(project, shown)).filter(item__in=items[-QUIET:], outcome=Verdict.Outcome.FAIL)
    left = open_notes.values("item").distinct().count()
    return Reading(len(items), arrivals_of(items, kinds), saturation, left)


def items_with(project: Project, shown: Round | None, kind: Kind) -> list[tuple[int, int]]:
    """(how many had been read, item) of each item that tells of the kind, in the order of reading."""
    items, kinds = items_read(project, shown)
    return [(place, item) for place, item in enumerate(items, start=1) if kind in kinds.get(item, ())]


def items_read(project: Project, shown: Round | None) -> tuple[list[int], dict[int, set[Kind]]]:
    """The items with a label, in the order of their first one, and the kinds of error that they tell of."""
    labels = Label.objects.filter(item__round__project=project, item__round__is_practice=False, item__is_known=False)
    if shown:
        labels = labels.filter(item__round=shown)
    order = labels.values("item").annotate(first=Min("created_at")).order_by("first", "item")
    return list(order.values_list("item", flat=True)), kinds_of(project, labels)


def kinds_of(project: Project, labels: QuerySet[Label]) -> dict[int, set[Kind]]:
    """item -> the kinds of error that its labels tell of; items without any are left out."""
    tree = tree_of(project)
    found: dict[int, set[Kind]] = {}
    ties = TIES.objects.filter(label__in=labels).values_list("label__item", "errortype")
    for item, error_type in ties:
        found.setdefault(item, set()).add(("type", tree.resolve(error_type) or error_type))
    places = GroupedNote.objects.filter(label__in=labels, turned_at=None, group__error_type=None)
    for item, group in places.values_list("label__item", "group"):
        found.setdefault(item, set()).add(("group", group))
    return found


def arrivals_of(items: Sequence[int], kinds: dict[int, set[Kind]]) -> list[Arrival]:
    first: dict[Kind, tuple[int, int]] = {}
    counts: Counter[Kind] = Counter()
    for place, item in enumerate(items, start=1):
        for kind in sorted(kinds.get(item, ())):
            first.setdefault(kind, (place, item))
            counts[kind] += 1
    names: dict[Kind, str] = {}
    keys = [[key for kind, key in first if kind == wanted] for wanted in ("type", "group")]
    names |= {("type", key): name for key, name in ErrorType.objects.filter(pk__in=keys[0]).values_list("pk", "name")}
    names |= {("group", key): name for key, name in NoteGroup.objects.filter(pk__in=keys[1]).values_list("pk", "name")}
    of_item = [item for _, item in first.values()]
    outputs = dict(ReviewItem.objects.filter(pk__in=of_item).values_list("pk", "output"))
    return [
        Arrival(place, kind[0], kind[1], names.get(kind, ""), outputs[item], counts[kind], number)
        for number, (kind, (place, item)) in enumerate(first.items(), start=1)
    ]
