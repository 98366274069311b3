import pytest

from reviews.labelling import NotYours, record_label, undo_label
from reviews.models import Label
from taxonomy.models import ErrorType, Finding, Verdict
from tests.making import assessed, make_round, make_run, make_version


@pytest.fixture
def run(project):
    return make_run(make_version(project, 2))


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project)[:2])


def found_by(item):
    return set(Finding.objects.filter(verdict__output=item.output).values_list("error_type", flat=True))


def test_the_last_wanted_label_settles_the_output(run, reviewer, types):
    item = make_round(run).items.first()

    record_label(item, reviewer, assessed("fail", types, "no order id"))

    verdict = Verdict.objects.get(output=item.output)
    assert (verdict.outcome, verdict.run, verdict.inclusion_probability) == ("fail", run, 0.5)
    assert found_by(item) == {error_type.pk for error_type in types}
    item.refresh_from_db()
    assert (item.status, item.label_count, item.claims.count()) == ("settled", 1, 0)


def test_a_changed_label_changes_the_verdict(run, reviewer, types):
    item = make_round(run).items.first()
    record_label(item, reviewer, assessed("fail", types))

    record_label(item, reviewer, assessed("fail", types[:1]))
    assert found_by(item) == {types[0].pk}
    record_label(item, reviewer, assessed("pass"))

    assert Verdict.objects.get(output=item.output).outcome == "pass"
    assert found_by(item) == set()
    assert Label.objects.count() == 1


def test_an_undone_label_leaves_no_verdict(run, reviewer, types):
    item = make_round(run).items.first()
    record_label(item, reviewer, assessed("fail", types))

    assert undo_label(item, reviewer)

    assert not Verdict.objects.exists()
    item.refresh_from_db()
    assert item.status == "waiting"


def test_two_who_differ_leave_the_output_contested(run, lead, reviewer, types):
    item = make_round(run, labels_wanted=2).items.first()
    record_label(item, lead, assessed("pass"))
    record_label(item, reviewer, assessed("fail", types))

    item.refresh_from_db()
    assert item.status == "contested"
    assert not Verdict.objects.exists()


def test_a_new_round_keeps_the_old_verdict_until_it_settles_its_own(run, lead, reviewer, types):
    first = make_round(run, name="first").items.first()
    record_label(first, reviewer, assessed("fail", types))
    second = make_round(run, labels_wanted=2, name="second").items.get(output=first.output)

    record_label(second, reviewer, assessed("pass"))
    assert Verdict.objects.get(output=first.output).outcome == "fail"
    record_label(second, lead, assessed("pass"))

    assert Verdict.objects.get(output=first.output).outcome == "pass"


def test_an_item_with_all_its_labels_takes_no_more(run, lead, reviewer):
    item = make_round(run).items.first()
    record_label(item, reviewer, assessed("pass"))

    with pytest.raises(NotYours, match="Somebody else"):
        record_label(item, lead, assessed("fail", note="late"))

    assert Verdict.objects.get(output=item.output).outcome == "pass"


def test_a_closed_round_takes_no_new_label(run, reviewer):
    made = make_round(run)
    made.closed_at = made.created_at
    made.save()

    with pytest.raises(NotYours, match="closed"):
        record_label(made.items.first(), reviewer, assessed("pass"))


def test_a_closed_round_keeps_its_labels_as_they_are(run, reviewer, types):
    made = make_round(run)
    item = made.items.first()
    record_label(item, reviewer, assessed("fail", types))
    made.closed_at = made.created_at
    made.save()

    with pytest.raises(NotYours, match="closed"):
        record_label(item, reviewer, assessed("pass"))
    with pytest.raises(NotYours, match="closed"):
        undo_label(item, reviewer)

    assert Label.objects.get().outcome == "fail"
