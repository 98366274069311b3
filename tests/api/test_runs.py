import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evalhub.projects.joining import found_project
from evalhub.runs.models import Output, Run
from tests.api.asking import fault
from tests.making import make_candidate, make_run, make_version
from tests.runs.making import make_caller, start


@pytest.fixture
def running(project):
    return start(make_version(project, 4), make_caller(project))


def test_candidates_are_listed_without_what_is_secret(lead_api, project):
    make_caller(project, model="gpt", name="small")
    make_candidate(project, "recorded", is_baseline=True)

    items = lead_api.get("/candidates").json()["items"]

    assert [(each["name"], each["is_called"], each["is_baseline"]) for each in items] == [
        ("recorded", False, True),
        ("small", True, False),
    ]
    assert set(items[0]) == {"id", "name", "model", "is_baseline", "is_called", "input_price", "output_price"}
    assert [each["name"] for each in lead_api.get("/candidates", name="small").json()["items"]] == ["small"]


def test_runs_are_started_with_what_was_asked_for(lead_api, project):
    version = make_version(project, 4)
    one = make_caller(project, model="one")
    one.input_price = one.output_price = "1.5"
    one.max_tokens = 10
    one.save()

    answer = lead_api.post(
        "/runs",
        {"version": version.pk, "candidates": [one.pk], "repeats": 2, "budget": "12.345678901", "reuses_outputs": True},
    )

    assert answer.status_code == 201, answer.content
    told = answer.json()["items"][0]
    run = Run.objects.get()
    assert (told["id"], told["planned"], told["budget"], told["reuses_outputs"]) == (run.pk, 8, "12.345678901", True)
    assert (run.repeats, str(run.budget), run.reuses_outputs, run.started_by.name) == (2, "12.345678901", True, "Lea")


def test_all_runs_start_or_none(lead_api, project):
    version = make_version(project, 4)
    good, recorded = make_caller(project, model="one"), make_candidate(project, "recorded")
    body = {"version": version.pk, "candidates": [good.pk, recorded.pk], "accepts_unknown_cost": True}

    answer = lead_api.post("/runs", body)

    assert answer.status_code == 422
    assert "“recorded” has no endpoint" in fault(answer)["message"]
    assert Run.objects.count() == 0


def test_an_unknown_cost_needs_consent(lead_api, project):
    body = {"version": make_version(project, 4).pk, "candidates": [make_caller(project).pk]}

    assert lead_api.post("/runs", body).status_code == 422
    assert lead_api.post("/runs", body | {"accepts_unknown_cost": True}).status_code == 201


def test_what_is_of_another_project_is_not_there(lead_api, project, stranger):
    elsewhere = found_project(stranger, "Third")
    theirs, ours = make_version(elsewhere, 1), make_version(project, 1)
    candidate, their_candidate = make_caller(project), make_caller(elsewhere)
    bodies = [
        {"version": theirs.pk, "candidates": [candidate.pk]},
        {"version": ours.pk, "candidates": [their_candidate.pk]},
        {"version": ours.pk, "candidates": [candidate.pk, their_candidate.pk]},
        {"version": 999_999, "candidates": [candidate.pk]},
    ]

    answers = [lead_api.post("/runs", body | {"accepts_unknown_cost": True}) for body in bodies]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.content for answer in answers}) == 1
    assert Run.objects.count() == 0


@pytest.mark.parametrize("repeats", [0, -1, 21, 10**30, "many", None, 1.5])
def test_odd_repeats_are_refused(lead_api, project, repeats):
    body = {"version": make_version(project, 1).pk, "candidates": [make_caller(project).pk]}

    answer = lead_api.post("/runs", body | {"repeats": repeats, "accepts_unknown_cost": True})

    assert answer.status_code == 422
    assert Run.objects.count() == 0


@pytest.mark.parametrize("budget", ["-1", "0", "NaN", "Infinity", "1e400", "0.0000000001", "much", [1]])
def test_odd_budgets_are_refused(lead_api, project, budget):
    body = {"version": make_version(project, 1).pk, "candidates": [make_caller(project).pk]}

    answer = lead_api.post("/runs", body | {"budget": budget, "accepts_unknown_cost": True})

    assert answer.status_code == 422
    assert Run.objects.count() == 0


def test_a_run_tells_how_far_it_is(lead_api, running):
    example = running.version.examples.earliest("position")
    Output.objects.create(run=running, example=example, error_cause="timeout", error="It took too long.")

    shown = lead_api.get(f"/runs/{running.pk}").json()

    assert (shown["state"], shown["stored"], shown["failed"], shown["planned"]) == ("running", 1, 1, 4)
    assert shown["failures"][0] | {"name": ""} == {
        "cause": "timeout",
        "name": "",
        "count": 1,
        "error": "It took too long.",
    }
    assert shown["waits_for"] == "Waiting for a worker."


def test_a_run_is_paused_resumed_and_cancelled(lead_api, running):
    path = f"/runs/{running.pk}"

    states = [lead_api.post(f"{path}/{verb}").json()["state"] for verb in ("pause", "resume", "cancel")]

    assert states == ["paused", "running", "cancelled"]


@pytest.mark.parametrize(
    ("state", "verb"),
    [("running", "resume"), ("running", "retry"), ("paused", "pause"), ("cancelled", "cancel"), ("finished", "pause")],
)
def test_what_the_state_does_not_allow_is_409_with_the_state(lead_api, running, state, verb):
    Run.objects.update(state=state)

    answer = lead_api.post(f"/runs/{running.pk}/{verb}")

    assert answer.status_code == 409
    assert (fault(answer)["code"], fault(answer)["state"]) == ("wrong_state", state)


def test_a_finished_run_without_failures_has_nothing_to_retry(lead_api, running):
    Run.objects.update(state="finished")

    answer = lead_api.post(f"/runs/{running.pk}/retry")

    assert (answer.status_code, fault(answer)["state"]) == (409, "finished")
    assert Run.objects.get().state == "finished"


def test_runs_are_filtered(lead_api, project):
    version = make_version(project, 2)
    first, second = make_run(version, "one"), make_run(make_version(project, 2), "two")

    def ids(**query):
        return [each["id"] for each in lead_api.get("/runs", **query).json()["items"]]

    assert ids() == [second.pk, first.pk]
    assert ids(version=version.pk) == [first.pk]
    assert ids(candidate=second.candidate_id) == [second.pk]
    assert ids(state="paused") == []
    assert lead_api.get("/runs", state="gone").status_code == 422


def test_lists_of_runs_ask_the_database_as_often_with_thirty_as_with_one(lead_api, project):
    version, counts = make_version(project, 1), []
    lead_api.get("/runs")
    for more in (1, 29):
        for number in range(more):
            make_run(version, f"model {more} {number}")
        with CaptureQueriesContext(connection) as queries:
            lead_api.get("/runs")
        counts.append(len(queries))

    assert counts == [4, 4]
