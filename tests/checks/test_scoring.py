import pytest
from django.db import connection

from evalhub.checks.alone import alone_at
from evalhub.checks.models import Check, Score
from evalhub.checks.scoring import READ_AT_ONCE, score_check, score_run, unscored_outputs
from evalhub.runs.models import Output
from tests.checks.conftest import ANSWER_FIELD, MODELS
from tests.making import make_check, make_run, make_version
from tests.serving.waiting import wait_until


@pytest.fixture
def version(project):
    return make_version(project, 3)


def outcomes(check):
    return list(Score.objects.filter(by=check).order_by("output").values_list("outcome", flat=True))


def test_real_answers_get_the_known_scores(gsm_runs):
    version = gsm_runs["gpt-4o-mini-2024-07-18"].version
    number = make_check(version, "Number", "number", source="pattern", pattern=ANSWER_FIELD)
    valid = make_check(version, "JSON", "valid_json", fence="allowed")

    assert {model: score_run(run) for model, run in gsm_runs.items()} == dict.fromkeys(MODELS, 600)

    passed = Score.objects.filter(outcome="passed")
    assert {
        model: (passed.filter(run=run, by=number).count(), passed.filter(run=run, by=valid).count())
        for model, run in gsm_runs.items()
    } == MODELS


def test_each_check_scores_each_output_with_its_reason(version):
    run = make_run(version, answers=["1", " 2 ", "four"])
    equal = make_check(version, "Equal", "equals")

    assert score_run(run) == 3

    first, second, third = Score.objects.order_by("output")
    assert (first.outcome, first.cause, first.message) == ("passed", "", "")
    assert second.outcome == "passed"
    assert (third.outcome, third.cause) == ("failed", "different")
    assert "four" in third.message and "3" in third.message
    assert {score.by for score in (first, second, third)} == {equal}
    assert {score.run for score in (first, second, third)} == {run}


def test_scoring_again_changes_nothing(version):
    run = make_run(version)
    make_check(version)
    score_run(run)
    before = list(Score.objects.order_by("pk").values())

    assert score_run(run) == 0

    assert list(Score.objects.order_by("pk").values()) == before


def test_only_what_is_missing_is_scored(version):
    run = make_run(version)
    equal = make_check(version)
    score_run(run)
    gone = run.outputs.earliest("pk")
    Score.objects.filter(output=gone).delete()
    kept = list(Score.objects.order_by("pk").values_list("pk", flat=True))

    assert unscored_outputs(run, [equal]) == [gone.pk]
    assert score_run(run) == 1

    assert list(Score.objects.order_by("pk").values_list("pk", flat=True))[:2] == kept


def test_a_check_that_is_added_later_scores_old_runs_of_every_version(project, version):
    old = make_run(version)
    newer = make_run(make_version(project, 2))
    make_check(version)
    score_run(old)
    score_run(newer)
    outputs = list(Output.objects.order_by("pk").values())

    late = make_check(version, "Short", "matches", pattern="^.$")
    assert score_check(late) == 5

    assert outcomes(late) == ["passed"] * 5
    assert list(Output.objects.order_by("pk").values()) == outputs


def test_a_check_of_another_eval_set_scores_nothing(project, version):
    run = make_run(version)
    make_check(make_version(project, 1, name="Other"))

    assert score_run(run) == 0


def test_a_retired_check_scores_nothing_more_and_keeps_its_scores(version):
    run = make_run(version)
    equal = make_check(version)
    score_run(run)
    equal.retired_at = equal.created_at
    equal.save()
    late = make_run(version, "other-model")

    assert score_run(late) == 0

    assert outcomes(equal) == ["passed"] * 3


def test_a_missing_answer_fails_with_its_error(version):
    run = make_run(version)
    run.outputs.update(text="", error_cause="timeout", error="No answer within 120 s.")
    make_check(version)

    score_run(run)

    assert set(Score.objects.values_list("outcome", "cause", "message")) == {
        ("failed", "no_answer", "There is no answer: No answer within 120 s.")
    }


def test_an_expected_output_that_the_check_cannot_compare_with_is_skipped(version):
    run = make_run(version)
    make_check(version, "Calls", "tool_calls")

    score_run(run)

    assert set(Score.objects.values_list("outcome", "cause", "message")) == {
        ("skipped", "", "The example gives a text; this check compares with tool calls.")
    }


@pytest.mark.parametrize(
    ("kind", "parameters", "reason"),
    [
        ("matches", {"pattern": "("}, "The check cannot be used as it is set up."),
        ("matches", {"colour": "red"}, "The check cannot be used as it is set up."),
        ("horoscope", {}, "This version of EvalHub has no check of the kind “horoscope”."),
        ("matches", {"pattern": 7}, "The check cannot be used as it is set up."),
    ],
)
def test_a_check_that_cannot_be_prepared_skips_with_the_reason_and_others_go_on(version, kind, parameters, reason):
    run = make_run(version)
    broken = Check.objects.create(eval_set=version.eval_set, name="Broken", kind=kind, parameters=parameters)
    equal = make_check(version)

    assert score_run(run) == 6

    assert outcomes(equal) == ["passed"] * 3
    assert outcomes(broken) == ["skipped"] * 3
    assert all(message.startswith(reason) for message in broken.scores.values_list("message", flat=True))


def test_tool_calls_that_are_stored_in_an_odd_form_leave_no_run_unscored(version):
    run = make_run(version)
    first, second, _third = run.outputs.order_by("pk")
    Output.objects.filter(pk=first.pk).update(tool_calls={"name": "x"})
    Output.objects.filter(pk=second.pk).update(tool_calls=[None, 5, {"name": None, "arguments": {"a": 1}}])
    make_check(version)
    make_check(version, "Calls", "tool_calls")

    assert score_run(run) == 6


def test_a_field_with_a_name_that_cannot_be_stored_leaves_no_run_unscored(project):
    row = {
        "key": "odd",
        "request": {"messages": []},
        "expected_kind": "json",
        "expected": {"a\0b": {"c\nd": 1}},
    }
    version = make_version(project, [row])
    run = make_run(version, answers=['{"a\\u0000b": {}}'])
    make_check(version, "Fields", "json_fields")

    assert score_run(run) == 1

    assert "\0" not in Score.objects.get().cause


def test_more_outputs_than_one_reading_and_one_batch(project, monkeypatch):
    monkeypatch.setattr("evalhub.checks.scoring.BATCH", READ_AT_ONCE + 30)
    version = make_version(project, 2 * READ_AT_ONCE + 90)
    run = make_run(version)
    equal = make_check(version)

    assert score_run(run) == 2 * READ_AT_ONCE + 90

    assert outcomes(equal) == ["passed"] * (2 * READ_AT_ONCE + 90)


@pytest.mark.django_db(transaction=True)
def test_a_second_process_leaves_a_run_to_the_first(version):
    run = make_run(version)
    make_check(version)
    with connection.copy().cursor() as elsewhere:
        elsewhere.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"score run {run.pk}"])

        assert score_run(run) == 0
        elsewhere.connection.close()

    wait_until(lambda: score_run(run) == 3)  # the lock goes when the other's backend does


def test_the_lock_is_let_go_when_scoring_fails(version):
    run = make_run(version)

    with pytest.raises(ZeroDivisionError), alone_at(f"score run {run.pk}") as is_ours:
        assert is_ours
        raise ZeroDivisionError

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
