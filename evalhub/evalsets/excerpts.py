"""Short texts of long JSON columns, cut by the database: a list of fifty does not load fifty conversations."""

from __future__ import annotations

from django.db.models import F, Func, TextField

CHARACTERS = 240
LAST_CONTENT = (
    "left(coalesce(%(expressions)s #>> '{messages,-1,content,0,text}', %(expressions)s #>> '{messages,-1,content}'), "
    f"{CHARACTERS})"
)


def request_excerpt() -> Func:
    """The beginning of the last message's text, or of its first part where it has parts."""
    return Func(F("request"), template=LAST_CONTENT, output_field=TextField())


def expected_excerpt() -> Func:
    """The beginning of the expected output, as JSON."""
    return Func(F("expected"), template=f"left(%(expressions)s::text, {CHARACTERS})", output_field=TextField())
