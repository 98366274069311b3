import pytest
from django.core.management import CommandError, call_command

from reviews.labelling import decide, record_label
from taxonomy.models import CheckMeaning, ErrorType, FindingSet, Verdict
from taxonomy.settling import record_check_verdicts
from tests.making import assessed, make_check, make_round, make_run, make_score, make_version


@pytest.fixture
def labelled(project, reviewer):
    made = make_round(make_run(make_version(project, 3)))
    types = list(ErrorType.objects.filter(project=project)[:2])
    for item in made.items.all()[:2]:
        record_label(item, reviewer, assessed("fail", types))
    return made


def test_verdicts_that_follow_from_labels_agree(labelled, capsys):
    call_command("check_verdicts")

    assert "2 verdicts agree" in capsys.readouterr().out


def test_a_verdict_that_does_not_is_named_and_mended(labelled):
    wrong = Verdict.objects.first()
    wrong.findings.first().delete()

    with pytest.raises(
        CommandError, match=f"1 of 2 verdicts have other findings than they count: outputs {wrong.output_id}"
    ):
        call_command("check_verdicts")
    call_command("check_verdicts", mend=True)

    call_command("check_verdicts")


def test_a_decision_over_the_labels_is_what_its_verdict_follows_from(labelled, lead, capsys):
    item = labelled.items.order_by("pk")[0]
    decide(item, lead, assessed("pass", note="The sum is right."))
    verdict = Verdict.objects.get(output=item.output)

    call_command("check_verdicts")
    Verdict.objects.filter(pk=verdict.pk).update(outcome="fail")
    with pytest.raises(CommandError, match=f"1 of 2 verdicts differ from their labels: outputs {item.output_id}"):
        call_command("check_verdicts")
    call_command("check_verdicts", mend=True)

    verdict = Verdict.objects.get(output=item.output)
    assert "2 verdicts agree" in capsys.readouterr().out
    assert (verdict.outcome, verdict.decided_by, verdict.why) == ("pass", lead, "The sum is right.")


def test_what_checks_found_is_beside_what_people_said_and_settles_nothing_for_them(project, reviewer, capsys):
    made = make_round(make_run(make_version(project, 2)))
    check = make_check(made.runs.get().version)
    said, found = ErrorType.objects.filter(project=project)[:2]
    CheckMeaning.objects.create(by=check, error_type=found)
    labelled, unread = made.items.order_by("pk")
    for item in (labelled, unread):
        make_score(item.output, check, passed=False)
    record_check_verdicts([unread.output_id])
    record_label(labelled, reviewer, assessed("fail", [said]))

    call_command("check_verdicts")

    assert "2 verdicts agree" in capsys.readouterr().out
    assert list(labelled.output.verdict.findings.order_by("source").values_list("error_type", "source")) == [
        (found.pk, "check"),
        (said.pk, "people"),
    ]


def spoil_outcome(verdict):
    Verdict.objects.filter(pk=verdict.pk).update(outcome="pass")


def spoil_step(verdict):
    Verdict.objects.filter(pk=verdict.pk).update(failing_step=7)


def spoil_set(verdict):
    another, _ = FindingSet.objects.get_or_create(people=[], checks=[1, 2])
    Verdict.objects.filter(pk=verdict.pk).update(found=another)


def spoil_findings(verdict):
    verdict.findings.all().delete()


def spoil_run(verdict):
    Verdict.objects.filter(pk=verdict.pk).update(run=make_run(verdict.run.version, "another"))


def spoil_run_of_findings(verdict):
    verdict.findings.update(run=make_run(verdict.run.version, "another"))


def spoil_repeat(verdict):
    Verdict.objects.filter(pk=verdict.pk).update(repeat=9)


def take_away(verdict):
    verdict.delete()


@pytest.fixture
def found(project, reviewer):
    """What is said of three outputs: by people and a check, by a check alone, by nobody."""
    run = make_run(make_version(project, 3))
    check = make_check(run.version)
    said, by_check = ErrorType.objects.filter(project=project)[:2]
    CheckMeaning.objects.create(by=check, error_type=by_check)
    outputs = list(run.outputs.order_by("pk"))
    for output, passed in zip(outputs, [False, False, True], strict=True):
        make_score(output, check, passed=passed)
    record_check_verdicts([outputs[1].pk])
    record_label(make_round(run).items.get(output=outputs[0]), reviewer, assessed("fail", [said]))
    return outputs


@pytest.mark.parametrize(
    ("spoil", "of_people", "of_checks"),
    [
        (spoil_outcome, "differ from their labels", "differ from what checks found"),
        (spoil_step, "differ from their labels", "differ from what checks found"),
        (spoil_set, "differ from their labels", "differ from what checks found"),
        (spoil_findings, "have other findings than they count", "have other findings than they count"),
        (spoil_run, "name another run", "name another run"),
        (spoil_run_of_findings, "name another run", "name another run"),
        (spoil_repeat, "name another run", "name another run"),
        (take_away, "differ from their labels", "differ from what checks found"),
    ],
)
def test_whatever_is_wrong_is_named_and_mended(found, capsys, spoil, of_people, of_checks):
    for output, words in zip(found, [of_people, of_checks], strict=False):
        spoil(Verdict.objects.get(output=output))

        with pytest.raises(CommandError, match=f"1 of 2 verdicts {words}.*: outputs {output.pk}"):
            call_command("check_verdicts")
        call_command("check_verdicts", mend=True)

        assert "1 mended" in capsys.readouterr().out
        call_command("check_verdicts")
        assert "2 verdicts agree" in capsys.readouterr().out


def test_a_verdict_that_nothing_speaks_for_is_taken_away(found):
    made_up = Verdict.objects.get(output=found[1])
    made_up.pk, made_up.output, made_up.example = None, found[2], found[2].example
    made_up.save()

    with pytest.raises(CommandError, match=f"1 of 3 verdicts differ from what checks found: outputs {found[2].pk}"):
        call_command("check_verdicts")
    call_command("check_verdicts", mend=True)

    assert not Verdict.objects.filter(output=found[2]).exists()
