import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.exports.sources import ExportError
from reviews.labelling import decide, record_label
from reviews.making.adding import AddingError, add_more, add_outputs, filtered, look_at_more, make_round_of, standing
from reviews.making.planning import fill_round, plan_round
from reviews.models import ItemEvent, KnownAnswer, Reason, ReviewItem
from reviews.queue import claim_next_item, labels_left
from reviews.rounds.closing import close_round
from taxonomy.models import Verdict
from tests.making import assessed, make_candidate, make_check, make_round, make_run, make_score, make_version

FAILED = 12


@pytest.fixture
def version(project):
    return make_version(project, 20)


@pytest.fixture
def run(version):
    """Outputs 1 to 12 fail the check, 13 to 20 pass it; 9 to 20 differ from the baseline."""
    run = make_run(version, answers=[str(n) for n in range(1, 9)] + ["x"] * 12)
    check = make_check(version)
    for number, output in enumerate(run.outputs.order_by("pk"), start=1):
        make_score(output, check, passed=number > FAILED)
    make_run(version, make_candidate(version.eval_set.project, "old", is_baseline=True))
    return run


def fill(run, lead, wanted, **more):
    planned = plan_round(run.project, "Round", [run], wanted, lead, **{"seed": "s"} | more)
    fill_round(planned.pk)
    planned.refresh_from_db()
    return planned


def add(made, lead, more):
    made.refresh_from_db()
    added = add_more(made, more, lead, standing(made))
    made.refresh_from_db()
    return added


def items_of(made):
    rows = made.items.values_list("output", "reasons", "inclusion_probability")
    return {output: (sorted(reasons), round(chance, 12)) for output, reasons, chance in rows}


COUNTS = st.integers(1, 8)


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.text("abc", max_size=3))
@settings(max_examples=15)
def test_adding_more_is_the_same_as_having_asked_for_more(run, lead, failed, more_failed, audit, more_audit, seed):
    differs = {Reason.DIFFERS: 4}
    steps = fill(run, lead, {Reason.FAILED_CHECK: failed, Reason.AUDIT: audit, **differs}, seed=seed)
    before = set(items_of(steps))
    at_once = fill(
        run, lead, {Reason.FAILED_CHECK: failed + more_failed, Reason.AUDIT: audit + more_audit, **differs}, seed=seed
    )

    seen = look_at_more(steps, {"failed_check": more_failed, "audit": more_audit})
    added = add(steps, lead, {"failed_check": more_failed, "audit": more_audit})

    assert (seen.new, seen.overdue) == (added.new, 0)
    assert items_of(steps) == items_of(at_once)
    assert steps.selection == at_once.selection
    assert (added.new, added.there) == (len(items_of(steps)) - len(before), len(before))
    assert steps.item_count == at_once.item_count == len(items_of(steps))


def test_a_verdict_takes_the_new_chance_over(run, lead):
    made = fill(run, lead, {Reason.AUDIT: 2})
    record_label_of_next(made, lead)
    assert Verdict.objects.get().inclusion_probability == 0.25

    add(made, lead, {"audit": 2})

    assert Verdict.objects.get().inclusion_probability == 0.5
    assert set(made.items.values_list("inclusion_probability", flat=True)) == {0.5}


def test_a_verdict_of_a_later_round_keeps_its_chance(run, lead):
    made = fill(run, lead, {Reason.AUDIT: 2})
    settled = record_label_of_next(made, lead)
    later = make_round_of(run.project, "Later", [settled.output_id], [run.pk], lead)
    record_label_of_next(later, lead)

    add(made, lead, {"audit": 2})

    assert Verdict.objects.get().inclusion_probability == 1.0


def record_label_of_next(made, person):
    item = ReviewItem.objects.get(pk=claim_next_item(made, person))
    record_label(item, person, assessed("pass"))
    return item


def test_a_round_that_was_done_is_open_again(run, lead):
    made = fill(run, lead, {Reason.AUDIT: 1}, labels_wanted=1)
    record_label_of_next(made, lead)
    made.refresh_from_db()
    assert (labels_left(made), claim_next_item(made, lead)) == (0, None)

    assert add(made, lead, {"audit": 3}).new == 3

    assert labels_left(made) == 3
    assert claim_next_item(made, lead)


def test_labels_and_decisions_stay_when_items_are_added(run, lead):
    made = fill(run, lead, {Reason.FAILED_CHECK: 3}, labels_wanted=1)
    item = record_label_of_next(made, lead)
    decide(item, lead, assessed("fail", note="It is wrong."))

    add(made, lead, {"failed_check": 9})

    item.refresh_from_db()
    assert (item.status, item.label_count) == ("settled", 1)
    assert Verdict.objects.get().outcome == "fail"
    assert ItemEvent.objects.filter(item=item).count() == 2


def test_a_form_that_is_sent_twice_adds_once(run, lead):
    made = fill(run, lead, {Reason.FAILED_CHECK: 3})
    seen = standing(made)
    add_more(made, {"failed_check": 2}, lead, seen)

    with pytest.raises(AddingError, match="have changed meanwhile"):
        add_more(made, {"failed_check": 2}, lead, seen)

    assert made.items.count() == 5


