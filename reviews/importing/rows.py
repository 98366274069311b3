"""Rows of imported labels, and what they name: outputs, people, error types. See ``importing.labels``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import orjson
from django.db import connection
from django.utils.text import slugify

from evalhub.evalsets.files.copy_text import NULL
from evalhub.evalsets.files.faults import shown
from evalhub.evalsets.importing import unescape
from evalhub.evalsets.models import Upload
from evalhub.projects.models import Project, User
from evalhub.runs.models import Run
from taxonomy.models import ErrorType
from taxonomy.types.editing import add_error_type

PLACEHOLDERS = "imported.invalid"

BY_EXAMPLE = """
SELECT wanted.place, output.id
FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::int[]) AS wanted (place, run, key, repeat)
JOIN runs_run AS run ON run.id = wanted.run
JOIN evalsets_example AS example ON example.version_id = run.version_id AND example.key = wanted.key
JOIN runs_output AS output
    ON output.run_id = run.id AND output.example_id = example.id AND output.repeat = wanted.repeat
"""
BY_OUTPUT = "SELECT id FROM runs_output WHERE id = ANY(%s) AND run_id = ANY(%s)"


class StagedLabel(NamedTuple):
    """One row, as ``files.labels.LabelReader`` wrote it."""

    output: int | None
    key: str
    repeat: int
    run: int | None
    candidate: str
    reviewer: str
    outcome: str
    error_types: tuple[str, ...]
    severity: str
    fault: str
    failing_step: int | None
    note: str


class Fault(NamedTuple):
    """Why a row cannot be imported: the field of the mapping, the sentence that follows its column's name, and the
    phrase under which such faults are counted."""

    field: str
    reason: str
    kind: str


def parse(line: bytes) -> StagedLabel:
    cells = line.rstrip(b"\n").split(b"\t")
    output, key, repeat, run, candidate, reviewer, outcome, types, severity, fault, step, note = cells
    texts = [unescape(cell).decode() for cell in (key, candidate, reviewer, outcome, severity, fault, note)]
    key_, candidate_, reviewer_, outcome_, severity_, fault_, note_ = texts
    return StagedLabel(
        output=number_in(output),
        key=key_,
        repeat=int(repeat),
        run=number_in(run),
        candidate=candidate_,
        reviewer=reviewer_,
        outcome=outcome_,
        error_types=tuple(orjson.loads(unescape(types))),
        severity=severity_,
        fault=fault_,
        failing_step=number_in(step),
        note=note_,
    )


def number_in(cell: bytes) -> int | None:
    return None if cell == NULL else int(cell)


class Outputs:
    """Finds the outputs that rows name, among those of some runs."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = list(runs)
        self.keys = {run.pk for run in self.runs}
        self.by_candidate: dict[str, list[int]] = {}
        for run in self.runs:
            self.by_candidate.setdefault(run.candidate.name.casefold(), []).append(run.pk)

    def found_for(self, rows: Sequence[StagedLabel]) -> list[int | Fault]:
        """The key of each row's output, or what is wrong; two queries."""
        runs = [self.run_of(row) if row.output is None else 0 for row in rows]
        named = [(place, run) for place, run in enumerate(runs) if isinstance(run, int) and run]
        columns: tuple[list[int], list[int], list[str], list[int]] = (
            [place for place, _ in named],
            [run for _, run in named],
            [rows[place].key for place, _ in named],
            [rows[place].repeat for place, _ in named],
        )
        with connection.cursor() as cursor:
            cursor.execute(BY_EXAMPLE, columns)
            by_place = dict(cursor.fetchall())
            cursor.execute(BY_OUTPUT, [[row.output for row in rows if row.output is not None], list(self.keys)])
            known = {key for (key,) in cursor.fetchall()}
        return [
            self.output_of(row, run, by_place.get(place), known)
            for place, (row, run) in enumerate(zip(rows, runs, strict=True))
        ]

    def run_of(self, row: StagedLabel) -> int | Fault:
        """The run of a row that names its output by example."""
        if row.run is not None:
            if row.run in self.keys:
                return row.run
            what = f"is {row.run}, which is none of the chosen runs. Correct it, or choose that run too."
            return Fault("run", what, "Run is not chosen")
        if not row.candidate:
            if len(self.runs) == 1:
                return self.runs[0].pk
            what = "does not say whose output it is. Map the column that holds the candidate or the run."
            return Fault("id", what, "Candidate is missing")
        runs = self.by_candidate.get(row.candidate.casefold(), [])
        if len(runs) == 1:
            return runs[0]
        if not runs:
            return Fault(
                "candidate",
                f"is {shown(row.candidate)}, and no chosen run is of that candidate. Correct it, or choose its run.",
                f"No run of {shown(row.candidate)}",
            )
        return Fault(
            "candidate",
            f"is {shown(row.candidate)}, of which several runs are chosen. Map the column that holds the run's number.",
            f"Several runs of {shown(row.candidate)}",
        )

    def output_of(self, row: StagedLabel, run: int | Fault, found: int | None, known: set[int]) -> int | Fault:
        if row.output is not None:
            if row.output in known:
                return row.output
            what = f"is {row.output}, and the chosen runs have no such output. Correct it."
            return Fault("output", what, "No such output")
        if isinstance(run, Fault):
            return run
        if found is not None:
            return found
        repeat = f" with repeat {row.repeat}" if row.repeat > 1 else ""
        what = f"is {shown(row.key)}{repeat}, for which run {run} has no output. Correct it."
        return Fault("id", what, "No such output")


