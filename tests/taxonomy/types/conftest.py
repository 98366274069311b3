"""A project with findings, for all tests of the taxonomy. Loaded before Django is set up: imports stand inside."""

import pytest


@pytest.fixture
def types(project):
    """Keys by code."""
    from taxonomy.models import ErrorType

    return {each.code: each.pk for each in ErrorType.objects.filter(project=project)}


@pytest.fixture
def run(project, types):
    """Six outputs: 1 to 3 wrong value, 3 and 4 missing information by people; 6 broken format by the check."""
    from taxonomy.models import CheckMeaning
    from taxonomy.settling import record_check_verdicts, record_verdict
    from tests.making import make_check, make_run, make_score, make_version

    version = make_version(project, 6)
    run, check = make_run(version), make_check(version, name="Is JSON")
    outputs = list(run.outputs.order_by("pk"))
    CheckMeaning.objects.create(by=check, cause="", error_type_id=types["broken_format"])
    make_score(outputs[5], check, passed=False)
    for number in range(4):
        found = [types["wrong_value"]] * (number < 3) + [types["missing_information"]] * (number >= 2)
        record_verdict(outputs[number], "fail", found)
    record_check_verdicts([outputs[5].pk])
    return run
