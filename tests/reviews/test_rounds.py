import threading
from collections import Counter

import pytest
from django.db import connection

from evalhub.runs.models import Run
from reviews.making.planning import fill_round, plan_round
from reviews.making.pools import Selection
from reviews.models import KnownAnswer, Reason, ReviewItem
from tests.making import make_candidate, make_check, make_run, make_score, make_version


@pytest.fixture
def version(project):
    return make_version(project, 10)


@pytest.fixture
def scored_run(version):
    """Outputs 1 to 4 fail the check, 5 to 10 pass it."""
    run = make_run(version)
    check = make_check(version)
    for number, output in enumerate(run.outputs.order_by("pk"), start=1):
        make_score(output, check, passed=number > 4)
    return run


def fill(project, lead, runs, wanted, seed="s", **more):
    planned = plan_round(project, "Round", runs, wanted, lead, seed=seed, **more)
    fill_round(planned.pk)
    planned.refresh_from_db()
    return planned


def examples_of(made):
    return list(made.items.order_by("output").values_list("output__example__key", flat=True))


def test_a_round_of_failed_checks_holds_exactly_those(project, lead, scored_run):
    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None})

    failed = list(scored_run.outputs.order_by("pk")[:4])
    assert sorted(made.items.values_list("output", flat=True)) == [output.pk for output in failed]
    assert set(made.items.values_list("inclusion_probability", flat=True)) == {1.0}


def test_an_audit_takes_a_part_of_what_passed_and_stores_the_chance(project, lead, scored_run):
    made = fill(project, lead, [scored_run], {Reason.AUDIT: 3})

    assert made.items.count() == 3
    passed = set(scored_run.outputs.order_by("pk").values_list("pk", flat=True)[4:])
    assert set(made.items.values_list("output", flat=True)) <= passed
    assert set(made.items.values_list("inclusion_probability", flat=True)) == {0.5}


def test_outputs_that_differ_from_the_baseline_are_found(project, lead, version):
    make_run(version, make_candidate(project, "old", is_baseline=True))
    same = [str(number) for number in range(1, 11)]
    candidate = make_run(version, "new", [*same[:8], "nine", "ten"])

    made = fill(project, lead, [candidate], {Reason.DIFFERS: None})

    keys = made.items.order_by("output").values_list("output__example__key", flat=True)
    assert list(keys) == ["example-9", "example-10"]


def test_an_output_is_in_a_round_once_with_every_reason(project, lead, version, scored_run):
    make_run(version, make_candidate(project, "old", is_baseline=True), ["other"] * 10)

    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None, Reason.DIFFERS: None})

    assert made.items.count() == 10
    first = made.items.get(output=scored_run.outputs.order_by("pk").first())
    assert first.reasons == [Reason.FAILED_CHECK, Reason.DIFFERS]


def test_filling_twice_changes_nothing(project, lead, scored_run):
    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None, Reason.AUDIT: 2})
    before = list(made.items.order_by("pk").values_list("pk", "output"))

    fill_round(made.pk)

    assert list(ReviewItem.objects.order_by("pk").values_list("pk", "output")) == before


def test_the_same_seed_chooses_the_same_outputs(project, lead, scored_run):
    rounds = [fill(project, lead, [scored_run], {Reason.AUDIT: 3}, seed) for seed in ("a", "a", "b", "c", "d")]

    chosen = [frozenset(made.items.values_list("output", flat=True)) for made in rounds]
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1


def test_only_failures_of_the_named_checks_are_taken(project, lead, version, scored_run):
    other = make_check(version, "Short")
    fifth = scored_run.outputs.order_by("pk")[4]
    make_score(fifth, other, passed=False)

    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None}, checks=[other.pk])

    assert list(made.items.values_list("output", flat=True)) == [fifth.pk]


def test_outputs_on_which_checks_contradict_each_other_are_found(project, lead, version, scored_run):
    other = make_check(version, "Short")
    for output in scored_run.outputs.order_by("pk")[3:6]:
        make_score(output, other, passed=False)

    made = fill(project, lead, [scored_run], {Reason.CONTRADICTS: None})

    assert examples_of(made) == ["example-5", "example-6"]


def test_unusually_long_answers_are_found(project, lead, version):
    run = make_run(version, answers=["x"] * 9 + ["x" * 50])

    made = fill(project, lead, [run], {Reason.OUTLIER: None}, measures=["length"])

    assert examples_of(made) == ["example-10"]
    assert made.items.get().reasons == [Reason.OUTLIER]


