"""Systematic or random, and where conversations go wrong."""

import re
from html import unescape

import pytest
from django.urls import reverse

from taxonomy.comparison.data import comparison_of
from taxonomy.comparison.selecting import selection_of
from taxonomy.comparison.slices import where_it_fails
from taxonomy.comparison.transitions import Step, outputs_between, transitions_of
from taxonomy.settling import Settled, record_verdicts
from taxonomy.versions import tree_of
from tests.making import make_run, make_version, numbered
from tests.taxonomy.comparison.making import make_type, outputs_of, settle, two_runs


def where(first, second, run, key):
    comparison = comparison_of(first, second, tree_of(run.project))
    return where_it_fails(run, selection_of(comparison.figure(key).subject, comparison.plan))


def test_examples_that_failed_once_are_asked_whether_they_fail_always(project):
    version = make_version(project, 4)
    first, second = two_runs(version, (3, 3))
    tone = make_type(project, "Tone")
    settle(first, [True] * 12)
    settle(second, [*[[tone]] * 3, [tone], True, True, [tone], [tone], None, True, True, True])

    found = where(first, second, second, f"{tone.pk}-people")

    # Of 3 examples with it, two had it in every repeat that was settled; the third in one of three.
    assert (found.repeated.always.count, found.repeated.always.n) == (2, 3)
    assert (found.having, found.examples) == (3, 4)
    assert where(first, second, first, f"{tone.pk}-people").repeated.always.n == 0


def test_one_repeat_has_no_figure_and_says_what_to_do(client_of, project, lead):
    first, second = two_runs(make_version(project, 3))
    settle(first, [True] * 3)
    settle(second, [[], True, True])

    assert where(first, second, second, "people").repeated is None
    address = reverse("taxonomy:concentration", args=[project.slug])
    html = client_of(lead).get(address, {"first": first.pk, "second": second.pk}).content.decode()
    assert "Start a run with three or more repeats" in html


def test_a_failure_that_concentrates_in_a_slice_is_told_with_its_lift(project):
    rows = [{**numbered(n), "tags": ["german"] if n <= 20 else ["english"]} for n in range(1, 61)]
    first, second = two_runs(make_version(project, rows))
    tone = make_type(project, "Tone")
    settle(first, [True] * 60)
    settle(second, [[tone]] * 15 + [True] * 45)

    found = where(first, second, second, f"{tone.pk}-people")

    (german, slice_german), (_, slice_english) = sorted(found.lines, key=lambda line: -line[1].lift)
    assert (german.tag, slice_german.rate.count, slice_german.rate.n) == ("german", 15, 20)
    assert slice_german.lift == pytest.approx((15 / 20) / (15 / 60))
    assert slice_english.lift == 0
    assert german.adjusted < 0.001


CONVERSATION = [
    {"role": "user", "content": "A room?"},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "find_room", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "a", "content": "free"},
]  # fmt: skip


@pytest.fixture
def failed_runs(project):
    rows = [{"key": f"talk-{n}", "request": {"messages": CONVERSATION}} for n in range(5)]
    version = make_version(project, rows)
    runs = [make_run(version, name, ["ok"] * 5) for name in ("old", "new")]
    book = outputs_of(runs[1])[4]
    book.tool_calls = [{"id": "b", "name": "book_room", "arguments": "{}"}]
    book.save()
    steps = {runs[0]: [1, 2, 3, 4, None], runs[1]: [2, 2, None, 4, 9]}
    for run, failing in steps.items():
        record_verdicts(
            [
                Settled(output.pk, "fail", [], 1.0, failing_step=step)
                for output, step in zip(outputs_of(run), failing, strict=True)
            ]
        )
    return runs


def test_the_last_good_step_is_held_against_the_first_failing_one(failed_runs):
    first, second = failed_runs

    found = transitions_of(failed_runs)

    start, user = Step("start", ""), Step("user", "")
    call, result = Step("assistant", "find_room"), Step("tool", "find_room")
    assert found.counts == {
        (start, user): {first.pk: 1},
        (user, call): {first.pk: 1, second.pk: 2},
        (call, result): {first.pk: 1},
        (result, Step("answer", "")): {first.pk: 1, second.pk: 1},
        (result, Step("answer", "book_room")): {second.pk: 1},  # a step beyond the answer is the answer
    }
    assert [step.name for step in (start, user, call, result, Step("answer", "book_room"))] == [
        "Start", "User", "Assistant calls find_room", "Result of find_room", "Answer calls book_room",
    ]  # fmt: skip
    assert list(outputs_between(second, user, call)) == outputs_of(second)[:2]


def test_every_cell_of_the_matrix_opens_its_outputs(client_of, project, lead, failed_runs):
    client = client_of(lead)
    first, second = failed_runs
    query = {"first": first.pk, "second": second.pk}
    html = client.get(reverse("taxonomy:transitions", args=[project.slug]), query).content.decode()

    cells = re.findall(r'<a class="number-link" href="([^"]+)"[^>]*>(\d+)</a>', html)

    assert len(cells) == 7
    for address, count in cells:
        opened = client.get(unescape(address)).content.decode()
        assert len(set(re.findall(r"/outputs/(\d+)/", opened))) == int(count), address
        assert f"comparison/?first={first.pk}&amp;second={second.pk}" in opened


def test_without_failing_steps_the_page_says_how_they_get_there(client_of, project, lead):
    first, second = two_runs(make_version(project, 2))

    query = {"first": first.pk, "second": second.pk}
    html = client_of(lead).get(reverse("taxonomy:transitions", args=[project.slug]), query).content.decode()

    assert "Reviewers can say, when they fail an output of a conversation" in html
