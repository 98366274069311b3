import pytest
from django.urls import reverse

from reviews.making.adding import standing
from reviews.making.planning import fill_round, plan_round
from reviews.models import Reason, Round
from tests.making import make_check, make_run, make_score, make_version

HTMX = {"HX-Request": "true"}


@pytest.fixture
def run(project):
    """Outputs 1 to 4 fail the check, 5 to 10 pass it; the last has no answer."""
    run = make_run(make_version(project, 10))
    check = make_check(run.version)
    for number, output in enumerate(run.outputs.order_by("pk"), start=1):
        make_score(output, check, passed=number > 4)
    run.outputs.filter(example__key="example-10").update(error_cause="timeout", error="Too slow.")
    return run


@pytest.fixture
def made(project, lead, run):
    made = plan_round(project, "Round", [run], {Reason.FAILED_CHECK: 2, Reason.AUDIT: None}, lead, seed="s")
    fill_round(made.pk)
    made.refresh_from_db()
    return made


def add_url(project, made):
    return reverse("reviews:add", args=[project.slug, made.pk])


def outputs_url(project, **query):
    return reverse("reviews:review_outputs", args=[project.slug]) + "?" + "&".join(f"{k}={v}" for k, v in query.items())


def test_a_lead_adds_more_for_the_same_reasons(client_of, project, lead, made):
    client = client_of(lead)
    page = client.get(add_url(project, made)).content.decode()
    assert "2 of each run so far" in page
    assert "all of them; those that are new come in now" in page

    answer = client.post(add_url(project, made), {"had": standing(made), "failed_check": 1})

    assert answer["Location"] == reverse("reviews:round", args=[project.slug, made.pk])
    assert made.items.filter(reasons__contains=["failed_check"]).count() == 3
    again = client.post(add_url(project, made), {"had": standing(made), "failed_check": 1})
    assert again.status_code == 422
    assert "have changed meanwhile" in again.content.decode()


def test_a_look_at_more_adds_nothing(client_of, project, lead, made):
    form = {"had": standing(made), "failed_check": 1, "preview": "1"}

    answer = client_of(lead).post(add_url(project, made), form, headers=HTMX)

    assert answer.status_code == 200
    assert "1 new item</strong>" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    made.refresh_from_db()
    assert made.item_count == made.items.count() == 7


def test_numbers_that_make_no_sense_are_asked_about(client_of, project, lead, run):
    made = plan_round(project, "Round", [run], {Reason.FAILED_CHECK: 2}, lead, seed="s")
    fill_round(made.pk)
    made.refresh_from_db()
    client = client_of(lead)

    for typed, sentence in (("", "Say for at least one reason how many more"), ("-1", "Write a number from 1 to")):
        answer = client.post(add_url(project, made), {"had": standing(made), "failed_check": typed})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()


def test_a_closed_round_and_one_without_reasons_say_so(client_of, project, lead, made):
    client = client_of(lead)
    Round.objects.filter(pk=made.pk).update(closed_at=made.created_at)
    assert "The round is closed." in client.get(add_url(project, made)).content.decode()
    answer = client.post(add_url(project, made), {"had": standing(made), "failed_check": 1})
    assert answer.status_code == 422

    Round.objects.filter(pk=made.pk).update(closed_at=None, selection={"wanted": {}, "seed": "s"})
    assert "This round was not drawn for reasons" in client.get(add_url(project, made)).content.decode()


def test_all_outputs_of_a_filter_go_into_a_new_round(client_of, project, lead, reviewer, run):
    client = client_of(lead)
    url = outputs_url(project, kind="outputs", run=run.pk, show="answered")
    assert "Review 9 outputs" in client.get(url).content.decode()
    form = {"kind": "outputs", "run": run.pk, "show": "answered", "name": "Answers", "labels_wanted": 2}

    answer = client.post(url, form | {"shared_percent": 100, "reviewers": [lead.pk, reviewer.pk], "is_blind": "on"})

    made = Round.objects.get()
    assert answer["Location"] == reverse("reviews:round", args=[project.slug, made.pk])
    assert set(made.items.values_list("output", flat=True)) == set(
        run.outputs.filter(error_cause="").values_list("pk", flat=True)
    )
    assert {tuple(reasons) for reasons in made.items.values_list("reasons", flat=True)} == {("added",)}
    assert (made.item_count, made.labels_planned, made.is_blind) == (9, 18, True)
    assert made.filled_at
    assert list(made.runs.all()) == [run]


