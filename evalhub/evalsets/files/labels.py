"""Rows as labels that people gave elsewhere: one person's word on one output."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from evalhub.evalsets.files import cells
from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.columns import MISSING
from evalhub.evalsets.files.copy_text import escape_json, escape_text, join_row, optional
from evalhub.evalsets.files.faults import cell_fault, shown
from evalhub.evalsets.files.records import RecordReader
from evalhub.evalsets.files.row_shape import Row

FIRST_REPEAT = 1
LONGEST_NAME = 100
LONGEST_TYPE = 80
LONGEST_NOTE = 10_000
MOST_STEPS = 10_000
PASS, FAIL = "pass", "fail"
OUTCOMES = dict.fromkeys(("pass", "passed", "true", "correct", "good"), PASS)
OUTCOMES |= dict.fromkeys(("fail", "failed", "false", "incorrect", "bad"), FAIL)
SEVERITIES = ("minor", "major", "critical")
FAULTS = ("model", "expected", "check", "request", "infrastructure")
FAULTS_OF_FAILURES = ("model", "infrastructure")


class Said(NamedTuple):
    """What a row says of an output."""

    outcome: str
    error_types: list[str]
    severity: str
    fault: str
    failing_step: int | None
    note: str


class LabelReader(RecordReader):
    """Turns rows into labels. Whether their outputs, reviewers and error types exist is for the import to say."""

    COLUMNS = (
        "output",
        "key",
        "repeat",
        "run",
        "candidate",
        "reviewer",
        "outcome",
        "error_types",
        "severity",
        "fault",
        "failing_step",
        "note",
    )

    def copy_line(self, line: int, number: int, position: int, row: Row) -> bytes:
        where = self._where(row)
        reviewer = self._name("reviewer", row, LONGEST_NAME)
        if not reviewer:
            raise self._refusal("reviewer", "is empty. Write the e-mail address or the name of who gave the label")
        said = self._said(row)
        identity = "\n".join([*map(str, where), reviewer.casefold()])
        first = self.lines_of_keys.get(identity)
        if first is not None:
            what = f"is {shown(reviewer)}, who labels this output in {self.shape.unit} {first:,} already"
            raise cell_fault(self.columns["reviewer"].name, f"{what}. Remove one of them", "Duplicate label")
        output, key, repeat, run, candidate = where
        self.lines_of_keys[identity] = line
        return join_row(
            (
                optional(output),
                escape_text(key),
                b"%d" % repeat,
                optional(run),
                escape_text(candidate),
                escape_text(reviewer),
                said.outcome.encode(),
                escape_json(compact_json(said.error_types)),
                said.severity.encode(),
                said.fault.encode(),
                optional(said.failing_step),
                escape_text(said.note),
            )
        )

    def _refusal(self, field: str, what: str, kind: str = "") -> Exception:
        column = self.columns[field].name
        return cell_fault(column, what, kind or f"{column} is not usable")

    def _name(self, field: str, row: Row, longest: int) -> str:
        return cells.read_name(self.columns[field].get(row), self.columns[field].name, longest)

    def _count(self, field: str, row: Row) -> int | None:
        return cells.read_count(self.columns[field].get(row), self.columns[field].name, least=1)

    def _where(self, row: Row) -> tuple[int | None, str, int, int | None, str]:
        """Return the output's id, or else example id, repeat, run and candidate."""
        output = self._count("output", row)
        key = self._name("id", row, self.limits.id_characters)
        if output is None and not key:
            field = "id" if self.columns["id"].is_mapped else "output"
            raise self._refusal(field, "is empty, so the label belongs to no output. Write the id", "Id is missing")
        repeat = self._count("repeat", row) or FIRST_REPEAT
        candidate = self._name("candidate", row, LONGEST_NAME)
        return output, key, repeat, self._count("run", row), candidate

    def _said(self, row: Row) -> Said:
        types = cells.read_tags(
            self.columns["error_types"].get(row), self.columns["error_types"].name, self.limits, self.parse
        )
        for name in types:
            if len(name) > LONGEST_TYPE:
                raise self._refusal("error_types", f"names {shown(name)}; a name has at most {LONGEST_TYPE} characters")
        note = cells.read_text(self.columns["note"].get(row))
        if len(note) > LONGEST_NOTE:
            raise self._refusal("note", f"has {len(note):,} characters; at most {LONGEST_NOTE:,} are kept. Shorten it")
        step = self._count("failing_step", row)
        if step and step > MOST_STEPS:
            raise self._refusal("failing_step", f"is {step:,}, and no conversation has so many steps. Correct it")
        said = Said(
            self._outcome(row, types),
            types,
            self._choice("severity", row, SEVERITIES),
            self._choice("fault", row, FAULTS),
            step,
            note,
        )
        if said.outcome == PASS:
            self._refuse_failure_in_pass(said)
        return said

    def _outcome(self, row: Row, types: list[str]) -> str:
        column = self.columns["outcome"]
        if not column.is_mapped:
            return FAIL if types else PASS
        value: Any = column.get(row)
        found = OUTCOMES.get(cells.read_text(value).strip().lower())
        if found is None:
            what = "is missing" if value is MISSING or value is None else f"is {shown(cells.read_text(value))}"
            raise self._refusal("outcome", f"{what}. Write pass or fail", "Outcome is not pass or fail")
        return found

    def _choice(self, field: str, row: Row, choices: tuple[str, ...]) -> str:
        value = self._name(field, row, LONGEST_NAME).lower()
        if value and value not in choices:
            raise self._refusal(field, f"is {shown(value)}. Write one of {', '.join(choices)}, or nothing")
        return value

    def _refuse_failure_in_pass(self, said: Said) -> None:
        if said.error_types:
            self._refuse_in_pass("error_types", f"names {shown(said.error_types[0])}")
        if said.severity:
            self._refuse_in_pass("severity", f"is {said.severity}")
        if said.failing_step:
            self._refuse_in_pass("failing_step", f"is {said.failing_step}")
        if said.fault in FAULTS_OF_FAILURES:
            self._refuse_in_pass("fault", f"is {said.fault}")

    def _refuse_in_pass(self, field: str, what: str) -> NoReturn:
        raise self._refusal(field, f"{what}, but the outcome is pass. Empty it, or write fail", "Failure in a pass")
