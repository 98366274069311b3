"""The list of runs as it moves: one question for all rows that do, and none when nothing moves."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evalhub.runs.models import Output, Run
from evalhub.runs.pausing import pause_run
from tests.making import make_run, make_version
from tests.runs.making import make_caller, start


@pytest.fixture
def page(client_of, lead):
    return client_of(lead)


def moving_address(project, *runs: int) -> str:
    query = "&".join(f"run={pk}" for pk in runs)
    return reverse("runs:moving", args=[project.slug]) + f"?{query}"


def test_only_the_rows_that_move_are_asked_for_again(project, page):
    version = make_version(project, 3)
    finished = make_run(version, "recorded")
    first, second = (start(version, make_caller(project, model=name)) for name in ("one", "two"))

    text = page.get(reverse("runs:list", args=[project.slug])).content.decode()

    assert f'hx-get="{moving_address(project, second.pk, first.pk)}"'.replace("&run", "&amp;run") in text
    assert text.count("hx-get=") == 1 and 'hx-trigger="every 3s"' in text
    assert f'<tr id="run-{finished.pk}" hx-disable>' in text


def test_the_answer_holds_those_rows_and_asks_no_more_for_one_that_has_ended(project, page):
    version = make_version(project, 3)
    ended, going = (start(version, make_caller(project, model=name)) for name in ("one", "two"))
    Output.objects.create(run=going, example=version.examples.first(), text="x")
    Run.objects.filter(pk=ended.pk).update(state="finished", finished_at=timezone.now())

    both = page.get(moving_address(project, ended.pk, going.pk)).content.decode()
    assert (
        f'<tr id="run-{ended.pk}" hx-swap-oob="true"' in both and f'<tr id="run-{going.pk}" hx-swap-oob="true"' in both
    )
    assert "finished" in both and '1 <span class="soft">of 3</span>' in both
    assert f'hx-get="{moving_address(project, going.pk)}"' in both

    last = page.get(moving_address(project, ended.pk)).content.decode()
    assert "hx-get" not in last and '<div id="moving"></div>' in last


def test_a_paused_run_says_why_in_short_and_does_not_move(project, page, lead):
    run = start(make_version(project, 3), make_caller(project))
    pause_run(run, lead)

    text = page.get(reverse("runs:list", args=[project.slug])).content.decode()

    assert ">Lea paused it.</span>" in text
    assert "hx-get=" not in text


@pytest.mark.parametrize("query", ["", "?run=", "?run=x", "?run=99999999999999999999", "?run=-1"])
def test_nonsense_is_not_there(query, project, page):
    start(make_version(project, 1), make_caller(project))

    assert page.get(reverse("runs:moving", args=[project.slug]) + query).status_code == 404


@pytest.mark.parametrize("count", [1, 30])
def test_moving_rows_ask_the_database_no_more_for_thirty_than_for_one(count, project, page):
    version, caller = make_version(project, 2), make_caller(project)
    runs = [start(version, caller).pk for _ in range(count)]
    address = moving_address(project, *runs)
    page.get(address)

    with CaptureQueriesContext(connection) as queries:
        assert page.get(address).status_code == 200

    assert len(queries) == 6
