from evalhub.checks.models import Score
from evalhub.checks.scoring import score_run
from evalhub.checks.shares import Share, shares_right
from tests.checks.conftest import ANSWER_FIELD
from tests.making import make_check, make_run, make_score, make_version


def say(run, check, outcomes):
    """Have the check say p(assed), f(ailed), s(kipped) or nothing (-) of the run's outputs, in order."""
    names = {"p": "passed", "f": "failed", "s": "skipped"}
    Score.objects.bulk_create(
        Score(output=output, by=check, run=run, outcome=names[letter])
        for output, letter in zip(run.outputs.order_by("pk"), outcomes, strict=True)
        if letter != "-"
    )


def test_an_output_is_right_when_a_check_passed_it_and_none_failed_it(project):
    version = make_version(project, 4)
    run = make_run(version)
    say(run, make_check(version, "A"), "ppff")
    say(run, make_check(version, "B"), "pfpf")

    assert shares_right([run]) == {run.pk: Share(right=1, counted=4)}


def test_a_check_that_could_not_be_applied_says_nothing(project):
    version = make_version(project, 3)
    run = make_run(version)
    say(run, make_check(version, "A"), "psf")
    say(run, make_check(version, "B"), "sss")

    assert shares_right([run]) == {run.pk: Share(right=1, counted=2)}


def test_an_output_that_is_not_scored_by_every_check_is_not_counted_yet(project):
    version = make_version(project, 3)
    run = make_run(version)
    say(run, make_check(version, "A"), "ppf")
    say(run, make_check(version, "B"), "p--")

    assert shares_right([run]) == {run.pk: Share(right=1, counted=1)}


def test_a_missing_answer_is_counted_and_wrong_whatever_the_checks_said(project):
    version = make_version(project, 4)
    run = make_run(version)
    say(run, make_check(version), "pps-")
    failed = run.outputs.order_by("pk")[1:]
    run.outputs.filter(pk__in=[output.pk for output in failed]).update(error_cause="timeout")

    assert shares_right([run]) == {run.pk: Share(right=1, counted=4)}


def test_a_retired_check_and_checks_of_other_eval_sets_do_not_count(project):
    version = make_version(project, 1)
    run = make_run(version)
    retired = make_check(version, "Retired")
    retired.retired_at = retired.created_at
    retired.save()
    make_score(run.outputs.get(), retired, passed=False)
    make_score(run.outputs.get(), make_check(version), passed=True)
    make_check(make_version(project, 1, name="Other"))

    assert shares_right([run]) == {run.pk: Share(right=1, counted=1)}


def test_runs_without_checks_or_without_outputs_have_no_share(project):
    checked, unchecked = make_version(project, 1), make_version(project, 1, name="Other")
    empty, plain = make_run(checked), make_run(unchecked)
    empty.outputs.all().delete()
    make_check(checked)
    plain.outputs.update(error_cause="timeout")

    assert shares_right([empty, plain]) == {empty.pk: Share(0, 0), plain.pk: Share(0, 0)}
    assert shares_right([]) == {}


def test_shares_of_real_answers_take_one_statement(gsm_runs, django_assert_num_queries):
    make_check(gsm_runs["gpt-4o-mini-2024-07-18"].version, "Number", "number", source="pattern", pattern=ANSWER_FIELD)
    for run in gsm_runs.values():
        score_run(run)

    with django_assert_num_queries(1):
        shares = shares_right(gsm_runs.values())

    assert {model: shares[run.pk] for model, run in gsm_runs.items()} == {
        "claude-3-5-sonnet-20240620": Share(293, 300),
        "gpt-4o-mini-2024-07-18": Share(284, 300),
        "claude-3-haiku-20240307": Share(269, 300),
    }
