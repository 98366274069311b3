"""Known answers: mixed blind into rounds, and what people said of them."""

import re
from collections.abc import Sequence

import pytest
from django.urls import reverse

from evalhub.projects.models import Role, User
from evalhub.runs.models import Output, Run
from reviews.calibration.meetings import TypeTally, meetings_of, standing_of
from reviews.counting import count_items
from reviews.labelling import record_label
from reviews.making.mixing import add_known_items
from reviews.models import KnownAnswer, ReviewItem, Round
from reviews.rounds.closing import close_round
from taxonomy.models import ErrorType, Verdict
from taxonomy.types.editing import carry_out
from taxonomy.types.reshaping import Merge
from tests.making import assessed, claim_next, make_round, make_run, make_version
from tests.people import TOKEN, make_member


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
    record_label(claim_next(seen, reviewer), reviewer, assessed("pass"))
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

    record_label(claim_next(made, reviewer), reviewer, assessed("pass"))

    assert made.items.get().status == "settled"
    assert not Verdict.objects.exists()


def meet(made: Round, person: User, output: Output, outcome: str, types: Sequence[ErrorType] = ()) -> None:
    record_label(made.items.get(output=output), person, assessed(outcome, types, "n"))


@pytest.fixture
def met(project, run, lead, reviewer, types):
    """Six known items in a round: four fail with the first type, two pass. What Rob and Lea said of them."""
    outputs = list(run.outputs.order_by("pk"))
    make_known(outputs[:3], lead, "fail", types[:1])
    make_known(outputs[3:5], lead, "pass")
    make_known(outputs[5:6], lead, "fail", types[:1])
    made = round_of(run, outputs[6:])
    add_known_items(made, 6, "s")
    meet(made, reviewer, outputs[0], "fail", types[:1])  # as known
    meet(made, reviewer, outputs[1], "fail", types[1:2])  # missed one type, said another
    meet(made, reviewer, outputs[2], "pass")  # too lenient, missed the type
    meet(made, reviewer, outputs[3], "fail", types[:1])  # too strict, said the type
    meet(made, reviewer, outputs[4], "pass")  # as known
    meet(made, reviewer, outputs[5], "pass")  # too lenient, missed the type
    meet(made, lead, outputs[0], "fail", types[:1])
    for item in made.items.filter(is_known=False):
        record_label(item, reviewer, assessed("pass"))
    return made


def test_a_persons_standing_counts_what_was_right_and_how_it_was_wrong(project, reviewer, types, met):
    standing = standing_of(meetings_of(project, reviewer))

    assert (standing.n, standing.right, standing.too_lenient, standing.too_strict) == (6, 3, 2, 1)
    assert standing.types == {types[0].pk: TypeTally(1, 3, 1), types[1].pk: TypeTally(0, 0, 1)}
    # Wilson, 3 of 6, z = 1.959964: 0.5 -+ z sqrt(0.25 / 6 + z² / 144) / (1 + z² / 6)
    assert standing.interval == pytest.approx((0.1876, 0.8124), abs=0.0001)


def test_what_was_said_before_a_merge_and_is_known_after_it_is_the_same(project, lead, reviewer, types, met):
    carry_out(project, Merge((types[1].pk,), types[0].pk), lead)

    standing = standing_of(meetings := meetings_of(project, reviewer))

    assert standing.types == {types[0].pk: TypeTally(2, 2, 1)}
    assert sum(meeting.differs_in_types for meeting in meetings) == 3


def test_where_error_types_are_hidden_only_pass_and_fail_are_compared(project, reviewer, met):
    Round.objects.update(hides_types=True)

    standing = standing_of(meetings_of(project, reviewer))

    assert (standing.n, standing.right, standing.types) == (6, 3, {})


def test_a_standing_of_nothing_says_nothing():
    standing = standing_of([])

    assert (standing.share, standing.interval) == (None, None)


def test_leads_see_everybody_against_what_is_known(client_of, project, lead, reviewer, types, met):
    url = reverse("reviews:calibration", args=[project.slug])
    client = client_of(lead)

    everybody = client.get(url).content.decode()
    one = client.get(url, {"person": reviewer.pk}).content.decode()

    assert "3 of 6" in everybody
    assert "1 of 1" in everybody
    outputs = list(Output.objects.order_by("pk"))
    assert all(reverse("runs:output", args=[project.slug, output.pk]) in one for output in outputs[:6])
    assert reverse("runs:output", args=[project.slug, outputs[6].pk]) not in one


def test_the_page_asks_the_same_number_of_questions_for_one_person_and_for_many(
    client_of, project, lead, met, django_assert_num_queries
):
    url = reverse("reviews:calibration", args=[project.slug])
    client = client_of(lead)
    with django_assert_num_queries(8):
        client.get(url)
    met.items.update(labels_wanted=99, status="in_review")
    for number in range(5):
        person = make_member(project, f"P{number}", Role.REVIEWER)
        record_label(met.items.filter(is_known=True).first(), person, assessed("pass"))

    with django_assert_num_queries(8):
        client.get(url)


def test_while_a_round_is_open_its_people_learn_nothing_of_which_items_are_known(
    client_of, project, lead, reviewer, met
):
    url = reverse("reviews:own_calibration", args=[project.slug])
    client = client_of(reviewer)

    while_open = client.get(url).content.decode()
    fragment = client.get(url, headers={"HX-Request": "true"}).content.decode()
    close_round(met, lead)
    when_closed = client.get(url).content.decode()

    assert "Nothing to compare yet" in while_open
    assert fragment.strip() == ""
    assert "3 of 6" in when_closed
    assert "example-1" not in when_closed  # which items they were is not told, for they may come again


def test_in_nothing_that_a_reviewer_sees_a_known_item_differs_from_others(client_of, project, lead, reviewer, run):
    """The same output twice, in two rounds that are alike: once as an ordinary item, once as a known one."""
    output = run.outputs.order_by("pk").first()
    ordinary, mixed = round_of(run, [output]), round_of(run, [])
    for made in (ordinary, mixed):
        made.reviewers.set([reviewer])
    make_known([output], lead)
    add_known_items(mixed, 1, "s")
    count_items(mixed.pk)
    client = client_of(reviewer)

    def pages(made: Round) -> list[str]:
        item = made.items.get()
        desk = client.get(reverse("reviews:desk", args=[project.slug, made.pk])).content.decode()
        answer = client.post(
            reverse("reviews:label", args=[project.slug, item.pk]), {"outcome": "pass"}, headers={"HX-Request": "true"}
        ).content.decode()
        again = client.get(reverse("reviews:item", args=[project.slug, item.pk])).content.decode()
        jump = client.get(reverse("reviews:jump", args=[project.slug, made.pk])).content.decode()
        return [without_what_must_differ(page, made, item) for page in (desk, answer, again, jump)]

    assert pages(ordinary) == pages(mixed)


def without_what_must_differ(page: str, made: Round, item: ReviewItem) -> str:
    for kind, key in (("items", item.pk), ("rounds", made.pk)):
        page = page.replace(f"/{kind}/{key}/", f"/{kind}/KEY/")
    page = page.replace(f'data-item="{item.pk}"', "")
    page = re.sub(r'name="saw_label" value="[^"]*"', "", page)  # when the label was given
    page = re.sub(r"<time.*?</time>", "", page)
    return TOKEN.sub("", page)
