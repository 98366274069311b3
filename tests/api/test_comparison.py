"""A run beside its baseline over the API: figures, states, whose it is; and the report as a file."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from django.test import Client

from evalhub.api.comparison_shapes import EXAMPLE, Comparison
from evalhub.checks.models import Score
from evalhub.projects.joining import found_project
from evalhub.runs.models import Run
from taxonomy.report.data import report_of
from tests.api.asking import api_of, fault
from tests.making import make_run, make_version
from tests.taxonomy.report.making import make_compared

pytestmark = pytest.mark.django_db


def test_modes_come_with_their_rates_and_what_is_shown_of_them(lead_api, project):
    made = make_compared(project)

    answer = lead_api.get(f"/runs/{made.second.pk}/comparison", baseline=made.first.pk).json()

    assert (answer["run_name"], answer["baseline_name"]) == ("new-model", "old-model")
    assert (answer["version_name"], answer["taxonomy_version"]) == ("Inbox v1", 2)
    modes = {(mode["code"], mode["source"]): mode for mode in answer["modes"]}
    broken = modes["no-json", "check"]
    assert [(side["count"], side["n"]) for side in (broken["baseline"], broken["run"])] == [(2, 40), (14, 40)]
    assert (broken["standing"], broken["is_hidden"]) == ("worse", True)
    difference = broken["difference"]
    assert (difference["baseline_only"], difference["run_only"], difference["pairs"]) == (0, 12, 40)
    assert difference["value"] == pytest.approx(0.3)
    # 28 of 40 are right in the baseline, 24 in the run.
    assert [(side["count"], side["n"]) for side in (answer["right"]["baseline"], answer["right"]["run"])] == [
        (28, 40),
        (24, 40),
    ]
    assert answer["right"]["difference"]["value"] == pytest.approx(-0.1)
    assert answer["headlines"][0]["kind"] == "regression"
    assert Client().get(answer["page"]).status_code == 302


def test_a_report_is_fetched_as_the_page_gives_it(lead_api, project):
    made = make_compared(project)
    path = f"/runs/{made.second.pk}/report"

    as_json = lead_api.get(path, baseline=made.first.pk)
    older = lead_api.get(path, baseline=made.first.pk, as_of=1)
    pdf = lead_api.get(path, baseline=made.first.pk, format="pdf", paper="us-letter")

    assert as_json.content == report_of(project, made.first, made.second).canonical
    assert json.loads(older.content)["basis"]["taxonomy"]["version"] == 1
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    named = f"report-runs-{made.first.pk}-{made.second.pk}-taxonomy-2.pdf"
    assert pdf["Content-Disposition"] == f'attachment; filename="{named}"'


def test_figures_that_are_not_final_are_not_answered(lead_api, project):
    made = make_compared(project)
    path, asked = f"/runs/{made.second.pk}/comparison", {"baseline": made.first.pk}
    states = {}
    for run in (made.first, made.second):
        for state in (Run.State.RUNNING, Run.State.PAUSED, Run.State.CANCELLED):
            Run.objects.filter(pk=run.pk).update(state=state)
            answer = lead_api.get(path, **asked)
            states[run.pk, state.value] = (answer.status_code, fault(answer)["code"], fault(answer)["state"])
        Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED)
    Score.objects.filter(run=made.first, by=made.equal).first().delete()
    scoring = lead_api.get(path, **asked)

    assert states == {key: (409, "wrong_state", key[1]) for key in states}
    assert (scoring.status_code, fault(scoring)["state"]) == (409, "scoring")
    assert lead_api.get(f"/runs/{made.second.pk}/report", **asked).status_code == 200


def test_findings_that_are_not_written_yet_are_waited_for(lead_api, project):
    made = make_compared(project)
    made.second.verdicts.filter(source="check").delete()

    answer = lead_api.get(f"/runs/{made.second.pk}/comparison", baseline=made.first.pk)

    assert (answer.status_code, fault(answer)["state"]) == (409, "scoring")


@pytest.mark.parametrize("what", ["comparison", "report"])
def test_foreign_missing_and_unfit_runs_are_refused(what, lead_api, project, stranger):
    made = make_compared(project)
    foreign = make_run(make_version(found_project(stranger, "Other"), 2))
    other = make_run(make_version(project, 2, name="Other"), "new-model")
    own = f"/runs/{made.second.pk}/{what}"

    missing = lead_api.get(own, baseline=999_999)
    unfit = lead_api.get(own, baseline=other.pk)
    wrong = {
        "nothing": lead_api.get(own),
        "no number": lead_api.get(own, baseline="x"),
        "unknown name": lead_api.get(own, baseline=made.first.pk, taxonomy=1),
        "no version": lead_api.get(own, baseline=made.first.pk, as_of=77),
    }

    assert (missing.status_code, unfit.status_code) == (404, 422)
    assert lead_api.get(own, baseline=foreign.pk).content == missing.content
    assert lead_api.get(f"/runs/{foreign.pk}/{what}", baseline=made.first.pk).content == missing.content
    assert "different examples" in fault(unfit)["message"]
    assert {name: answer.status_code for name, answer in wrong.items()} == dict.fromkeys(wrong, 422)


def test_a_key_of_another_project_and_one_of_a_reviewer_open_neither(reviewer_api, project, stranger):
    made = make_compared(project)
    elsewhere = api_of(stranger, found_project(stranger, "Other"))

    for what in ("comparison", "report"):
        asked = {"path": f"/runs/{made.second.pk}/{what}", "baseline": made.first.pk}
        assert elsewhere.get(**asked).status_code == 404
        assert reviewer_api.get(**asked).status_code == 403


def test_the_example_of_the_description_is_an_answer(client):
    document = Client().get("/api/v1/openapi.json").json()
    schema = document["components"]["schemas"]["Comparison"]
    definitions = json.loads(json.dumps(document["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/"))

    assert schema["example"] == EXAMPLE
    jsonschema_rs.validator_for(definitions["Comparison"] | {"$defs": definitions}).validate(EXAMPLE)
    assert Comparison(**EXAMPLE).model_dump() == EXAMPLE


def test_the_page_of_the_description_shows_the_example(client_of, lead):
    page = client_of(lead).get("/api/v1/docs/").content.decode()

    assert "&quot;run_name&quot;: &quot;new-model&quot;" in page
