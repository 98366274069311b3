"""Whole runs against endpoints with limits, counted by the endpoints: real workers, real Redis, real time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from django.conf import settings
from redis import Redis

from evalhub.candidates.models import Candidate
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Outage, Run
from evalhub.runs.pausing import cancel_run
from evalhub.runs.sweeping import sweep_runs
from tests.making import make_candidate, make_version
from tests.running import Endpoint, running_endpoint
from tests.runs.making import make_caller, make_endpoint, start
from tests.serving.waiting import wait_until

RUNS = 5


def is_over(run: Run) -> bool:
    run.refresh_from_db()
    return run.is_over


def is_over_when_swept(run: Run) -> bool:
    """As beat would: it is not running in tests."""
    sweep_runs()
    return is_over(run)


def most_within(arrivals: Iterable[float], seconds: float) -> int:
    """The most calls that arrived within any so many seconds."""
    ordered = sorted(arrivals)
    return max(bisect_right(ordered, begin + seconds) - place for place, begin in enumerate(ordered))


def arrivals_of(endpoint: Endpoint) -> list[float]:
    return [arrived for arrived, *_ in endpoint.log()]


@pytest.fixture
def other_endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as endpoint:
        yield endpoint


def callers_of(project: Project, url: str, name: str, **limits: int) -> list[Candidate]:
    """Five candidates of one endpoint; each call takes a fifth of a second."""
    endpoint = make_endpoint(project, url, name, **limits)
    return [
        make_candidate(project, f"{name} {n}", endpoint=endpoint, model=f"echo?delay=0.2&run={n}")
        for n in range(1, RUNS + 1)
    ]


def start_in_turn(*wanted: tuple[EvalSetVersion, list[Candidate]]) -> list[list[Run]]:
    """The runs of each version, started one of each in turn."""
    turns = [[start(version, candidates[n]) for version, candidates in wanted] for n in range(RUNS)]
    return [list(runs) for runs in zip(*turns, strict=True)]


def shares_while_all_ran(endpoint: Endpoint) -> Counter[str]:
    """How many calls each run made between the first call of the last run and the last call of the first."""
    calls: dict[str, list[float]] = {}
    for arrived, _, model, _ in endpoint.log():
        calls.setdefault(model, []).append(arrived)
    begin, end = max(map(min, calls.values())), min(map(max, calls.values()))
    return Counter({model: sum(begin <= arrived <= end for arrived in arrivals) for model, arrivals in calls.items()})


def test_ten_runs_over_two_endpoints_keep_the_limits_of_both_and_none_starves(
    project, celery_worker, model_endpoint, other_endpoint
):
    narrow = callers_of(project, model_endpoint.url, "narrow", requests_per_minute=600, max_in_flight=6)
    wide = callers_of(project, other_endpoint.url, "wide", requests_per_minute=1800, max_in_flight=12)
    few, many = make_version(project, 60, name="Few"), make_version(project, 180, name="Many")

    narrow_runs, wide_runs = start_in_turn((few, narrow), (many, wide))
    runs = [*narrow_runs, *wide_runs]
    wait_until(lambda: all(is_over(run) for run in runs), 120)

    assert [run.outputs.filter(error_cause="").count() for run in runs] == [60] * RUNS + [180] * RUNS
    for endpoint, count, limit, at_once in ((model_endpoint, 60, 600, 6), (other_endpoint, 180, 1800, 12)):
        arrivals = arrivals_of(endpoint)
        assert len(arrivals) == RUNS * count
        assert most_within(arrivals, 10) <= limit / 6
        assert endpoint.counts()["most_at_once"] <= at_once
        shares = shares_while_all_ran(endpoint)
        assert len(shares) == RUNS
        assert min(shares.values()) >= shares.total() / RUNS / 3 > 1, shares


def test_a_run_takes_no_more_tokens_than_the_endpoint_gives_in_a_minute(project, celery_worker, model_endpoint):
    usage = {"prompt_tokens": 200, "completion_tokens": 800, "total_tokens": 1000}
    model_endpoint.replay(
        {"prompt": f"Say the number {n}.", "outputs": {"m": {"text": str(n), "usage": usage}}} for n in range(1, 61)
    )
    candidate = make_caller(project, model_endpoint.url, "m", tokens_per_minute=600_000)
    candidate.max_tokens = 800
    candidate.save()
    run = start(make_version(project, 60), candidate)

    wait_until(lambda: is_over(run), 60)

    arrivals = arrivals_of(model_endpoint)
    assert run.outputs.filter(error_cause="").count() == len(arrivals) == 60
    # Four calls' worth saved up and 9.3 a second; those of 0.3 s more may arrive within the five.
    assert most_within(arrivals, 5) <= 4 + 9.3 * 5.3
    assert most_within(arrivals, 5) >= 30


def test_a_redis_that_forgets_everything_in_mid_run_gives_no_more_than_the_limit(
    project, celery_worker, model_endpoint
):
    caller = make_caller(project, model_endpoint.url, "echo?delay=0.1", requests_per_minute=600, max_in_flight=8)
    run = start(make_version(project, 120), caller, size=10)

    for count in (20, 50, 80):
        wait_until(lambda count=count: run.outputs.count() >= count)
        Redis.from_url(settings.REDIS_URL).flushdb()
    wait_until(lambda: is_over_when_swept(run), 60)

    arrivals = arrivals_of(model_endpoint)
    assert run.outputs.filter(error_cause="").count() == len(arrivals) == 120
    assert 70 <= most_within(arrivals, 10) <= 100


def test_while_an_endpoint_is_down_only_single_probes_reach_it_and_then_the_runs_go_on(
    project, celery_worker, model_endpoint
):
    endpoint = make_endpoint(project, model_endpoint.url, max_in_flight=8)
    candidates = [make_candidate(project, f"c{n}", endpoint=endpoint, model=f"echo?delay=0.1&run={n}") for n in (1, 2)]
    version = make_version(project, 150)
    runs = [start(version, candidate, size=10) for candidate in candidates]
    wait_until(lambda: all(run.outputs.count() >= 10 for run in runs))

    model_endpoint.go_down(5)
    wait_until(lambda: Outage.objects.filter(endpoint=endpoint).exists())
    outage = Outage.objects.get(endpoint=endpoint)
    wait_until(lambda: all(is_over_when_swept(run) for run in runs), 60)

    assert "503" in outage.reason
    assert not Outage.objects.exists()
    assert [(run.state, run.outputs.filter(error_cause="").count()) for run in runs] == [("finished", 150)] * 2
    log = model_endpoint.log()
    probes = [(arrived, ended) for arrived, ended, _, max_tokens in log if max_tokens == 1]
    assert len(probes) >= 2
    assert all(ended < arrived for (_, ended), (arrived, _) in pairwise(probes))
    first, last = probes[0][0], probes[-1][0]
    assert [arrived for arrived, _, _, max_tokens in log if first < arrived < last and max_tokens is None] == []
    # Those that showed that it is down, and what was in flight then.
    assert len(log) - len(probes) - 300 <= 40


def test_a_model_that_always_fails_does_not_hold_up_the_run_of_another(project, lead, celery_worker, model_endpoint):
    endpoint = make_endpoint(project, model_endpoint.url, max_in_flight=8)
    failing, good = (
        start(make_version(project, 100, name=model), make_candidate(project, model, endpoint=endpoint, model=model))
        for model in ("fault:status?code=503", "echo?delay=0.1")
    )

    wait_until(lambda: is_over_when_swept(good), 45)

    assert good.outputs.filter(error_cause="").count() == 100
    probes = sum(max_tokens == 1 for *_, max_tokens in model_endpoint.log())
    assert probes <= 5
    if not is_over(failing):
        cancel_run(failing, lead)
