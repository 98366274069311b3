import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.checks.rates import upper_bound, wilson
from reviews.labelling import record_label
from reviews.making.pools import Selection
from reviews.making.preview import Pace, pace_of_project, preview_round
from reviews.models import KnownAnswer, Label, Reason, Round
from tests.making import (
    assessed,
    claim_next,
    make_candidate,
    make_check,
    make_round,
    make_run,
    make_score,
    make_version,
)

HTMX = {"HX-Request": "true"}


@pytest.fixture
def version(project):
    return make_version(project, 20)


@pytest.fixture
def run(version):
    """Outputs 1 to 8 fail the check, 9 to 20 pass it."""
    run = make_run(version)
    check = make_check(version)
    for number, output in enumerate(run.outputs.order_by("pk"), start=1):
        make_score(output, check, passed=number > 8)
    return run


def form_of(run, **more):
    form = {"version": run.version_id, "name": "Failures", "runs": [run.pk], "use_failed_check": "on"}
    return form | {"count_failed_check": "", "labels_wanted": 1} | more


def post(client, project, form, **more):
    return client.post(reverse("reviews:new", args=[project.slug]), form, **more)


def test_a_lead_makes_a_round_of_the_disagreements(client_of, project, lead, reviewer, run):
    more = {"labels_wanted": 2, "shared_percent": 20, "reviewers": [lead.pk, reviewer.pk], "hides_types": "on"}

    answer = post(client_of(lead), project, form_of(run, **more))

    made = Round.objects.get()
    assert answer["Location"] == reverse("reviews:round", args=[project.slug, made.pk])
    assert (made.selection["wanted"], made.labels_wanted, made.shared_percent) == ({"failed_check": None}, 2, 20)
    assert (made.is_blind, made.hides_types, made.contests_types) == (False, True, False)
    assert set(made.reviewers.all()) == {lead, reviewer}
    assert len(made.selection["seed"]) == 8


def test_what_narrows_a_reason_is_kept_only_when_the_reason_is_asked_for(client_of, project, lead, version, run):
    check = make_check(version, "Short")
    narrowing = {"checks": [check.pk], "measures": ["latency"], "use_outlier": "on", "count_outlier": 3}

    post(client_of(lead), project, form_of(run, **narrowing, seed="s"))
    post(client_of(lead), project, form_of(run, **narrowing, seed="s", use_failed_check="", name="Second"))

    second, first = Round.objects.all()
    assert first.selection == {
        "wanted": {"failed_check": None, "outlier": 3},
        "seed": "s",
        "checks": [check.pk],
        "measures": ["latency"],
    }
    assert second.selection == {"wanted": {"outlier": 3}, "seed": "s", "measures": ["latency"]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "Give the round a name."),
        ({"use_failed_check": ""}, "Choose at least one reason"),
        ({"runs": []}, "Choose at least one run."),
        ({"labels_wanted": 0}, "Write a number from 1 to 9."),
        ({"labels_wanted": "two"}, "Write a number from 1 to 9."),
        ({"labels_wanted": 5}, "Only 3 people may review in this project, so no item can get 5 reviewers."),
        ({"shared_percent": 101}, "Write a number from 1 to 100."),
        ({"count_failed_check": -3}, "Write a number from 1 to 100,000, or leave it empty for all of them."),
        ({"use_outlier": "on", "measures": []}, "Tick at least one, or take the tick from the reason."),
        ({"reviewers": [0]}, "Select a valid choice"),
        ({"checks": [0]}, "Select a valid choice"),
    ],
)
def test_a_round_that_makes_no_sense_is_asked_about_and_nothing_is_lost(
    client_of, project, lead, reviewer, run, change, sentence
):
    answer = post(client_of(lead), project, form_of(run, guidelines="Be <strict>.") | change)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert "Be &lt;strict&gt;." in answer.content.decode()
    assert not Round.objects.exists()


def test_more_reviewers_than_are_ticked_are_refused(client_of, project, lead, reviewer, run):
    answer = post(client_of(lead), project, form_of(run, labels_wanted=2, reviewers=[reviewer.pk]))

    assert answer.status_code == 422
    assert "Only 1 person is ticked below, so no item can get 2 reviewers." in answer.content.decode()


def test_runs_checks_and_people_of_another_project_are_refused(client_of, project, lead, run, stranger):
    foreign = stranger.memberships.get().project
    other = make_run(make_version(foreign, 2))
    check = make_check(other.version)

    for change in ({"runs": [other.pk]}, {"checks": [check.pk]}, {"reviewers": [stranger.pk]}):
        assert post(client_of(lead), project, form_of(run) | change).status_code == 422
    assert post(client_of(lead), project, form_of(other)).status_code == 404
    assert not Round.objects.exists()


