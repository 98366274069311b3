"""Candidates against error types: what the average hides. Counts come from narrow rows in two statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q

from evalhub.checks.kinds import KINDS
from evalhub.checks.models import Score
from evalhub.checks.rates import upper_bound, wilson
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from evalhub.web.charts import heat_step
from taxonomy.models import ErrorType, Source, Verdict
from taxonomy.tree import in_tree_order, with_ancestors


@dataclass(frozen=True)
class Cell:
    """``count`` of ``n`` outputs of one run, with the 95 % Wilson interval of the share (0 to 1).

    With n = 0 there is no share. With count = 0 ``high`` is the exact upper bound: none seen is not none there.
    """

    run: Run
    count: int
    n: int
    share: float | None
    low: float | None
    high: float | None

    @property
    def rest(self) -> int:
        return self.n - self.count

    @property
    def heat(self) -> int:
        """How dark the cell is, from 0 (none) to 6 (half or more)."""
        return heat_step(self.share, top=0.6)


def cell_of(run: Run, count: int, n: int) -> Cell:
    if not n:
        return Cell(run, count, n, None, None, None)
    if not count:
        return Cell(run, 0, n, 0.0, 0.0, upper_bound(n))
    return share_cell(run, count, n)


def share_cell(run: Run, count: int, n: int) -> Cell:
    """The same with the Wilson interval throughout, also at 0: for what is shown as a share, not as “at most”."""
    low, high = wilson(count, n) or (None, None)
    return Cell(run, count, n, count / n if n else None, low, high)


@dataclass(frozen=True)
class FindingRow:
    """One error type over all candidates; an output counts once, also for every type above."""

    error_type: ErrorType
    depth: int
    cells: Sequence[Cell]

    @property
    def total(self) -> int:
        return sum(cell.count for cell in self.cells)


@dataclass(frozen=True)
class CauseRow:
    """One class of what a check finds wrong, over all candidates."""

    check_id: int
    check_name: str
    cause: str
    title: str
    cells: Sequence[Cell]


def newest_runs(version: EvalSetVersion, preferred: Collection[int] = ()) -> list[Run]:
    """For each candidate its newest run over the version that was not cancelled; the baseline's first.

    A run whose key is in ``preferred`` is taken in the place of the newest one. Archived candidates are left out.
    """
    runs = (
        Run.objects.filter(version=version, candidate__archived_at=None)
        .exclude(state=Run.State.CANCELLED)
        .select_related("candidate")
        .annotate(is_preferred=Q(pk__in=preferred))
        .order_by("candidate_id", "-is_preferred", "-pk")
        .distinct("candidate_id")
    )
    return sorted(runs, key=lambda run: (not run.candidate.is_baseline, run.candidate.name))


def settled_elsewhere(version: EvalSetVersion, shown: Sequence[Run]) -> list[Run]:
    """Other runs over the version whose outputs people settled, newest first, each with ``settled``: how many."""
    return list(
        Run.objects.filter(version=version, candidate__archived_at=None)
        .exclude(pk__in=[run.pk for run in shown])
        .select_related("candidate")
        .annotate(settled=Count("verdicts", filter=Q(verdicts__source=Source.PEOPLE)))
        .filter(settled__gt=0)
        .order_by("-pk")
    )


def compared_versions(project: Project) -> list[EvalSetVersion]:
    """The versions over which there are runs, the one with the newest run first."""
    newest: dict[int, None] = dict.fromkeys(
        Run.objects.in_project(project).order_by("-pk").values_list("version_id", flat=True)
    )
    found = EvalSetVersion.objects.select_related("eval_set").in_bulk(list(newest))
    return [found[key] for key in newest]


def failed_cells(runs: Sequence[Run]) -> list[Cell]:
    """For each run: outputs whose verdict is a fail, of those that people settled."""
    tallies = {
        row["run"]: (row["failed"], row["settled"])
        for row in Verdict.objects.by_people()
        .filter(run__in=runs)
        .values("run")
        .annotate(settled=Count("pk"), failed=Count("pk", filter=Q(outcome=Verdict.Outcome.FAIL)))
    }
    return [cell_of(run, *tallies.get(run.pk, (0, 0))) for run in runs]


def finding_rows(project: Project, runs: Sequence[Run], settled: Sequence[Cell]) -> list[FindingRow]:
    """Every active error type, and retired ones that were found, in tree order."""
    types = {error_type.pk: error_type for error_type in ErrorType.objects.in_project(project)}
    parents = {key: error_type.parent_id for key, error_type in types.items()}
    counts = finding_counts(parents, runs)
    rows = [
        FindingRow(
            types[key],
            depth,
            [cell_of(run, counts.get((run.pk, key), 0), cell.n) for run, cell in zip(runs, settled, strict=True)],
        )
        for key, depth in in_tree_order(parents, types)
    ]
    return [row for row in rows if row.error_type.retired_at is None or row.total]


def finding_counts(parents: Mapping[int, int | None], runs: Sequence[Run]) -> dict[tuple[int, int], int]:
    """(run, error type) -> outputs that have the type or one below it by what people said, each counted once."""
    pairs = [(key, ancestor) for key in parents for ancestor in with_ancestors(key, parents)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT finding.run_id, above.ancestor, count(DISTINCT finding.verdict_id)
            FROM taxonomy_finding AS finding
            JOIN unnest(%s::bigint[], %s::bigint[]) AS above (key, ancestor) ON above.key = finding.error_type_id
            WHERE finding.run_id = ANY(%s) AND finding.source = 'people'
            GROUP BY finding.run_id, above.ancestor
            """,
            [[key for key, _ in pairs], [ancestor for _, ancestor in pairs], [run.pk for run in runs]],
        )
        return {(run_id, key): count for run_id, key, count in cursor.fetchall()}


def cause_title(kind: str, cause: str) -> str:
    """The cause's title in words, with the field that it is about if there is one."""
    return KINDS[kind].cause(cause).title if kind in KINDS else cause.replace("_", " ")


def cause_rows(runs: Sequence[Run]) -> list[CauseRow]:
    """What the checks found, on all outputs that they could judge: the most frequent cause first within each check."""
    tallies: dict[tuple[int, str, str, str], dict[int, int]] = {}
    judged: dict[tuple[int, int], int] = {}
    scores = Score.objects.filter(run__in=runs, by__retired_at=None).exclude(outcome=Score.Outcome.SKIPPED)
    for run_id, check_id, name, kind, cause, outcome, count in (
        scores.values_list("run_id", "by_id", "by__name", "by__kind", "cause", "outcome")
        .annotate(count=Count("pk"))
        .order_by()
    ):
        judged[run_id, check_id] = judged.get((run_id, check_id), 0) + count
        if outcome == Score.Outcome.FAILED:
            tallies.setdefault((check_id, name, kind, cause), {})[run_id] = count
    rows = [
        CauseRow(
            check_id,
            name,
            cause,
            cause_title(kind, cause),
            [cell_of(run, found.get(run.pk, 0), judged.get((run.pk, check_id), 0)) for run in runs],
        )
        for (check_id, name, kind, cause), found in tallies.items()
    ]
    return sorted(rows, key=lambda row: (row.check_id, -total(row.cells), row.cause))


def total(cells: Iterable[Cell]) -> int:
    return sum(cell.count for cell in cells)
