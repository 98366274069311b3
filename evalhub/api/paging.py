"""Lists by key: ``after`` is the ``next`` of the page before, and page one thousand costs what page one costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Field, Schema

from evalhub.api.faults import at, not_understood

Row = TypeVar("Row", bound=Model)
DEFAULT_LIMIT, MOST_ITEMS = 50, 200


class Asked(Schema):
    """The base of what may stand in the query of an address."""


class Cursor(Asked):
    after: int | None = Field(None, ge=1, le=2**63 - 1, description="The “next” of the page before.")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MOST_ITEMS, description="How many items at most.")


def refuse_unknown(request: HttpRequest, asked: Asked) -> None:
    """A filter whose name is misspelt must not answer with everything."""
    known = type(asked).model_fields
    if any(name not in known for name in request.GET):
        raise not_understood(at("query", f"There is a name here that is not known. Use {', '.join(known)}."))


def page_of(request: HttpRequest, rows: QuerySet[Row], cursor: Cursor) -> tuple[Sequence[Row], int | None]:
    """The newest rows older than the cursor, and the cursor of the next page; None if this is the last one."""
    refuse_unknown(request, cursor)
    if cursor.after is not None:
        rows = rows.filter(pk__lt=cursor.after)
    found = list(rows.order_by("-pk")[: cursor.limit + 1])
    page = found[: cursor.limit]
    return page, page[-1].pk if len(found) > len(page) else None
