"""Lists are paged by key: page one thousand costs what page one costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import BadRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
PAGE_SIZE = 50
MOST_DIGITS = 18
"""A number of so many fits into the database's."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows, and the keys with which its neighbours begin (None: there is no neighbour)."""

    rows: Sequence[Row]
    after: Any | None
    before: Any | None
    parameters: str

    @property
    def has_neighbours(self) -> bool:
        return self.after is not None or self.before is not None


def page_of(request: HttpRequest, rows: QuerySet[Row], key: str = "pk", size: int = PAGE_SIZE) -> Page[Row]:
    """The page that ``?after=KEY`` or ``?before=KEY`` asks for; ``key`` is a unique whole-number field.

    ``key`` may begin with "-" for a falling order. Raises BadRequest for a key that no row can have.
    """
    falling, field = key.startswith("-"), key.lstrip("-")
    after, before = whole(request.GET.get("after")), whole(request.GET.get("before"))
    backwards = after is None and before is not None
    bound = before if backwards else after
    if bound is not None:
        rows = rows.filter(**{f"{field}__{'lt' if falling != backwards else 'gt'}": bound})
    found = list(rows.order_by(f"{'-' if falling != backwards else ''}{field}")[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (bool(found), more) if backwards else (more, after is not None and bool(found))
    rest = request.GET.copy()
    rest.pop("after", None)
    rest.pop("before", None)
    return Page(
        rows=found,
        after=getattr(found[-1], field) if has_next and found else None,
        before=getattr(found[0], field) if has_previous and found else None,
        parameters=rest.urlencode(),
    )


def whole(text: str | None) -> int | None:
    if not text:
        return None
    if not text.removeprefix("-").isdecimal() or len(text) > MOST_DIGITS:
        raise BadRequest("The address asks for a page of the list that cannot be.")
    return int(text)
