"""The page of a run tells the truth: what it waits for, what is down, who paused it, what may have been paid twice."""

from __future__ import annotations

import re
import socket
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.projects.models import Event
from evalhub.runs.models import LostCall, Outage, Output, Run
from evalhub.runs.pausing import pause_run
from evalhub.runs.progress import progress_of
from evalhub.runs.standing import SILENCE_SECONDS, clock, in_short
from tests.making import make_version
from tests.runs.making import make_caller, start


@pytest.fixture
def page(client_of, lead):
    return client_of(lead)


@pytest.fixture
def run(project) -> Run:
    """Started, and worked on by nobody."""
    return start(make_version(project, 5), make_caller(project))


def url(name: str, run: Run) -> str:
    return reverse(f"runs:{name}", args=[run.project.slug, run.pk])


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def change(run: Run, **fields: object) -> None:
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()


def standing(run: Run) -> tuple[str, bool]:
    run.refresh_from_db()
    found = progress_of(run).standing
    return found.sentence, found.needs_help


def make_busy_run(run: Run, model: str = "other") -> Run:
    """Another run, which a worker has in hand."""
    other = start(make_version(run.project, 1, name=model), make_caller(run.project, model=model))
    lease(other)
    return other


def lease(run: Run, seconds: float = 50, sign_of_life: float = 1) -> None:
    run.chunks.update(state="leased", lease_until=timezone.now() + timedelta(seconds=seconds))
    change(run, created_at=ago(600), worked_at=ago(sign_of_life))


def test_a_run_that_no_worker_looks_at_says_so_within_half_a_minute(run, page):
    assert standing(run) == ("Waiting for a worker.", False)

    change(run, created_at=ago(25))

    sentence, needs_help = standing(run)
    assert needs_help
    assert re.match(r"No worker has looked at this run for 2\d s\. Start one on a machine that reaches this", sentence)
    assert "The queue cannot" not in sentence
    assert "No worker has looked at this run for 2" in page.get(url("show", run)).content.decode()
    assert SILENCE_SECONDS + 2 + 1 < 30  # the page asks every 2 s, and takes a second at most


def test_a_queue_that_is_away_or_frozen_is_named_and_holds_the_page_up_for_no_second(run, page, settings, tmp_path):
    change(run, created_at=ago(40))
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(tmp_path / "redis.sock"))
        frozen.listen()
        for address in ("unix:///nowhere/at-all.sock?db=0", f"unix://{tmp_path}/redis.sock?db=0"):
            settings.REDIS_URL = address
            began = timezone.now()
            text = page.get(url("progress", run), headers={"HX-Request": "true"}).content.decode()
            assert "The queue cannot be reached either" in text
            assert timezone.now() - began < timedelta(seconds=5)  # half a second, on a machine with nothing else to do


def test_other_runs_before_it_are_counted(run):
    make_busy_run(run)
    assert standing(run) == ("Waiting for a worker: another run is before it.", False)

    lost = make_busy_run(run, "another")
    assert standing(run)[0] == "Waiting for a worker: 2 other runs are before it."
    change(lost, worked_at=ago(25))
    assert standing(run)[0] == "Waiting for a worker: another run is before it."


def test_a_lost_worker_is_told_of_before_its_lease_ends(run):
    lease(run, seconds=38, sign_of_life=5)
    assert standing(run) == ("", False)

    lease(run, seconds=38, sign_of_life=24)
    sentence, needs_help = standing(run)
    seconds = int(re.findall(r"for (\d+) s", sentence)[0])
    assert seconds in range(20, 25)  # the test's transaction has one time for all
    until = clock(run.chunks.get().lease_until)
    heard = (
        f"The worker of this run has given no sign of life for {seconds} s. "
        f"What it had in hand is free for another one at {until}."
    )
    assert needs_help and sentence.startswith(f"{heard} If there is no other: start one on a machine")
    make_busy_run(run)
    assert standing(run) == (heard, False)
    lease(run, seconds=-30, sign_of_life=90)
    assert "What it had in hand has been free for another one since " in standing(run)[0]