def test_all_outputs_of_a_filter_go_into_an_open_round(client_of, project, lead, run, made):
    check = run.version.eval_set.checks.get()
    filters = {"kind": "scores", "run": run.pk, "check": check.pk, "outcome": "failed"}
    client = client_of(lead)
    assert "Review 4 outputs" in client.get(outputs_url(project, **filters)).content.decode()

    answer = client.post(outputs_url(project), filters | {"into": made.pk, "labels_wanted": "nonsense"})

    assert answer["Location"] == reverse("reviews:round", args=[project.slug, made.pk])
    certain = made.items.filter(reasons__contains=["added"])
    assert (certain.count(), set(certain.values_list("inclusion_probability", flat=True))) == (4, {1.0})
    made.refresh_from_db()
    assert made.item_count == made.items.count()


def test_what_is_missing_for_a_new_round_is_asked_for_and_nothing_is_lost(client_of, project, lead, run):
    form = {"kind": "outputs", "run": run.pk, "name": "", "labels_wanted": 1, "guidelines": "Be strict."}

    answer = client_of(lead).post(outputs_url(project), form)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Give the round a name." in page
    assert "Be strict." in page
    assert f'name="run" value="{run.pk}"' in page
    assert not Round.objects.exists()


def test_a_round_that_was_closed_meanwhile_takes_nothing(client_of, project, lead, run, made):
    Round.objects.filter(pk=made.pk).update(closed_at=made.created_at)
    form = {"kind": "outputs", "run": run.pk, "into": made.pk}

    answer = client_of(lead).post(outputs_url(project), form)

    assert answer.status_code == 422
    assert made.items.count() == 7


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"kind": "examples"}, 422),
        ({"kind": "outputs"}, 422),
        ({"kind": "outputs", "run": "x"}, 422),
        ({"kind": "outputs", "run": 10**17}, 404),
        ({"kind": "outputs", "odd": "1"}, 422),
        ({"kind": "scores", "outcome": "odd"}, 422),
    ],
)
def test_addresses_that_name_nothing_are_answered_calmly(client_of, project, lead, run, query, status):
    assert client_of(lead).get(outputs_url(project, **query)).status_code == status


def test_a_filter_that_fits_nothing_says_so(client_of, project, lead, run):
    answer = client_of(lead).get(outputs_url(project, kind="outputs", run=run.pk, show="reused"))

    assert answer.status_code == 422
    assert "No output fits this filter" in answer.content.decode()


def test_runs_and_rounds_of_another_project_are_not_there(client_of, project, lead, run, made, stranger):
    foreign = stranger.memberships.get().project
    other = make_run(make_version(foreign, 2))

    assert client_of(lead).get(outputs_url(project, kind="outputs", run=other.pk)).status_code == 404
    assert client_of(stranger).get(outputs_url(foreign, kind="outputs", run=run.pk)).status_code == 404
    answer = client_of(stranger).post(outputs_url(foreign), {"kind": "outputs", "run": other.pk, "into": made.pk})
    assert answer.status_code == 422
    assert made.items.count() == 7


def test_the_pages_that_list_outputs_offer_their_review(client_of, project, lead, run):
    client = client_of(lead)
    button = reverse("reviews:review_button", args=[project.slug])

    outputs = client.get(reverse("runs:outputs", args=[project.slug, run.pk]), {"show": "failed"}).content.decode()
    scores = client.get(reverse("checks:outputs", args=[project.slug]), {"run": run.pk}).content.decode()

    assert f"{button}?kind=outputs&amp;run={run.pk}&amp;show=failed" in outputs
    assert f"{button}?kind=scores&amp;run={run.pk}" in scores
    query = {"kind": "outputs", "run": run.pk, "show": "failed"}
    assert "Review this output" in client.get(button, query).content.decode()
    assert "Review these 10 outputs" in client.get(button, query | {"show": ""}).content.decode()
    assert client.get(button, query | {"show": "reused"}).content.decode().strip() == ""
