"""A database that could not keep every text is refused before anything is stored."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections


@pytest.fixture
def latin_database(transactional_db):
    name = f"latin_{connection.settings_dict['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    here = connection.settings_dict["NAME"]
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name
    yield
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = here
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")


def test_migrating_a_database_that_is_not_utf8_is_refused_with_the_cure(latin_database):
    with pytest.raises(SystemCheckError, match=r"encoded as LATIN1.*(?s:.)*ENCODING 'UTF8'"):
        call_command("migrate", verbosity=0, skip_checks=False)


def test_the_database_of_the_tests_passes(db):
    call_command("check", databases=list(connections))
