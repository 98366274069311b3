"""Statements of the desk: kept prepared, and readable where they are logged."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviews.rows import all_rows, first_row

ASKED = "SELECT %(number)s::int AS asked_at_the_desk"
KEPT = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::int AS asked_at_the_desk'"


@pytest.mark.django_db
def test_a_statement_that_is_asked_often_is_kept_prepared():
    for number in range(20):
        assert first_row(ASKED, {"number": number}) == (number,)

    with connection.cursor() as cursor:
        cursor.execute(KEPT)
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db
def test_where_statements_are_logged_their_values_stand_in_them():
    with CaptureQueriesContext(connection) as asked:
        assert all_rows(ASKED, {"number": 7}) == [(7,)]

    assert [query["sql"] for query in asked.captured_queries] == ["SELECT 7::int AS asked_at_the_desk"]