def test_tags_are_offered_where_examples_carry_them(client_of, project, lead, run):
    rows = [{"key": f"{n}", "request": {"messages": []}, "tags": ["refund"] if n < 2 else []} for n in range(4)]
    tagged = make_run(make_version(project, rows, "Tagged"), answers=["a"] * 4)
    client, tags = client_of(lead), {"use_failed_check": "", "use_tag": "on", "count_tag": 1}

    assert "refund (2)" in client.get(reverse("reviews:new", args=[project.slug])).content.decode()
    assert (
        "use_tag"
        not in client.get(reverse("reviews:new", args=[project.slug]), {"version": run.version_id}).content.decode()
    )
    assert "Tick at least one tag" in post(client, project, form_of(tagged, **tags)).content.decode()
    post(client, project, form_of(tagged, **tags, tags=["refund"]))

    assert Round.objects.get().selection["tags"] == ["refund"]


def test_known_items_are_offered_where_there_are_some(client_of, project, lead, run):
    client = client_of(lead)
    assert "Known items" not in client.get(reverse("reviews:new", args=[project.slug])).content.decode()
    KnownAnswer.objects.create(project=project, output=run.outputs.first(), outcome="pass", created_by=lead)

    assert "Known items" in client.get(reverse("reviews:new", args=[project.slug])).content.decode()
    too_many = post(client, project, form_of(run, known=2))
    assert "Write a number from 0 to 1: so many known items there are." in too_many.content.decode()
    post(client, project, form_of(run, known=1))

    assert Round.objects.get().selection["known"] == 1


def test_the_preview_makes_nothing_and_keeps_what_was_typed(client_of, project, lead, run):
    answer = post(client_of(lead), project, form_of(run, preview="1", name="", guidelines="Be strict."))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "No random part is in it." in page
    assert "Be strict." in page
    assert '<div class="stat-name">Items</div><div class="stat-value">8</div>' in page
    assert not Round.objects.exists()


def test_the_preview_alone_is_swapped_and_says_what_cannot_be_meant(client_of, project, lead, run):
    client = client_of(lead)

    answer = post(client, project, form_of(run, preview="1", count_failed_check="many"), headers=HTMX)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in page
    assert "Failed a check: Write a number from 1 to 100,000, or leave it empty for all of them." in page
    good = post(client, project, form_of(run, preview="1"), headers=HTMX).content.decode()
    assert '<div class="stat-value">8</div>' in good
    assert "<html" not in good


def test_the_first_preview_is_of_the_outputs_that_the_round_will_hold(client_of, project, lead, run, celery_worker):
    page = client_of(lead).get(reverse("reviews:new", args=[project.slug]))

    assert len(page.context["form"]["seed"].value()) == 8


def preview_of(project, runs, wanted, labels_wanted=1, shared_percent=100, people=2, **narrowing):
    return preview_round(project, runs, Selection(wanted, "s", **narrowing), labels_wanted, shared_percent, people)


def test_a_refused_round_puts_the_person_at_what_is_wrong(client_of, project, lead, run):
    url = reverse("reviews:new", args=[project.slug])
    form = form_of(run) | {"labels_wanted": "99", "count_failed_check": "0"}

    page = client_of(lead).post(url, form).content.decode()

    assert re.findall(r'name="(\w+)"[^>]* autofocus', page) == ["count_failed_check"]
    assert page.index('id="preview"') < page.rindex("Reviewers for each item: ")


def test_a_preview_counts_an_output_once_whatever_its_reasons(project, version, run):
    make_run(version, make_candidate(project, "old", is_baseline=True), ["other"] * 20)

    found = preview_of(project, [run], {"failed_check": None, "differs_from_baseline": None, "audit": 5})

    assert (found.items, found.labels) == (20, 20)
    assert [(each.reason, each.there, each.read) for each in found.reasons] == [
        (Reason.FAILED_CHECK, 8, 8),
        (Reason.DIFFERS, 20, 20),
        (Reason.AUDIT, 12, 12),
    ]


def test_a_preview_shows_what_the_round_will_hold(project, lead, run):
    from reviews.making.planning import fill_round, plan_round

    planned = plan_round(
        project,
        "R",
        [run],
        {Reason.FAILED_CHECK: 5, Reason.AUDIT: 6},
        lead,
        labels_wanted=2,
        shared_percent=20,
        seed="s",
    )
    fill_round(planned.pk)
    planned.refresh_from_db()

    found = preview_of(project, [run], {"failed_check": 5, "audit": 6}, labels_wanted=2, shared_percent=20)

    assert (found.items, found.shared, found.labels) == (11, 2, 13) == (planned.item_count, 2, planned.labels_planned)


