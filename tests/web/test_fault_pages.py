"""The pages of faults: plain sentences, and nothing of what was asked for."""

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.utils import DataError
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from evalhub.web.views import csrf_failure, is_database_away


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "405", "500", "503"])
def test_a_fault_page_needs_no_request(code):
    page = render_to_string(f"{code}.html")

    assert page.count("<h1>") == 1
    assert 'href="/"' in page


@pytest.mark.django_db
def test_a_missing_page_repeats_nothing_of_its_address(client_of, lead):
    answer = client_of(lead).get("/p/<script>/%22evil")

    assert answer.status_code == 404
    assert b"evil" not in answer.content
    assert b"There is nothing here" in answer.content


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("runs/999999/", 404, "There is nothing here"),
        ("people/", 403, "You may not do this"),
        ("runs/?after=x", 400, "This request was not understood"),
    ],
)
def test_a_fault_inside_a_project_keeps_its_menu(path, status, sentence, client_of, lead, project):
    answer = client_of(lead).get(f"/p/{project.slug}/{path}")

    text = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{sentence}</h1>" in text
    assert f'href="/p/{project.slug}/evalsets/"' in text and "Sign out" in text


def test_a_fault_outside_of_the_own_projects_shows_nothing_of_them(client_of, stranger, project):
    text = client_of(stranger).get(f"/p/{project.slug}/runs/").content.decode()

    assert "There is nothing here" in text
    assert project.name not in text and "/evalsets/" not in text


@pytest.mark.parametrize("key", ["x", "1.5", "--1", "-", "1" * 19, "٣\x00", "1 2"])
@pytest.mark.parametrize("name", ["after", "before"])
def test_an_odd_key_of_a_list_is_not_understood(name, key, client_of, lead, project):
    assert client_of(lead).get(f"/p/{project.slug}/runs/", {name: key}).status_code == 400


@pytest.mark.parametrize("key", ["", "0", "-5", "7", "9" * 18])
def test_any_key_that_a_row_could_have_is(key, client_of, lead, project):
    assert client_of(lead).get(f"/p/{project.slug}/runs/", {"after": key}).status_code == 200


def test_a_form_of_an_older_session_is_refused_with_a_way_out(db):
    client = Client(enforce_csrf_checks=True)

    answer = client.post("/sign-in/", {"username": "a@example.org", "password": "x"})

    assert answer.status_code == 403
    assert b"This form is out of date" in answer.content
    assert csrf_failure(RequestFactory().get("/")).status_code == 403


def test_an_address_that_belongs_to_a_button_says_so(client_of, project, admin):
    answer = client_of(admin).get(f"/p/{project.slug}/review/rounds/7/change/")

    assert answer.status_code == 405
    assert b"This address belongs to a button" in answer.content
    assert f'href="/p/{project.slug}/review/rounds/7/"'.encode() in answer.content


def test_a_page_without_its_database_says_so(client_of, project, admin):
    client = client_of(admin)
    client.raise_request_exception = False

    with connection.execute_wrapper(lost_connection):
        answer = client.get(f"/p/{project.slug}/")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"The database does not answer" in answer.content


def lost_connection(*_query: object) -> None:
    raise OperationalError("the connection is lost") from psycopg.errors.AdminShutdown()


@pytest.mark.parametrize(
    ("fault", "cause", "is_away"),
    [
        (OperationalError, psycopg.errors.CrashShutdown, True),
        (OperationalError, psycopg.OperationalError, True),  # a socket that is not there
        (OperationalError, psycopg.errors.DiskFull, False),
        (OperationalError, psycopg.errors.QueryCanceled, False),
        (DataError, psycopg.errors.NumericValueOutOfRange, False),
    ],
)
def test_what_the_database_says_of_a_statement_is_a_fault_of_ours(fault, cause, is_away):
    error = fault("it failed")
    error.__cause__ = cause()

    assert is_database_away(error) is is_away
