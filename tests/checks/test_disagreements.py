import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.disagreements import (
    contradicted_outputs,
    differing_outputs,
    failed_outputs,
    outlying_outputs,
    passed_outputs,
    same_answer,
)
from evalhub.checks.kinds.base import Answer, ToolCall
from evalhub.checks.models import Score
from evalhub.runs.models import Output
from tests.making import make_check, make_run, make_score, make_version

CALL = ToolCall("1", "refund", '{"order": 7, "why": "late"}')


def fenced(text):
    return f"Here it is:\n```json\n{text}\n```\nAnything else?"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris", " paris\n"),
        ("two  words", "Two\twords"),
        ("Straße", "STRASSE"),
        ("", "  \n"),
        ('{"a": 1, "b": [2]}', '{"b":[2.0],"a":1}'),
        ('{"a": 1}', fenced('{\n  "a": 1\n}')),
        ("5", "5.0"),
        ("not {json", "NOT {JSON"),
    ],
)
def test_texts_that_say_the_same(one, other):
    assert same_answer(Answer(one), Answer(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris", "Lyon"),
        ("Paris", "Paris."),
        ("", "Paris"),
        ('{"a": 1}', '{"a": 2}'),
        ('{"a": "Paris"}', '{"a": "paris"}'),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ("true", "1"),
        ('{"a": 1}', 'The answer is {"a": 1}'),
    ],
)
def test_texts_that_differ(one, other):
    assert not same_answer(Answer(one), Answer(other))


@pytest.mark.parametrize(
    ("call", "is_same"),
    [
        (ToolCall("2", "refund", '{"why":"late","order":7.0}'), True),
        (ToolCall("2", "refund", '{"order": 8, "why": "late"}'), False),
        (ToolCall("2", "reply", '{"order": 7, "why": "late"}'), False),
        (ToolCall("2", "refund", "{order: 7}"), False),
    ],
)
def test_tool_calls_are_compared_as_parsed(call, is_same):
    assert same_answer(Answer("", [CALL]), Answer("", [call])) is is_same


def test_what_is_said_beside_equal_tool_calls_does_not_count_but_their_number_and_order_do():
    other = ToolCall("3", "reply", "{}")

    assert same_answer(Answer("I refund it.", [CALL]), Answer("", [CALL]))
    assert not same_answer(Answer("", [CALL]), Answer("", [CALL, CALL]))
    assert not same_answer(Answer("", [CALL, other]), Answer("", [other, CALL]))
    assert not same_answer(Answer("same", [CALL]), Answer("same"))


def test_arguments_that_are_not_json_are_compared_as_text():
    def broken(text):
        return Answer("", [ToolCall("1", "refund", text)])

    assert same_answer(broken("{order: 7}"), broken(" {order: 7} "))
    assert not same_answer(broken("{order: 7}"), broken("{order: 8}"))
    assert same_answer(broken(""), broken("{}"))


def test_a_missing_answer_is_the_same_as_a_missing_answer_only():
    assert same_answer(Answer("", error="timeout"), Answer("", error="reset"))
    assert not same_answer(Answer("", error="timeout"), Answer(""))


texts = st.one_of(st.text(), st.sampled_from(["{", "```", '{"a":1}', "[1,2", "```json\n{}\n```", "1e999", "NaN"]))
answers = st.builds(
    Answer,
    texts,
    st.lists(st.builds(ToolCall, st.just(""), st.text(max_size=3), texts), max_size=2),
    st.sampled_from(["", "", "timeout"]),
)


@given(answers, answers)
def test_every_answer_is_the_same_as_itself_and_likeness_is_mutual(one, other):
    assert same_answer(one, one)
    assert same_answer(one, other) is same_answer(other, one)


@pytest.fixture
def version(project):
    return make_version(project, 3)


def test_failed_and_passed_outputs_by_active_checks(version):
    run, unasked = make_run(version), make_run(version, "other-model")
    first, second, third = run.outputs.order_by("pk")
    equal, short = make_check(version), make_check(version, "Short")
    retired = make_check(version, "Retired")
    retired.retired_at = retired.created_at
    retired.save()
    make_score(first, equal, passed=True)
    make_score(first, short, passed=True)
    make_score(first, retired, passed=False)
    make_score(second, equal, passed=True)
    make_score(second, short, passed=False)
    Score.objects.create(output=third, by=equal, run=run, outcome="skipped")
    make_score(unasked.outputs.first(), equal, passed=False)

    assert list(failed_outputs([run])) == [second]
    assert list(passed_outputs([run])) == [first]
    assert set(failed_outputs([run, unasked])) == {second, unasked.outputs.first()}
    assert list(failed_outputs([])) == list(passed_outputs([])) == []


def test_only_the_named_checks_count_and_retired_ones_never(version):
    run = make_run(version)
    first, second, third = run.outputs.order_by("pk")
    equal, short, retired = (make_check(version, name) for name in ("Equal", "Short", "Retired"))
    make_score(first, equal, passed=False)
    make_score(second, short, passed=False)
    make_score(third, retired, passed=False)
    retired.retired_at = retired.created_at
    retired.save()

    assert list(failed_outputs([run], [short.pk])) == [second]
    assert set(failed_outputs([run], [equal.pk, short.pk, retired.pk])) == {first, second}
    assert list(failed_outputs([run], [])) == []


