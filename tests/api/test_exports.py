import pytest
from django.conf import settings

from evalhub.exports.models import Export
from evalhub.exports.sources import source_of
from evalhub.projects.models import Member, Role
from tests.api.asking import api_of, fault
from tests.making import make_run, make_version
from tests.people import make_member


@pytest.fixture
def run(project):
    return make_run(make_version(project, 3), answers=["1", "=2", "three"])


def body_of(run, **more):
    return {"kind": "outputs", "format": "jsonl", "filters": {"run": str(run.pk)}} | more


def test_a_small_export_is_there_at_once(lead_api, run):
    asked = lead_api.post("/exports", body_of(run))
    made = asked.json()
    file = lead_api.get(f"/exports/{made['id']}/file")

    assert asked.status_code == 201
    assert (made["state"], made["rows_done"], made["filters"]) == ("done", 3, {"run": str(run.pk)})
    content = file.getvalue()
    assert len(content) == made["size"] == int(file["Content-Length"])
    assert content.count(b"\n") == 3
    assert file["Content-Disposition"] == f'attachment; filename="{made["name"]}"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert lead_api.get(f"/exports/{made['id']}").json() == made


def test_the_file_of_an_export_that_is_not_done_is_409(lead_api, run):
    made = lead_api.post("/exports", body_of(run, format="parquet")).json()

    answer = lead_api.get(f"/exports/{made['id']}/file")

    assert made["state"] == "waiting"
    assert answer.status_code == 409
    assert fault(answer)["state"] == "waiting"


def test_only_who_asked_finds_an_export(lead_api, admin_api, run):
    pk = lead_api.post("/exports", body_of(run)).json()["id"]

    assert [admin_api.get(f"/exports/{pk}{end}").status_code for end in ("", "/file")] == [404, 404]


def test_a_key_that_may_less_than_its_person_exports_less(project, run):
    person = make_member(project, "Mia", Role.LEAD)
    full, less = api_of(person, project), api_of(person, project, Role.REVIEWER)
    pk = full.post("/exports", body_of(run)).json()["id"]

    answers = [less.post("/exports", body_of(run)), less.get(f"/exports/{pk}"), less.get(f"/exports/{pk}/file")]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Export.objects.count() == 1


def test_who_is_a_reviewer_by_now_no_longer_fetches(project, run):
    person = make_member(project, "Mia", Role.LEAD)
    api = api_of(person, project)
    pk = api.post("/exports", body_of(run)).json()["id"]
    Member.objects.filter(user=person).update(role=Role.REVIEWER)

    assert api.get(f"/exports/{pk}/file").status_code == 403


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "passwords"}, 422),
        ({"kind": "__class__"}, 422),
        ({"format": "exe"}, 422),
        ({"filters": {}}, 422),
        ({"filters": {"run": "x"}}, 422),
        ({"filters": {"run": "999999"}}, 404),
        ({"filters": {"run": ["1"]}}, 422),
        ({"filters": {"project": "1"}}, 422),
        ({"filters": {"run": "1\u0000"}}, 422),
        ({"made_by": 1}, 422),
    ],
)
def test_an_odd_question_makes_no_export(lead_api, run, change, status):
    answer = lead_api.post("/exports", body_of(run, **change))

    assert answer.status_code == status
    fault(answer)
    assert Export.objects.count() == 0


def test_the_description_names_the_filters_of_every_kind(client):
    described = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/exports"]["post"]["description"]

    for kind in settings.EXPORTS:
        assert f"{kind}: {', '.join(source_of(kind).filters)}" in described
