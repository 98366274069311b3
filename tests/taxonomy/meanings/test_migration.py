"""Checks that were there before meanings were: the migration gives them what new ones mean by default."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from taxonomy.models import ErrorType
from tests.making import make_check, make_version

mean = import_module("taxonomy.migrations.0007_meanings_of_checks").mean


@pytest.mark.django_db
def test_active_checks_mean_what_is_certain(project):
    version = make_version(project)
    number, text = make_check(version, "Number", "number"), make_check(version, "Text", "contains", texts=["hello"])
    retired = make_check(version, "JSON", "valid_json")
    retired.retired_at = timezone.now()
    retired.save()
    ErrorType.objects.filter(project=project, code="no_answer").delete()  # as in a project of then
    number.meanings.create(cause="wrong_sign", error_type=ErrorType.objects.get(project=project, code="wrong_action"))

    mean(apps, None)

    assert dict(number.meanings.values_list("cause", "error_type__code")) == {
        "wrong_sign": "wrong_action",
        "wrong_number": "wrong_value",
        "wrong_scale": "wrong_value",
        "several_numbers": "broken_format",
        "invalid_json": "broken_format",
    }
    assert not text.meanings.exists() and not retired.meanings.exists()
