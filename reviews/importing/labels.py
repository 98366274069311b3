"""Labels that people gave elsewhere, uploaded into a round. See ``evalhub.evalsets.importing``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.functions import Now
from django.urls import reverse

from evalhub.evalsets.files.faults import UploadError, shown
from evalhub.evalsets.files.report import StagingReport
from evalhub.evalsets.models import Upload
from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Run
from reviews.counting import count_items
from reviews.importing import sql as import_sql
from reviews.importing.rows import Fault, Outputs, People, StagedLabel, Types, parse
from reviews.models import Label, ReviewItem, Round
from reviews.settling import settle_items
from taxonomy.models import ErrorType

ROWS_AT_ONCE = 5_000
ERASED_AT_ONCE = 20_000


class Good(NamedTuple):
    """A row whose output and reviewer are found."""

    row: StagedLabel
    output: int
    person: User | str


class LabelsImport:
    """Rows become labels. ``target``: ``{"round": id}``, or ``{"round_name": str, "runs": [id, ...]}`` for a new round
    with an item for each output that the file labels; ``made_round`` is added when it is made."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        mapping = upload.mapping
        self.people = People(upload.project, bool(mapping.get("makes_people")))
        self.types = Types(upload, bool(mapping.get("makes_types")))

    @property
    def is_new(self) -> bool:
        return "round" not in self.upload.target

    @cached_property
    def round(self) -> Round | None:
        """The round that the labels go to; None while a new one is not made."""
        key = self.upload.target.get("made_round" if self.is_new else "round")
        return Round.objects.in_project(self.upload.project).filter(pk=key).first() if key else None

    @cached_property
    def outputs(self) -> Outputs:
        runs = Run.objects.in_project(self.upload.project).select_related("candidate").order_by("pk")
        runs = runs.filter(pk__in=self.upload.target["runs"]) if self.is_new else runs.filter(rounds=self.round)
        return Outputs(runs)

    def open_round(self) -> Round:
        """The existing round, if it still takes labels. Raises UploadError."""
        if self.round is None:
            raise UploadError("The round is not there any more. Choose another, and upload the file again.")
        if self.round.closed_at:
            raise UploadError("The round is closed. Open it again, or choose another, and upload the file again.")
        return self.round

    def check(self, report: StagingReport) -> list[dict[str, Any]]:
        """Errors of rows that name no output, person or error type, or whose label is there already, with lines."""
        if not self.is_new:
            self.open_round()
        found: list[dict[str, Any]] = []
        firsts: dict[tuple[int, Any], int] = {}
        with Path(report.staged_path).open("rb") as staged:
            for lines, rows in in_parts(zip(report.lines(), staged, strict=True)):
                for line, judged in zip(lines, self.judge(rows), strict=True):
                    fault = (
                        judged
                        if isinstance(judged, Fault)
                        else self.fault_of_repetition(judged, line, firsts, report.unit)
                    )
                    if fault:
                        column = self.upload.mapping.get(fault.field) or fault.field
                        reason = f"{shown(column)} {fault.reason}"
                        found.append({"line": line, "column": column, "reason": reason, "kind": fault.kind})
        return found

    def fault_of_repetition(self, good: Good, line: int, firsts: dict[tuple[int, Any], int], unit: str) -> Fault | None:
        who = good.person if isinstance(good.person, str) else good.person.pk
        first = firsts.setdefault((good.output, who), line)
        if first == line:
            return None
        again = f"is {shown(good.row.reviewer)}, who labels this output in {unit.lower()} {first:,} already."
        return Fault("reviewer", f"{again} Remove one of them.", "Duplicate label")

    def judge(self, rows: Sequence[StagedLabel]) -> list[Good | Fault]:
        """Each row with its output and reviewer, or what is wrong with it."""
        outputs = self.outputs.found_for(rows)
        items = {} if self.is_new else self.items_of([output for output in outputs if isinstance(output, int)])
        there = set(
            Label.objects.filter(item__in=items.values()).values_list("item__output", "reviewer") if items else ()
        )
        return [self.judge_one(row, output, items, there) for row, output in zip(rows, outputs, strict=True)]

    def judge_one(
        self, row: StagedLabel, output: int | Fault, items: dict[int, int], there: set[tuple[int, int]]
    ) -> Good | Fault:
        if isinstance(output, Fault):
            return output
        field = "id" if row.output is None else "output"
        if not self.is_new and output not in items:
            what = "names an output that is no item of the round. Add it there, or import into a new round."
            return Fault(field, what, "No item of the round")
        person = self.people.found_for(row.reviewer)
        if isinstance(person, Fault):
            return person
        if isinstance(person, User) and (output, person.pk) in there:
            what = f"is {shown(row.reviewer)}, who labelled this item in the round. Remove the row."
            return Fault("reviewer", what, "Labelled already")
        return self.types.fault_of(row.error_types) or Good(row, output, person)

    def items_of(self, outputs: Sequence[int]) -> dict[int, int]:
        found = ReviewItem.objects.filter(round=self.round, output__in=set(outputs)).order_by()
        return dict(found.values_list("output", "pk"))

    def prepare(self) -> None:
        if not self.is_new:
            self.open_round()
        elif self.round is None:
            self.round = self.make_round()
            self.keep_in_target(made_round=self.round.pk)

    def make_round(self) -> Round:
        target, user = self.upload.target, self.upload.created_by
        made = Round.objects.create(
            project=self.upload.project,
            name=target["round_name"],
            selection={"wanted": {}, "seed": "", "imported": self.upload.file_name},
            created_by=user,
        )
        made.runs.set(self.outputs.runs)
        record_event(self.upload.project, user, "made the review round", made.name)
        return made

    def keep_in_target(self, **more: Any) -> None:
        self.upload.target = {**self.upload.target, **more}
        Upload.objects.filter(pk=self.upload.pk).update(target=self.upload.target)

    def copy(self, cursor: Any, lines: list[bytes]) -> None:
        if self.round is None:
            raise ValueError("prepare() makes the round that labels are copied to")
        good = [judged for judged in self.judge([parse(line) for line in lines]) if isinstance(judged, Good)]
        if not good:
            return
        if self.is_new:
            cursor.execute(import_sql.ADD_ITEMS, [self.round.pk, sorted({each.output for each in good})])
        items = self.items_of([each.output for each in good])
        cursor.execute(import_sql.LOCK_ITEMS, [list(items.values())])
        self.store(cursor, good, items)
        if self.types.made:
            self.keep_in_target(made_types=[*self.upload.target.get("made_types", []), *self.types.made])
        if not self.is_new:
            settle_items(items.values())

    def store(self, cursor: Any, good: Sequence[Good], items: dict[int, int]) -> None:
        """Labels that are not there, their error types, their history, the counts of the seats; work ends with them."""
        people = {name: self.people.make(self.spelled(good, name)) for name in self.names_to_make(good)}
        keys = [people[each.person].pk if isinstance(each.person, str) else each.person.pk for each in good]
        types: dict[tuple[str, ...], frozenset[int]] = {}
        for each in good:  # in the order of the file, which says how new ones are spelled
            types[each.row.error_types] = types.get(each.row.error_types) or self.types.found_for(each.row.error_types)
        cursor.execute(
            import_sql.ADD_LABELS,
            [
                self.upload.project_id,
                [items[each.output] for each in good],
                keys,
                [each.row.outcome for each in good],
                [each.row.severity for each in good],
                [each.row.fault for each in good],
                [each.row.failing_step for each in good],
                [each.row.note for each in good],
            ],
        )
        made = {(item, person): label for label, item, person in cursor.fetchall()}
        said = {(items[each.output], key): types[each.row.error_types] for each, key in zip(good, keys, strict=True)}
        ties = [(label, error_type) for place, label in made.items() for error_type in sorted(said[place])]
        cursor.execute(import_sql.ADD_TYPES, [[label for label, _ in ties], [error_type for _, error_type in ties]])
        labels = sorted(made.values())
        cursor.execute(import_sql.ADD_EVENTS, [self.upload.created_by_id, self.event_note(), labels])
        for statement in import_sql.END_WORK:
            cursor.execute(statement, [labels])
        self.count_seats(cursor, Counter(person for _, person in made))

    def names_to_make(self, good: Sequence[Good]) -> list[str]:
        return sorted({each.person for each in good if isinstance(each.person, str)})

    def spelled(self, good: Sequence[Good], name: str) -> str:
        """The name of somebody to be made as the file spells it first."""
        return next(each.row.reviewer for each in good if each.person == name)

    def count_seats(self, cursor: Any, given: Counter[int]) -> None:
        seats = [self.round.pk if self.round else 0, sorted(given), [given[person] for person in sorted(given)]]
        cursor.execute(import_sql.ADD_SEATS, seats[:2])
        cursor.execute(import_sql.LOCK_SEATS, seats[:1])
        cursor.execute(import_sql.COUNT_SEATS, seats)

    def event_note(self) -> str:
        return f"from a file, upload {self.upload.pk}: {self.upload.file_name}"[:500]

    def finish(self) -> None:
        if self.round is None:
            return
        if self.is_new:
            self.settle_new_round(self.round)
        given = Label.objects.filter(item__round=self.round, is_imported=True).count()
        record_event(self.upload.project, self.upload.created_by, "imported labels into", f"{self.round} ({given:,})")

    def settle_new_round(self, made: Round) -> None:
        """Each item wanted the labels that the file has of it, so that it is settled or contested now."""
        with connection.cursor() as cursor:
            cursor.execute(import_sql.WANT_WHAT_IS_THERE, {"round": made.pk})
            cursor.execute(import_sql.MOST_LABELS, [made.pk])
            most, shared = cursor.fetchone()
        settle_items(list(ReviewItem.objects.filter(round=made).order_by().values_list("pk", flat=True)))
        Round.objects.filter(pk=made.pk).update(filled_at=Now(), labels_wanted=most or 1, shared_percent=shared or 100)
        count_items(made.pk)

    def discard(self) -> None:
        """Take the labels out again, in small transactions; a round, people and error types that came with them too."""
        if self.round is None:
            return
        parameters = {"round": self.round.pk, "note": self.event_note(), "most": ERASED_AT_ONCE}
        while items := self.erase_labels(parameters):
            if not self.is_new:
                settle_items(items)
        if self.is_new:
            with connection.cursor() as cursor:
                for statement in import_sql.ERASE_ROUND:
                    cursor.execute(statement, [self.round.pk])
            self.round.delete()
        people = User.objects.filter(is_active=False, email__endswith=f"@{self.people.domain}")
        people.filter(labels=None).delete()
        made = ErrorType.objects.in_project(self.upload.project).filter(pk__in=self.upload.target.get("made_types", []))
        made.filter(labels=None, findings=None, decisions=None, knownanswers=None, children=None).delete()

    def erase_labels(self, parameters: dict[str, Any]) -> set[int]:
        """Erase some of the upload's labels and what hangs on them; the items they were of."""
        with connection.cursor() as cursor:
            cursor.execute(import_sql.ERASE_LABELS, parameters)
            return {item for (item,) in cursor.fetchall()}

    def page(self) -> str:
        slug = self.upload.project.slug
        if self.round is None:
            return reverse("reviews:import_labels", args=[slug])
        return reverse("reviews:round", args=[slug, self.round.pk])


def in_parts(rows: Iterator[tuple[int, bytes]]) -> Iterator[tuple[list[int], list[StagedLabel]]]:
    """Lines and rows, some thousands at a time."""
    while part := list(islice(rows, ROWS_AT_ONCE)):
        yield [line for line, _ in part], [parse(row) for _, row in part]