def test_the_share_of_several_labels_holds_for_the_round_as_a_whole(run, lead):
    made = fill(run, lead, {Reason.FAILED_CHECK: 2}, labels_wanted=2, shared_percent=50)
    counts = []
    for _ in range(4):
        add(made, lead, {"failed_check": 1})
        counts.append(made.items.filter(labels_wanted=2).count())

    # Half of 3, 4, 5 and 6 items, to the nearest even where it lies between.
    assert counts == [2, 2, 2, 3]
    assert made.labels_planned == 6 + 3


def test_a_filters_result_becomes_items_with_certainty(run, lead):
    made = fill(run, lead, {Reason.FAILED_CHECK: 3})
    outputs = list(run.outputs.order_by("pk").values_list("pk", flat=True)[:6])
    there = set(items_of(made)) & set(outputs)

    added = add_outputs(made, outputs, [run.pk], lead)

    made.refresh_from_db()
    assert (added.new, added.there) == (6 - len(there), len(there))
    items = items_of(made)
    assert all(items[output] == (["added"], 1.0) for output in set(outputs) - there)
    assert all(items[output] == (["added", "failed_check"], 1.0) for output in there)
    drawn = set(items) - set(outputs)
    assert all(items[output] == (["failed_check"], 0.25) for output in drawn)
    assert made.item_count == len(items)
    again = add_outputs(made, outputs, [run.pk], lead)
    assert (again.new, items_of(made)) == (0, items)


def test_what_a_filter_added_stays_certain_when_more_is_drawn(run, lead):
    made = fill(run, lead, {Reason.FAILED_CHECK: 3})
    outputs = list(run.outputs.order_by("pk").values_list("pk", flat=True)[:FAILED])
    add_outputs(made, outputs, [run.pk], lead)

    add(made, lead, {"failed_check": 2})

    assert set(items_of(made)) == set(outputs)
    assert {chance for _, chance in items_of(made).values()} == {1.0}


def test_runs_that_came_in_by_a_filter_are_not_drawn_from(run, version, lead):
    made = fill(run, lead, {Reason.AUDIT: 2})
    other = make_run(version, "other")
    for output in other.outputs.all():
        make_score(output, version.eval_set.checks.get(), passed=True)
    add_outputs(made, [other.outputs.earliest("pk").pk], [other.pk], lead)

    add(made, lead, {"audit": 2})

    assert made.items.filter(output__run=run).count() == 4
    assert made.items.filter(output__run=other).count() == 1
    assert set(made.runs.all()) == {run, other}


def test_a_known_item_stays_what_it_is(run, lead):
    known = run.outputs.earliest("pk")
    KnownAnswer.objects.create(project=run.project, output=known, outcome="pass", created_by=lead)
    made = fill(run, lead, {Reason.AUDIT: 2}, known=1)
    before = made.items.filter(is_known=True).values().get()

    add_outputs(made, [known.pk], [run.pk], lead)

    assert made.items.filter(is_known=True).values().get() == before


def test_an_item_whose_pool_no_longer_holds_it_stays_with_its_chance(run, lead):
    made = fill(run, lead, {Reason.FAILED_CHECK: 3})
    gone = made.items.earliest("pk")
    gone.output.scores.update(outcome="passed", cause="")

    seen = look_at_more(made, {"failed_check": 1})
    assert (seen.new, seen.overdue) == (2, 1)
    add(made, lead, {"failed_check": 1})

    gone.refresh_from_db()
    assert (gone.inclusion_probability, gone.reasons) == (0.25, ["failed_check"])
    assert set(made.items.exclude(pk=gone.pk).values_list("inclusion_probability", flat=True)) == {4 / 11}


def test_rounds_that_take_no_items_say_why(run, lead):
    made = fill(run, lead, {Reason.AUDIT: 1})
    close_round(made, lead)
    unfilled = plan_round(run.project, "R", [run], {Reason.AUDIT: 1}, lead)
    practice = make_round(run)
    practice.is_practice = True
    practice.save()

    for refused, sentence in ((made, "is closed"), (unfilled, "still being chosen"), (practice, "known items only")):
        with pytest.raises(AddingError, match=sentence):
            add_outputs(refused, [run.outputs.earliest("pk").pk], [run.pk], lead)
    with pytest.raises(AddingError, match="is closed"):
        add_more(made, {"audit": 1}, lead, standing(made))


def test_the_outputs_of_a_filter(run, project):
    check = run.version.eval_set.checks.get()
    everything = filtered(project, "outputs", {"run": str(run.pk)})
    failed = filtered(project, "scores", {"run": str(run.pk), "check": str(check.pk), "outcome": "failed"})

    assert (everything.count(), failed.count()) == (20, FAILED)
    assert failed.outputs() == list(run.outputs.order_by("pk").values_list("pk", flat=True)[:FAILED])
    assert failed.runs() == [run.pk]
    assert "small-model" in failed.description


def test_a_filter_that_cannot_be_is_refused(run, project):
    with pytest.raises(AddingError, match="cannot be reviewed"):
        filtered(project, "examples", {})
    with pytest.raises(ExportError, match="show"):
        filtered(project, "outputs", {"run": str(run.pk), "show": "odd"})


def test_an_output_with_several_scores_is_one_output(run, project, version):
    second = make_check(version, "Second")
    for output in run.outputs.all():
        make_score(output, second, passed=False)

    assert filtered(project, "scores", {"run": str(run.pk), "outcome": "failed"}).count() == 20
