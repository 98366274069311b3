"""The address for whatever watches EvalHub: open to all, and of few words."""

import pytest

from evalhub.web.health import what_is_away

NOWHERE = "/nowhere/at-all"


@pytest.fixture(autouse=True)
def looked_up_again():
    what_is_away.cache_clear()
    yield
    what_is_away.cache_clear()


def test_it_says_ok_to_anybody_and_leaves_no_session(client, db):
    answer = client.get("/health/")

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"ok", "text/plain")
    assert not answer.cookies


def test_it_names_the_database_when_that_does_not_answer(client, settings, db):
    settings.DATABASES["default"]["HOST"], kept = NOWHERE, settings.DATABASES["default"]["HOST"]
    try:
        answer = client.get("/health/")
    finally:
        settings.DATABASES["default"]["HOST"] = kept

    assert (answer.status_code, answer.content) == (503, b"database")


def test_it_names_redis_when_that_does_not_answer(client, settings, db):
    settings.REDIS_URL = f"unix://{NOWHERE}.sock?db=0"

    answer = client.get("/health/")

    assert (answer.status_code, answer.content) == (503, b"redis")


def test_many_who_ask_within_a_second_cause_one_look():
    assert what_is_away(7) == ""
    assert what_is_away(7) == ""

    assert what_is_away.cache_info().hits == 1


def test_in_production_it_answers_a_plain_request_from_beside_the_proxy(client, settings, db):
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/health/").status_code == 200
    assert client.get("/sign-in/").status_code == 301