class People:
    """Finds the reviewers that rows name: members, and people who stand for somebody who labelled elsewhere."""

    def __init__(self, project: Project, makes_people: bool) -> None:
        self.project, self.makes_people = project, makes_people
        self.domain = f"p{project.pk}.{PLACEHOLDERS}"

    @cached_property
    def known(self) -> dict[str, list[User]]:
        """By e-mail address and by name, both without case."""
        members = User.objects.filter(memberships__project=self.project)
        stand_ins = User.objects.filter(is_active=False, email__endswith=f"@{self.domain}")
        found: dict[str, list[User]] = {}
        for person in [*members, *stand_ins]:
            for name in {person.email.casefold(), person.name.casefold()}:
                found.setdefault(name, []).append(person)
        return found

    def found_for(self, name: str) -> User | str | Fault:
        """The person; or the name, without case, of one to be made; or what is wrong."""
        people = self.known.get(name.casefold(), [])
        if len(people) == 1:
            return people[0]
        if people:
            what = f"is {shown(name)}, the name of several members. Write the e-mail address."
            return Fault("reviewer", what, f"Several members named {shown(name)}")
        if self.makes_people:
            return name.casefold()
        return Fault(
            "reviewer",
            f"is {shown(name)}, who is no member of this project. Correct it, invite them, or change the mapping "
            "and tick “Make people for reviewers who are no members”.",
            f"No member: {shown(name)}",
        )

    def make(self, name: str) -> User:
        """Somebody who cannot sign in, has no membership and stands for whoever labelled under this name."""
        digest = hashlib.sha256(name.casefold().encode()).hexdigest()[:12]
        email = f"{slugify(name)[:30] or 'person'}-{digest}@{self.domain}"
        person = User.objects.filter(email=email).first()
        if person is None:
            person = User.objects.create_user(email, None, name=name, is_active=False)
        self.known.setdefault(name.casefold(), []).append(person)
        return person


def is_stand_in(person: User) -> bool:
    """Whether the person came with an import of labels and has no account."""
    return not person.is_active and person.email.endswith(f".{PLACEHOLDERS}")


class Types:
    """Finds the error types that rows name, by name or code."""

    def __init__(self, upload: Upload, makes_types: bool) -> None:
        self.upload, self.makes_types = upload, makes_types
        self.made: list[int] = []

    @cached_property
    def known(self) -> dict[str, list[ErrorType]]:
        found: dict[str, list[ErrorType]] = {}
        for error_type in ErrorType.objects.in_project(self.upload.project):
            for name in {error_type.code, coded(error_type.name)}:
                found.setdefault(name, []).append(error_type)
        return found

    def fault_of(self, names: Iterable[str]) -> Fault | None:
        for name in names:
            types = self.known.get(coded(name), [])
            if len(types) > 1:
                codes = ", ".join(each.code for each in types)
                what = f"names {shown(name)}, which may be {codes}. Write the code."
                return Fault("error_types", what, f"Several error types: {shown(name)}")
            if not types and not self.makes_types:
                return Fault(
                    "error_types",
                    f"names {shown(name)}, which is no error type of this project. Correct it, add the error type, or "
                    "change the mapping and tick “Make the error types that are missing”.",
                    f"No error type: {shown(name)}",
                )
        return None

    def found_for(self, names: Iterable[str]) -> frozenset[int]:
        """Keys of the error types; those that are missing are made."""
        return frozenset((self.known.get(coded(name)) or [self.make(name)])[0].pk for name in names)

    def make(self, name: str) -> ErrorType:
        made = add_error_type(ErrorType(project=self.upload.project, name=name), self.upload.created_by)
        self.made.append(made.pk)
        self.known[coded(name)] = [made]
        return made


def coded(name: str) -> str:
    """As an error type's code is made of its name, so that “Full refusal” is “full_refusal”."""
    return slugify(name).replace("-", "_") or name.casefold()
