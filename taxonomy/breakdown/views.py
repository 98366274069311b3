"""The breakdown of candidates by error type, one failure mode more closely, and what checks found by themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.views.decorators.http import require_GET

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.rendering import render_page_or_fragment
from taxonomy.breakdown.causes import cause_rows, right_cells
from taxonomy.breakdown.cells import Cell
from taxonomy.breakdown.data import breakdown_of
from taxonomy.breakdown.figures import Breakdown, Row
from taxonomy.breakdown.filters import FilterError, Filters, whole_number, whole_numbers
from taxonomy.breakdown.links import Links
from taxonomy.breakdown.modes import Mode, Slice, candidates_over, slices_of, tags_of, trend_of
from taxonomy.breakdown.pictures import failed_chart, mode_chart, name_of, right_chart, slice_charts, trend_chart
from taxonomy.breakdown.runs import chosen_runs, compared_versions, version_of
from taxonomy.breakdown.table import lines_of
from taxonomy.models import Source, TaxonomyVersion

MOST_VERSIONS = 100
SOURCES = [("both", "people and checks"), ("people", "people"), ("check", "checks")]


def says_faults(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """An address that asks for what cannot be is answered by a page that says what is odd in it, and what to do."""

    @wraps(view)
    def answer(request: MemberRequest, project: Project, **arguments: Any) -> HttpResponseBase:
        try:
            return view(request, project, **arguments)
        except EvalHubError as fault:
            context = {"fault": str(fault), "slug": project.slug}
            return render(request, "taxonomy/breakdown_fault.html", context, status=400)

    return answer


@require_GET
@for_role(Role.LEAD)
@says_faults
def breakdown(request: MemberRequest, project: Project) -> HttpResponseBase:
    filters = Filters.parsed(request.GET)
    found = breakdown_of(project, filters)
    links = Links(project.slug, filters, frozenset(whole_numbers(request.GET, "fold")))
    context: dict[str, Any] = {"breakdown": found, "filters": filters, "links": links}
    if found.version is not None:
        context |= {
            "choices": choices_of(project, found),
            "lines": lines_of(found, links),
            "chart": failed_chart(found, links),
            "columns": [
                (column, name_of(column.run, found.runs), links_of(links, column.run.pk)) for column in found.columns
            ],
            "mode_url": links.mode(worst_row(found)),
            "folds": sorted(links.folded),
            "both": len(filters.sources) == 2,
            "sources": SOURCES,
            "weights": found.weights,
            "newer": [(run, other, instead(links, run, other)) for run, other in found.chosen.newer],
            "elsewhere": [(run, other, instead(links, run, other)) for run, other in found.chosen.settled_elsewhere],
            "other_estimate": links.breakdown(estimate="reviewed" if filters.estimates_all else "all"),
        }
    answer = render_page_or_fragment(request, "taxonomy/breakdown.html", "taxonomy/_breakdown.html", context)
    answer.headers["HX-Push-Url"] = links.breakdown()  # one spelling for what is shown, whatever the form sends
    return answer


def instead(links: Links, run: Run, other: Run) -> str:
    """The breakdown with the other run in the place of the one shown."""
    return links.breakdown(runs=(*(key for key in links.filters.runs if key != run.pk), other.pk))


def links_of(links: Links, run: int) -> dict[str, str]:
    return {
        "settled": links.people(run),
        "failed": links.people(run, "fail"),
        "passed": links.people(run, "pass"),
        "found": links.checks(run),
    }


def choices_of(project: Project, found: Breakdown) -> dict[str, Any]:
    """What the filters can be set to."""
    assert found.version is not None
    tags = [str(tag) for tag, _ in found.version.facts.get("tags", [])] or tags_of(found.version)
    if found.filters.tag and found.filters.tag not in tags:
        tags.append(found.filters.tag)
    runs = [run.pk for run in found.runs]
    rounds = import_string(settings.OUTPUT_NARROWINGS["rounds"])(project, runs)
    if found.filters.round is not None and found.filters.round not in {key for key, _ in rounds}:
        rounds.append((found.filters.round, found.round_name))
    numbers = TaxonomyVersion.objects.filter(project=project).values_list("number", "change")
    return {
        "tags": tags,
        "rounds": rounds,
        "taxonomy_versions": list(numbers[:MOST_VERSIONS]),
        "candidates": found.chosen.candidates,
        "is_any_set": found.filters != Filters(version=found.filters.version),
    }


def worst_row(found: Breakdown) -> int | None:
    """The error type that most outputs have, a lowest one if there is any: where a reader looks first."""
    rows = [row for row in found.rows if row.key is not None and row.is_shown]
    worst = max(rows, key=lambda row: (bool(row.total) and not row.has_below, row.total), default=None)
    return worst.key if worst else None


@require_GET
@for_role(Role.LEAD)
@says_faults
def mode(request: MemberRequest, project: Project) -> HttpResponseBase:
    """One error type over all candidates: rates, slices by tag, and its trend over a candidate's runs."""
    filters = Filters.parsed(request.GET)
    found = breakdown_of(project, filters)
    links = Links(project.slug, filters)
    key, trend = whole_number(request.GET, "mode"), whole_number(request.GET, "trend")
    row = found.row(found.tree.resolve(key) if key is not None else worst_row(found))
    if key is not None and row is None:
        raise FilterError("This version of the taxonomy has no such error type. Choose another one.")
    context = {"breakdown": found, "filters": filters, "links": links, "row": row}
    if row is not None and found.version is not None and row.key is not None:
        context |= mode_context(found, links, row, trend)
    return render_page_or_fragment(request, "taxonomy/mode.html", "taxonomy/_mode.html", context)


