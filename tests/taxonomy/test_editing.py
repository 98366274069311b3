import pytest

from taxonomy.models import ErrorType
from taxonomy.types.editing import TaxonomyError, add_error_type, move_error_type, restore_error_type, retire_error_type


def add(project, lead, name, parent=None):
    return add_error_type(ErrorType(project=project, name=name, parent=parent), lead)


def order(project):
    return list(ErrorType.objects.in_project(project).active().values_list("name", flat=True))


def test_a_new_type_stands_last_with_a_code_of_its_own(project, lead):
    first, second = add(project, lead, "Wrong amount"), add(project, lead, "Wrong amount!")

    assert order(project)[-2:] == ["Wrong amount", "Wrong amount!"]
    assert (first.code, second.code) == ("wrong_amount", "wrong_amount_2")


def test_moving_swaps_with_the_neighbour_and_stops_at_the_ends(project, lead):
    before = order(project)
    second = ErrorType.objects.get(project=project, name=before[1])

    move_error_type(second, -1, lead)
    assert order(project) == [before[1], before[0], *before[2:]]
    move_error_type(second, -1, lead)

    assert order(project) == [before[1], before[0], *before[2:]]


def test_a_retired_type_leaves_the_list_and_comes_back(project, lead):
    before = order(project)
    first = ErrorType.objects.get(project=project, name=before[0])

    retire_error_type(first, lead)
    assert order(project) == before[1:]
    restore_error_type(first, lead)

    assert order(project) == before


def test_a_type_with_types_below_it_is_not_retired(project, lead):
    parent = add(project, lead, "Grounding")
    add(project, lead, "Hallucination", parent)

    with pytest.raises(TaxonomyError, match="below it"):
        retire_error_type(parent, lead)
