"""A file on its way in, over the API; the worker's part is done here."""

from __future__ import annotations

import gzip
import json
import socket
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from evalhub.evalsets.checking import check_rows
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example, ProductionSample, Upload
from evalhub.evalsets.storing import store_rows
from evalhub.runs.models import Run
from tests.api.asking import fault
from tests.making import make_candidate, make_version

EXAMPLES = b"".join(
    json.dumps({"id": f"e{number}", "input": f"Say {number}", "expected": f"N{number}"}).encode() + b"\n"
    for number in range(1, 4)
)


@pytest.fixture
def eval_set(project):
    return EvalSet.objects.create(project=project, name="Inbox")


def path_of(eval_set, name="rows.jsonl"):
    return f"/uploads?purpose=examples&eval_set={eval_set.pk}&file_name={name}"


def test_examples_become_a_published_version(lead_api, eval_set):
    received = lead_api.send(path_of(eval_set), EXAMPLES)
    assert received.status_code == 201
    upload = received.json()
    assert (upload["state"], upload["columns"], upload["problems"]) == ("received", ["id", "input", "expected"], [])
    path = f"/uploads/{upload['id']}"

    assert lead_api.post(f"{path}/check").json()["state"] == "checking"
    check_rows(upload["id"])
    checked = lead_api.get(path).json()
    assert (checked["state"], checked["rows_good"], checked["rows_bad"]) == ("checked", 3, 0)
    assert lead_api.post(f"{path}/confirm", {"publish": True}).json()["state"] == "importing"
    store_rows(upload["id"])

    done = lead_api.get(path).json()
    version = EvalSetVersion.objects.get()
    assert (done["state"], done["version"]["id"], done["version"]["state"]) == ("done", version.pk, "published")
    assert version.examples.count() == 3


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "../../etc/passwd.csv", "<img src=x>.csv"])
def test_the_file_may_have_any_name_and_be_packed(lead_api, eval_set, name):
    content = b"input,expected\na,b\n"

    answer = lead_api.send(path_of(eval_set, name), gzip.compress(content) if name.endswith("gz") else content)

    assert answer.status_code == 201
    assert answer.json()["columns"] == ["input", "expected"]
    assert "/" not in Upload.objects.get().file_name


def test_errors_of_rows_are_told_by_line(lead_api, eval_set):
    upload = lead_api.send(path_of(eval_set), EXAMPLES + b"{\n").json()
    path = f"/uploads/{upload['id']}"
    lead_api.post(f"{path}/check")
    check_rows(upload["id"])

    checked = lead_api.get(path).json()
    refused = lead_api.post(f"{path}/confirm")

    assert [error["line"] for error in checked["errors"]] == [4]
    assert checked["errors"][0]["sentence"].startswith("Line 4: This is not valid JSON")
    assert refused.status_code == 422
    assert fault(refused)["message"].startswith("Some rows have errors.")
    assert Example.objects.count() == 0
    assert lead_api.post(f"{path}/confirm", {"leave_out_bad_rows": True}).json()["state"] == "importing"


