"""Labels from before and after error types were merged: what is settled of them, and that it stays."""

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from reviews.labelling import locked, record_label, settle_item
from reviews.models import ReviewItem, Round
from reviews.rounds.narrowing import narrowed
from reviews.settling import settle_items
from reviews.verdicts import verdict_by_labels
from taxonomy.models import ErrorType, Finding, Verdict
from taxonomy.tallies import tallies_of
from taxonomy.types.changes import Restore
from taxonomy.types.editing import carry_out
from taxonomy.types.reshaping import Merge
from taxonomy.versions import tree_of
from tests.making import assessed, make_round, make_run, make_version
from tests.people import make_member


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project, children=None)[:3])


@pytest.fixture
def people(project, lead, reviewer):
    return [lead, reviewer, make_member(project, "Tom", "reviewer")]


@pytest.fixture
def run(project):
    return make_run(make_version(project, 2))


@pytest.fixture
def lenient(run):
    """Two items, of each of which three labels are wanted; other error types do not contest them."""
    made = make_round(run, labels_wanted=3)
    Round.objects.filter(pk=made.pk).update(contests_types=False)
    return list(made.items.select_related("round").order_by("order"))


@pytest.fixture
def pair(run):
    """Two items, of each of which two labels are wanted; other error types contest them."""
    made = make_round(run, labels_wanted=2)
    return list(made.items.select_related("round").order_by("order"))


def merge(project, lead, types):
    carry_out(project, Merge((types[0].pk,), types[1].pk), lead)


def say(item, people, *said):
    for person, types in zip(people, said, strict=True):
        record_label(item, person, assessed("fail", types, "n"))


def found_in(item):
    return set(Finding.objects.filter(verdict__output=item.output_id).values_list("error_type", flat=True))


def counted(project, run, number=None):
    """Rows of the tree -> outputs in which people found it, as of a version."""
    tree, found = tree_of(project, number), {}
    for tally in tallies_of([run.pk]):
        for row in {row for key in tally.side.people for row in tree.counts_in(key)}:
            found[row] = found.get(row, 0) + tally.count
    return found


def test_who_said_a_type_and_who_said_what_it_was_merged_into_count_together(project, run, lenient, people, types):
    before, now, _ = types
    say(lenient[0], people[:1], [before])
    merge(project, people[0], types)
    say(lenient[0], people[1:], [now], [])

    # Each is said by one of three only; together they are two.
    assert found_in(lenient[0]) == {before.pk, now.pk}
    assert counted(project, run) == {now.pk: 1}
    call_command("check_verdicts")


def test_findings_stay_the_types_that_people_said(project, lenient, people, types):
    before, _, other = types
    say(lenient[0], people[:2], [before], [before, other])
    merge(project, people[0], types)
    say(lenient[0], people[2:], [before])

    assert found_in(lenient[0]) == {before.pk}


def test_a_verdict_stays_as_it_is_whatever_becomes_of_the_types(project, run, lenient, people, types):
    first, second = lenient
    before, now, _ = types
    say(first, people, [before], [now], [])  # nothing that half of them carry
    say(second, people[:1], [before])
    as_of_first = counted(project, run, 1)
    merge(project, people[0], types)
    assert counted(project, run, 1) == as_of_first == {}
    say(second, people[1:], [now], [])
    stored = list(Verdict.objects.order_by("output").values("output", "outcome", "found", "settled_at"))

    for change in (Restore(before.pk), Merge((before.pk, now.pk), types[2].pk)):
        carry_out(project, change, people[0])
        call_command("check_verdicts")

    assert list(Verdict.objects.order_by("output").values("output", "outcome", "found", "settled_at")) == stored
    assert (found_in(first), found_in(second)) == (set(), {before.pk, now.pk})
    settle_items([first.pk, second.pk])
    assert (found_in(first), found_in(second)) == (set(), {before.pk, now.pk})