def test_checks_contradict_each_other_where_one_passes_and_another_fails(version):
    run = make_run(version)
    first, second, third = run.outputs.order_by("pk")
    equal, short, retired = (make_check(version, name) for name in ("Equal", "Short", "Retired"))
    retired.retired_at = retired.created_at
    retired.save()
    make_score(first, equal, passed=True)
    make_score(first, short, passed=False)
    make_score(second, equal, passed=True)
    make_score(second, retired, passed=False)
    make_score(third, equal, passed=False)
    make_score(third, short, passed=False)

    assert list(contradicted_outputs([run])) == [first]
    run.outputs.filter(pk=first.pk).update(error_cause="timeout")
    assert list(contradicted_outputs([run])) == []


@pytest.fixture
def timed_run(project):
    """Of lengths and times 1 to 9 and 100; and an answer that is missing, endless by both."""
    run = make_run(make_version(project, 11), answers=["x" * n for n in [*range(1, 10), 100, 1000]])
    for output in run.outputs.all():
        output.total_ms = float(len(output.text))
        output.error_cause = "timeout" if len(output.text) == 1000 else ""
        output.save()
    return run


def longest(run):
    return run.outputs.get(total_ms=100).pk


@pytest.mark.parametrize("measure", ["length", "latency"])
def test_outliers_lie_above_the_upper_fence_and_missing_answers_are_none(timed_run, measure):
    # Quartiles of 1 to 9 and 100, interpolated: 3.25 and 7.75; the fence is 7.75 + 1.5 * 4.5 = 14.5
    assert outlying_outputs(timed_run, [measure]) == [longest(timed_run)]

    timed_run.outputs.filter(total_ms=9).update(text="x" * 14, total_ms=14)
    assert outlying_outputs(timed_run, [measure]) == [longest(timed_run)]


def test_an_output_that_is_unusual_in_several_ways_is_one_outlier(timed_run):
    calls = [{"id": "1", "name": "look", "arguments": "{}"}] * 2
    few = timed_run.outputs.get(total_ms=1)
    timed_run.outputs.filter(pk=few.pk).update(tool_calls=calls)

    assert outlying_outputs(timed_run, ["tool_calls"]) == [few.pk]
    assert outlying_outputs(timed_run) == sorted([few.pk, longest(timed_run)])
    assert outlying_outputs(timed_run, []) == []


def test_without_recorded_times_nothing_is_slow(timed_run):
    timed_run.outputs.update(total_ms=None)

    assert outlying_outputs(timed_run, ["latency"]) == []


def test_an_output_without_an_answer_has_not_passed(version):
    run = make_run(version)
    output = run.outputs.first()
    make_score(output, make_check(version), passed=True)
    run.outputs.filter(pk=output.pk).update(error_cause="timeout")

    assert list(passed_outputs([run])) == []


def test_outputs_that_differ_from_the_baseline(version):
    baseline = make_run(version, "baseline", ["Paris", '{"a": 1}', "yes"])
    run = make_run(version, "candidate", [" paris", '{"a": 2}', "no"])
    _, second, third = run.outputs.order_by("pk")

    assert differing_outputs(run, baseline) == [second.pk, third.pk]
    assert differing_outputs(run, run) == []


def test_outputs_are_compared_at_the_same_repeat(version):
    baseline = make_run(version, "baseline", ["one", "one", "one"])
    run = make_run(version, "candidate", ["one", "one", "one"])
    example = version.examples.first()
    Output.objects.create(run=baseline, example=example, repeat=2, text="two")
    later = Output.objects.create(run=run, example=example, repeat=2, text="one")
    Output.objects.create(run=run, example=example, repeat=3, text="three")

    assert differing_outputs(run, baseline) == [later.pk]


def test_a_missing_answer_differs_from_an_answer_and_nothing_differs_from_a_missing_one(version):
    baseline = make_run(version, "baseline", ["a", "b", "c"])
    run = make_run(version, "candidate", ["a", "b", "x"])
    first, _, third = run.outputs.order_by("pk")
    run.outputs.filter(pk=first.pk).update(text="", error_cause="timeout")
    baseline.outputs.filter(example=third.example).update(text="", error_cause="timeout")

    assert differing_outputs(run, baseline) == [first.pk]


def test_runs_over_different_versions_share_no_example(project, version):
    run = make_run(version, answers=["a", "b", "c"])
    other = make_run(make_version(project, 3), "baseline", ["x", "y", "z"])

    assert differing_outputs(run, other) == []


def test_differences_between_two_real_models(gsm_runs):
    mini, sonnet = gsm_runs["gpt-4o-mini-2024-07-18"], gsm_runs["claude-3-5-sonnet-20240620"]

    # Every reasoning is worded differently, so none agrees.
    assert len(differing_outputs(mini, sonnet)) == 300
