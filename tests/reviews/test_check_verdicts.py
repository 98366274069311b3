import pytest
from django.core.management import CommandError, call_command

from reviews.labelling import decide, record_label
from taxonomy.models import CheckMeaning, ErrorType, Verdict
from taxonomy.settling import record_check_verdicts
from tests.making import make_check, make_round, make_run, make_score, make_version


@pytest.fixture
def labelled(project, reviewer):
    made = make_round(make_run(make_version(project, 3)))
    types = list(ErrorType.objects.filter(project=project)[:2])
    for item in made.items.all()[:2]:
        record_label(item, reviewer, "fail", types)
    return made


def test_verdicts_that_follow_from_labels_agree(labelled, capsys):
    call_command("check_verdicts")

    assert "2 verdicts agree" in capsys.readouterr().out


def test_a_verdict_that_does_not_is_named_and_mended(labelled):
    wrong = Verdict.objects.first()
    wrong.findings.first().delete()

    with pytest.raises(CommandError, match=f"1 of 2 verdicts differ from their labels: outputs {wrong.output_id}"):
        call_command("check_verdicts")
    call_command("check_verdicts", mend=True)

    call_command("check_verdicts")


def test_a_decision_over_the_labels_is_what_its_verdict_follows_from(labelled, lead, capsys):
    item = labelled.items.order_by("pk")[0]
    decide(item, lead, "pass", note="The sum is right.")
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
    record_label(labelled, reviewer, "fail", [said])

    call_command("check_verdicts")

    assert "2 verdicts agree" in capsys.readouterr().out
    assert list(labelled.output.verdict.findings.order_by("source").values_list("error_type", "source")) == [
        (found.pk, "check"),
        (said.pk, "people"),
    ]
