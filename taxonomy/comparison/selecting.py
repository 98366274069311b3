"""Which outputs a figure of a comparison counts, in SQL: the same rule by which ``data`` counts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from taxonomy.comparison.figures import Subject
from taxonomy.comparison.plan import Plan
from taxonomy.models import FindingSet, Source
from taxonomy.tree import Tree

# Each says of the output “{0}” whether it has it, in one row; in no row, or NULL, where it is not counted.
BY_PEOPLE = "SELECT outcome = 'fail' AS has FROM taxonomy_verdict WHERE output_id = {0}.id AND source = 'people'"
FOUND_BY_PEOPLE = """
    SELECT found_id = ANY(%(sets)s::bigint[]) AS has FROM taxonomy_verdict
    WHERE output_id = {0}.id AND source = 'people'
"""
FOUND_BY_CHECKS = """
    SELECT EXISTS (
        SELECT FROM taxonomy_verdict WHERE output_id = {0}.id AND found_id = ANY(%(sets)s::bigint[])
    ) AS has
    WHERE EXISTS (
        SELECT FROM checks_score
        WHERE output_id = {0}.id AND check_id = ANY(%(checks)s::bigint[]) AND outcome <> 'skipped'
    )
"""
BY_CHECKS = """
    SELECT CASE WHEN {0}.error_cause <> '' THEN true
        WHEN count(*) = cardinality(%(checks)s::bigint[]) AND bool_or(outcome <> 'skipped')
        THEN bool_or(outcome = 'failed') END AS has
    FROM checks_score WHERE output_id = {0}.id AND check_id = ANY(%(checks)s::bigint[])
"""
BY_CHECK = """
    SELECT outcome = 'failed' AS has FROM checks_score
    WHERE output_id = {0}.id AND check_id = ANY(%(checks)s::bigint[]) AND outcome <> 'skipped'
"""


@dataclass(frozen=True)
class Selection:
    """Whether an output has what a figure is of: a query for ``LATERAL``, and its parameters."""

    sql: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def of(self, output: str) -> str:
        """The query for an output by the name that it has in the statement; its column is “has”."""
        return self.sql.format(output)


def selection_of(subject: Subject, plan: Plan) -> Selection:
    if subject.kind == "people":
        return Selection(BY_PEOPLE)
    if subject.kind == "checks":
        return Selection(BY_CHECKS, {"checks": [check.pk for check in plan.checks]})
    if subject.kind == "check":
        return Selection(BY_CHECK, {"checks": [subject.check]})
    sets = sets_with(subject, plan.tree)
    if subject.source == Source.PEOPLE:
        return Selection(FOUND_BY_PEOPLE, {"sets": sets})
    checks = plan.meant.get((subject.error_type, subject.is_own), frozenset())
    return Selection(FOUND_BY_CHECKS, {"sets": sets, "checks": sorted(checks)})


def sets_with(subject: Subject, tree: Tree) -> list[int]:
    """The keys of the finding sets whose outputs have the mode."""
    found_by = "people" if subject.source == Source.PEOPLE else "checks"
    if subject.error_type is None:
        # Of types that the version does not know; those of other projects are no output's of these runs.
        found = FindingSet.objects.exclude(**{f"{found_by}__contained_by": list(tree.types)})
    elif subject.is_own:
        own = [each for each in tree.types if tree.resolve(each) == subject.error_type]
        found = FindingSet.objects.filter(**{f"{found_by}__overlap": own})
    else:
        found = FindingSet.objects.filter(**{f"{found_by}__overlap": sorted(tree.carriers(subject.error_type))})
    return list(found.values_list("pk", flat=True))
