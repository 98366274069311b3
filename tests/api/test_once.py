"""A request that is sent again does nothing twice: in turn, at once, after a breakdown, with another body."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from evalhub.api.models import StoredAnswer
from evalhub.api.once import lock
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Upload
from evalhub.exports.models import Export
from evalhub.projects.joining import found_project
from evalhub.projects.models import ApiKey, Event, Role
from evalhub.runs.models import Run
from tests.api.asking import Api, api_of, fault
from tests.making import make_run, make_version
from tests.runs.making import make_caller

BODY = {"name": "Inbox"}
REPLAYED = "Idempotent-Replayed"


def test_the_second_answer_is_the_first_and_says_so(lead_api, project):
    first = lead_api.post("/eval-sets", BODY, "key-1")
    second = lead_api.post("/eval-sets", BODY, "key-1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (first.get(REPLAYED), second.get(REPLAYED)) == (None, "true")
    assert EvalSet.objects.count() == 1
    assert Event.objects.filter(action="made the eval set").count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/eval-sets", {"name": "Another"}),
        ("/eval-sets", {"name": "Inbox", "description": ""}),
        ("/eval-sets?x=1", BODY),
        ("/exports", BODY),
    ],
)
def test_the_same_key_for_another_request_is_refused(lead_api, project, path, body):
    lead_api.post("/eval-sets", BODY, "key-1")

    answer = lead_api.post(path, body, "key-1")

    assert answer.status_code == 422
    assert fault(answer)["code"] == ("key_reused" if path != "/exports" else "not_understood")
    assert EvalSet.objects.count() == 1


def test_a_refusal_is_an_answer_too(lead_api, project):
    EvalSet.objects.create(project=project, name="Inbox")
    first = lead_api.post("/eval-sets", BODY, "key-1")
    EvalSet.objects.all().delete()

    second = lead_api.post("/eval-sets", BODY, "key-1")

    assert (first.status_code, second.status_code) == (422, 422)
    assert first.content == second.content
    assert fault(second)["places"] == [
        {"place": "body.name", "message": "There is an eval set of this name already. Choose another name."}
    ]


def test_without_a_key_each_request_counts(lead_api, project):
    assert [lead_api.post("/eval-sets", BODY).status_code for _ in range(2)] == [201, 422]
    assert StoredAnswer.objects.count() == 0


def test_two_api_keys_may_choose_the_same_idempotency_key(lead_api, admin_api, project):
    assert lead_api.post("/eval-sets", BODY, "1").status_code == 201
    assert admin_api.post("/eval-sets", {"name": "Another"}, "1").status_code == 201


def test_a_key_does_not_reach_the_answers_of_another_project(lead_api, lead, project):
    elsewhere = api_of(lead, found_project(lead, "Elsewhere"), Role.LEAD)
    lead_api.post("/eval-sets", BODY, "1")

    answer = elsewhere.post("/eval-sets", BODY, "1")

    assert answer.get(REPLAYED) is None
    assert list(EvalSet.objects.values_list("project__name", flat=True)) == ["Support inbox", "Elsewhere"]


def test_a_revoked_key_gets_no_kept_answer(lead_api, project):
    lead_api.post("/eval-sets", BODY, "1")
    ApiKey.objects.update(revoked_at=timezone.now())

    assert lead_api.post("/eval-sets", BODY, "1").status_code == 401


def test_every_write_is_done_once(lead_api, project, django_capture_on_commit_callbacks):
    version = make_version(project, 2)
    draft = make_version(project, 2, published=False)
    candidate = make_caller(project)
    finished = make_run(version)
    started = lead_api.post(
        "/runs", {"version": version.pk, "candidates": [candidate.pk], "accepts_unknown_cost": True}, "start"
    ).json()["items"][0]["id"]
    writes = [
        ("/runs", {"version": version.pk, "candidates": [candidate.pk], "accepts_unknown_cost": True}),
        (f"/versions/{draft.pk}/publish", None),
        (f"/runs/{started}/pause", None),
        (f"/runs/{started}/resume", None),
        (f"/runs/{started}/cancel", None),
        (f"/runs/{finished.pk}/retry", None),
        ("/exports", {"kind": "outputs", "filters": {"run": str(finished.pk)}}),
    ]
    for number, (path, body) in enumerate(writes):
        first, second = (lead_api.post(path, body, f"key-{number}") for _ in range(2))
        assert (first.content, second.get(REPLAYED)) == (second.content, "true"), path
        assert first.status_code == second.status_code < 500

    assert (Run.objects.count(), Export.objects.count()) == (3, 1)
    actions = ("paused", "resumed", "cancelled", "exported")
    assert Event.objects.filter(action__in=actions).count() == 4


def test_a_file_sent_again_is_received_once(lead_api, project):
    eval_set = EvalSet.objects.create(project=project, name="Inbox")
    path = f"/uploads?purpose=examples&eval_set={eval_set.pk}&file_name=a.jsonl"

    first = lead_api.send(path, b'{"input": "a"}\n', "1")
    second = lead_api.send(path, b'{"input": "a"}\n', "1")
    other = lead_api.send(path, b'{"input": "b"}\n', "1")

    assert (first.status_code, first.content) == (201, second.content)
    assert second[REPLAYED] == "true"
    assert fault(other)["code"] == "key_reused"
    assert Upload.objects.count() == 1


def test_a_request_that_is_being_answered_is_told_so(lead_api, project):
    """Somebody else, in a connection of their own, holds the key."""
    holding, done = threading.Event(), threading.Event()
    key = ApiKey.objects.latest("pk").pk

    def hold() -> None:
        with transaction.atomic():
            assert lock(f"{key}:1")
            holding.set()
            done.wait(20)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert holding.wait(20)
    answer = lead_api.post("/eval-sets", BODY, "1")
    done.set()
    holder.join()

    assert answer.status_code == 409
    assert fault(answer)["code"] == "in_flight"
    assert answer["Retry-After"] == "1"
    assert EvalSet.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_does_the_work(lead_api, project):
    version, candidate = make_version(project, 2), make_caller(project)
    body = {"version": version.pk, "candidates": [candidate.pk], "accepts_unknown_cost": True}
    together, answers = threading.Barrier(8), []

    def ask() -> None:
        together.wait()
        answers.append(Api(lead_api.key).post("/runs", body, "1"))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert sum(answer.get(REPLAYED) is None for answer in done) == 1
    assert {fault(answer)["code"] for answer in answers if answer.status_code != 201} <= {"in_flight"}
    assert Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_a_second_answer_whatever_the_lock_says(lead_api, project, monkeypatch):
    """Without the lock, two at once: the unique row lets one of them commit, and the other leaves nothing."""
    monkeypatch.setattr("evalhub.api.once.lock", lambda name: True)
    together, statuses = threading.Barrier(4), []

    def ask(number: int) -> None:
        client = Client(headers={"Authorization": f"Bearer {lead_api.key}", "Idempotency-Key": "1"})
        client.raise_request_exception = False
        together.wait()
        # Bodies alike, so that only the key tells them apart; the version is numbered anew by each.
        statuses.append(client.post("/api/v1/runs", body, content_type="application/json").status_code)
        connections.close_all()

    version, candidate = make_version(project, 2), make_caller(project)
    body = {"version": version.pk, "candidates": [candidate.pk], "accepts_unknown_cost": True}
    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 201 in statuses
    assert set(statuses) <= {201, 500}
    assert (Run.objects.count(), StoredAnswer.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_after_a_breakdown_the_same_key_tries_again(lead_api, project):
    version = make_version(project, 2, published=False)
    lead_api.client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE api_storedanswer RENAME TO elsewhere")
        broken = lead_api.post(f"/versions/{version.pk}/publish", None, "1")
        cursor.execute("ALTER TABLE elsewhere RENAME TO api_storedanswer")
    state = EvalSetVersion.objects.get(pk=version.pk).state

    again = lead_api.post(f"/versions/{version.pk}/publish", None, "1")

    assert (broken.status_code, fault(broken)["code"], state) == (500, "server_fault", "draft")
    assert (again.status_code, again.json()["state"]) == (200, "published")


def test_answers_are_forgotten_after_two_days_and_not_before(lead_api, project):
    lead_api.post("/eval-sets", BODY, "old")
    lead_api.post("/eval-sets", {"name": "B"}, "young")
    now = timezone.now()
    StoredAnswer.objects.filter(idempotency_key="old").update(created_at=now - timedelta(hours=49))
    StoredAnswer.objects.filter(idempotency_key="young").update(created_at=now - timedelta(hours=47))

    lead_api.post("/eval-sets", {"name": "C"}, "new")

    assert sorted(StoredAnswer.objects.values_list("idempotency_key", flat=True)) == ["new", "young"]


@pytest.mark.django_db(transaction=True)
def test_two_who_make_the_same_at_once_get_one_of_it_and_no_breakdown(lead_api, project):
    together, statuses = threading.Barrier(6), []

    def ask(number: int) -> None:
        together.wait()
        statuses.append(Api(lead_api.key).post("/eval-sets", BODY, str(number)).status_code)
        connections.close_all()

    threads = [threading.Thread(target=ask, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(statuses) <= {201, 409, 422}
    assert statuses.count(201) == EvalSet.objects.count() == 1
