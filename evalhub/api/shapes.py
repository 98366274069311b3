"""What is sent and what is answered. Money is text, since JSON's numbers lose the ninth place; times are ISO 8601."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

MOST_NAMED = 100
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True, pattern=r"^[^\x00]*$")]
Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
Column = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Sent(Schema):
    """The base of what is sent: a name that is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class FaultPlace(Schema):
    place: str = Field(description="Where in the request, such as body.repeats.")
    message: str


class FaultBody(Schema):
    code: str = Field(description="For programs; one of the codes in the introduction.")
    message: str = Field(description="For people: what is wrong and what to do.")
    places: list[FaultPlace]
    state: str | None = Field(description="With wrong_state: the state that the object is in.")


class Fault(Schema):
    """Every answer from 400 on."""

    error: FaultBody


class Key(Schema):
    name: str
    ending: str
    role: str = Field(description="What the key may do now: the lower one of its own role and its maker's.")


class ProjectFacts(Schema):
    slug: str
    name: str
    description: str
    person: str = Field(description="Whom the key stands for.")
    key: Key
    upload_limit_bytes: int
    page: str = Field(description="Path of the page on the same server, as everywhere.")


class Version(Schema):
    """One version of an eval set."""

    id: int
    eval_set: int
    eval_set_name: str
    number: int
    state: str = Field(description="importing, draft or published.")
    is_publishing: bool = Field(description="The publication is asked for, and a worker has yet to do it.")
    example_count: int
    content_hash: str = Field(description="SHA-256 of the download; empty in a draft.")
    note: str
    created_at: datetime
    published_at: datetime | None
    page: str


class EvalSet(Schema):
    id: int
    name: str
    description: str
    created_at: datetime
    latest: Version | None = Field(description="The newest version, published or not.")
    latest_published: Version | None
    page: str


class NewEvalSet(Sent):
    name: Name
    description: Text = ""


class Candidate(Schema):
    id: int
    name: str
    model: str
    is_baseline: bool
    is_called: bool = Field(description="It has an endpoint, so runs of it can be started.")
    input_price: Decimal | None = Field(description="US$ for a million tokens; null is unknown.")
    output_price: Decimal | None


class RowError(Schema):
    line: int = Field(description="As an editor counts, from 1; in Parquet the row.")
    column: str
    reason: str
    sentence: str = Field(description="“Line 7: …”, for people.")


class Round(Schema):
    """A review round that labels from a file went to."""

    id: int
    name: str
    is_closed: bool
    items: int
    labels: int = Field(description="Given in it so far, in files and here.")
    contested: int = Field(description="Items on which people differ, and nobody decided yet.")
    settled: int
    page: str


class Upload(Schema):
    """A file on its way in: received, checking, checked, importing, done; or refused, or cancelled."""

    id: int
    purpose: str
    state: str
    file_name: str
    size: int
    refusal: str = Field(description="Why the file as a whole cannot be read.")
    columns: list[str] = Field(description="What can be mapped, fields inside objects too.")
    mapping: dict[str, Any] = Field(description="Which column is what: guessed, or as you said.")
    problems: list[str] = Field(description="Why the guessed mapping cannot be used.")
    rows_done: int = Field(description="In the step that is going on.")
    bytes_done: int
    rows_good: int
    rows_bad: int
    errors: list[RowError] = Field(description="The first ones; rows_bad counts all.")
    error_counts: dict[str, int]
    notes: dict[str, int] = Field(description="What was left out, and how often.")
    version: Version | None = Field(description="What examples became.")
    run: int | None = Field(description="What recorded outputs became.")
    round: Round | None = Field(description="Where labels went.")
    page: str


class CheckUpload(Sent):
    mapping: dict[Column, Column | bool | list[Column]] = Field(
        default={},
        description="Changes to the guessed mapping: what it is → name of the column; “” is none. For labels also "
        "makes_people and makes_types: true makes reviewers who are no members, and error types that are missing.",
    )


class ConfirmUpload(Sent):
    leave_out_bad_rows: bool = Field(default=False, description="Import the good rows where others have errors.")
    publish: bool = Field(default=False, description="Publish the version once its examples are there.")


class NewRuns(Sent):
    version: Id = Field(description="Of a published version.")
    candidates: list[Id] = Field(min_length=1, max_length=MOST_NAMED)
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    budget: Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=9)] | None = Field(
        default=None, description="US$ for each run: no call begins that could exceed it."
    )
    reuses_outputs: bool = Field(default=False, description="Do not make a call again that an earlier run made.")
    accepts_unknown_cost: bool = Field(default=False, description="Also run candidates without a price.")


class Run(Schema):
    id: int
    candidate: int
    candidate_name: str
    version: int
    version_name: str
    source: str = Field(description="called or uploaded.")
    state: str = Field(description="running, paused, finished or cancelled.")
    state_reason: str
    repeats: int
    planned: int = Field(description="Outputs: examples times repeats.")
    stored: int
    failed: int = Field(description="Of those stored: ended in an error.")
    cost: Decimal | None
    budget: Decimal | None
    reuses_outputs: bool
    created_at: datetime
    finished_at: datetime | None
    page: str


class Failure(Schema):
    cause: str
    name: str
    count: int
    error: str = Field(description="Of one of them, in a sentence.")


class RunProgress(Run):
    """A run as it moves."""

    rate: float | None = Field(description="Outputs a second over the last half minute.")
    seconds_left: float | None
    waits_for: str = Field(description="Why nothing happens, if nothing does.")
    needs_help: bool = Field(description="It will not go on by itself.")
    failures: list[Failure]


class StartedRuns(Schema):
    items: list[Run]


class NewExport(Sent):
    kind: Name = Field(description="examples, production_samples, outputs, scores, verdicts or labels.")
    format: Name = Field(
        default="jsonl",
        description="jsonl (exact), csv (safe in spreadsheets), parquet; of labels also label_studio, openinference.",
    )
    filters: dict[Name, Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]] = Field(
        default={}, description="As in the address of the page: the same names and values.", max_length=MOST_NAMED
    )


class Export(Schema):
    id: int
    kind: str
    format: str
    filters: dict[str, Any]
    state: str = Field(description="waiting, working, done, failed or cancelled.")
    rows_done: int
    rows_total: int | None
    size: int = Field(description="In bytes, once done.")
    name: str = Field(description="A name for the file.")
    error: str
    created_at: datetime
    finished_at: datetime | None


class EvalSetPage(Schema):
    items: list[EvalSet]
    next: int | None


class VersionPage(Schema):
    items: list[Version]
    next: int | None


class CandidatePage(Schema):
    items: list[Candidate]
    next: int | None


class RunPage(Schema):
    items: list[Run]
    next: int | None
