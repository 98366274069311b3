"""Changes of the taxonomy as they are carried out: rows, versions, the trail; nothing is deleted."""

import threading

import pytest
from django.db import connection

from evalhub.projects.joining import found_project
from evalhub.projects.models import Event
from taxonomy.models import ErrorType, TaxonomyVersion
from taxonomy.types.changes import Add, Edit, GoBack, Move, Order, Restore, Retire
from taxonomy.types.editing import OutdatedError, add_error_type, carry_out, going_back, types_of
from taxonomy.types.planning import NewType, TaxonomyError
from taxonomy.types.reshaping import Merge, Split
from taxonomy.versions import VersionError, newest_number, tree_of


def add(project, lead, name, parent=None):
    return add_error_type(ErrorType(project=project, name=name, parent=parent), lead)


def order(project):
    return list(ErrorType.objects.in_project(project).active().values_list("name", flat=True))


def test_a_new_type_stands_last_with_a_code_of_its_own(project, lead):
    parent = add(project, lead, "Money")
    first, second = add(project, lead, "Wrong amount"), add(project, lead, "Wrong amount", parent)

    assert order(project)[-3:] == ["Money", "Wrong amount", "Wrong amount"]
    assert (first.code, second.code) == ("wrong_amount", "wrong_amount_2")


def test_each_change_makes_one_version_that_says_what_the_rows_say(project, lead, types):
    before = newest_number(project)

    carry_out(
        project, Merge((types["wrong_value"], types["missing_information"]), NewType("Wrong content")), lead, "one"
    )
    carry_out(project, Split(types["broken_format"], (NewType("Invalid JSON"), NewType("Fenced"))), lead, "two")

    assert newest_number(project) == before + 2
    for number in (before + 1, before + 2):
        assert TaxonomyVersion.objects.get(project=project, number=number).made_by == lead
    assert tree_of(project).types == types_of(project)
    newest = TaxonomyVersion.objects.filter(project=project).first()
    assert (newest.change, newest.why) == ("Split “Broken format” into “Invalid JSON” and “Fenced”.", "two")
    assert list(Event.objects.filter(project=project, actor=lead).values_list("action", "subject")) == [
        ("split the error type", "Broken format"),
        ("merged error types", "Wrong value, Missing information into Wrong content"),
    ]


def test_nothing_is_ever_deleted(project, lead, types):
    carry_out(project, Merge((types["wrong_value"], types["missing_information"]), NewType("Wrong content")), lead)
    carry_out(project, going_back(project, 1), lead)

    assert set(types.values()) < set(ErrorType.objects.filter(project=project).values_list("pk", flat=True))


def test_going_back_says_again_what_the_older_version_said(project, lead, types):
    then = tree_of(project).types
    changes = [
        Move(types["wrong_value"], types["missing_information"]),
        Edit(types["broken_format"], (("name", "Format"), ("severity", "critical"))),
        Split(types["refused_needlessly"], (NewType("Declines"), NewType("Asks back"))),
        Merge((types["broken_format"],), types["wrong_action"]),
        Retire(types["wrong_language_or_tone"]),
        Order(((types["wrong_action"], 0),)),
    ]
    for change in changes:
        carry_out(project, change, lead)

    carry_out(project, going_back(project, 1), lead)

    now = tree_of(project).types
    assert {key: now[key] for key in then} == then
    assert {each.name for key, each in now.items() if key not in then} == {"Declines", "Asks back"}
    assert all(each.is_retired for key, each in now.items() if key not in then)
    assert TaxonomyVersion.objects.filter(project=project).first().change == "Went back to version 1."


def test_undoing_twice_does_it_again(project, lead, types):
    carry_out(project, Merge((types["wrong_value"],), types["wrong_action"]), lead)
    merged = tree_of(project).types
    for _ in range(2):
        carry_out(project, going_back(project, newest_number(project) - 1), lead)

    assert tree_of(project).types == merged
    assert Event.objects.filter(project=project, action="undid the change").count() == 2


def test_a_version_that_is_not_there_and_the_newest_one_are_refused(project):
    with pytest.raises(VersionError, match="Choose one of its history"):
        going_back(project, 7)
    with pytest.raises(VersionError, match="is how the taxonomy is now"):
        going_back(project, 1)


def test_a_retired_type_leaves_the_list_and_comes_back(project, lead, types):
    before = order(project)

    carry_out(project, Retire(types["wrong_value"]), lead)
    assert order(project) == before[1:]
    carry_out(project, Restore(types["wrong_value"]), lead)

    assert order(project) == before


def test_putting_in_order_moves_types_among_their_neighbours_in_one_change(project, lead, types):
    before = order(project)

    carry_out(project, Order(((types["broken_format"], 0), (types["wrong_value"], 99))), lead)

    assert order(project) == [
        "Broken format",
        *(n for n in before if n not in {"Broken format", "Wrong value"}),
        "Wrong value",
    ]
    assert newest_number(project) == 2


def test_a_change_that_changes_nothing_makes_no_version(project, lead, types):
    assert carry_out(project, Edit(types["wrong_value"], (("name", "Wrong value"),)), lead) is None
    assert carry_out(project, Order(((types["wrong_value"], 0),)), lead) is None
    assert newest_number(project) == 1


def test_what_was_looked_at_must_still_be_so(project, lead, types):
    carry_out(project, Retire(types["wrong_value"]), lead, seen=1)

    with pytest.raises(OutdatedError, match="it is version 2 now"):
        carry_out(project, Retire(types["broken_format"]), lead, seen=1)

    assert newest_number(project) == 2


def test_types_of_another_project_are_not_there(project, lead, admin):
    foreign = ErrorType.objects.filter(project=found_project(admin, "Elsewhere")).first().pk

    for change in (Retire(foreign), Move(foreign, None), Merge((foreign,), foreign), Edit(foreign, ()), GoBack(1, ())):
        if isinstance(change, GoBack):
            continue
        with pytest.raises(TaxonomyError, match="no such error type"):
            carry_out(project, change, lead)


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_make_two_versions(project, lead, types):
    """Each thread reads, plans and writes; without the lock both would plan from version 1."""
    start, faults, before = threading.Barrier(6), [], len(types)

    def change(number):
        try:
            start.wait()
            carry_out(project, Add(NewType(f"Type {number}")), lead)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    versions = TaxonomyVersion.objects.filter(project=project).order_by("number")
    assert [(each.number, len(each.tree)) for each in versions] == [
        (number, before + number - 1) for number in range(1, 8)
    ]
    positions = list(ErrorType.objects.filter(project=project).values_list("position", flat=True))
    assert len(set(positions)) == len(positions)


@pytest.mark.django_db(transaction=True)
def test_the_same_merge_sent_twice_at_once_happens_once(project, lead, types):
    start, told = threading.Barrier(2), []

    def change():
        try:
            start.wait()
            done = carry_out(project, Merge((types["wrong_value"],), types["wrong_action"]), lead, seen=1)
            told.append(done.version.number)
        except OutdatedError as error:
            told.append(str(error)[:36])
        finally:
            connection.close()

    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told, key=str) == [2, "The taxonomy has changed since you l"]
