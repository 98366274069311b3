"""One failure mode more closely: where it concentrates (slices by tag), and how it went from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.figures import figures_of
from evalhub.runs.models import Run
from taxonomy.breakdown.cells import Cell, cell_of
from taxonomy.breakdown.filters import FilterError, Filters
from taxonomy.breakdown.judged import Checks, judging_of, meant_checks
from taxonomy.breakdown.narrowing import Narrowing, narrowing_of
from taxonomy.breakdown.rolling import Roller, RunCounts
from taxonomy.breakdown.tallying import counts_of
from taxonomy.models import FindingSet, Source
from taxonomy.tree import Tree, TreeType

MOST_SLICES = 12
MOST_RUNS = 20

SLICES_BY_PEOPLE = """
SELECT verdict.run_id, tag, count(*), count(*) FILTER (WHERE verdict.found_id = ANY(%s::bigint[]))
FROM taxonomy_verdict AS verdict JOIN evalsets_example AS example ON example.id = verdict.example_id
CROSS JOIN LATERAL (SELECT DISTINCT unnest(example.tags)) AS carried (tag)
WHERE verdict.run_id = ANY(%s) AND verdict.source = 'people' AND tag = ANY(%s::text[]){narrowed}
GROUP BY 1, 2
"""
SLICES_BY_CHECKS = """
SELECT judged.run_id, tag, count(*), count(*) FILTER (WHERE verdict.found_id = ANY(%s::bigint[]))
FROM (
    SELECT DISTINCT run_id, output_id FROM checks_score
    WHERE run_id = ANY(%s) AND check_id = ANY(%s) AND outcome IN ('passed', 'failed')
) AS judged
JOIN runs_output AS output ON output.id = judged.output_id
JOIN evalsets_example AS example ON example.id = output.example_id
CROSS JOIN LATERAL (SELECT DISTINCT unnest(example.tags)) AS carried (tag)
LEFT JOIN taxonomy_verdict AS verdict ON verdict.output_id = judged.output_id
WHERE tag = ANY(%s::text[]){narrowed}
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Mode:
    """An error type with a source, in a project's runs over an eval set version."""

    project: Project
    version: EvalSetVersion
    tree: Tree
    row: TreeType
    source: Source
    filters: Filters

    @property
    def checks(self) -> Checks:
        """The active checks that mean it."""
        return meant_checks(self.version, self.tree).rolled.get(self.row.pk, frozenset())

    @property
    def sets(self) -> list[int]:
        """The keys of the FindingSets with a finding of the row, or of one below it."""
        field = "people" if self.source == Source.PEOPLE else "checks"
        overlapping = {f"{field}__overlap": sorted(self.tree.carriers(self.row.pk))}
        return list(FindingSet.objects.filter(**overlapping).values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class Slice:
    """The outputs for examples with one tag; ``cells`` in the order of the runs."""

    tag: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a candidate over time."""

    run: Run
    cell: Cell


def slices_of(mode: Mode, runs: Sequence[Run]) -> list[Slice]:
    """The mode's rate for each of the most frequent tags of the version; those without any output are left out."""
    version, keys = mode.version, [run.pk for run in runs]
    narrowing = narrowing_of(mode.project, mode.filters, [version.pk])
    tags = ([str(tag) for tag, _ in version.facts.get("tags", [])] or tags_of(version))[:MOST_SLICES]
    if mode.source == Source.PEOPLE:
        condition, values = narrowing.sql("verdict.output_id", "verdict.example_id")
        statement, parameters = SLICES_BY_PEOPLE, [mode.sets, keys, tags, *values]
    else:
        condition, values = narrowing.sql("output.id", "output.example_id")
        statement, parameters = SLICES_BY_CHECKS, [mode.sets, keys, sorted(mode.checks), tags, *values]
    with connection.cursor() as cursor:
        cursor.execute(statement.format(narrowed=condition), parameters)
        found = {(run, tag): (count, n) for run, tag, n, count in cursor.fetchall()}
    slices = [Slice(tag, [cell_of(*found.get((run, tag), (0, 0))) for run in keys]) for tag in tags]
    return [each for each in slices if any(cell.n for cell in each.cells)]


def tags_of(version: EvalSetVersion) -> list[str]:
    """The most frequent tags of a version of which they were not counted yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tag FROM evalsets_example, unnest(tags) AS tag WHERE version_id = %s"
            " GROUP BY tag ORDER BY count(*) DESC, tag LIMIT %s",
            [version.pk, MOST_SLICES],
        )
        return [tag for (tag,) in cursor.fetchall()]


def trend_of(mode: Mode, candidate: int) -> list[Step]:
    """The mode's rate in the last runs of a candidate over versions of the eval set, the oldest first.

    Of all that the filters let in, but for the version and the runs. Raises FilterError without such a candidate.
    """
    over = Run.objects.in_project(mode.project).filter(version__eval_set=mode.version.eval_set_id, candidate=candidate)
    found = over.exclude(state=Run.State.CANCELLED).defer("plan").select_related("version__eval_set", "candidate")
    runs = list(found.order_by("-pk")[:MOST_RUNS])[::-1]
    if not runs:
        raise FilterError("There is no such candidate with a run over this eval set. Choose another one.")
    narrowing = narrowing_of(mode.project, mode.filters, sorted({run.version_id for run in runs}))
    counts, sets = counts_of([run.pk for run in runs], narrowing, with_probability=False)
    counted = Roller(mode.tree, sets).count(counts)
    judged = judged_in(runs, mode.checks, narrowing) if mode.source == Source.CHECK else {}
    return [Step(run, step_cell(mode, counted.get(run.pk, RunCounts()), judged.get(run.pk, 0))) for run in runs]


def judged_in(runs: Sequence[Run], checks: Checks, narrowing: Narrowing) -> dict[int, int]:
    if not checks:
        return {}
    stored = {run: figures.stored for run, figures in figures_of(runs).items()}
    judged = judging_of(runs, checks, stored, narrowing).by_any([checks])
    return {run: count for (run, _), count in judged.items()}


def step_cell(mode: Mode, counted: RunCounts, judged: int) -> Cell:
    count = counted.rolled.get((mode.source.value, mode.row.pk), 0)
    return cell_of(count, counted.settled if mode.source == Source.PEOPLE else max(judged, count))


def candidates_over(project: Project, version: EvalSetVersion) -> list[tuple[int, str, int]]:
    """(key, name, runs) of the candidates with runs over versions of the eval set, the one with the most runs first."""
    runs = Run.objects.in_project(project).filter(version__eval_set=version.eval_set_id)
    named = runs.exclude(state=Run.State.CANCELLED).order_by().values_list("candidate", "candidate__name")
    found = named.annotate(runs=Count("pk")).order_by("-runs", "-candidate__is_baseline", "candidate__name")
    return list(found[:100])
