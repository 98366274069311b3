"""What can be exported. Each kind is a class that an app above names in ``settings.EXPORTS``.

A source turns the filters of the page it starts from into a query, and says of each column what it holds. How rows
become JSONL, CSV or Parquet is for ``encoding`` to say, the same for all kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.utils.module_loading import import_string

from evalhub.errors import EvalHubError
from evalhub.projects.models import Project, Role

LONGEST_FILTER = 1_000
TABLES: tuple[str, ...] = ("jsonl", "csv", "parquet")
"""The formats of every kind: rows of columns."""


class ExportError(EvalHubError):
    """What was asked for cannot be exported."""


class NotThere(ExportError):
    """What a filter names is not in this project; whether it is elsewhere is nobody's business."""


class Holds(Enum):
    """What stands in a column."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    TEXTS = "list of texts"
    JSON = "JSON, kept as it is spelled"
    OBJECT = "object, its keys sorted"


@dataclass(frozen=True)
class Column:
    """A column of an export: its name there, what it holds, and where it comes from (a field's path, or SQL of Django).

    JSONL leaves out what is absent (null; an empty list, object or text), except a text that ``is_kept``.
    """

    name: str
    holds: Holds
    value: str | Combinable
    is_kept: bool = False


class Source:
    """One kind of rows. A subclass reads its filters in ``__init__`` and raises ExportError at what it cannot be."""

    title: ClassVar[str]
    needed_role: ClassVar[Role] = Role.LEAD
    filters: ClassVar[tuple[str, ...]]
    """Names that the address of the page has; a value that stands there more than once is joined by commas."""
    formats: ClassVar[Sequence[str]] = TABLES
    """Those that are no tables are records of another tool's shape: see ``records``."""
    columns: ClassVar[Sequence[Column]]
    """An object, of which there is at most one, stands last."""

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        self.project = project
        self.given = {name: value for name, value in filters.items() if value != ""}
        for name, value in self.given.items():
            if name not in self.filters:
                raise ExportError(f"{self.title} have no filter of such a name. Use {', '.join(self.filters)}.")
            if not isinstance(value, str) or len(value) > LONGEST_FILTER or "\0" in value:
                raise ExportError(f"“{name}” cannot be that. Give a text of at most {LONGEST_FILTER} characters.")

    def settled(self) -> dict[str, str]:
        """Return the filters as they are kept: what “the newest” meant when it was asked for is named there."""
        return self.given

    def rows(self) -> QuerySet[Any]:
        """Return the rows in the order of the page."""
        raise NotImplementedError

    def records(self, format: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows in the shape of another tool, few of them at a time in memory."""
        raise NotImplementedError

    def description(self) -> str:
        """Return the filters in words."""
        raise NotImplementedError

    def subject(self) -> str:
        """Return what the file's name says besides the kind, such as “run-7”: words of ours and ids only."""
        raise NotImplementedError

    def count(self, most: int | None = None) -> int:
        """Return how many rows there are; with ``most`` counting stops there."""
        rows = self.rows().order_by()
        return rows.count() if most is None else rows[:most].count()

    def sql(self) -> tuple[str, tuple[Any, ...]]:
        """Return a SELECT of the columns, in their order, and its parameters."""
        query = self.rows().values_list(*self._values()).query
        return query.sql_with_params()

    def _values(self) -> list[Any]:
        return [column.value for column in self.columns]

    def id_of(self, name: str) -> int:
        """Return the id that a filter names. Raises ExportError if there is none."""
        text = self.given.get(name, "")
        if not text:
            raise ExportError(f"“{name}” is missing. Say which one by its id.")
        return whole_number(name, text)

    def ids_of(self, name: str) -> list[int]:
        """Return the ids that a filter names, each once."""
        texts = [text for text in self.given.get(name, "").split(",") if text]
        return list(dict.fromkeys(whole_number(name, text) for text in texts))


def whole_number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise ExportError(f"“{name}” must be a whole number.")
    return int(text)


def source_of(kind: str) -> type[Source]:
    """Return the source of a kind. Raises ExportError if there is no such kind."""
    if kind not in settings.EXPORTS:
        raise ExportError(f"There is no such kind of export. Use {', '.join(settings.EXPORTS)}.")
    found: type[Source] = import_string(settings.EXPORTS[kind])
    return found
