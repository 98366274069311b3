"""A request as numbered steps: calls with their results, and what was said earlier folded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalhub.evalsets.conversation import FOLDED_ROLES, Turn, tools_of, turns_of
from reviews.reading.passages import FOLDED_CHARACTERS, MAIN_CHARACTERS, Passage

FOLDED_BYTES = 10_000
"""That folded parts may take on an item's page together; what is beyond that is fetched when it is opened."""
SHORT_CHARACTERS = 700
"""Earlier steps of no more than that together stand open: nobody should have to open two lines."""
SHORT_TEXT = 60


@dataclass(frozen=True)
class CallStep:
    """A tool call of a message or of an answer, and the message that brought its result, if any."""

    name: str
    arguments: Passage
    result: Step | None = None

    @property
    def has_arguments(self) -> bool:
        return self.arguments.text.strip() not in {"", "{}"}


@dataclass(frozen=True)
class Step:
    """One message. ``number`` counts all messages of the request from 1; the answer comes after the last."""

    number: int
    turn: Turn
    text: Passage
    calls: Sequence[CallStep] = ()
    key: str = ""

    @property
    def is_instruction(self) -> bool:
        return self.turn.role in FOLDED_ROLES

    @property
    def parts(self) -> Iterator[Step]:
        """This step and the results joined with it."""
        yield self
        yield from (call.result for call in self.calls if call.result)

    @property
    def passages(self) -> Iterator[Passage]:
        yield self.text
        for call in self.calls:
            yield call.arguments
            if call.result:
                yield from call.result.passages

    @property
    def short(self) -> str:
        """Who says what, short enough for a list to choose from."""
        name = f"{self.turn.label} {self.turn.about}".strip()
        if self.turn.beginning:
            words = self.turn.beginning
            return f"{name}: {words[:SHORT_TEXT].rstrip()}{'…' if len(words) > SHORT_TEXT else ''}"
        called = ", ".join(call.name for call in self.calls)
        return f"{name} calls {called}"[: SHORT_TEXT * 2] if called else name


@dataclass(frozen=True)
class Stretch:
    """Steps that follow each other and are folded together; ``is_fetched``: when they are opened, not before."""

    steps: Sequence[Step]
    is_fetched: bool
    key: str = ""

    @property
    def part(self) -> str:
        return f"steps-{self.first}-{self.last}"

    @property
    def first(self) -> int:
        return self.steps[0].number

    @property
    def last(self) -> int:
        return max(part.number for part in self.steps[-1].parts)

    @property
    def count(self) -> int:
        return sum(1 for step in self.steps for _ in step.parts)

    @property
    def is_short(self) -> bool:
        return sum(passage.length for step in self.steps for passage in step.passages) <= SHORT_CHARACTERS


@dataclass(frozen=True)
class OfferedTool:
    name: str
    description: str
    parameters: Passage


@dataclass(frozen=True)
class Conversation:
    """A request as it stands on the desk: instructions, stretches of earlier steps, and the steps that matter most."""

    steps: Sequence[Step]
    entries: Sequence[Step | Stretch] = ()
    tools: Sequence[OfferedTool] = field(default_factory=list)
    fetches_tools: bool = False

    @property
    def numbered(self) -> list[tuple[int, str]]:
        """Every message with its number and a short text, in order; the answer is the last one."""
        parts = sorted((part for step in self.steps for part in step.parts), key=lambda part: part.number)
        return [*((part.number, part.short) for part in parts), (len(parts) + 1, "The answer")]

    @property
    def message_count(self) -> int:
        return sum(1 for step in self.steps for _ in step.parts)

    @property
    def stretches(self) -> list[Stretch]:
        return [entry for entry in self.entries if isinstance(entry, Stretch)]