def test_waits_that_the_endpoint_asked_for_are_told_with_their_end(run):
    moment = timezone.now() + timedelta(minutes=2)
    change(run, created_at=ago(600), waits_until=moment)
    assert standing(run) == (f"The endpoint asked for no call before {clock(moment)}.", False)

    later = timezone.now() + timedelta(days=2)
    change(run, waits_until=later)
    local = timezone.localtime(later)
    assert standing(run)[0] == f"The endpoint asked for no call before {local.day} {local:%b}, {local:%H:%M:%S}."

    change(run, waits_until=None)
    run.chunks.update(not_before=moment)
    assert standing(run) == (f"What is left waits to be tried again; the next tries are at {clock(moment)}.", False)


def test_a_limit_is_named_while_it_holds_calls_back(run):
    lease(run)
    example = run.version.examples.first()
    Output.objects.create(run=run, example=example, total_ms=200, prompt_tokens=100, completion_tokens=50)

    def told(**limits: object) -> str:
        change(
            run, plan=run.plan | {"max_in_flight": 4, "requests_per_minute": None, "tokens_per_minute": None} | limits
        )
        return standing(run)[0]

    # Four at once, of 200 ms each: 1,200 a minute could be made, 180,000 tokens.
    assert told() == ""
    assert told(requests_per_minute=1_200, tokens_per_minute=180_000) == ""
    assert told(requests_per_minute=60) == "The endpoint allows 60 requests a minute: calls wait for their turn."
    assert told(requests_per_minute=1) == "The endpoint allows 1 request a minute: calls wait for their turn."
    assert told(tokens_per_minute=90_000) == "The endpoint allows 90,000 tokens a minute: calls wait for their turn."


def test_an_endpoint_that_is_down_is_named_with_what_it_said_and_the_next_probe(run, page):
    change(run, created_at=ago(600))
    since, probe = ago(300), timezone.now() + timedelta(seconds=10)
    endpoint = run.candidate.endpoint
    outage = Outage.objects.create(endpoint=endpoint, since=since, reason="Connection refused", probe_at=probe)
    minute = f"{timezone.localtime(since):%H:%M}"
    day = "" if timezone.localtime(since).date() == timezone.localdate() else f"{clock(since).rpartition(' ')[0]} "

    assert standing(run) == (
        f"“echo” is down since {day}{minute}: Connection refused. The next probe is at {clock(probe)}; "
        "the run goes on when it is answered.",
        False,
    )
    outage.probes = 4
    outage.save()
    assert f"The next probe is at {clock(probe)}, tried 4 times; the run" in standing(run)[0]
    assert in_short([run]) == {run.pk: f"endpoint down since {day}{minute}"}
    assert "is down since" in page.get(url("show", run)).content.decode()

    outage.probe_at = timezone.now() + timedelta(seconds=30)
    outage.save()
    assert "A probe is under way, tried 4 times; the run" in standing(run)[0]

    # Nobody probes: without a worker it would stay so for ever.
    outage.probe_at = ago(25)
    outage.save()
    sentence, needs_help = standing(run)
    assert needs_help and "No worker is there to probe it, tried 4 times. Start one on a machine" in sentence
    make_busy_run(run)
    assert "The next probe waits for a worker, tried 4 times; the run" in standing(run)[0]


def test_the_page_says_who_paused_it_when_and_why(run, page, lead):
    pause_run(run, lead)
    Event.objects.filter(action="paused").update(at=datetime(2026, 3, 1, 12, 1, tzinfo=timezone.get_current_timezone()))

    text = page.get(url("show", run)).content.decode()

    assert "Paused since 1 Mar, 12:01. Lea paused it. 5 outputs are still to come." in text
    assert 'hx-trigger="every 2s"' not in text
    assert "raise-form" not in text
    assert in_short([run]) == {run.pk: "Lea paused it."}


def test_the_reason_of_one_run_is_not_taken_from_another_whose_number_begins_alike(run, project, lead):
    other = Run.objects.create(
        pk=run.pk * 10, project=project, version=run.version, candidate=run.candidate, planned_outputs=5,
        started_by=lead,
    )  # fmt: skip
    pause_run(run, lead)
    Event.objects.filter(action="paused").update(at=ago(60))
    mine = progress_of(run).paused_at
    pause_run(other, lead)

    assert progress_of(run).paused_at == mine < progress_of(other).paused_at


