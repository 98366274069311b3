"""What of a project a breakdown is about: read from the query string of a page, and written back to one spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict

from evalhub.errors import EvalHubError
from taxonomy.models import Source

MOST_DIGITS = 18
"""A number of so many fits into the database's."""
LONGEST_TAG = 200
MOST_KEYS = 100


class FilterError(EvalHubError):
    """The address asks for a breakdown that cannot be."""


class Sources(StrEnum):
    """Whose findings are shown."""

    BOTH = "both"
    PEOPLE = "people"
    CHECK = "check"


class Estimated(StrEnum):
    """Over which outputs rates are: those that people reviewed, or all of the run, by how they were chosen."""

    REVIEWED = "reviewed"
    ALL = "all"


class ListsOfOne:
    """A plain mapping of names to a text or a list of texts, as parameters: for the report and for commands."""

    def __init__(self, given: Mapping[str, str | list[str]]) -> None:
        self.given = given

    def get(self, name: str, default: str = "", /) -> str:
        found = self.getlist(name)
        return found[-1] if found else default

    def getlist(self, name: str, /) -> list[str]:
        found = self.given.get(name, [])
        return [found] if isinstance(found, str) else list(found)


Parameters = QueryDict | ListsOfOne


@dataclass(frozen=True, slots=True)
class Filters:
    """All by key. What is not said is None or empty, and what stands then is decided where the data are read.

    ``runs`` take the place of the ones that would be chosen for their candidates; ``candidates`` are the only ones
    shown. ``round``: outputs of that review round alone. ``as_of``: the number of a version of the taxonomy.
    ``tag``: outputs for examples that carry it, alone.
    """

    version: int | None = None
    runs: tuple[int, ...] = ()
    candidates: tuple[int, ...] = ()
    round: int | None = None
    as_of: int | None = None
    source: Sources = Sources.BOTH
    estimate: Estimated = Estimated.REVIEWED
    tag: str = ""

    @classmethod
    def parsed(cls, parameters: Parameters) -> Self:
        """From a query string; names that are no filter are left alone. Raises FilterError, saying which is odd."""
        return cls(
            version=whole_number(parameters, "version"),
            runs=whole_numbers(parameters, "run"),
            candidates=whole_numbers(parameters, "candidate"),
            round=whole_number(parameters, "round"),
            as_of=whole_number(parameters, "as_of"),
            source=one_of(parameters, "source", Sources, Sources.BOTH),
            estimate=one_of(parameters, "estimate", Estimated, Estimated.REVIEWED),
            tag=tag_of(parameters),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values in one order, without what says nothing: equal filters, equal pairs."""
        single = {
            "round": self.round,
            "as_of": self.as_of,
            "source": self.source if self.source != Sources.BOTH else None,
            "estimate": self.estimate if self.estimate != Estimated.REVIEWED else None,
            "tag": self.tag or None,
        }
        return [
            *([("version", str(self.version))] if self.version is not None else []),
            *[("run", str(key)) for key in sorted(set(self.runs))],
            *[("candidate", str(key)) for key in sorted(set(self.candidates))],
            *[(name, str(value)) for name, value in single.items() if value is not None],
        ]

    @property
    def query(self) -> str:
        """As a query string, without the question mark."""
        return urlencode(self.pairs())

    def but(self, **changes: Any) -> Self:
        """The same with some of it changed."""
        return replace(self, **changes)

    @property
    def shows_people(self) -> bool:
        return self.source in {Sources.BOTH, Sources.PEOPLE}

    @property
    def shows_checks(self) -> bool:
        return self.source in {Sources.BOTH, Sources.CHECK}

    @property
    def sources(self) -> list[Source]:
        """Whose findings are shown, in the order in which they stand side by side."""
        return [source for source in (Source.PEOPLE, Source.CHECK) if self.source in {Sources.BOTH, source}]

    @property
    def is_narrowed(self) -> bool:
        """Whether only a part of each run's outputs counts."""
        return self.round is not None or bool(self.tag)

    @property
    def estimates_all(self) -> bool:
        return self.estimate == Estimated.ALL


def whole_number(parameters: Parameters, name: str) -> int | None:
    return number_in(parameters.get(name, ""), name)


def whole_numbers(parameters: Parameters, name: str) -> tuple[int, ...]:
    """Each once, rising."""
    texts = parameters.getlist(name)
    if len(texts) > MOST_KEYS:
        raise FilterError(f"The address names more than {MOST_KEYS} of “{name}”. Choose fewer.")
    return tuple(sorted({key for text in texts if (key := number_in(text, name)) is not None}))


def number_in(text: str, name: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise FilterError(f"“{name}” in the address must be a whole number. Choose again with the filters of the page.")
    return int(text)


def one_of(parameters: Parameters, name: str, choices: Any, default: Any) -> Any:
    text = parameters.get(name, "") or default
    if text not in set(choices):
        raise FilterError(f"“{name}” in the address must be {listed(choices)}. Choose again with the page's filters.")
    return choices(text)


def listed(choices: Iterable[Any]) -> str:
    *others, last = [str(choice) for choice in choices]
    return f"{', '.join(others)} or {last}"


def tag_of(parameters: Parameters) -> str:
    text: str = parameters.get("tag", "") or ""
    if len(text) > LONGEST_TAG or "\0" in text:
        raise FilterError("“tag” in the address cannot be a tag. Choose again with the filters of the page.")
    return text