def test_undoing_a_merge_counts_each_type_by_itself_again(project, run, lenient, people, types):
    before, now, _ = types
    say(lenient[0], people[:1], [before])
    merge(project, people[0], types)
    say(lenient[0], people[1:], [now], [now])
    say(lenient[1], people[1:], [now], [])
    say(lenient[1], people[:1], [before])
    assert counted(project, run) == {now.pk: 2}

    carry_out(project, Restore(before.pk), people[0])

    # Of the first item two of three said the one type by itself; of the second nobody did more than another.
    assert counted(project, run) == {before.pk: 1, now.pk: 2}


def status_of(item):
    return ReviewItem.objects.get(pk=item.pk).status


def test_who_said_a_type_and_who_said_what_it_was_merged_into_do_not_contest_an_item(project, pair, people, types):
    first, second = pair
    before, now, other = types
    say(first, people[:1], [before])
    say(second, people[:1], [before])
    merge(project, people[0], types)
    say(first, people[1:2], [now])
    say(second, people[1:2], [other])

    assert [status_of(item) for item in pair] == ["settled", "contested"]
    assert found_in(first) == {before.pk, now.pk}
    settle_items([item.pk for item in pair])
    assert [status_of(item) for item in pair] == ["settled", "contested"]
    call_command("check_verdicts")


def test_a_status_follows_labels_alone_and_no_change_of_the_taxonomy(project, pair, people, types):
    """Nothing is asked again of what was settled, and nothing settles by itself: a lead does that."""
    first, second = pair
    before, now, _ = types
    say(first, people[:2], [before], [now])
    say(second, people[:1], [before])
    merge(project, people[0], types)
    say(second, people[1:2], [now])
    statuses = ["contested", "settled"]
    assert [status_of(item) for item in pair] == statuses

    for change in (None, Restore(before.pk)):
        if change:
            carry_out(project, change, people[0])
        settle_items([item.pk for item in pair])
        assert [status_of(item) for item in pair] == statuses
        for item in pair:
            with transaction.atomic():
                settle_item(locked(item.pk))
        assert [status_of(item) for item in pair] == statuses
        call_command("check_verdicts")


def test_a_label_given_again_after_a_merge_settles_what_was_contested_before(project, pair, people, types):
    before, now, _ = types
    say(pair[0], people[:2], [before], [now])
    merge(project, people[0], types)

    say(pair[0], people[1:2], [now])

    assert status_of(pair[0]) == "settled"


def test_one_item_and_many_are_settled_by_the_same_rule(project, lenient, people, types):
    before, now, other = types
    say(lenient[0], people[:1], [before])
    say(lenient[1], people[:1], [other])
    merge(project, people[0], types)
    say(lenient[0], people[1:], [now, other], [])
    say(lenient[1], people[1:], [other, before], [now])
    one_by_one = [found_in(item) for item in lenient]

    settle_items([item.pk for item in lenient])

    assert [found_in(item) for item in lenient] == one_by_one == [{before.pk, now.pk}, {other.pk, before.pk, now.pk}]
    assert [verdict_by_labels(item.output_id)[1] for item in lenient] == one_by_one


@pytest.mark.parametrize("contests", [True, False])
def test_a_label_asks_for_the_taxonomy_only_where_others_said_other_types(lenient, people, types, contests):
    Round.objects.update(contests_types=contests)
    alike, unlike = lenient
    say(alike, people[:2], [types[0]], [types[0]])
    say(unlike, people[:2], [types[0]], [types[0]])

    assert trees_asked_for(lambda: say(alike, people[2:], [types[0]])) == 0
    assert trees_asked_for(lambda: say(unlike, people[2:], [types[1]])) == 1


def trees_asked_for(action):
    with CaptureQueriesContext(connection) as asked:
        action()
    return sum("version.tree" in query["sql"] or '"tree"' in query["sql"] for query in asked)


def test_items_are_found_by_the_type_that_others_were_merged_into(project, lenient, people, types):
    before, _, other = types
    say(lenient[0], people[:1], [before])
    say(lenient[1], people[:1], [other])
    merge(project, people[0], types)

    found = [narrowed(lenient[0].round, {"error_type": str(each.pk)}) for each in types]

    assert [[item.pk for item in items] for items in found] == [
        [lenient[0].pk],
        [lenient[0].pk],
        [lenient[1].pk],
    ]