def mode_context(found: Breakdown, links: Links, row: Row, trend: int | None) -> dict[str, Any]:
    assert found.version is not None and row.key is not None
    shown = Mode(
        found.project, found.version, found.tree, found.tree.types[row.key], source_of(found, row), found.filters
    )
    slices = [] if found.filters.tag else slices_of(shown, found.runs)
    candidates = candidates_over(found.project, found.version)
    candidate = trend if trend is not None else candidates[0][0] if candidates else None
    steps = trend_of(shown, candidate) if candidate is not None else []
    charts = slice_charts(shown, slices, found.runs, links)
    return {
        "mode": shown,
        "type": found.tree.types[row.key],
        "rows": [each for each in found.rows if each.is_shown and each.key is not None],
        "chart": mode_chart(found, links, row),
        "slices": list(zip(slices, charts, strict=True)),
        "slice_rows": [(each.tag, slice_cells(shown, each, found.runs, links)) for each in slices],
        "candidates": candidates,
        "candidate": candidate,
        "steps": [(step, links.row(step.run.pk, row.key, shown.source)) for step in steps],
        "trend": trend_chart(shown, steps, links) if len(steps) > 1 else None,
        "back": links.breakdown(),
    }


def slice_cells(mode: Mode, each: Slice, runs: list[Run], links: Links) -> list[tuple[Cell, str]]:
    return [
        (cell, links.outputs(run.pk, error_type=mode.row.pk, source=mode.source, tag=each.tag))
        for run, cell in zip(runs, each.cells, strict=True)
    ]


def source_of(found: Breakdown, row: Row) -> Source:
    """Whose findings the slices and the trend are of: people's, unless they found nothing and checks did."""
    totals = {source: sum(pair.rolled.count for pair in pairs) for source, pairs in row.pairs.items()}
    sources = found.filters.sources
    return max(sources, key=lambda source: (bool(totals[source]), -sources.index(source)))


@require_GET
@for_role(Role.LEAD)
@says_faults
def by_checks(request: MemberRequest, project: Project) -> HttpResponseBase:
    """What the checks found by themselves, over all outputs: the share that is right, and every cause."""
    given = Filters.parsed(request.GET)
    filters = Filters(version=given.version, runs=given.runs, candidates=given.candidates)
    version = version_of(project, filters, compared_versions(project))
    runs = list(chosen_runs(version, filters).runs) if version else []
    context = {"version": version, "runs": runs, "is_narrowed": given.is_narrowed, **right_context(project, runs)}
    rows = [(row, list(zip(runs, row.cells, strict=True))) for row in cause_rows(runs)]
    context |= {"cause_rows": rows, "back": Links(project.slug, given).breakdown()}
    context["here"] = Links(project.slug, given).by_checks()
    return render_page_or_fragment(request, "taxonomy/by_checks.html", "taxonomy/_by_checks.html", context)


def right_context(project: Project, runs: list[Run]) -> dict[str, Any]:
    links, cells = Links(project.slug, Filters()), right_cells(runs)
    return {
        "right": [
            (run, cell, links.outputs(run.pk, right="yes"), links.outputs(run.pk, right="no"), cell.n - cell.count)
            for run, cell in zip(runs, cells, strict=True)
        ],
        "right_chart": right_chart(runs, cells, links),
        "has_repeats": any(run.repeats > 1 for run in runs),
    }


@require_GET
@for_role(Role.LEAD)
def summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Part of the overview: how often each candidate fails, and in which way most."""
    found = breakdown_of(project, Filters())
    links = Links(project.slug, found.filters)
    context: dict[str, Any] = {"breakdown": found, "links": links}
    if found.version is not None:
        worst = found.row(worst_row(found))
        context |= {"worst": worst if worst and worst.total else None, "runs": found.runs}
        if worst is not None:
            context["worst_url"] = links.mode(worst.key)
        if found.settled:
            context["chart"] = failed_chart(found, links)
        else:
            context |= right_context(project, found.runs)
    return render(request, "taxonomy/_summary.html", context)
