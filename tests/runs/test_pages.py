"""The pages of runs: what they say, who may act, and that no list costs more the longer it is."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evalhub.projects.models import Event
from evalhub.runs.models import Output, Run
from tests.making import make_run, make_version
from tests.runs.making import make_caller, start


def url(name: str, run: Run, *args: object) -> str:
    return reverse(f"runs:{name}", args=[run.project.slug, *(args or [run.pk])])


@pytest.fixture
def page(client_of, lead):
    return client_of(lead)


@pytest.fixture
def run(project) -> Run:
    """Started, and worked on by nobody."""
    return start(make_version(project, 5), make_caller(project))


def queries_of(client, address: str) -> int:
    client.get(address)  # signs in and warms what is cached for the process
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_list_names_run_candidate_version_state_and_figures(project, page, run):
    Output.objects.create(run=run, example=run.version.examples.first(), text="x", cost=Decimal("0.25"))
    Output.objects.create(run=run, example=run.version.examples.last(), error_cause="timeout", error="Too slow.")

    text = page.get(reverse("runs:list", args=[project.slug])).content.decode()

    assert f"Run {run.pk}" in text
    assert "Inbox v1" in text and "echo" in text and "running" in text
    assert '2 <span class="soft">of 5</span>' in text
    assert "$0.25" in text


def test_the_list_is_narrowed_by_eval_set_candidate_and_state(project, page, run):
    other = make_run(make_version(project, 2, name="Other"), "recorded")
    address = reverse("runs:list", args=[project.slug])

    def shown(**conditions: object) -> set[int]:
        return {row.pk for row in page.get(address, conditions).context["page"].rows}

    assert shown() == {run.pk, other.pk}
    assert shown(eval_set=run.version.eval_set_id) == {run.pk}
    assert shown(candidate=other.candidate_id) == {other.pk}
    assert shown(state="finished") == {other.pk}
    assert shown(state="nonsense", candidate="abc") == {run.pk, other.pk}


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_of_runs_asks_the_database_no_more_for_thirty_than_for_one(count, project, page):
    version = make_version(project, 2)
    for number in range(count):
        make_run(version, f"candidate {number}")

    assert queries_of(page, reverse("runs:list", args=[project.slug])) == 7


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_of_outputs_asks_the_database_no_more_for_thirty_than_for_one(count, project, page):
    run = make_run(make_version(project, count))

    assert queries_of(page, url("outputs", run)) == 6


def test_the_page_of_a_run_shows_figures_failures_and_the_plan(project, page, run):
    examples = list(run.version.examples.all())
    for example, milliseconds in zip(examples, [100, 200, 300], strict=False):
        Output.objects.create(
            run=run, example=example, text="x", total_ms=milliseconds, first_token_ms=milliseconds / 10,
            cost=Decimal("0.01"), attempts=2,
        )  # fmt: skip
    failed = Output.objects.create(run=run, example=examples[3], error_cause="timeout", error="No answer within 5 s.")

    answer = page.get(url("show", run))

    progress = answer.context["progress"]
    figures = progress.figures
    assert (figures.stored, figures.answered, figures.failed, figures.cost) == (4, 3, 1, Decimal("0.03"))
    # of 100, 200, 300: the middle, and 200 + 0.9 x 100
    assert (figures.total_p50, figures.total_p95) == (200, 290)
    assert (figures.first_token_p50, figures.first_token_p95) == (20, 29)
    assert (progress.missing, progress.extra_attempts) == (1, 3)
    assert [(failure.name, failure.count, failure.example.pk) for failure in progress.failures] == [
        ("Time limit", 1, failed.pk)
    ]
    text = answer.content.decode()
    assert "No answer within 5 s." in text
    assert "http://127.0.0.1:9/v1" in text
    assert reverse("checks:run_scores", args=[project.slug, run.pk]) in text


def test_the_moving_part_ends_itself_when_the_run_is_over(page, run):
    address = url("progress", run)
    moving = page.get(address, headers={"HX-Request": "true"}).content.decode()
    Run.objects.filter(pk=run.pk).update(state="finished", finished_at=timezone.now())
    ended = page.get(address, headers={"HX-Request": "true"}).content.decode()

    assert 'hx-trigger="every 2s"' in moving and "<html" not in moving
    assert "hx-trigger" not in ended
    assert "<html" in page.get(address).content.decode()


@pytest.mark.parametrize(
    ("state", "leased", "seconds"),
    [
        ("running", False, 2),
        ("paused", True, 2),
        ("paused", False, 10),
        ("cancelled", True, 2),
        ("cancelled", False, None),
        ("finished", True, None),
    ],
)
def test_the_page_asks_again_while_calls_may_be_answered_or_somebody_may_resume_it(state, leased, seconds, page, run):
    Run.objects.filter(pk=run.pk).update(state=state)
    until = timezone.now() + timedelta(minutes=1 if leased else -1)  # a lease that is over belongs to nobody
    run.chunks.update(state="leased", lease_until=until)

    text = page.get(url("show", run)).content.decode()

    moving = text[text.index('id="run-progress"') :].partition(">")[0]
    assert (f'hx-trigger="every {seconds}s"' in moving) if seconds else ("hx-trigger" not in moving)


def test_a_change_by_htmx_answers_with_the_moving_part_alone(page, run):
    answer = page.post(url("pause", run), headers={"HX-Request": "true"})

    text = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in text
    assert ">Resume</button>" in text and "Calls in flight are still stored." in text


def test_pause_resume_and_cancel_change_the_state_and_leave_a_trace(page, run, lead):
    for verb, state in [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")]:
        answer = page.post(url(verb, run))
        run.refresh_from_db()
        assert (answer.status_code, run.state) == (302, state)

    actions = Event.objects.filter(actor=lead).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["paused", "resumed", "cancelled"]
    assert run.state_reason == "Lea cancelled it."
    assert run.finished_at is not None


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        ("paused", "pause"), ("finished", "pause"), ("running", "resume"), ("cancelled", "resume"),
        ("finished", "cancel"), ("cancelled", "cancel"), ("running", "retry"), ("paused", "retry"),
        ("cancelled", "retry"),
    ],
)  # fmt: skip
def test_a_change_that_no_longer_applies_is_a_409_that_says_how_it_stands(state, verb, page, run):
    Run.objects.filter(pk=run.pk).update(state=state)

    answer = page.post(url(verb, run))

    assert answer.status_code == 409
    text = answer.content.decode()
    assert f"This run is {state} now, so there is nothing to {verb}." in text
    assert url("show", run) in text
    run.refresh_from_db()
    assert run.state == state


def test_retrying_asks_again_for_what_failed_and_nothing_else(page, run):
    examples = list(run.version.examples.all())
    kept = [Output.objects.create(run=run, example=example, text="fine").pk for example in examples[:3]]
    for example in examples[3:]:
        Output.objects.create(run=run, example=example, error_cause="timeout", error="Slow.")
    run.chunks.update(state="done")
    Run.objects.filter(pk=run.pk).update(state="finished", finished_at=timezone.now(), figures={"stored": 5})

    answer = page.post(url("retry", run))

    run.refresh_from_db()
    assert (answer.status_code, run.state, run.finished_at, run.figures) == (302, "running", None, {})
    assert list(run.outputs.order_by("pk").values_list("pk", flat=True)) == kept
    assert list(run.chunks.values_list("first_position", "last_position", "state")) == [(4, 5, "ready")]
    assert Event.objects.latest("pk").subject.endswith("2 timeout")


def test_a_failed_output_that_people_look_at_already_stays(page, run):
    from tests.making import make_round

    for example in run.version.examples.all():
        Output.objects.create(run=run, example=example, error_cause="timeout", error="Slow.")
    run.chunks.update(state="done")
    Run.objects.filter(pk=run.pk).update(state="finished")
    make_round(run)

    answer = page.post(url("retry", run))

    assert answer.status_code == 409
    assert "people have already reviewed each failed output" in answer.content.decode()
    run.refresh_from_db()
    assert (run.state, run.outputs.count()) == ("finished", 5)


def test_outputs_are_narrowed_to_answers_failures_and_causes(page, run):
    examples = list(run.version.examples.all())
    answered = Output.objects.create(run=run, example=examples[0], text="fine")
    slow = Output.objects.create(run=run, example=examples[1], error_cause="timeout", error="Slow.")
    refused = Output.objects.create(run=run, example=examples[2], error_cause="auth", error="Key.")

    def shown(show: str) -> list[int]:
        return [row.pk for row in page.get(url("outputs", run), {"show": show}).context["page"].rows]

    assert shown("") == shown("nonsense") == [answered.pk, slow.pk, refused.pk]
    assert shown("answered") == [answered.pk]
    assert shown("failed") == [slow.pk, refused.pk]
    assert shown("cause:auth") == [refused.pk]


def test_an_output_is_shown_with_request_expected_answer_and_neighbours(page, project):
    run = make_run(make_version(project, 3), answers=['{"a":1}', "plain", "three"])
    first, second, third = run.outputs.order_by("pk")

    middle = page.get(url("output", run, second.pk)).content.decode()

    assert "Say the number 2." in middle and "plain" in middle
    assert url("output", run, first.pk) in middle and url("output", run, third.pk) in middle
    assert reverse("checks:output_scores", args=[project.slug, second.pk]) in middle
    assert reverse("taxonomy:output_verdict", args=[project.slug, second.pk]) in middle
    indented = page.get(url("output", run, first.pk)).content.decode()
    assert "{\n  &quot;a&quot;: 1\n}" in indented and "As it was sent" in indented


def test_hostile_text_is_shown_as_text(page, project):
    hostile = "<script>alert(1)</script>\u202e\x1b[31m"
    run = make_run(make_version(project, 1), answers=[hostile])
    output = run.outputs.get()
    output.tool_calls = [{"id": "1", "name": hostile, "arguments": hostile}]
    output.raw = output.error = hostile
    output.error_cause = "timeout"
    output.save()

    for address in (url("output", run, output.pk), url("outputs", run), url("show", run)):
        text = page.get(address).content.decode()
        assert "<script>alert" not in text
        assert "\u202e" not in text and "\x1b" not in text


def test_reviewers_see_no_runs_and_strangers_find_none(client_of, reviewer, stranger, run):
    for name in ("list", "new", "upload", "summary"):
        address = reverse(f"runs:{name}", args=[run.project.slug])
        assert client_of(reviewer).get(address).status_code == 403
        assert client_of(stranger).get(address).status_code == 404
    for verb in ("pause", "cancel"):
        assert client_of(reviewer).post(url(verb, run)).status_code == 403
        assert client_of(stranger).post(url(verb, run)).status_code == 404


def test_the_summary_tells_of_the_latest_run_or_what_to_do_next(page, project):
    address = reverse("runs:summary", args=[project.slug])
    assert "Publish a version of an" in page.get(address).content.decode()

    version = make_version(project, 4)
    assert "Nothing was run yet." in page.get(address).content.decode()

    run = make_run(version)
    text = page.get(address).content.decode()
    assert url("show", run) in text and "4 of 4" in text
