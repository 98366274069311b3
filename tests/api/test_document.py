"""The description of the API: whole, true, and readable."""

from __future__ import annotations

import json
import re

import jsonschema_rs
import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from evalhub.api.urls import operations
from tests.making import make_run, make_version

METHODS = {"get", "post"}


@pytest.fixture
def document(client):
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def all_operations(document):
    return [(path, method, each) for path, methods in document["paths"].items() for method, each in methods.items()]


def references(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name == "$ref" else references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def definitions_of(document):
    """The shapes as a JSON Schema refers to them."""
    return json.loads(json.dumps(document["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/"))


def test_the_document_has_the_parts_of_openapi(document):
    assert document["openapi"] == "3.1.0"
    assert {"title", "version", "description"} <= set(document["info"])
    schemes = document["components"]["securitySchemes"]
    assert [scheme | {} for scheme in schemes.values()] == [{"type": "http", "scheme": "bearer"}]
    ids = [each["operationId"] for _, _, each in all_operations(document)]
    assert len(ids) == len(set(ids))


def test_every_operation_is_described(document):
    for path, method, each in all_operations(document):
        assert method in METHODS, path
        assert each["summary"], path
        assert each["description"].endswith("."), path
        assert each["tags"], path
        assert each["security"], path
        assert {"401", "403"} < set(each["responses"]), path
        names = {parameter["name"] for parameter in each["parameters"]}
        assert set(re.findall(r"{(\w+)}", path)) <= names, path
        assert ("Idempotency-Key" in names) == (method == "post"), path
        for status, answer in each["responses"].items():
            assert answer["description"], (path, status)


def test_every_path_of_the_api_is_in_the_document(document):
    routes = {"/api/v1/" + str(each.pattern).replace("<int:pk>", "{id}") for each in operations()}

    assert all(isinstance(each, URLPattern) for each in operations())
    assert routes == set(document["paths"])


def test_all_references_lead_somewhere_and_all_shapes_are_schemas(document):
    shapes = document["components"]["schemas"]

    assert {each.rpartition("/")[2] for each in references(document)} == set(shapes)
    for name, shape in definitions_of(document).items():
        jsonschema_rs.Draft202012Validator(shape | {"$defs": definitions_of(document)})
        assert shape["properties"], name


def test_answers_are_as_described(document, lead_api, project):
    run = make_run(make_version(project, 2))
    shapes = definitions_of(document)
    answers = {
        "ProjectFacts": lead_api.get("/project"),
        "EvalSetPage": lead_api.get("/eval-sets"),
        "VersionPage": lead_api.get(f"/eval-sets/{run.version.eval_set_id}/versions"),
        "CandidatePage": lead_api.get("/candidates"),
        "RunPage": lead_api.get("/runs"),
        "RunProgress": lead_api.get(f"/runs/{run.pk}"),
        "Fault": lead_api.get("/runs/999999"),
        "Export": lead_api.post("/exports", {"kind": "outputs", "filters": {"run": str(run.pk)}}),
        "Upload": lead_api.send(f"/uploads?purpose=examples&eval_set={run.version.eval_set_id}", b'{"input": "a"}\n'),
    }

    for name, answer in answers.items():
        jsonschema_rs.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": shapes}).validate(answer.json())


def test_the_page_for_people_shows_every_operation(client_of, admin, project, document):
    page = client_of(admin).get(reverse("api:docs"))

    assert page.status_code == 200
    text = page.content.decode()
    for path, _, each in all_operations(document):
        assert f'id="{each["operationId"]}"' in text
        assert path in text
    anchors, links = set(re.findall(r'id="([^"]+)"', text)), set(re.findall(r'href="#([^"]+)"', text))
    assert links - {"main"} <= anchors
    assert "<script" not in text.replace("<script src=", "")
    assert 'style="' not in text


def test_the_page_is_for_those_who_are_signed_in(client, db):
    answer = client.get(reverse("api:docs"))

    assert answer.status_code == 302


def test_ninja_s_own_pages_are_not_there(client_of, admin, project):
    for path in ("/api/v1/docs", "/api/v1/redoc", "/api/v1/", "/api/docs"):
        assert client_of(admin).get(path).status_code == 404
