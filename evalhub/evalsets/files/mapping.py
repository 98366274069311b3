"""Which column of a file is what: one mapping for each purpose, as the person confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NamedTuple

from evalhub.evalsets.files.faults import UploadError, shown

EXPECTED_KINDS = ("text", "number", "json", "tool_calls")
NO_EXPECTED, GUESS_KIND, KIND_FROM_COLUMN = "none", "guess", "column"
KIND_CHOICES = {
    "text": "text",
    "number": "a number",
    "json": "JSON",
    "tool_calls": "tool calls",
    GUESS_KIND: "guess for each value",
    KIND_FROM_COLUMN: "as the kind column says",
    NO_EXPECTED: "nothing is expected",
}


class Field(NamedTuple):
    """One thing that a column can be mapped to."""

    name: str
    label: str
    is_required: bool = False
    help: str = ""


@dataclass(frozen=True)
class Mapping:
    """Columns by their spelling (see ``columns``); "" is none."""

    purpose: ClassVar[str]
    FIELDS: ClassVar[tuple[Field, ...]]

    def to_json(self) -> dict[str, Any]:
        return {"purpose": self.purpose, **asdict(self)}

    def columns(self) -> dict[str, str]:
        """Return field -> column for the fields that one column is mapped to."""
        return {field.name: getattr(self, field.name) for field in self.FIELDS if getattr(self, field.name)}

    def all_columns(self) -> list[str]:
        return list(self.columns().values())

    def problems(self, columns: Sequence[str]) -> list[str]:
        """Return a sentence for each reason why a file with these columns cannot be read so; empty if it can."""
        found = [
            f"“{field.label}” has no column. Choose the one that holds it."
            for field in self.FIELDS
            if field.is_required and not getattr(self, field.name)
        ]
        return found + self.missing(columns)

    def missing(self, columns: Sequence[str]) -> list[str]:
        """Return a sentence for each column that the mapping names and the file does not have."""
        cure = f"Add it, or choose one of {_list(columns)}." if columns else "Add it, or choose another file."
        wanted = dict.fromkeys(self.all_columns())
        return [f"The file has no column {shown(column)}. {cure}" for column in wanted if column not in columns]


@dataclass(frozen=True)
class WithRequest(Mapping):
    """What examples and production samples have in common."""

    id: str = ""
    input: str = ""
    tools: str = ""
    tags: str = ""
    cluster: str = ""
    metadata_object: str = ""
    metadata: tuple[str, ...] = ()
    metadata_rest: bool = False

    def all_columns(self) -> list[str]:
        return [*super().all_columns(), *self.metadata]


ID = Field("id", "Id", help="Unique in the file. Without one, rows are called row-000001 and so on.")
INPUT = Field("input", "Input", True, "Text, a list of chat messages, or an object with messages and tools.")
TOOLS = Field("tools", "Tools", help="A list of tools, in OpenAI's shape or as name and parameters.")
TAGS = Field("tags", "Tags", help="A list, or text split at commas or semicolons.")
CLUSTER = Field("cluster", "Conversation or customer", help="Requests that belong together carry the same one.")
METADATA = Field("metadata_object", "Metadata object", help="A column that holds an object of further fields.")


@dataclass(frozen=True)
class ExampleMapping(WithRequest):
    purpose: ClassVar[str] = "examples"
    FIELDS: ClassVar[tuple[Field, ...]] = (
        ID,
        INPUT,
        TOOLS,
        Field("expected", "Expected", help="The known correct output."),
        Field("expected_kind_column", "Kind of expected", help="A column with text, number, json or tool_calls."),
        TAGS,
        CLUSTER,
        METADATA,
    )

    expected: str = ""
    expected_kind: str = NO_EXPECTED
    expected_kind_column: str = ""

    def problems(self, columns: Sequence[str]) -> list[str]:
        found = super().problems(columns)
        if self.expected_kind not in KIND_CHOICES:
            found.append(f"{shown(self.expected_kind)} is no kind of expected output. Choose one of the list.")
        if self.expected_kind != NO_EXPECTED and not self.expected:
            found.append("“Expected” has a kind but no column. Choose the one that holds it, or “nothing is expected”.")
        if self.expected_kind == NO_EXPECTED and self.expected:
            found.append("“Expected” has a column but no kind. Choose its kind, or no column.")
        if self.expected_kind == KIND_FROM_COLUMN and not self.expected_kind_column:
            found.append("“Kind of expected” has no column. Choose the one that holds it, or a fixed kind.")
        return found


@dataclass(frozen=True)
class SampleMapping(WithRequest):
    purpose: ClassVar[str] = "production_samples"
    FIELDS: ClassVar[tuple[Field, ...]] = (
        ID,
        Field("time", "Time", help="ISO 8601, or seconds or milliseconds since 1970. Without a zone it is UTC."),
        INPUT,
        TOOLS,
        Field("answer", "Answer", help="What production answered: text, a message, or a whole response."),
        Field("tool_calls", "Tool calls", help="The calls that production answered with."),
        Field("model", "Model"),
        Field("latency_ms", "Latency, ms"),
        Field("prompt_tokens", "Prompt tokens"),
        Field("completion_tokens", "Completion tokens"),
        TAGS,
        CLUSTER,
        METADATA,
    )

    time: str = ""
    answer: str = ""
    tool_calls: str = ""
    model: str = ""
    latency_ms: str = ""
    prompt_tokens: str = ""
    completion_tokens: str = ""


@dataclass(frozen=True)
class OutputMapping(Mapping):
    purpose: ClassVar[str] = "outputs"
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "Example id", True, "The id of the example in the eval set version."),
        Field("repeat", "Repeat", help="1, 2, 3 where a candidate was asked more than once. Without one, 1."),
        Field("text", "Output", help="Text, a message, or a whole response."),
        Field("tool_calls", "Tool calls"),
        Field("finish_reason", "Finish reason"),
        Field("prompt_tokens", "Prompt tokens"),
        Field("completion_tokens", "Completion tokens"),
        Field("cost", "Cost, US$"),
        Field("first_token_ms", "Time to first token, ms"),
        Field("total_ms", "Total time, ms"),
        Field("error", "Error", help="What went wrong, where there is no output."),
    )

    id: str = ""
    repeat: str = ""
    text: str = ""
    tool_calls: str = ""
    finish_reason: str = ""
    prompt_tokens: str = ""
    completion_tokens: str = ""
    cost: str = ""
    first_token_ms: str = ""
    total_ms: str = ""
    error: str = ""

    def problems(self, columns: Sequence[str]) -> list[str]:
        found = super().problems(columns)
        if not (self.text or self.tool_calls):
            found.append("Neither “Output” nor “Tool calls” has a column. Choose at least one.")
        return found


@dataclass(frozen=True)
class LabelMapping(Mapping):
    purpose: ClassVar[str] = "labels"
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("output", "Output id", help="As in an export of labels. Without one, example and run say which."),
        Field("id", "Example id", help="The id of the example in the eval set version."),
        Field("repeat", "Repeat", help="1, 2, 3 where a candidate was asked more than once. Without one, 1."),
        Field("candidate", "Candidate", help="Its name, where the labels are of several runs."),
        Field("run", "Run", help="Its number, where a candidate has several runs."),
        Field("reviewer", "Reviewer", True, "E-mail address or name of who gave the label."),
        Field("outcome", "Outcome", help="Pass or fail. Without one: fail where there are error types."),
        Field("error_types", "Error types", help="Names or codes: a list, or text split at commas or semicolons."),
        Field("severity", "Severity", help="Minor, major or critical."),
        Field("fault", "Whose fault", help="Model, expected, check, request or infrastructure."),
        Field("failing_step", "First failing step", help="The number of the message, from 1."),
        Field("note", "Note"),
    )

    output: str = ""
    id: str = ""
    repeat: str = ""
    candidate: str = ""
    run: str = ""
    reviewer: str = ""
    outcome: str = ""
    error_types: str = ""
    severity: str = ""
    fault: str = ""
    failing_step: str = ""
    note: str = ""
    makes_people: bool = False
    makes_types: bool = False

    def problems(self, columns: Sequence[str]) -> list[str]:
        found = super().problems(columns)
        if not (self.output or self.id):
            found.append("Neither “Output id” nor “Example id” has a column. Choose at least one.")
        if not (self.outcome or self.error_types):
            found.append("Neither “Outcome” nor “Error types” has a column. Choose at least one.")
        return found


MAPPINGS: dict[str, type[Mapping]] = {
    kind.purpose: kind for kind in (ExampleMapping, SampleMapping, OutputMapping, LabelMapping)
}


def mapping_class(purpose: str) -> type[Mapping]:
    """Return the mapping of “examples”, “production_samples”, “outputs” or “labels”."""
    try:
        return MAPPINGS[purpose]
    except KeyError:
        raise UploadError(f"{shown(purpose)} is no purpose of an upload.") from None


def mapping_from_json(data: dict[str, Any]) -> Mapping:
    """Return the mapping that ``to_json`` wrote, or that a form sent. Raises UploadError at what it cannot be."""
    kind = mapping_class(str(data.get("purpose", "")))
    values = {key: value for key, value in data.items() if key != "purpose"}
    wanted = {field.name: field.type for field in fields(kind)}
    for name, value in values.items():
        if name not in wanted or not _fits(value, str(wanted[name])):
            raise UploadError(
                f"The mapping has {shown(name)} = {shown(value)}, which is not understood. Map the columns again."
            )
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _fits(value: Any, wanted: str) -> bool:
    if wanted == "bool":
        return isinstance(value, bool)
    if wanted == "str":
        return isinstance(value, str)
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _list(columns: Sequence[str], most: int = 12) -> str:
    names = ", ".join(shown(column) for column in columns[:most])
    return names + (f" and {len(columns) - most} more" if len(columns) > most else "")
