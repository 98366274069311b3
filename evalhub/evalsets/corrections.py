"""Somebody's word that an expected answer is wrong: proposed, withdrawn, refused."""

from __future__ import annotations

import json
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone

from evalhub.errors import EvalHubError
from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.expected_values import read_expected
from evalhub.evalsets.files.faults import CellFault, shown
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import GUESS_KIND
from evalhub.evalsets.files.strict_json import Parser, check_values
from evalhub.evalsets.models import Correction, Example, ExpectedKind
from evalhub.projects.models import User
from evalhub.projects.trail import record_event

PLACE = "What should be expected"
"""What the field is called on every page: where a fault of it is said to be."""

LONGEST_ANSWER = 500
FORMS = {
    ExpectedKind.JSON: "The example expects JSON.",
    ExpectedKind.TOOL_CALLS: "The example expects tool calls, written as in an upload, or “no call”.",
}

State = Correction.State


class CorrectionError(EvalHubError):
    """The expected answer cannot be corrected like that."""


@transaction.atomic
def propose_correction(example: Example, person: User, note: str, expected_text: str = "") -> Correction:
    """Say that the example's expected answer is wrong and, if ``expected_text`` is given, what is right.

    The text is read as an upload reads it, as the kind that the example expects. A person has one open proposal for an
    example: saying it again changes that one, and what is left empty then stays. What a lead decided already is not
    proposed again in the same words.

    Raises CorrectionError when the text does not fit the kind, or says what is expected already.
    """
    # Two tabs at once would make two. Not the key: outputs that refer to the example are stored meanwhile.
    example = Example.objects.select_for_update(of=("self",), no_key=True).select_related("version").get(pk=example.pk)
    if not example.version.is_published:
        raise CorrectionError(f"{example.version} is not published yet, so it can still be changed: upload it again.")
    kind, expected, note = example.expected_kind, None, note.strip()
    is_open_ended = not expected_text.strip()
    if not is_open_ended:
        kind, expected = read_proposal(example, expected_text)
    proposals = Correction.objects.filter(example=example, proposed_by=person)
    found = proposals.filter(state=State.OPEN).first()
    if found is None:
        decided = next((each for each in proposals if says(each, kind, expected, is_open_ended, note)), None)
        return decided or Correction.objects.create(
            example=example,
            expected_kind=kind,
            expected=expected,
            is_open_ended=is_open_ended,
            note=note,
            proposed_by=person,
        )
    if not is_open_ended:
        found.expected_kind, found.expected, found.is_open_ended = kind, expected, False
    found.note = note or found.note
    found.proposed_at = timezone.now()
    found.save(update_fields=["expected_kind", "expected", "is_open_ended", "note", "proposed_at"])
    return found


def says(correction: Correction, kind: str, expected: Any, is_open_ended: bool, note: str) -> bool:
    return (
        correction.is_open_ended == is_open_ended
        and correction.note == note
        and same_expected(correction.expected_kind, correction.expected, kind, expected)
    )


def same_expected(kind: str, expected: Any, other_kind: str, other: Any) -> bool:
    """Whether two expected answers are the same to the letter, the order of keys included."""
    return kind == other_kind and compact_json(expected) == compact_json(other)


def read_proposal(example: Example, text: str) -> tuple[str, Any]:
    """Kind and value of a text that is not empty. Raises CorrectionError, also for what is expected already."""
    kind, expected = read_expected_text(example.expected_kind, text)
    if same_expected(kind, expected, example.expected_kind, example.expected):
        raise CorrectionError(
            f"{shown(PLACE)} is what the example expects already. Change it, or leave it empty if you do not know what "
            "is right."
        )
    return kind, expected


def read_expected_text(kind: str, text: str) -> tuple[str, Any]:
    """Kind and value of a text typed for an example that expects this kind; guessed where it expects nothing yet."""
    parser = Parser(Limits().nesting)

    def parse(inner: str, column: str) -> Any:
        try:
            return parser.parse(inner.encode())
        except CellFault as fault:
            raise CellFault(f"{shown(column)}: {fault.reason}", kind=fault.kind, column=column) from fault

    text = text.replace("\r\n", "\n")  # as browsers send what is typed
    try:
        check_values({PLACE: text})
        kind, value = read_expected(text, kind or GUESS_KIND, PLACE, parse)
    except CellFault as fault:
        raise CorrectionError(" ".join(filter(None, [fault.reason, FORMS.get(ExpectedKind(kind), "")]))) from fault
    return kind, None if value is None else orjson.loads(value)


def editable_text(kind: str, expected: Any) -> str:
    """An expected answer as the text that ``read_expected_text`` reads as the same."""
    if not kind:
        return ""
    return str(expected) if kind == ExpectedKind.TEXT else json.dumps(expected, ensure_ascii=False, indent=2)


def locked_open(correction: Correction) -> Correction:
    """The proposal as it is now, in this transaction alone. Raises CorrectionError when it is not open any more."""
    found = (
        Correction.objects.select_for_update(of=("self",))
        .select_related("example__version__eval_set__project", "decided_by", "accepted_into")
        .filter(pk=correction.pk)
        .first()
    )
    if found is None:
        raise CorrectionError("The proposal was withdrawn meanwhile. Reload the page.")
    if found.state != State.OPEN:
        raise CorrectionError(f"{found.decided_by} {found.get_state_display().lower()} the proposal meanwhile.")
    return found


@transaction.atomic
def withdraw(correction: Correction, person: User) -> None:
    """Take one's own open proposal back; it is gone. Raises CorrectionError when a lead decided meanwhile."""
    found = locked_open(correction)
    if found.proposed_by_id != person.pk:
        raise CorrectionError("Only the person who proposed it can withdraw it. A lead can refuse it.")
    found.delete()


@transaction.atomic
def refuse(correction: Correction, lead: User, answer: str) -> Correction:
    """Decide that the expected answer stays, with a word on why. Raises CorrectionError without that word."""
    if not answer.strip():
        raise CorrectionError("Say in a word why the expected answer stays: whoever proposed it reads that.")
    found = locked_open(correction)
    note_decision(found, State.REFUSED, lead, answer.strip())
    version = found.example.version
    record_event(version.eval_set.project, lead, "refused a correction of", f"{found.example} in {version}")
    return found


def note_decision(correction: Correction, state: str, lead: User, answer: str) -> None:
    correction.state, correction.decided_by, correction.decided_at = state, lead, timezone.now()
    correction.answer = answer[:LONGEST_ANSWER]
    correction.save(
        update_fields=[
            "state", "decided_by", "decided_at", "answer", "expected_kind", "expected", "is_open_ended",
            "accepted_into",
        ]
    )  # fmt: skip
