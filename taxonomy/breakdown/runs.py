"""Which run stands for each candidate, and which other runs a reader should know of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Max, OuterRef, Subquery

from evalhub.candidates.models import Candidate
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from taxonomy.breakdown.filters import FilterError, Filters
from taxonomy.models import Source, Verdict


@dataclass(frozen=True, slots=True)
class ChosenRuns:
    """The runs of a breakdown, the baseline's first, then by the candidates' names.

    ``others``: run shown -> the other runs of its candidate that were not cancelled, those with settled outputs first,
    newer ones before older ones. ``settled``: keys of the version's runs of which people settled an output.
    ``candidates``: all that could be shown, in the same order.
    """

    runs: Sequence[Run]
    others: Mapping[int, Sequence[Run]]
    settled: frozenset[int]
    candidates: Sequence[Candidate] = ()

    @property
    def newer(self) -> list[tuple[Run, Run]]:
        """(run shown, a newer one of its candidate that is not): the newest such one each."""
        return [(run, newest) for run in self.runs if (newest := self.newest_other(run)) and newest.pk > run.pk]

    @property
    def settled_elsewhere(self) -> list[tuple[Run, Run]]:
        """(run shown, another one of its candidate that people settled outputs of), where the one shown has none."""
        return [
            (run, other)
            for run in self.runs
            if run.pk not in self.settled
            for other in self.others.get(run.pk, ())[:1]
            if other.pk in self.settled and other.pk < run.pk
        ]

    def newest_other(self, run: Run) -> Run | None:
        return max(self.others.get(run.pk, ()), key=lambda other: other.pk, default=None)


def compared_versions(project: Project) -> list[EvalSetVersion]:
    """The versions over which there are runs, the one with the newest run first, without their facts."""
    newest = Run.objects.in_project(project).order_by().values("version").annotate(newest=Max("pk"))
    order = {row["version"]: row["newest"] for row in newest}
    found = EvalSetVersion.objects.select_related("eval_set").defer("facts", "drawing").filter(pk__in=order)
    return sorted(found, key=lambda version: -order[version.pk])


def version_of(project: Project, filters: Filters, versions: Sequence[EvalSetVersion]) -> EvalSetVersion | None:
    """The version asked for, else that of the runs asked for, else the one with the newest run; None: no run yet.

    Raises FilterError where there is no run over the version asked for.
    """
    wanted = filters.version
    if wanted is None and filters.runs:
        found = Run.objects.in_project(project).filter(pk__in=filters.runs).values_list("version", flat=True).first()
        if found is None:
            raise FilterError(f"There is no run {filters.runs[0]} in this project. Choose another one.")
        wanted = found
    if wanted is None:
        return versions[0] if versions else None
    for version in versions:
        if version.pk == wanted:
            return version
    raise FilterError("There is no run over such an eval set version in this project. Choose another version.")


def chosen_runs(version: EvalSetVersion, filters: Filters) -> ChosenRuns:
    """For each candidate the run that stands for it: see ``standing_run``; runs asked for stand in its place.

    Archived candidates are left out unless a run of theirs is asked for. Raises FilterError where a run that is asked
    for is not over the version.
    """
    # In the order of an index: else the database may read all verdicts up to the first one of the run.
    by_people = Verdict.objects.filter(run=OuterRef("pk"), source=Source.PEOPLE).order_by("outcome", "found_id")
    rows = (
        Run.objects.filter(version=version)
        .defer("plan")
        .select_related("candidate")
        .annotate(any_outcome=Subquery(by_people.values("outcome")[:1]))
        .order_by("pk")
    )
    by_candidate: dict[int, list[Run]] = {}
    for run in rows:
        by_candidate.setdefault(run.candidate_id, []).append(run)
    known = {run.pk for runs in by_candidate.values() for run in runs}
    if missing := [key for key in filters.runs if key not in known]:
        raise FilterError(f"Run {missing[0]} is not over {version}. Choose a run of this version.")
    settled = frozenset(run.pk for run in rows if run.any_outcome)
    shown: list[Run] = []
    others: dict[int, list[Run]] = {}
    for candidate, runs in by_candidate.items():
        if filters.candidates and candidate not in filters.candidates:
            continue
        standing = standing_runs(runs, filters.runs, settled)
        shown += standing
        rest = [run for run in runs if run not in standing and run.state != Run.State.CANCELLED]
        others |= {run.pk: sorted(rest, key=lambda each: (each.pk not in settled, -each.pk)) for run in standing}
    if filters.candidates and not shown:
        raise FilterError(f"None of the candidates asked for has a run over {version}. Choose others.")
    standing_all = [run for runs in by_candidate.values() for run in standing_runs(runs, filters.runs, settled)[:1]]
    return ChosenRuns(in_order(shown), others, settled, [run.candidate for run in in_order(standing_all)])


def standing_runs(runs: Sequence[Run], asked: Iterable[int], settled: frozenset[int]) -> list[Run]:
    """Of one candidate's runs, oldest first: those asked for, else the one that stands for it, if there is one."""
    wanted = set(asked)
    if found := [run for run in runs if run.pk in wanted]:
        return found
    live = [run for run in runs if run.state != Run.State.CANCELLED and run.candidate.archived_at is None]
    standing = standing_run(live, settled)
    return [standing] if standing else []


def standing_run(runs: Iterable[Run], settled: frozenset[int]) -> Run | None:
    """The newest run, but that none takes the place of an older one that has what it lacks.

    Handed over oldest first. What a run can lack: outputs that people settled, and its end.
    """
    standing: Run | None = None
    for run in runs:
        if standing is not None:
            loses_labels = standing.pk in settled and run.pk not in settled
            loses_end = standing.state == Run.State.FINISHED and run.state != Run.State.FINISHED
            if loses_labels or loses_end:
                continue
        standing = run
    return standing


def in_order(runs: Iterable[Run]) -> list[Run]:
    """The baseline's first, then by the candidates' names, older runs of one before newer ones."""
    return sorted(runs, key=lambda run: (not run.candidate.is_baseline, run.candidate.name, run.candidate_id, run.pk))