def test_a_mapping_that_cannot_be_is_refused_and_can_be_corrected(lead_api, eval_set):
    upload = lead_api.send(path_of(eval_set, "rows.csv"), b"frage,antwort\na,b\n").json()
    path = f"/uploads/{upload['id']}/check"

    answers = [
        lead_api.post(path),
        lead_api.post(path, {"mapping": {"input": "nothing"}}),
        lead_api.post(path, {"mapping": {"owner__password": "frage"}}),
        lead_api.post(path, {"mapping": {"purpose": "outputs"}}),
        lead_api.post(path, {"mapping": {"input": ["frage"]}}),
        lead_api.post(path, {"mapping": {"input": "frage", "expected": "antwort"}}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 422, 200]
    assert fault(answers[1])["places"][0] == {
        "place": "body.mapping",
        "message": "The file has no column “nothing”. Add it, or choose one of “frage”, “antwort”.",
    }
    assert (answers[5].json()["mapping"]["expected_kind"], answers[5].json()["state"]) == ("guess", "checking")


def test_a_file_that_cannot_be_read_is_refused_at_once(lead_api, eval_set):
    answer = lead_api.send(path_of(eval_set), b"\x89PNG\r\n\x1a\n" + bytes(100))

    assert answer.status_code == 201
    assert (answer.json()["state"], answer.json()["refusal"] != "") == ("refused", True)


@pytest.mark.parametrize("verb", ["check", "confirm", "cancel"])
def test_a_step_that_is_over_is_409_with_the_state(lead_api, eval_set, verb):
    upload = lead_api.send(path_of(eval_set), EXAMPLES).json()
    lead_api.post(f"/uploads/{upload['id']}/cancel")

    answer = lead_api.post(f"/uploads/{upload['id']}/{verb}")

    assert answer.status_code == 409
    assert (fault(answer)["code"], fault(answer)["state"]) == ("wrong_state", "cancelled")


def test_a_form_is_told_to_send_the_file_itself(lead_api, eval_set):
    answer = lead_api.client.post(f"/api/v1{path_of(eval_set)}", {"file": "x"})

    assert (answer.status_code, fault(answer)["code"]) == (415, "wrong_type")


def test_without_a_length_nothing_is_read(lead_api, eval_set):
    answer = lead_api.client.generic("POST", f"/api/v1{path_of(eval_set)}", EXAMPLES, CONTENT_LENGTH="")

    assert (answer.status_code, fault(answer)["code"]) == (411, "length_required")


def test_a_file_that_is_too_large_is_told_the_limit(lead_api, eval_set, settings):
    settings.UPLOAD_LIMIT_BYTES = 10

    answer = lead_api.send(path_of(eval_set), EXAMPLES)

    assert answer.status_code == 413
    assert "at most 10 bytes can be uploaded" in fault(answer)["message"]
    assert Upload.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_cut_short_leaves_nothing(web_server, lead_api, eval_set):
    address = urlsplit(web_server.url)
    head = f"POST /api/v1{path_of(eval_set)} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 1000\r\n"
    head += f"Authorization: Bearer {lead_api.key}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode() + EXAMPLES)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            status, body = answer.readline(), answer.read()

    assert b" 400 " in status
    assert b"The connection ended before the file did." in body
    assert Upload.objects.count() == 0
    assert list((settings.MEDIA_ROOT / "uploads" / "incoming").iterdir()) == []


def test_without_a_key_no_file_is_written(eval_set):
    answer = Client().post(f"/api/v1{path_of(eval_set)}", EXAMPLES, content_type="application/octet-stream")

    assert answer.status_code == 401
    assert Upload.objects.count() == 0


def test_an_odd_target_is_told_by_its_place(lead_api, admin_api, stranger, project, eval_set):
    from evalhub.projects.models import Project

    foreign = EvalSet.objects.create(project=Project.objects.get(name="Elsewhere"), name="Theirs")
    draft = make_version(project, 1, published=False)
    queries = {
        "purpose=examples": 422,
        "purpose=nothing": 422,
        f"purpose=examples&eval_set={foreign.pk}": 404,
        "purpose=examples&eval_set=999999": 404,
        f"purpose=examples&eval_set={eval_set.pk}&publish=1": 422,
        "purpose=outputs": 422,
        f"purpose=outputs&version={draft.pk}&candidate_name=x": 409,
        "purpose=outputs&version=999999&candidate_name=x": 404,
        "purpose=production_samples": 403,
    }

    answers = {query: lead_api.send(f"/uploads?{query}", EXAMPLES).status_code for query in queries}

    assert answers == queries
    assert Upload.objects.count() == 0


def test_production_samples_are_for_admins(lead_api, admin_api, project):
    content = b'{"id": "s1", "input": "Hello", "answer": "Hi"}\n'
    upload = admin_api.send("/uploads?purpose=production_samples&file_name=a.jsonl", content).json()
    path = f"/uploads/{upload['id']}"

    assert [lead_api.get(path).status_code, lead_api.post(f"{path}/check").status_code] == [403, 403]
    admin_api.post(f"{path}/check")
    check_rows(upload["id"])
    admin_api.post(f"{path}/confirm")
    store_rows(upload["id"])

    assert ProductionSample.objects.get().key == "s1"


@pytest.mark.parametrize("is_new", [True, False])
def test_recorded_outputs_become_a_run(lead_api, project, is_new):
    version = make_version(project, 1)
    known = make_candidate(project, "recorded") if not is_new else None
    content = b'{"example_id": "example-1", "output": "1"}\n'
    path = f"/uploads?purpose=outputs&version={version.pk}&candidate_name=recorded&file_name=a.jsonl"
    upload = lead_api.send(path, content).json()
    lead_api.post(f"/uploads/{upload['id']}/check")
    check_rows(upload["id"])
    lead_api.post(f"/uploads/{upload['id']}/confirm")
    store_rows(upload["id"])

    run = Run.objects.get()
    assert lead_api.get(f"/uploads/{upload['id']}").json()["run"] == run.pk
    assert (run.candidate.name, run.outputs.count()) == ("recorded", 1)
    assert known is None or run.candidate == known