def conversation_of(request: Any) -> Conversation:
    """A request with the calls joined with their results and the last things said in full view."""
    steps = list(joined_steps(request))
    tools = offered_tools(request)
    entries: list[Step | Stretch] = []
    keys = {"instruction": ["s"], "before": ["a"], "after": ["v"]}
    left, place = FOLDED_BYTES, "before"
    for group in grouped(steps):
        is_main = not group[0].is_instruction and group[0] in main_steps(steps)
        cost = 0 if is_main else cost_of(group)
        is_fetched = cost > left and not group[0].is_instruction
        left -= 0 if is_fetched else cost
        if is_main:
            entries.append(group[0])
            place = "after"
        elif group[0].is_instruction:
            entries.append(replace(group[0], key=next_of(keys["instruction"])))
        else:
            entries.append(Stretch(group, is_fetched, next_of(keys[place])))
    fetches_tools = sum(tool.parameters.cost + len(tool.description) for tool in tools) > max(left, 0)
    return Conversation(steps, entries, tools, fetches_tools)


def next_of(keys: list[str]) -> str:
    """The key for the first of its kind; "" for others: one key opens one part."""
    return keys.pop() if keys else ""


def joined_steps(request: Any) -> Iterator[Step]:
    """The messages as steps, those that bring a tool's result inside the step that called it."""
    messages = request.get("messages") if isinstance(request, dict) else None
    messages = [message for message in messages or [] if isinstance(message, dict)]
    numbered = list(enumerate(zip(messages, turns_of(request), strict=True), start=1))
    while numbered:
        number, (message, turn) = numbered.pop(0)
        results: list[tuple[str, Step]] = []
        if made := calls_made(message.get("tool_calls")):
            while numbered and numbered[0][1][1].role == "tool" and len(results) < len(made):
                place, (result, said) = numbered.pop(0)
                results.append((str(result.get("tool_call_id") or ""), step_of(place, said, [])))
        calls, loose = joined_calls(number, made, results)
        yield step_of(number, turn, calls)
        yield from loose


def step_of(number: int, turn: Turn, calls: Sequence[CallStep]) -> Step:
    limit = FOLDED_CHARACTERS if turn.role in FOLDED_ROLES else MAIN_CHARACTERS
    return Step(number, turn, Passage(turn.text, f"step-{number}", limit), calls)


def calls_made(calls: Any) -> list[tuple[str, str, str]]:
    """Id, name and arguments, as they were sent, of the tool calls of a message (``function``) or of an output."""
    found = []
    for call in calls if isinstance(calls, list) else []:
        if not isinstance(call, dict):
            continue
        inner = call.get("function")
        function = inner if isinstance(inner, dict) else call
        arguments = function.get("arguments") or ""
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        found.append((str(call.get("id") or ""), str(function.get("name") or ""), text))
    return found


def joined_calls(
    number: int, made: Sequence[tuple[str, str, str]], results: Sequence[tuple[str, Step]]
) -> tuple[list[CallStep], list[Step]]:
    """The calls with their results, by id or, without one, in order; and the results that belong to no call."""
    waiting = list(results)
    calls = []
    for place, (call_id, name, arguments) in enumerate(made, start=1):
        match = next((pair for pair in waiting if pair[0] == call_id), None) or next(
            (pair for pair in waiting if not pair[0]), None
        )
        if match:
            waiting.remove(match)
        passage = Passage(arguments, f"step-{number}-call-{place}", MAIN_CHARACTERS, wants_json=True)
        calls.append(CallStep(name, passage, match[1] if match else None))
    return calls, [step for _, step in waiting]


def main_steps(steps: Sequence[Step]) -> list[Step]:
    """What is to be read: the last thing that the user said, and the step before the answer."""
    asked = [step for step in steps if step.turn.role == "user"]
    return [*asked[-1:], *steps[-1:]]


def grouped(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Instructions and main steps each alone, what lies between them together."""
    main = main_steps(steps)
    between: list[Step] = []
    for step in steps:
        if step.is_instruction or step in main:
            if between:
                yield between
            between = []
            yield [step]
        else:
            between.append(step)
    if between:
        yield between


def cost_of(steps: Sequence[Step]) -> int:
    """Bytes on the page: the texts, and some 250 for what stands around each."""
    return sum(passage.cost + 250 for step in steps for passage in step.passages)


def offered_tools(request: Any) -> list[OfferedTool]:
    return [
        OfferedTool(
            tool.name,
            tool.description,
            Passage(json.dumps(tool.parameters, ensure_ascii=False) if tool.parameters else "", f"tool-{place}"),
        )
        for place, tool in enumerate(tools_of(request), start=1)
    ]
