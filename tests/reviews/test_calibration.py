"""Known answers: mixed blind into rounds, and what people said of them."""

from collections.abc import Sequence

import pytest

from evalhub.projects.models import Role, User
from evalhub.runs.models import Output, Run
from reviews.calibration import add_known_items
from reviews.labelling import record_label
from reviews.models import KnownAnswer, ReviewItem, Round
from reviews.rounds import count_items
from taxonomy.models import ErrorType, Verdict
from tests.making import claim_next, make_round, make_run, make_version
from tests.people import make_member


@pytest.fixture
def run(project):
    return make_run(make_version(project, 10))


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project)[:3])


def make_known(outputs: Sequence[Output], lead: User, outcome: str = "pass", types: Sequence[ErrorType] = ()) -> None:
    for output in outputs:
        known = KnownAnswer.objects.create(
            project=output.run.project, output=output, outcome=outcome, created_by=lead, note="It says why."
        )
        known.error_types.set(types)


def round_of(run: Run, outputs: Sequence[Output], **fields: object) -> Round:
    """A filled round with these outputs, which failed a check with a chance of a quarter."""
    made = make_round(run)
    made.items.all().delete()
    ReviewItem.objects.bulk_create(
        ReviewItem(round=made, output=output, reasons=["failed_check"], inclusion_probability=0.25, order=number / 10)
        for number, output in enumerate(outputs)
    )
    Round.objects.filter(pk=made.pk).update(**{"is_blind": True, **fields})
    count_items(made.pk)
    return Round.objects.get(pk=made.pk)


def test_known_items_carry_the_reasons_and_the_chance_of_the_item_they_come_from(run, lead, reviewer):
    outputs = list(run.outputs.order_by("pk"))
    earlier = round_of(run, outputs[:2])
    ReviewItem.objects.filter(round=earlier).update(reasons=["differs_from_baseline"], inclusion_probability=0.5)
    make_known(outputs[:2], lead)
    later = round_of(run, outputs[2:6])

    assert add_known_items(later, 2, "s") == 2

    known = ReviewItem.objects.filter(round=later, is_known=True)
    assert set(known.values_list("output", flat=True)) == {output.pk for output in outputs[:2]}
    assert {(tuple(item.reasons), item.inclusion_probability) for item in known} == {(("differs_from_baseline",), 0.5)}
    assert all(0 <= item.order < 1 for item in known)


def test_a_known_output_that_never_was_an_item_takes_reasons_of_the_round(run, lead):
    outputs = list(run.outputs.order_by("pk"))
    make_known(outputs[:1], lead)
    made = round_of(run, outputs[2:6])

    assert add_known_items(made, 5, "s") == 1

    item = made.items.get(is_known=True)
    assert (item.reasons, item.inclusion_probability) == (["failed_check"], 0.25)


def test_an_output_that_is_in_the_round_already_stays_an_ordinary_item(run, lead):
    outputs = list(run.outputs.order_by("pk"))
    make_known(outputs[:3], lead)
    made = round_of(run, outputs[:2])

    assert add_known_items(made, 10, "s") == 1
    assert add_known_items(made, 10, "s") == 0

    assert list(made.items.filter(is_known=True).values_list("output", flat=True)) == [outputs[2].pk]
    assert made.items.count() == 3


def test_the_same_seed_takes_the_same_known_answers_in_the_same_order(run, lead):
    outputs = list(run.outputs.order_by("pk"))
    make_known(outputs[:6], lead)

    def mixed_in(seed: str) -> list[tuple[int, float]]:
        made = round_of(run, outputs[8:])
        add_known_items(made, 3, seed)
        return list(made.items.filter(is_known=True).order_by("order").values_list("output", "order"))

    assert mixed_in("a") == mixed_in("a")
    assert len({tuple(mixed_in(seed)) for seed in "abcdefg"}) > 1


def test_everybody_of_the_round_gets_each_known_item(run, project, lead, reviewer):
    outputs = list(run.outputs.order_by("pk"))
    make_known(outputs[:1], lead)
    for_all, named = round_of(run, outputs[2:4]), round_of(run, outputs[2:4])
    named.reviewers.set([reviewer, make_member(project, "Una", Role.REVIEWER)])

    add_known_items(for_all, 1, "s")
    add_known_items(named, 1, "s")

    assert for_all.items.get(is_known=True).labels_wanted == 4  # Ada, Lea, Rob and Una
    assert named.items.get(is_known=True).labels_wanted == 2


def test_known_answers_of_the_rounds_own_runs_come_first_then_what_its_people_never_saw(project, run, lead, reviewer):
    elsewhere = make_run(make_version(project, 2, name="Other"), "other")
    outputs = list(run.outputs.order_by("pk"))
    make_known([*elsewhere.outputs.all(), *outputs[:3]], lead)
    seen = round_of(run, outputs[:1])
    record_label(claim_next(seen, reviewer), reviewer, "pass")
    made = round_of(run, outputs[8:])

    add_known_items(made, 2, "s")

    assert set(made.items.filter(is_known=True).values_list("output", flat=True)) == {outputs[1].pk, outputs[2].pk}


def test_a_known_answer_of_another_project_never_comes_in(run, lead, stranger):
    other = make_run(make_version(stranger.memberships.get().project, 1))
    make_known(other.outputs.all(), stranger)
    made = round_of(run, run.outputs.all()[:2])

    assert add_known_items(made, 5, "s") == 0


def test_labels_of_a_known_item_make_no_verdict(run, lead, reviewer):
    outputs = list(run.outputs.order_by("pk"))
    make_known(outputs[:1], lead)
    made = round_of(run, [])
    made.reviewers.set([reviewer])
    add_known_items(made, 1, "s")

    record_label(claim_next(made, reviewer), reviewer, "pass")

    assert made.items.get().status == "settled"
    assert not Verdict.objects.exists()
