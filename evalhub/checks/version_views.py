"""The same outputs under several versions of an eval set: what is right by each, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from evalhub.checks.rates import wilson
from evalhub.checks.shares import Share, shares_right
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.carrying import Carried, carried_into, count_carried, family_of, later_version, origin_of
from evalhub.runs.models import Run
from evalhub.web.rendering import render_page_or_fragment

MOST_RUNS = 50


@dataclass(frozen=True)
class Standing:
    """A run and the share of its outputs that is right, with its 95 % interval; None where nothing is counted."""

    run: Run
    share: Share

    @property
    def right(self) -> float | None:
        return self.share.right / self.share.counted if self.share.counted else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.share.right, self.share.counted)


@dataclass(frozen=True)
class Pair:
    """A run of an earlier version, and the one of this version that has its outputs, if they were taken over."""

    earlier: Standing
    taken: Standing | None
    carried: Carried | None


def standings(runs: list[Run]) -> dict[int, Standing]:
    shares = shares_right(runs)
    return {run.pk: Standing(run, shares[run.pk]) for run in runs}


@require_GET
@for_role(Role.LEAD)
def under_versions(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of a run's page: its outputs under each version that they were scored under, and the newest to take them to.

    Empty when there is but one version to speak of.
    """
    runs = Run.objects.in_project(project).select_related("version__eval_set", "candidate")
    run = get_object_or_404(runs, pk=pk)
    family = list(family_of(run))
    later = later_version(run)
    context = {
        "run": run,
        "rows": list(standings(family).values()) if len(family) > 1 else [],
        "later": later,
        "carried": count_carried(run, later) if later else None,
        "is_moving": any(not each.is_over for each in family),
    }
    return render_page_or_fragment(request, "checks/under_versions.html", "checks/_under_versions.html", context)


@require_GET
@for_role(Role.LEAD)
def earlier_runs(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of a published version's page: the newest run of each candidate over earlier versions, and what became of it
    here."""
    versions = EvalSetVersion.objects.in_project(project).published().select_related("eval_set")
    version = get_object_or_404(versions, pk=pk)
    earlier = newest_earlier(version)
    here = carried_into(version)
    taken = {run.pk: here.get(origin_of(run)) for run in earlier}
    found = standings([*earlier, *(run for run in taken.values() if run)])
    counts = {run.version_id: run for run in earlier if not taken[run.pk]}
    carried = {key: count_carried(run, version) for key, run in counts.items()}
    pairs = [
        Pair(found[run.pk], found[made.pk] if (made := taken[run.pk]) else None, carried.get(run.version_id))
        for run in earlier
    ]
    context = {"version": version, "pairs": pairs}
    return render_page_or_fragment(request, "checks/earlier_runs.html", "checks/_earlier_runs.html", context)


def newest_earlier(version: EvalSetVersion) -> list[Run]:
    """The newest finished run of each candidate over any earlier version of the eval set."""
    runs: QuerySet[Run] = Run.objects.filter(
        version__eval_set=version.eval_set_id, version__number__lt=version.number, state=Run.State.FINISHED
    )
    newest = runs.order_by("candidate_id", "-version__number", "-pk").distinct("candidate_id").values("pk")
    return list(
        Run.objects.filter(pk__in=newest)
        .select_related("candidate", "version__eval_set")
        .order_by("candidate__name", "pk")[:MOST_RUNS]
    )
