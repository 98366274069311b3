"""Who gets in, and what those who do not are told."""

import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from evalhub.projects.keys import revoke_key
from evalhub.projects.models import ApiKey, Event, Member, Role, User
from evalhub.projects.trail import record_event
from tests.api.asking import Api, api_of, fault

PROJECT = "/api/v1/project"


def test_a_key_tells_its_project_and_what_it_may(lead_api, project):
    answer = lead_api.get("/project")

    assert answer.status_code == 200
    facts = answer.json()
    assert (facts["slug"], facts["name"], facts["person"]) == (project.slug, "Support inbox", "Lea")
    assert facts["key"] == {"name": "lead of Lea", "ending": lead_api.key[-4:], "role": "lead"}
    assert facts["upload_limit_bytes"] == 512 * 1024 * 1024


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer evh_wrong",
        "Bearer evh_" + "a" * 43,
        "Basic YWRhOmFkYQ==",
        "evh_" + "a" * 43,
        "Bearer <script>alert(1)</script>",
        "Bearer " + "x" * 5000,
        "Bearer \u00ff\u00fe",
    ],
)
def test_without_a_key_that_works_nothing_opens(admin_api, header):
    answer = Client().get(PROJECT, headers={"Authorization": header} if header is not None else {})

    assert answer.status_code == 401
    assert fault(answer)["code"] == "no_key"
    assert answer["WWW-Authenticate"] == 'Bearer realm="EvalHub"'
    assert b"script" not in answer.content


def test_a_revoked_key_is_told_the_same_as_a_wrong_one(admin_api, admin):
    wrong = Api("evh_" + "a" * 43).get("/project")

    revoke_key(ApiKey.objects.get(), admin)

    answer = admin_api.get("/project")
    assert (answer.status_code, answer.content) == (401, wrong.content)


def test_the_key_of_a_disabled_person_is_dead(lead_api, lead):
    User.objects.filter(pk=lead.pk).update(is_active=False)

    assert lead_api.get("/project").status_code == 401


def test_the_key_of_somebody_who_left_is_dead(lead_api, lead):
    Member.objects.filter(user=lead).delete()

    assert lead_api.get("/project").status_code == 401


def test_a_key_may_no_more_than_its_person_by_now(lead_api, lead):
    assert lead_api.get("/runs").status_code == 200

    Member.objects.filter(user=lead).update(role=Role.REVIEWER)

    answer = lead_api.get("/runs")
    assert answer.status_code == 403
    assert fault(answer)["message"].startswith("This needs the role Lead; the key has the role Reviewer.")
    assert lead_api.get("/project").json()["key"]["role"] == "reviewer"


def test_a_session_is_not_a_key(client_of, admin, project):
    client = client_of(admin)

    assert client.get(PROJECT).status_code == 401
    answer = client.post("/api/v1/eval-sets", {"name": "Inbox"}, content_type="application/json")
    assert answer.status_code == 401


def test_a_key_beside_the_session_of_another_is_what_counts(client_of, stranger, lead_api, project):
    answer = client_of(stranger).get(PROJECT, headers={"Authorization": f"Bearer {lead_api.key}"})

    assert answer.json()["person"] == "Lea"


def test_a_key_opens_no_page(lead_api, project):
    answer = lead_api.client.get(reverse("projects:overview", args=[project.slug]))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("projects:sign_in"))


def test_a_use_shows_on_the_page_of_keys(lead_api, client_of, admin, project):
    lead_api.get("/project")

    page = client_of(admin).get(reverse("projects:keys", args=[project.slug])).content.decode()

    assert ">never<" not in page


def test_no_answer_sets_a_cookie_or_may_be_kept(lead_api):
    answer = lead_api.get("/project")

    assert not answer.cookies
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_two_keys_of_one_person_open_their_own_projects(admin, project):
    from evalhub.projects.joining import found_project

    other = found_project(admin, "Another")

    assert api_of(admin, project).get("/project").json()["slug"] == project.slug
    assert api_of(admin, other).get("/project").json()["slug"] == other.slug


@pytest.mark.django_db(transaction=True)
def test_a_key_is_in_no_log_and_nowhere_in_the_database(web_server, lead_api, project):
    from pathlib import Path

    for path in ("project", "runs/7", "nothing"):
        request = urllib.request.Request(
            f"{web_server.url}/api/v1/{path}", headers={"Authorization": f"Bearer {lead_api.key}"}
        )
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=20).close()

    logs = [path.read_text() for path in Path(settings.EVALHUB_HOME).glob("*.log")]
    assert any("/api/v1/runs/7" in log for log in logs)
    assert not any(lead_api.key in log for log in logs)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" AS rows WHERE rows::text LIKE %s', [f"%{lead_api.key}%"])
            assert cursor.fetchone() == (0,), table


def test_the_history_names_the_key_that_acted_and_none_where_a_person_did(client_of, lead_api, admin, project):
    lead_api.post("/eval-sets", {"name": "By program"})
    record_event(project, admin, "made the eval set", "By hand")

    made = dict(Event.objects.filter(action="made the eval set").values_list("subject", "by_key"))
    page = client_of(admin).get(reverse("projects:history", args=[project.slug])).content.decode()

    key = ApiKey.objects.get()
    assert made == {"By program": key.name, "By hand": ""}
    assert page.count(f"by key “{key.name}”") == 1
