"""COPY's text format, as PostgreSQL itself reads it."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.copy_text import NULL, bytea, escape_json, escape_text, join_row, optional, text_array

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.sampled_from(
    ["\\N", "\\.", "a\tb", "a\nb", "a\r\nb", "\\", '"', "NULL", "{}", "", " ", '"a\\"', "\\t"]
)
pytestmark = pytest.mark.django_db


def copy_one(row: bytes) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS staged_row (t text, a text[], j json, b bytea, n integer)")
        cursor.execute("TRUNCATE staged_row")
        with cursor.copy("COPY staged_row FROM STDIN") as copy:
            copy.write(row)
        cursor.execute("SELECT t, a, j::text, b, n FROM staged_row")
        return cursor.fetchone()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=TEXTS, tags=st.lists(TEXTS), value=TEXTS, digest=st.binary())
def test_postgresql_reads_back_what_was_staged(text: str, tags: list[str], value: str, digest: bytes):
    document = compact_json({value: [value]})

    stored = copy_one(
        join_row([escape_text(text), text_array(tags), escape_json(document), bytea(digest), optional(7)])
    )

    assert (stored[0], stored[1], stored[2], bytes(stored[3]), stored[4]) == (text, tags, document.decode(), digest, 7)
    assert json.loads(stored[2]) == {value: [value]}


def test_null_and_its_spelling_as_text_differ():
    assert copy_one(join_row([escape_text("\\N"), text_array(["\\N", "NULL"]), NULL, NULL, optional(None)])) == (
        "\\N",
        ["\\N", "NULL"],
        None,
        None,
        None,
    )
