"""What goes wrong is told in JSON of one shape, whoever noticed it, and echoes nothing."""

import json

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.api.models import StoredAnswer
from evalhub.evalsets.models import EvalSet
from tests.api.asking import fault
from tests.making import make_candidate, make_run, make_version

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v1/runs/", "/api/v2/runs", "/api/v1/runs/abc", f"/api/{HOSTILE}"],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
def test_an_unknown_address_is_404_in_json(db, path, method):
    answer = getattr(Client(), method)(path)

    assert answer.status_code == 404
    assert fault(answer)["code"] == "not_found"
    assert b"onerror" not in answer.content


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_wrong_method_is_405_in_json(lead_api, method):
    answer = getattr(lead_api.client, method)("/api/v1/runs")

    assert answer.status_code == 405
    assert fault(answer)["code"] == "wrong_method"
    assert sorted(answer["Allow"].split(", ")) == ["GET", "POST"]


def test_a_breakdown_is_500_in_json_without_details(lead_api, monkeypatch):
    lead_api.client.raise_request_exception = False
    connection.cursor().execute("ALTER TABLE candidates_candidate RENAME COLUMN is_baseline TO secret_column")

    answer = lead_api.get("/candidates")

    assert answer.status_code == 500
    assert fault(answer)["code"] == "server_fault"
    assert b"column" not in answer.content


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Accept": "text/html"}, {"Host": "evil.example"}])
def test_whatever_the_headers_no_fault_is_html(db, headers):
    answer = Client().get("/api/v1/project", headers=headers)

    assert answer.status_code in {400, 401}
    fault(answer)


@pytest.mark.parametrize("pk", [0, 999_999_999, 2**63 - 1, 2**63, 10**30])
@pytest.mark.parametrize("path", ["/eval-sets/{}", "/eval-sets/{}/versions", "/versions/{}", "/uploads/{}", "/runs/{}"])
def test_an_id_that_no_object_has_is_404(lead_api, path, pk):
    assert lead_api.get(path.format(pk)).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"after": "-1"},
        {"after": str(10**30)},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": HOSTILE},
        {"sort": "owner__password"},
        {"name__regex": "(a+)+$"},
        {HOSTILE: "1"},
    ],
)
def test_an_odd_query_is_422_and_not_echoed(lead_api, query):
    answer = lead_api.get("/eval-sets", **query)

    assert answer.status_code == 422
    assert fault(answer)["places"]
    assert b"onerror" not in answer.content
    assert b"password" not in answer.content


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": ""}',
        b'{"name": 7}',
        b'{"name": ["a"]}',
        b'{"name": "a\\u0000b"}',
        b'{"name": "\\ud800"}',
        b'{"name": "x", "project": 1}',
        b'{"name": "x", "<img src=x onerror=alert(1)>": 1}',
        b'{"name": "' + b"x" * 101 + b'"}',
        b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"name": ' + b"9" * 5000 + b"}",
        b"x" * (6 * 1024 * 1024),
    ],
    ids=range(18),
)
def test_an_odd_body_is_refused_and_not_echoed(lead_api, project, body):
    answer = lead_api.client.post("/api/v1/eval-sets", body, content_type="application/json")

    assert answer.status_code in {400, 422}
    fault(answer)
    assert b"onerror" not in answer.content
    assert EvalSet.objects.count() == 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["name", "description", "version", "candidates", "repeats", "budget", "kind", "format", "filters", "mapping"]
NAMES += ["publish", "leave_out_bad_rows", "reuses_outputs", "accepts_unknown_cost"]
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6) | VALUES


@settings(max_examples=150)
@given(body=BODIES, path=st.sampled_from(["/eval-sets", "/runs", "/exports", "/uploads/{u}/check", "/runs/{r}/pause"]))
def test_no_body_breaks_anything(lead_api, project, body, path):
    run = project.runs.first() or make_run(make_version(project), make_candidate(project))
    content = json.dumps(body).encode()

    answer = lead_api.client.post(f"/api/v1{path.format(u=1, r=run.pk)}", content, content_type="application/json")

    assert answer.status_code in {201, 400, 404, 409, 422}, answer.content
    if answer.status_code >= 400:
        fault(answer)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ä", "a\tb"])
def test_an_odd_idempotency_key_is_refused(lead_api, project, key):
    answer = lead_api.client.post(
        "/api/v1/eval-sets", {"name": "x"}, content_type="application/json", headers={"Idempotency-Key": key}
    )

    assert answer.status_code == 422
    assert fault(answer)["places"][0]["place"] == "header.Idempotency-Key"
    assert (EvalSet.objects.count(), StoredAnswer.objects.count()) == (0, 0)
