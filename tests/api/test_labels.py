"""Labels made elsewhere on their way in, over the API; the worker's part is done here."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from evalhub.evalsets.checking import check_rows
from evalhub.evalsets.models import Upload
from evalhub.evalsets.storing import store_rows
from evalhub.projects.models import Event, Project, User
from evalhub.runs.models import Run
from reviews.models import Label, Round
from reviews.rounds.closing import close_round
from taxonomy.models import ErrorType
from tests.api.asking import fault
from tests.making import make_candidate, make_round, make_run, make_version


@pytest.fixture
def run(project, lead, reviewer):
    return make_run(make_version(project, 3))


def file_of(*rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def label(key="example-1", reviewer="Lea", outcome="pass", **more):
    return {"example_id": key, "reviewer": reviewer, "outcome": outcome, **more}


def path_of(**asked):
    return "/uploads?" + urlencode({"purpose": "labels", "file_name": "labels.jsonl", **asked}, doseq=True)


def sent(api, content, mapping=None, **asked):
    """The upload after its rows are checked."""
    answer = api.send(path_of(**asked), content)
    assert answer.status_code == 201, answer.content
    path = f"/uploads/{answer.json()['id']}"
    assert api.post(f"{path}/check", {"mapping": mapping or {}}).status_code == 200
    check_rows(answer.json()["id"])
    return api.get(path).json()


def stored(api, upload, **body):
    answer = api.post(f"/uploads/{upload['id']}/confirm", body)
    assert answer.status_code == 200, answer.content
    store_rows(upload["id"])
    return api.get(f"/uploads/{upload['id']}").json()


def test_labels_become_a_new_round(lead_api, project, run):
    content = file_of(label(), label(reviewer="Rob", outcome="fail"), label("example-2"))

    done = stored(lead_api, sent(lead_api, content, round_name="Elsewhere", run=run.pk))

    made = Round.objects.get()
    assert done["state"] == "done"
    assert done["round"] == {
        "id": made.pk,
        "name": "Elsewhere",
        "is_closed": False,
        "items": 2,
        "labels": 3,
        "contested": 1,
        "settled": 1,
        "page": f"/p/{project.slug}/review/rounds/{made.pk}/",
    }
    assert (done["version"], done["run"]) == (None, None)
    assert Label.objects.filter(is_imported=True).count() == 3


def test_the_runs_of_a_new_round_may_be_several(lead_api, project, run):
    other = make_run(run.version, make_candidate(project, "large-model"))
    rows = [label(candidate="small-model"), label(candidate="large-model")]

    stored(lead_api, sent(lead_api, file_of(*rows), round_name="Both", run=[run.pk, other.pk]))

    assert set(Round.objects.get().runs.all()) == {run, other}
    assert set(Label.objects.values_list("item__output__run", flat=True)) == {run.pk, other.pk}


def test_labels_join_a_round_that_is_there(lead_api, run, lead):
    made = make_round(run)

    done = stored(lead_api, sent(lead_api, file_of(label(outcome="fail", note="why")), round=made.pk))

    assert done["round"]["id"] == made.pk
    assert Label.objects.get(item__round=made).reviewer == lead
    assert Round.objects.count() == 1


def test_rows_that_name_nothing_are_told_by_line_and_nothing_is_stored(lead_api, run):
    rows = [label(), label("example-9"), label(reviewer="Zoe"), label("example-2", outcome="maybe")]
    checked = sent(lead_api, file_of(*rows), round_name="Elsewhere", run=run.pk)

    refused = lead_api.post(f"/uploads/{checked['id']}/confirm")

    assert (checked["rows_good"], checked["rows_bad"]) == (1, 3)
    sentences = [error["sentence"] for error in checked["errors"]]
    assert sentences[0] == (f"Line 2: “example_id” is “example-9”, for which run {run.pk} has no output. Correct it.")
    assert sentences[1].startswith("Line 3: “reviewer” is “Zoe”, who is no member of this project. Correct it, ")
    assert sentences[2].startswith("Line 4: “outcome” is “maybe”")
    assert (refused.status_code, fault(refused)["code"]) == (422, "refused")
    assert (Label.objects.count(), Round.objects.count()) == (0, 0)


def test_people_and_error_types_that_are_missing_are_made_when_asked_for(lead_api, run):
    rows = [label(reviewer="Zoe", outcome="fail", error_types=["Wrong tone of voice"])]
    mapping = {"makes_people": True, "makes_types": True}

    stored(lead_api, sent(lead_api, file_of(*rows), mapping, round_name="Elsewhere", run=run.pk))

    person = User.objects.get(name="Zoe")
    assert (person.is_active, Label.objects.get().reviewer) == (False, person)
    assert Label.objects.get().error_types.get() == ErrorType.objects.get(name="Wrong tone of voice")


def test_the_same_request_again_makes_one_upload(lead_api, run):
    path = path_of(round_name="Elsewhere", run=run.pk)

    answers = [lead_api.send(path, file_of(label()), idempotency_key="once") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert Upload.objects.count() == 1


def test_the_trail_names_the_key(lead_api, project, run):
    stored(lead_api, sent(lead_api, file_of(label()), round_name="Elsewhere", run=run.pk))

    actions = Event.objects.filter(project=project).values_list("action", flat=True)
    assert "imported labels into" in actions


def test_an_odd_target_is_told_by_its_place(lead_api, run):
    made = make_round(run)
    later = make_run(make_version(run.project, 1))
    stopped = make_run(run.version)
    Run.objects.filter(pk=stopped.pk).update(state=Run.State.CANCELLED)
    asked = {
        "nothing": ({}, 422, "query.round"),
        "both": ({"round": made.pk, "round_name": "x"}, 422, "query.round"),
        "no run": ({"round_name": "x"}, 422, "query.run"),
        "runs of a round": ({"round": made.pk, "run": run.pk}, 422, "query.run"),
        "two versions": ({"round_name": "x", "run": [run.pk, later.pk]}, 422, "query.run"),
        "cancelled": ({"round_name": "x", "run": stopped.pk}, 409, ""),
        "an odd name": ({"round_name": "a\0b", "run": run.pk}, 422, "query.round_name"),
        "an empty name": ({"round_name": "  ", "run": run.pk}, 422, "query.round_name"),
        "too many runs": ({"round_name": "x", "run": list(range(1, 102))}, 422, "query.run"),
        "no such run": ({"round_name": "x", "run": 999_999}, 404, ""),
        "no such round": ({"round": 999_999}, 404, ""),
    }

    answers = {name: lead_api.send(path_of(**query), file_of(label())) for name, (query, _, _) in asked.items()}

    told = {
        name: (answer.status_code, (fault(answer)["places"] or [{"place": ""}])[0]["place"])
        for name, answer in answers.items()
    }
    assert told == {name: (status, place) for name, (_, status, place) in asked.items()}
    assert fault(answers["two versions"])["places"][0]["message"].endswith("Import them into a round for each version.")
    assert fault(answers["cancelled"])["state"] == "cancelled"
    assert Upload.objects.count() == 0


def test_a_closed_round_takes_no_labels(lead_api, lead, run):
    made = make_round(run)
    close_round(made, lead)

    answer = lead_api.send(path_of(round=made.pk), file_of(label()))

    assert (answer.status_code, fault(answer)["state"]) == (409, "closed")
    assert "Open it again" in fault(answer)["message"]


def test_what_belongs_to_another_project_is_not_there(lead_api, stranger, run):
    foreign = make_run(make_version(Project.objects.get(name="Elsewhere"), 1))
    made = make_round(foreign)

    targets = [{"round": made.pk}, *({"round_name": "x", "run": keys} for keys in (foreign.pk, [run.pk, foreign.pk]))]

    answers = [lead_api.send(path_of(**target), file_of(label())) for target in targets]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert Upload.objects.count() == 0


def test_labels_are_not_for_reviewers(reviewer_api, run):
    answer = reviewer_api.send(path_of(round_name="Elsewhere", run=run.pk), file_of(label()))

    assert (answer.status_code, fault(answer)["code"]) == (403, "not_allowed")
