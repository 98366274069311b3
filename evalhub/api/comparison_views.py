"""A run beside its baseline: for a gate in continuous integration, and as the report on both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query

from evalhub.api import comparison_shapes as shapes
from evalhub.api.faults import wrong_state
from evalhub.api.holding import LEAD, KeyRequest
from evalhub.api.paging import Asked, refuse_unknown
from evalhub.api.run_views import runs_of
from evalhub.api.v1 import runs
from evalhub.checks.shares import shares_right
from evalhub.runs.models import Run
from evalhub.web.templatetags.ui import address
from taxonomy.report.data import Report, refuse_pair, report_of
from taxonomy.report.linking import printed
from taxonomy.report.readiness import SCORING, waits_for
from taxonomy.statistics.rates import rate_of

Found = Mapping[str, Any]
FILE_ANSWER = {
    "responses": {
        200: {
            "description": "The file.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    }
}


class ComparisonAsked(Asked):
    baseline: int = Field(ge=1, le=2**63 - 1, description="The run to compare with, by its id: over the same version.")
    as_of: int | None = Field(None, ge=1, le=2**31 - 1, description="Count by this version of the taxonomy.")


class ReportAsked(ComparisonAsked):
    format: Literal["json", "pdf"] = Field("json", description="json can be verified, pdf be read.")
    paper: Literal["a4", "us-letter"] = Field("a4", description="Of the PDF.")


def asked_report(request: KeyRequest, pk: int, asked: ComparisonAsked) -> Report:
    refuse_unknown(request, asked)
    second = get_object_or_404(runs_of(request), pk=pk)
    first = get_object_or_404(runs_of(request), pk=asked.baseline)
    refuse_pair(first, second)
    return report_of(request.project, first, second, asked.as_of)


@runs.get(
    "/runs/{int:pk}/comparison",
    auth=LEAD,
    response=shapes.Comparison,
    url_name="run_comparison",
    summary="A run beside its baseline",
)
def compare_run(request: KeyRequest, pk: int, asked: Query[ComparisonAsked]) -> shapes.Comparison:
    """Once both runs are finished and scored; before that 409 with the state, “scoring” after “finished”."""
    made = asked_report(request, pk, asked)
    for run in (made.second, made.first):
        refuse_unfinished(run)
    return comparison_shape(request, made)


def refuse_unfinished(run: Run) -> None:
    state = waits_for(run)
    if state == SCORING:
        raise wrong_state(f"Run {run.pk} is finished, and its outputs are still being scored.", state)
    if state:
        raise wrong_state(f"Run {run.pk} is {state}, so its figures are not final.", state)


@runs.get(
    "/runs/{int:pk}/report",
    auth=LEAD,
    url_name="run_report",
    summary="The report on a run and its baseline",
    openapi_extra=FILE_ANSWER,
)
def report_run(request: KeyRequest, pk: int, asked: Query[ReportAsked]) -> HttpResponse:
    """As JSON, whose figures `evalhub verify` computes again from exports, or as PDF."""
    made = asked_report(request, pk, asked)
    is_pdf = asked.format == "pdf"
    content = printed(request.project, made, asked.paper) if is_pdf else made.canonical
    name = f"{made.file_name}.{asked.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=f"application/{asked.format}", headers=headers)


def comparison_shape(request: KeyRequest, made: Report) -> shapes.Comparison:
    content = made.content
    comparison, version = content["comparison"], made.second.version
    return shapes.Comparison(
        run=made.second.pk,
        run_name=made.second.candidate.name,
        baseline=made.first.pk,
        baseline_name=made.first.candidate.name,
        version=version.pk,
        version_name=str(version),
        taxonomy_version=made.as_of,
        headlines=[shapes.Headline(kind=each["kind"], text=each["text"]) for each in comparison["headlines"]],
        right=right_shape(made),
        modes=list(mode_shapes(made)),
        page=address("taxonomy:report", request.project.slug, **made.asked),
    )


def right_shape(made: Report) -> shapes.RightShare:
    shares = shares_right([made.first, made.second])
    sides = [rate_of(shares[run.pk].right, shares[run.pk].counted) for run in (made.first, made.second)]
    baseline, run = (shapes.Rate(**{name: getattr(side, name) for name in shapes.Rate.model_fields}) for side in sides)
    total = next((each for each in made.content["comparison"]["totals"] if each["key"] == "checks"), None)
    difference = difference_shape(total) if total else None
    if difference:
        # The total counts what is wrong.
        turned = {"value": -difference.value, "low": -difference.high, "high": -difference.low}
        sides_turned = {"baseline_only": difference.run_only, "run_only": difference.baseline_only}
        difference = difference.model_copy(update=turned | sides_turned)
    return shapes.RightShare(baseline=baseline, run=run, difference=difference)


def difference_shape(figure: Found) -> shapes.Difference | None:
    if figure["difference"] is None:
        return None
    return shapes.Difference(
        value=figure["difference"],
        low=figure["low"],
        high=figure["high"],
        p=figure["p"],
        adjusted_p=figure["adjusted_p"],
        pairs=figure["pairs"],
        baseline_only=figure["first_only"],
        run_only=figure["second_only"],
    )


def mode_shapes(made: Report) -> Iterator[shapes.FailureMode]:
    """Each error type that this version of the taxonomy offers or that was found, by people and by checks."""
    breakdown, comparison = made.content["breakdown"], made.content["comparison"]
    places = {column["run"]: place for place, column in enumerate(breakdown["candidates"])}
    figures = {(each["error_type"], each["source"]): each for each in comparison["modes"] if not each["own"]}
    hidden = {each["figure"] for each in comparison["headlines"] if each["hidden"]}
    for row in breakdown["rows"]:
        for source in ("people", "check"):
            if row["error_type"] is None:
                continue
            cells = [row[source][places[run.pk]]["rolled"] for run in (made.first, made.second)]
            figure = figures.get((row["error_type"], source))
            if row["is_retired"] and not any(cell["count"] for cell in cells):
                continue
            yield mode_shape(row, source, cells, figure, hidden)


def mode_shape(
    row: Found, source: str, cells: Sequence[Found], figure: Found | None, hidden: set[str]
) -> shapes.FailureMode:
    is_tested = figure is not None and figure["tested"]
    baseline, run = (shapes.Rate(**{name: cell[name] for name in shapes.Rate.model_fields}) for cell in cells)
    return shapes.FailureMode(
        error_type=row["error_type"],
        code=row["code"],
        name=row["name"],
        severity=row["severity"],
        source=source,
        is_retired=row["is_retired"],
        baseline=baseline,
        run=run,
        difference=difference_shape(figure) if figure else None,
        standing=figure["standing"] if figure and is_tested else "not_tested",
        is_hidden=bool(figure and figure["key"] in hidden),
        pairs_needed=figure["needed"] if figure and is_tested else None,
    )
