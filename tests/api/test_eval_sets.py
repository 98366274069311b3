import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evalhub.evalsets.models import EvalSet, EvalSetVersion
from tests.api.asking import fault
from tests.making import make_version


def test_an_eval_set_is_made_and_found_by_its_name(lead_api, project):
    made = lead_api.post("/eval-sets", {"name": "Inbox", "description": "Mail"})

    assert made.status_code == 201
    found = lead_api.get("/eval-sets", name="Inbox").json()
    assert found["next"] is None
    assert found["items"] == [made.json()]
    assert (made.json()["latest"], made.json()["latest_published"]) == (None, None)
    assert lead_api.get("/eval-sets", name="inbox").json()["items"] == []


def test_an_eval_set_shows_its_newest_versions(lead_api, project):
    published, draft = make_version(project, 2), make_version(project, 3, published=False)

    shown = lead_api.get(f"/eval-sets/{published.eval_set_id}").json()

    assert (shown["latest"]["id"], shown["latest"]["state"]) == (draft.pk, "draft")
    assert (shown["latest_published"]["id"], shown["latest_published"]["example_count"]) == (published.pk, 2)


def test_versions_are_listed_by_number(lead_api, project):
    first, second = make_version(project, 1), make_version(project, 1)
    path = f"/eval-sets/{first.eval_set_id}/versions"

    assert [each["number"] for each in lead_api.get(path).json()["items"]] == [2, 1]
    assert [each["id"] for each in lead_api.get(path, number=2).json()["items"]] == [second.pk]


def test_pages_follow_each_other_without_gaps(lead_api, project):
    EvalSet.objects.bulk_create(EvalSet(project=project, name=f"Set {number}") for number in range(7))
    names, after = [], None
    while True:
        page = lead_api.get("/eval-sets", limit=3, **({"after": after} if after else {})).json()
        names += [each["name"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert names == [f"Set {number}" for number in reversed(range(7))]


def test_lists_ask_the_database_as_often_with_thirty_as_with_one(lead_api, project):
    counts = []
    lead_api.get("/eval-sets")
    for more in (1, 29):
        for number in range(more):
            make_version(project, 1, name=f"Set {more} {number}")
        with CaptureQueriesContext(connection) as queries:
            lead_api.get("/eval-sets")
        counts.append(len(queries))

    assert counts == [5, 5]


def test_a_draft_is_published_once(lead_api, project):
    draft = make_version(project, 2, published=False)

    answers = [lead_api.post(f"/versions/{draft.pk}/publish") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json()["state"] == "published"
    assert answers[1].json()["content_hash"] == EvalSetVersion.objects.get().content_hash != ""


def test_an_empty_draft_is_refused_with_its_state(lead_api, project):
    draft = make_version(project, 0, published=False)

    answer = lead_api.post(f"/versions/{draft.pk}/publish")

    assert answer.status_code == 409
    assert fault(answer)["state"] == "empty"
    assert "has no examples" in fault(answer)["message"]


@pytest.mark.parametrize("body", [{"name": "x", "id": 7}, {"name": "x", "project": 1}, {"name": "x", "state": "done"}])
def test_fields_that_are_not_asked_for_change_nothing(lead_api, project, body):
    answer = lead_api.post("/eval-sets", body)

    assert answer.status_code == 422
    assert fault(answer)["places"] == [
        {"place": "body", "message": "There is a field here that is not known. Leave it out."}
    ]
    assert EvalSet.objects.count() == 0


def test_a_reviewer_s_key_sees_no_eval_sets(reviewer_api, project):
    assert reviewer_api.get("/eval-sets").status_code == 403
    assert reviewer_api.get("/project").status_code == 200