def test_the_rates_that_a_sample_supports(project, run):
    (sample,) = preview_of(project, [run], {"failed_check": None, "audit": None}).runs
    (small,) = preview_of(project, [run], {"failed_check": 4}).runs

    low, high = wilson(2, 20)
    assert sample.margin == (high - low) / 2
    assert sample.at_most == upper_bound(20)
    assert (sample.items, sample.covered, sample.outputs) == (20, 20, 20)
    assert (small.margin, small.at_most) == (None, upper_bound(4))
    assert (small.items, small.covered) == (4, 8)


def test_the_pace_is_the_median_of_the_last_30_days_or_200_an_hour(project, lead, version):
    made = make_round(make_run(version))
    assert (pace_of_project(project).an_hour, pace_of_project(project).timed) == (200, 0)
    for seconds in range(10, 20):
        label = record_label(claim_next(made, lead), lead, assessed("pass"))
        Label.objects.filter(pk=label.pk).update(seconds=seconds)

    assert (pace_of_project(project).seconds, pace_of_project(project).timed) == (14.5, 10)
    Label.objects.update(seconds=0.5)
    assert pace_of_project(project).timed == 0
    Label.objects.update(seconds=5)
    assert pace_of_project(project).an_hour == 720
    Label.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert pace_of_project(project).timed == 0


def test_a_preview_tells_hours_of_all_and_of_each(project, run):
    found = preview_of(project, [run], {"audit": None, "failed_check": None}, labels_wanted=2, people=4)

    # 20 items, each twice, at 18 seconds
    assert (found.labels, found.time, found.time_each) == (40, "12 min", "3 min")


@pytest.mark.parametrize(
    ("labels", "time"), [(0, "0 min"), (1, "1 min"), (250, "75 min"), (700, "3.5 h"), (20_000, "100 h")]
)
def test_times_are_told_no_more_exactly_than_they_are_known(labels, time):
    assert Pace(18.0, 0).time_of(labels) == time


def test_empty_pools_say_why(project, version, run):
    run.scores.filter(outcome="failed").update(outcome="passed")

    def why(**wanted):
        return [list(each.empty) for each in preview_of(project, [run], wanted, measures=["length"]).reasons]

    assert why(failed_check=1) == [["No output of small-model failed a check."]]
    assert why(checks_contradict=1) == [["The eval set has one active check only, which nothing contradicts."]]
    assert why(differs_from_baseline=1) == [["No candidate is marked as the baseline. Mark one under Candidates."]]
    assert why(outlier=1) == [["No output of small-model is that unusual."]]
    make_candidate(project, "old", is_baseline=True)
    assert why(differs_from_baseline=1) == [["The baseline has no finished run over this version. Start one."]]
    make_run(version, "old")
    assert why(differs_from_baseline=1) == [["All answers of small-model say what the baseline's do."]]


def test_a_preview_warns_of_what_is_not_known_yet(project, version, run):
    random = {"audit": 1}
    assert list(preview_of(project, [run], random).warnings) == []

    run.scores.filter(output=run.outputs.first()).delete()
    run.state = "running"
    run.save()

    not_over, unscored = preview_of(project, [run], random).warnings
    assert not_over == (f"small-model (run {run.pk}) is not over: outputs that come later will not be in the round.")
    assert unscored.startswith(f"1 output of small-model (run {run.pk}) is not scored yet")
    (no_random,) = preview_of(project, [make_run(version, "x", [""] * 20)], {"outlier": 1}).warnings[:1]
    assert no_random.startswith("No random part is in it.")


def test_without_checks_the_audit_is_of_all_answers_and_says_so(project):
    unchecked = make_run(make_version(project, 4))

    found = preview_of(project, [unchecked], {"audit": 2, "failed_check": None})

    assert found.items == 2
    assert "The eval set has no active check, so the random audit is drawn from all answers." in found.warnings
    assert found.reasons[1].empty == [
        "The eval set has no active check. Add one; it scores the outputs that are there."
    ]


def test_the_page_takes_the_same_queries_for_any_number_of_runs(
    client_of, project, lead, version, run, django_assert_max_num_queries
):
    for number in range(8):
        make_run(version, f"model-{number}")
    client = client_of(lead)

    with django_assert_max_num_queries(16):
        client.get(reverse("reviews:new", args=[project.slug]))
