import pytest
from django.db import OperationalError, connection

from evalhub.evalsets.patience import TooSlow, bounded


def run(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def test_a_query_that_takes_too_long_is_ended_with_a_sentence(db):
    with pytest.raises(TooSlow, match="too many samples to be quick"), bounded(0.05):
        run("SELECT pg_sleep(30)")


@pytest.mark.django_db(transaction=True)
def test_the_bounds_end_with_the_block():
    before = run("SELECT current_setting('statement_timeout'), current_setting('work_mem')")

    with bounded(3, work_memory_mb=64):
        assert run("SELECT current_setting('statement_timeout'), current_setting('work_mem')") == ("3s", "64MB")

    assert run("SELECT current_setting('statement_timeout'), current_setting('work_mem')") == before


def test_another_fault_of_the_database_stays_what_it_is(db):
    with pytest.raises(OperationalError, match="could not obtain"), bounded(3):
        run("DO $$ BEGIN RAISE EXCEPTION 'could not obtain' USING ERRCODE = 'lock_not_available'; END $$")
