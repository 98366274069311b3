"""Which two runs are compared, and which ones could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.shortcuts import get_object_or_404

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from taxonomy.breakdown.filters import Filters
from taxonomy.breakdown.runs import chosen_runs, compared_versions, in_order, version_of


@dataclass(frozen=True)
class Choice:
    """``first`` is the baseline; both None where there are not two runs over the version. ``runs`` can be chosen."""

    versions: Sequence[EvalSetVersion]
    version: EvalSetVersion | None
    runs: Sequence[Run] = field(default_factory=list)
    first: Run | None = None
    second: Run | None = None


def choose(project: Project, version: int | None, first: int | None, second: int | None) -> Choice:
    """The runs asked for (all by key), else the baseline candidate's run and the first of the others.

    Runs that are not over the version asked for are left out of account: somebody chose another version. Without one,
    that of the first run counts. Raises Http404 for a run of another project, FilterError for an unknown version.
    """
    asked = [run_in(project, key) for key in (first, second)]
    if version is not None:
        asked = [run if run and run.version_id == version else None for run in asked]
    known = next((run.version_id for run in asked if run), version)
    versions = compared_versions(project)
    chosen = version_of(project, Filters(version=known), versions)
    if chosen is None:
        return Choice(versions, None)
    found = chosen_runs(chosen, Filters())
    others = [run for runs in found.others.values() for run in runs]
    runs = in_order({run.pk: run for run in [*found.runs, *others, *filter(None, asked)]}.values())
    one = asked[0] or next((run for run in found.runs if run != asked[1]), None)
    two = asked[1] or next((run for run in found.runs if run != one), None)
    if one is None or two is None:
        return Choice(versions, chosen, runs)
    for run in (one, two):
        if run.version_id == chosen.pk:
            run.version = chosen
    return Choice(versions, chosen, runs, one, two)


def run_in(project: Project, key: int | None) -> Run | None:
    if key is None:
        return None
    runs = Run.objects.in_project(project).defer("plan").select_related("candidate", "version__eval_set")
    return get_object_or_404(runs, pk=key)