def test_each_tag_is_drawn_from_by_itself_and_is_one_reason(project, lead):
    tagged = [["refund"]] * 6 + [["refund", "vip"]] * 2 + [["other"]] * 2
    rows = [
        {"key": f"example-{n}", "request": {"messages": []}, "expected_kind": "text", "expected": "a", "tags": tags}
        for n, tags in enumerate(tagged, 1)
    ]
    run = make_run(make_version(project, rows))

    made = fill(project, lead, [run], {Reason.TAG: 2}, tags=["refund", "vip"])

    # Both outputs of the two tags, and two of the eight refunds, which may be the same ones.
    assert {"example-7", "example-8"} <= set(examples_of(made))
    assert made.items.count() in {2, 3, 4}
    assert {tuple(reasons) for reasons in made.items.values_list("reasons", flat=True)} == {(Reason.TAG,)}
    chances = dict(made.items.values_list("output__example__key", "inclusion_probability"))
    assert chances.pop("example-7") == chances.pop("example-8") == 1.0
    assert set(chances.values()) <= {0.25}


def test_where_nothing_is_checked_every_answer_can_be_audited(project, lead, version):
    run = make_run(version)
    run.outputs.filter(example__key="example-1").update(error_cause="timeout")

    made = fill(project, lead, [run], {Reason.AUDIT: None})

    assert examples_of(made) == [f"example-{n}" for n in range(2, 11)]


def test_a_share_of_the_items_wants_several_labels_drawn_at_random(project, lead, version):
    run = make_run(version)

    made = [
        fill(project, lead, [run], {Reason.AUDIT: None}, seed, labels_wanted=3, shared_percent=20) for seed in "abcde"
    ]

    wanted = [Counter(each.items.values_list("labels_wanted", flat=True)) for each in made]
    assert wanted == [{1: 8, 3: 2}] * 5
    assert [(each.item_count, each.labels_planned) for each in made] == [(10, 14)] * 5
    shared = [frozenset(each.items.filter(labels_wanted=3).values_list("output", flat=True)) for each in made]
    assert len(set(shared)) > 1


def test_a_round_keeps_what_it_was_asked_for(project, lead, reviewer, scored_run):
    made = fill(
        project,
        lead,
        [scored_run],
        {Reason.FAILED_CHECK: 2, Reason.OUTLIER: None},
        measures=["length"],
        reviewers=[reviewer],
        hides_types=True,
        contests_types=False,
        is_blind=False,
        guidelines="Be strict.",
    )

    assert made.selection == {
        "wanted": {"failed_check": 2, "outlier": None},
        "seed": "s",
        "measures": ["length"],
    }
    assert Selection.of(made.selection).as_json() == made.selection
    assert list(made.reviewers.all()) == [reviewer]
    assert (made.hides_types, made.contests_types, made.is_blind, made.guidelines) == (True, False, False, "Be strict.")


def test_known_items_are_mixed_in(project, lead, reviewer, scored_run):
    known = scored_run.outputs.order_by("pk").last()
    KnownAnswer.objects.create(project=project, output=known, outcome="pass", created_by=lead)

    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None}, known=1, reviewers=[lead, reviewer])

    assert made.items.get(is_known=True).output_id == known.pk
    assert (made.item_count, made.labels_planned) == (5, 4 + 2)


def test_the_order_mixes_candidates_and_is_the_same_for_the_same_seed(project, lead, version):
    runs = [make_run(version, name) for name in ("one", "two")]

    first, again = (fill(project, lead, runs, {Reason.AUDIT: None}) for _ in range(2))

    order = list(first.items.order_by("order").values_list("output", flat=True))
    assert order == list(again.items.order_by("order").values_list("output", flat=True))
    names = list(first.items.order_by("order").values_list("output__run__candidate__name", flat=True))
    assert names not in (["one"] * 10 + ["two"] * 10, ["two"] * 10 + ["one"] * 10)


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_fill_at_once_make_the_items_once(project, lead, scored_run):
    planned = plan_round(project, "Round", [scored_run], {Reason.FAILED_CHECK: None, Reason.AUDIT: 3}, lead, seed="s")
    faults = []

    def work():
        try:
            fill_round(planned.pk)
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    planned.refresh_from_db()
    assert faults == []
    assert (planned.items.count(), planned.item_count) == (7, 7)


def test_a_large_round_is_filled_in_batches(project, lead, monkeypatch):
    monkeypatch.setattr("reviews.making.planning.STORED_AT_ONCE", 7)
    run = make_run(make_version(project, 30))

    made = fill(project, lead, [run], {Reason.AUDIT: None}, labels_wanted=2, shared_percent=50)

    assert made.items.values("output").distinct().count() == Run.objects.get().outputs.count() == 30
    assert made.items.values("order").distinct().count() == 30
    assert made.items.filter(labels_wanted=2).count() == 15