def test_calls_that_may_have_been_paid_twice_are_counted_and_linked(run, page):
    examples = list(run.version.examples.all())
    for example in examples[:3]:
        Output.objects.create(run=run, example=example, text="fine")
    at = datetime(2026, 3, 1, 12, 1, tzinfo=timezone.get_current_timezone())
    for example in examples[1:3]:
        LostCall.objects.create(run=run, example=example, repeat=1, worker="host:1", lost_at=at)

    text = " ".join(page.get(url("show", run)).content.decode().split())
    listed = page.get(url("outputs", run), {"show": "lost"})

    assert f'{url("outputs", run)}?show=lost">2 calls</a> were lost with their worker at 1 Mar, 12:01' in text
    assert "and may have been paid twice" in text
    assert [row.example for row in listed.context["page"].rows] == examples[1:3]
    LostCall.objects.filter(example=examples[2]).update(lost_at=at + timedelta(minutes=8))
    assert "between 1 Mar, 12:01 and 1 Mar, 12:09" in page.get(url("show", run)).content.decode()


def test_a_call_lost_at_another_repeat_marks_only_that_output(project, page):
    run = start(make_version(project, 1), make_caller(project), repeats=2)
    example = run.version.examples.get()
    first, second = (Output.objects.create(run=run, example=example, repeat=repeat) for repeat in (1, 2))
    LostCall.objects.create(run=run, example=example, repeat=2, worker="host:1")

    shown = page.get(url("outputs", run), {"show": "lost"}).context["page"].rows

    assert list(shown) == [second]
    for output, is_marked in ((first, False), (second, True)):
        text = page.get(reverse("runs:output", args=[project.slug, output.pk])).content.decode()
        assert ("possibly paid twice" in text) is is_marked


def test_reused_outputs_are_counted_marked_and_lead_to_the_original(project, page):
    version, caller = make_version(project, 3), make_caller(project)
    earlier = start(version, caller)
    run = start(version, caller, reuses_outputs=True)
    first, second, third = version.examples.all()
    original = Output.objects.create(run=earlier, example=first, text="a", cost=Decimal("0.5"), total_ms=900)
    reused, orphan = (
        Output.objects.create(run=run, example=example, text="a", cost=0, attempts=0, reused_from=source, total_ms=900)
        for example, source in ((first, original.pk), (second, original.pk + 1_000_000))
    )
    Output.objects.create(run=run, example=third, text="b", cost=Decimal("0.25"), attempts=2, total_ms=100)

    progress = progress_of(run)
    figures = progress.figures
    assert (figures.stored, figures.reused, figures.cost) == (3, 2, Decimal("0.25"))
    assert progress.extra_attempts == 1  # of the one call that was made, and repeated
    assert figures.total_p50 == 100  # what was taken over took its time elsewhere
    assert f"{url('outputs', run)}?show=reused" in page.get(url("show", run)).content.decode()
    listed = page.get(url("outputs", run), {"show": "reused"})
    assert [row.pk for row in listed.context["page"].rows] == [reused.pk, orphan.pk]
    assert listed.content.decode().count(">reused</span>") == 2
    link = reverse("runs:output", args=[project.slug, original.pk])
    pages = [
        page.get(reverse("runs:output", args=[project.slug, each.pk])).content.decode() for each in (reused, orphan)
    ]
    assert f'href="{link}">run {earlier.pk}</a>' in pages[0]
    assert "is not there any more" in pages[1]


def test_the_original_of_a_foreign_project_is_not_linked(project, page, stranger):
    from evalhub.projects.models import Project

    elsewhere = Project.objects.exclude(pk=project.pk).get()
    foreign = start(make_version(elsewhere, 1), make_caller(elsewhere))
    original = Output.objects.create(run=foreign, example=foreign.version.examples.get(), text="a")
    run = start(make_version(project, 1), make_caller(project))
    taken = Output.objects.create(run=run, example=run.version.examples.get(), attempts=0, reused_from=original.pk)

    text = page.get(reverse("runs:output", args=[project.slug, taken.pk])).content.decode()

    assert f"/outputs/{original.pk}/" not in text and f"run {foreign.pk}" not in text
