"""The starter taxonomies: what a lead judges us by, so each keeps the rules that we ask of theirs."""

import pytest
from django.urls import reverse

from evalhub.projects.joining import found_project
from taxonomy.models import ErrorType, TaxonomyVersion
from taxonomy.types.editing import carry_out, types_of
from taxonomy.types.starters import NAMES, add_starter_taxonomy, starter, starters

GENERAL_CODES = [
    "wrong_value",
    "missing_information",
    "invented_information",
    "broken_format",
    "ignored_an_instruction",
    "wrong_action",
    "refused_needlessly",
    "followed_a_hostile_instruction",
    "wrong_language_or_tone",
    "no_answer",
]
LEAVES = [
    pytest.param(each, id=f"{found.name}-{each.code}")
    for found in starters()
    for each in found.file.types
    if not any(other.parent == each.code for other in found.file.types)
]


def test_a_new_project_begins_with_the_general_one_whose_codes_stay(project):
    assert [each.code for each in types_of(project).values()] == GENERAL_CODES
    version = TaxonomyVersion.objects.get(project=project)
    assert (version.number, version.change, version.made_by) == (1, "The starter taxonomy.", None)


def test_a_project_that_has_some_keeps_them(project):
    add_starter_taxonomy(project)

    assert TaxonomyVersion.objects.filter(project=project).count() == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_has_a_good_number_of_types_on_two_levels(name):
    types = starter(name).file.types
    leaves = [each for each in types if not any(other.parent == each.code for other in types)]
    parents = {each.code: each.parent for each in types}

    assert 6 <= len(leaves) <= 14
    assert all(not parents[each.parent] for each in types if each.parent)
    assert len({each.name.casefold() for each in types}) == len(types)


@pytest.mark.parametrize("each", LEAVES)
def test_each_type_is_one_sentence_with_what_it_is_not(each):
    assert 30 <= len(each.definition) <= 200
    assert each.definition.endswith(".")
    assert each.not_this_if.endswith(".")
    assert len(each.name) <= 34


@pytest.mark.parametrize("found", starters(), ids=NAMES)
def test_what_is_named_in_brackets_is_a_type_of_the_starter(found):
    import re

    names = {each.name.casefold() for each in found.file.types}
    for each in found.file.types:
        for named in re.findall(r"\(([^)]+)\)", each.not_this_if):
            assert named.casefold() in names or any(name.startswith(named.casefold()) for name in names), named


@pytest.mark.parametrize("name", NAMES)
def test_a_starter_fits_into_an_empty_project_and_beside_the_general_one(name, project, admin, lead):
    empty = found_project(admin, "Elsewhere")
    ErrorType.objects.filter(project=empty).delete()
    found = starter(name)

    carry_out(empty, found.change, admin)
    assert [each.code for each in types_of(empty).values()] == [each.code for each in found.file.types]

    before = types_of(project)
    carry_out(project, found.change, lead)
    after = types_of(project)
    assert {key: after[key] for key in before} == before
    assert {each.code for each in after.values()} == {*GENERAL_CODES, *(each.code for each in found.file.types)}
    assert carry_out(project, found.change, lead) is None


def test_all_starters_fit_beside_each_other(project, lead):
    for found in starters():
        carry_out(project, found.change, lead)

    assert {each.code for found in starters() for each in found.file.types} == {
        each.code for each in types_of(project).values()
    }


def test_a_starter_is_shown_before_it_is_added(client_of, project, lead):
    client = client_of(lead)
    address = reverse("taxonomy:add_starter", args=[project.slug, "extraction"])

    page = client.get(address)
    assert "Invalid JSON" in page.content.decode()
    assert "there already" in page.content.decode()
    preview = page.context["preview"]
    client.post(address, {"confirm": "1", "token": preview.token, "seen": preview.seen, "why": "We extract."})

    made = ErrorType.objects.get(project=project, code="invalid_json")
    assert made.parent.code == "broken_format"
    assert client.get(reverse("taxonomy:add_starter", args=[project.slug, "nonsense"])).status_code == 404
    assert "all of them there" in client.get(reverse("taxonomy:starters", args=[project.slug])).content.decode()
