"""Which failures are certain, and what a new check means from the start."""

from __future__ import annotations

import pytest
from django.utils import timezone

from evalhub.checks.keeping import add_check, replace_check
from evalhub.checks.kinds import KINDS
from taxonomy.meanings.defaults import CERTAIN, codes_of, mean_by_default
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.types.starters import starter
from tests.making import make_check, make_version


def meanings_of(check):
    return dict(check.meanings.values_list("cause", "error_type__code"))


def test_every_kind_of_check_was_thought_of_and_every_cause_exists():
    assert CERTAIN.keys() == KINDS.keys()
    for kind in KINDS.values():
        causes = {cause.code for cause in kind.causes}
        assert (
            codes_of(kind.code, "Refusals", {"source": "field", "mode": "no_match", "pattern": "^no"}).keys() <= causes
        )


def test_every_code_is_one_of_the_general_starter():
    codes = {
        code
        for kind in CERTAIN
        for code in codes_of(kind, "No refusal", {"mode": "no_match", "pattern": "^I"}).values()
    }

    assert codes <= {each.code for each in starter("general").file.types}


@pytest.mark.parametrize("kind", ["equals", "contains", "matches"])
def test_a_text_that_may_be_right_in_other_words_means_nothing(kind):
    assert codes_of(kind, "Text", {}).keys() <= {"no_answer", "invalid_json"}


@pytest.mark.parametrize(
    ("kind", "cause", "code"),
    [
        ("valid_json", "cut_off_json", "broken_format"),
        ("json_schema", "wrong_type", "broken_format"),
        ("json_fields", "wrong_field", "wrong_value"),
        ("json_fields", "missing_field", "missing_information"),
        ("number", "wrong_sign", "wrong_value"),
        ("tool_calls", "missing_argument", "wrong_action"),
        ("tool_calls", "arguments_not_json", "broken_format"),
        ("equals", "no_answer", "no_answer"),
    ],
)
def test_what_nobody_could_see_otherwise_means_a_type(kind, cause, code):
    assert codes_of(kind, "Check", {})[cause] == code


def test_a_number_that_is_not_there_is_certain_only_where_it_has_a_place():
    assert "no_number" not in codes_of("number", "Number", {})
    assert codes_of("number", "Number", {"source": "pattern"})["no_number"] == "broken_format"


@pytest.mark.parametrize(
    ("name", "mode", "pattern", "is_certain"),
    [
        ("No refusals", "no_match", "(?i)^I('m| am) (sorry|unable)", True),
        ("No refusals", "no_match", "I cannot", False),
        ("No refusals", "match", "^I cannot", False),
        ("No apologies", "no_match", "^Sorry", False),
    ],
)
def test_a_pattern_finds_refusals_where_its_name_says_so_and_answers_begin_with_it(name, mode, pattern, is_certain):
    codes = codes_of("matches", name, {"mode": mode, "pattern": pattern})

    assert codes.get("forbidden_match") == ("refused_needlessly" if is_certain else None)


@pytest.mark.django_db
def test_a_check_that_is_added_means_what_is_certain(project, lead):
    version = make_version(project)

    added = add_check(version.eval_set, "valid_json", "JSON", {}, lead)

    assert meanings_of(added) == {
        "no_answer": "no_answer",
        **dict.fromkeys(["json_in_fence", "text_around_json", "cut_off_json", "invalid_json"], "broken_format"),
    }


@pytest.mark.django_db
def test_a_check_that_replaces_another_means_what_that_one_meant(project, lead):
    old = add_check(make_version(project).eval_set, "number", "Number", {}, lead)
    old.meanings.exclude(cause="wrong_number").delete()
    tone = ErrorType.objects.get(project=project, code="wrong_language_or_tone")
    CheckMeaning.objects.create(by=old, cause="no_number", error_type=tone)

    changed = replace_check(old, "Number", {"tolerance": 1}, lead)

    assert meanings_of(changed) == {"wrong_number": "wrong_value", "no_number": "wrong_language_or_tone"}


@pytest.mark.django_db
def test_types_are_found_by_code_whatever_became_of_them(project, lead):
    """Renamed: the same. Merged: what it was merged into. Retired, or never there: no meaning."""
    types = {each.code: each for each in ErrorType.objects.filter(project=project)}
    now = timezone.now()
    ErrorType.objects.filter(pk=types["broken_format"].pk).update(name="Unreadable")
    ErrorType.objects.filter(pk=types["wrong_value"].pk).update(
        merged_into=types["missing_information"], retired_at=now
    )
    ErrorType.objects.filter(pk=types["missing_information"].pk).update(
        merged_into=types["invented_information"], retired_at=now
    )
    ErrorType.objects.filter(pk=types["no_answer"].pk).update(retired_at=now)
    check = make_check(make_version(project), "Fields", "json_fields")

    mean_by_default(check)
    mean_by_default(check)

    invented = "invented_information"
    assert meanings_of(check) == {
        "invalid_json": "broken_format",
        "missing_field": invented,
        "wrong_field": invented,
        "wrong_value": invented,
    }
