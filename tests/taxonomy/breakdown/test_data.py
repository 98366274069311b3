"""The figures of a breakdown, on cases that are counted by hand."""

import pytest

from evalhub.checks.models import Score
from taxonomy.breakdown.data import breakdown_of
from taxonomy.breakdown.filters import Filters
from taxonomy.models import CheckMeaning, ErrorType, Source
from taxonomy.settling import record_check_verdicts, record_verdict
from taxonomy.versions import record_change
from tests.making import make_check, make_run, make_score, make_version


@pytest.fixture
def version(project):
    return make_version(project, 6)


@pytest.fixture
def types(project):
    ErrorType.objects.filter(project=project).delete()
    grounding = ErrorType.objects.create(project=project, code="grounding", name="Grounding", position=1)
    invented = ErrorType.objects.create(project=project, code="invented", name="Invented", position=2, parent=grounding)
    left_out = ErrorType.objects.create(project=project, code="left_out", name="Left out", position=3, parent=grounding)
    record_change(project, "New", None)
    return grounding, invented, left_out


def counted(project, source=Source.PEOPLE, **filters):
    """code -> (own, rolled up) counts of the first column."""
    found = breakdown_of(project, Filters(**filters))
    return {row.code: (row.pairs[source][0].own.count, row.pairs[source][0].rolled.count) for row in found.rows}


def test_an_output_counts_once_in_the_row_above(project, version, types):
    _, invented, left_out = types
    run = make_run(version)
    first, second, third, *_ = run.outputs.order_by("pk")
    record_verdict(first, "fail", [invented.pk])
    record_verdict(second, "fail", [invented.pk, left_out.pk])
    record_verdict(third, "pass")

    assert counted(project) == {"grounding": (0, 2), "invented": (2, 2), "left_out": (1, 1)}
    (column,) = breakdown_of(project, Filters()).columns
    assert (column.settled, column.failed.count, column.failed.n, column.outputs) == (3, 2, 3, 6)
