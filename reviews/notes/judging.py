"""What would become of a group's notes, and of their items and outputs, if it were turned into an error type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from reviews.models import Decision, GroupedNote, Label, NoteGroup, ReviewItem
from reviews.status import Status, agreed_types, item_status
from taxonomy.models import ErrorType, Verdict

CLOSED = "of a closed round, whose labels stay as they are"
PASSES = "of a label that says pass"
DECIDED = "decided"
NEW = -1
"""Stands for an error type that is not stored yet."""


@dataclass(frozen=True)
class Preview:
    """What turning a group's waiting notes would do.

    ``labels``: how many are given the error type; ``carrying``: how many have it already; ``refused``: how many notes
    stay as they are, by why; ``typed``: of the labels, how many carry other error types too; ``items`` and ``outputs``
    of the labels; ``counted``: outputs that have the error type by it at once; ``decided``: items whose decision
    stands, whatever their labels say; ``unfinished``: items that still want labels; ``contested``: items that are
    contested from then on, since another label of theirs does not carry it.
    """

    labels: int = 0
    carrying: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    typed: int = 0
    items: int = 0
    outputs: int = 0
    counted: int = 0
    decided: int = 0
    unfinished: int = 0
    contested: int = 0

    @property
    def notes(self) -> int:
        return self.labels + self.carrying


@dataclass
class Judged:
    """A group's waiting notes by what becomes of them."""

    given: list[GroupedNote]
    carrying: list[GroupedNote]
    refused: Counter[str]


def waiting_notes(group: NoteGroup) -> list[GroupedNote]:
    found = group.notes.filter(turned_at=None).select_related("label__item__round")
    return list(found.prefetch_related("label__error_types").order_by("label_id"))


def judged(notes: Sequence[GroupedNote], error_type: int) -> Judged:
    result = Judged([], [], Counter())
    for note in notes:
        if note.label.item.round.closed_at:
            result.refused[CLOSED] += 1
        elif note.label.outcome != Verdict.Outcome.FAIL:
            result.refused[PASSES] += 1
        elif error_type in types_of(note.label):
            result.carrying.append(note)
        else:
            result.given.append(note)
    return result


def types_of(label: Label) -> set[int]:
    return {error_type.pk for error_type in label.error_types.all()}


def preview_of(group: NoteGroup, error_type: ErrorType | None) -> Preview:
    """What it comes to to turn the group's waiting notes into an error type; None: into a new one. A few statements."""
    key = error_type.pk if error_type else NEW
    found = judged(waiting_notes(group), key)
    items = {note.label.item_id: note.label.item for note in found.given}
    statuses, counted = foreseen(items, {note.label_id for note in found.given}, key)
    before = sum(item.status == Status.CONTESTED for item in items.values())
    return Preview(
        labels=len(found.given),
        carrying=len(found.carrying),
        refused=dict(found.refused),
        typed=sum(bool(types_of(note.label)) for note in found.given),
        items=len(items),
        outputs=len({item.output_id for item in items.values()}),
        counted=len(counted),
        decided=statuses[DECIDED],
        unfinished=statuses[Status.WAITING] + statuses[Status.IN_REVIEW] + statuses[Status.CLOSED],
        contested=max(0, statuses[Status.CONTESTED] - before),
    )


def foreseen(items: Mapping[int, ReviewItem], given: Collection[int], key: int) -> tuple[Counter[str], set[int]]:
    """How many of the items will have which status once these labels carry the error type; the outputs that have it."""
    labels: dict[int, list[Label]] = {}
    for label in Label.objects.filter(item__in=items).prefetch_related("error_types").order_by("item_id", "pk"):
        labels.setdefault(label.item_id, []).append(label)
    decided = set(Decision.objects.filter(item__in=items).values_list("item", flat=True))
    statuses: Counter[str] = Counter({DECIDED: len(decided)})
    counted = set()
    for item in (item for pk, item in items.items() if pk not in decided):
        said = [
            (label.outcome, frozenset(types_of(label) | ({key} if label.pk in given else set())))
            for label in labels[item.pk]
        ]
        contests, is_closed = item.round.types_contest, item.closed_at is not None
        status = item_status(said, item.labels_wanted, is_closed=is_closed, contests_types=contests)
        statuses[status] += 1
        if status == Status.SETTLED and key in agreed_types([types for _, types in said]):
            counted.add(item.output_id)
    return statuses, counted
