"""What stands on the reviewer's desk for one item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from evalhub.checks.models import Score
from evalhub.evalsets.corrections import editable_text
from evalhub.evalsets.models import ExpectedKind
from evalhub.projects.models import User
from evalhub.runs.causes import name_of_cause
from evalhub.runs.models import Output
from reviews.making.pools import baseline_run_of
from reviews.models import Label, Reason, ReviewItem
from reviews.reading.comparing import Difference, between_answers, from_expected
from reviews.reading.passages import Passage
from reviews.reading.steps import CallStep, Conversation, Stretch, calls_made, conversation_of
from reviews.rows import all_rows

NO_ANSWER = "There is no answer."
MOST_EDITED = 2_000  # characters; every item carries them
# Asked with every item, so not put together by Django each time.
SCORES = """
SELECT by.name, score.outcome, score.message
FROM checks_score AS score JOIN checks_check AS by ON by.id = score.check_id
WHERE score.output_id = %(output)s AND by.retired_at IS NULL ORDER BY by.id
"""


@dataclass(frozen=True)
class Answer:
    """An output as it stands on the desk; ``has_other`` where two stand side by side.

    ``part`` names it in addresses, and says no more than whether it is the one to label. Nor does the page: sides
    differ by person, so that a note which says “left” or “A” would mean another answer to whoever reads it.
    """

    output: Output
    part: str
    has_other: bool
    wants_json: bool

    @property
    def is_labelled(self) -> bool:
        """Whether the label is about this one."""
        return self.part == "answer"

    @property
    def cause(self) -> str:
        """Why there is no answer, in words; "" when there is one."""
        return name_of_cause(self.output.error_cause) if self.output.error_cause else ""

    @cached_property
    def text(self) -> Passage:
        return Passage(self.output.text, self.part, wants_json=self.wants_json and not self.output.tool_calls)

    @cached_property
    def as_sent(self) -> Passage:
        """The text without any of what makes JSON readable."""
        return Passage(self.output.text, f"{self.part}-as-sent", is_raw=True)

    @cached_property
    def from_endpoint(self) -> Passage:
        """What the endpoint sent when it could not be read. It may name the model."""
        return Passage(self.output.raw, f"{self.part}-from-endpoint", is_raw=True)

    @cached_property
    def calls(self) -> list[CallStep]:
        return [
            CallStep(name, Passage(arguments, f"{self.part}-call-{place}", wants_json=True))
            for place, (_, name, arguments) in enumerate(calls_made(self.output.tool_calls), start=1)
        ]

    @property
    def words(self) -> int:
        return len(self.output.text.split())

    @property
    def passages(self) -> Iterator[Passage]:
        yield from (self.text, self.as_sent, self.from_endpoint)
        yield from (call.arguments for call in self.calls)


@dataclass(frozen=True)
class CheckFinding:
    """What a check says of the answer, in a sentence; none for one that passed."""

    name: str
    outcome: str
    sentence: str


@dataclass(frozen=True)
class Reading:
    """One item with everything that a person needs to decide, and nothing of what others said of it.

    What names the candidate is reached through ``output`` and ``answers`` only, for pages that are not blind.
    """

    item: ReviewItem
    conversation: Conversation
    expected: Passage | None
    answers: Sequence[Answer]
    findings: Sequence[CheckFinding]
    own_label: Label | None
    own_types: set[int] = field(default_factory=set)

    @property
    def output(self) -> Output:
        return self.item.output

    @property
    def steps(self) -> list[tuple[int, str]]:
        """The messages of the request and the answer, numbered, for “first step that went wrong”."""
        return self.conversation.numbered

    @property
    def answer(self) -> Answer:
        """The one that the label is about."""
        return next(answer for answer in self.answers if answer.is_labelled)

    @property
    def baseline_output(self) -> Output | None:
        return next((answer.output for answer in self.answers if not answer.is_labelled), None)

    @cached_property
    def difference(self) -> Difference | None:
        return from_expected(self.output)

    @cached_property
    def expected_to_edit(self) -> str:
        """What is expected as text to correct; "" where that is more than is corrected beside an item."""
        kind, expected = self.output.example.expected_kind, self.output.example.expected
        # Measured first without its line breaks, which is many times faster.
        length = len(expected) if isinstance(expected, str) else len(json.dumps(expected, ensure_ascii=False))
        return editable_text(kind, expected) if length <= MOST_EDITED else ""

    @property
    def is_as_expected(self) -> bool:
        """Whether the answer says what is expected, spelling aside."""
        kind = self.output.example.expected_kind
        return bool(kind) and not self.output.error_cause and self.difference is None

    @cached_property
    def other_difference(self) -> Difference | None:
        """From the other answer to the one to label, where there are two."""
        return between_answers(self.baseline_output, self.output) if self.baseline_output else None


def read_item(item: ReviewItem, reviewer: User, has_label: bool = True) -> Reading:
    """Gather the item's request, its answers, what the checks say of it, and the reviewer's own label if any.

    ``has_label``: False where it is known that they have none.
    """
    output = item.output
    own = item.labels.filter(reviewer=reviewer).prefetch_related("error_types") if has_label else []
    label = next(iter(own), None)
    return Reading(
        item=item,
        conversation=conversation_of(output.example.request),
        expected=expected_passage(output),
        answers=answers_of(item, reviewer),
        findings=findings_of(output),
        own_label=label,
        own_types={error_type.pk for error_type in label.error_types.all()} if label else set(),
    )


def findings_of(output: Output) -> list[CheckFinding]:
    """What the active checks say, failed ones first. Without an answer the sentence leaves out the error, which may
    name the endpoint."""
    rows = all_rows(SCORES, {"output": output.pk})
    return [
        CheckFinding(name, outcome, NO_ANSWER if output.error_cause and message else message)
        for wanted in (Score.Outcome.FAILED, Score.Outcome.SKIPPED, Score.Outcome.PASSED)
        for name, outcome, message in rows
        if outcome == wanted
    ]


def expected_passage(output: Output) -> Passage | None:
    """The expected text or JSON; None where another kind or nothing is expected."""
    kind, expected = output.example.expected_kind, output.example.expected
    if kind == ExpectedKind.JSON:
        return Passage(json.dumps(expected, ensure_ascii=False), "expected", wants_json=True)
    return Passage(str(expected), "expected") if kind == ExpectedKind.TEXT else None


def answers_of(item: ReviewItem, reviewer: User) -> list[Answer]:
    """The answer, or it and the baseline's in an order that is random but stays the same for a person and an item."""
    output = item.output
    wants_json = output.example.expected_kind == ExpectedKind.JSON
    baseline = baseline_output_of(output) if Reason.DIFFERS in item.reasons else None
    if baseline is None:
        return [Answer(output, "answer", False, wants_json)]
    sides = [(output, "answer"), (baseline, "other")]
    if is_turned(item.pk, reviewer.pk):
        sides.reverse()
    return [Answer(side, part, True, wants_json) for side, part in sides]


def is_turned(item: int, reviewer: int) -> bool:
    """Whether the answer to label stands on the right: by chance, but always the same for a person and an item."""
    return bool(hashlib.sha256(f"sides of {item} for {reviewer}".encode()).digest()[0] & 1)


def baseline_output_of(output: Output) -> Output | None:
    run = baseline_run_of(output.run)
    if run is None:
        return None
    outputs = run.outputs.filter(example_id=output.example_id, repeat=output.repeat)
    return outputs.select_related("run__candidate").first()


def passages_of(reading: Reading) -> dict[str, Passage]:
    """Every text of the item by its name in addresses, whole."""
    conversation = reading.conversation
    found = [passage for step in conversation.steps for passage in step.passages]
    found += [tool.parameters for tool in conversation.tools]
    found += [passage for answer in reading.answers for passage in answer.passages]
    found += [reading.expected] if reading.expected else []
    return {passage.part: passage.whole() for passage in found}


def stretch_of(reading: Reading, part: str) -> Stretch | None:
    return next((stretch for stretch in reading.conversation.stretches if stretch.part == part), None)
