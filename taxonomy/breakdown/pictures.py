"""The charts of the breakdown, drawn from the same cells as the tables beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalhub.runs.models import Run
from evalhub.web.charts import Bar, BarChart, Moment, Series, bar_chart, series_chart
from taxonomy.breakdown.cells import Cell
from taxonomy.breakdown.figures import Breakdown, Row
from taxonomy.breakdown.links import Links
from taxonomy.breakdown.modes import Mode, Slice, Step
from taxonomy.models import Source

SAID_BY = {Source.PEOPLE: "By people, of what they settled", Source.CHECK: "By checks, of what they judged"}
ESTIMATED = "By people, estimated for all outputs"


def name_of(run: Run, runs: Sequence[Run]) -> str:
    """The candidate's name; with the run's number where several runs of it stand side by side."""
    name = f"{run.candidate.name}{' (baseline)' if run.candidate.is_baseline else ''}"
    is_alone = sum(1 for other in runs if other.candidate_id == run.candidate_id) < 2
    return name if is_alone else f"{name}, run {run.pk}"


def bar_of(label: str, cell: Cell, url: str, series: int, is_estimated: bool = False) -> Bar:
    """The bar of a cell. Where an estimate is shown, and there is none, nothing is drawn."""
    if not is_estimated:
        ends = (cell.low, cell.high) if cell.low is not None and cell.high is not None else None
        return Bar(label, cell.count, cell.n, ends, url, series)
    if cell.estimated is None:
        return Bar(label, 0, 0, None, "", series)
    ends = (cell.estimated.low, cell.estimated.high)
    return Bar(label, cell.count, cell.n, ends, url, series, cell.estimated.share)


def failed_chart(breakdown: Breakdown, links: Links) -> BarChart:
    """How often each candidate failed, by people, and how often checks found something."""

    def bars(source: Source) -> list[Bar]:
        estimated = breakdown.filters.estimates_all and source == Source.PEOPLE
        return [
            bar_of(
                name_of(column.run, breakdown.runs),
                column.failed if source == Source.PEOPLE else column.found,
                links.people(column.run.pk, "fail") if source == Source.PEOPLE else links.checks(column.run.pk),
                1 if source == Source.PEOPLE else 3,
                estimated,
            )
            for column in breakdown.columns
        ]

    return by_source("Outputs that failed, by candidate", breakdown, bars)


def mode_chart(breakdown: Breakdown, links: Links, row: Row) -> BarChart:
    """How often each candidate has one failure mode."""

    def bars(source: Source) -> list[Bar]:
        estimated = breakdown.filters.estimates_all and source == Source.PEOPLE
        return [
            bar_of(
                name_of(column.run, breakdown.runs),
                pair.rolled,
                links.row(column.run.pk, row.key, source),
                1 if source == Source.PEOPLE else 3,
                estimated,
            )
            for column, pair in zip(breakdown.columns, row.pairs[source], strict=True)
        ]

    return by_source(f"{row.name}, by candidate", breakdown, bars)


def by_source(name: str, breakdown: Breakdown, bars: Callable[[Source], list[Bar]]) -> BarChart:
    """One group for each source that is shown, under its name: a colour alone would not tell them apart."""
    said = {**SAID_BY, **({Source.PEOPLE: ESTIMATED} if breakdown.filters.estimates_all else {})}
    return bar_chart(name, [(said[source], bars(source)) for source in breakdown.filters.sources])


def slice_charts(mode: Mode, slices: Sequence[Slice], runs: Sequence[Run], links: Links) -> list[BarChart]:
    """Small multiples: one chart for each tag, all of one scale, so that they can be held against each other."""
    top = scale_of([cell for each in slices for cell in each.cells])
    return [
        bar_chart(
            f"{mode.row.name}, examples with the tag {each.tag}",
            [
                (
                    "",
                    [
                        bar_of(
                            name_of(run, runs),
                            cell,
                            links.outputs(run.pk, error_type=mode.row.pk, source=mode.source, tag=each.tag),
                            1 if mode.source == Source.PEOPLE else 3,
                        )
                        for run, cell in zip(runs, each.cells, strict=True)
                    ],
                )
            ],
            top,
        )
        for each in slices
    ]


ENDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


def scale_of(cells: Sequence[Cell]) -> float:
    """Where a common scale ends: just past the highest interval."""
    reach = max((cell.high or 0.0 for cell in cells), default=1.0)
    return next((end for end in ENDS if end >= reach), 1.0)


def trend_chart(mode: Mode, steps: Sequence[Step], links: Links) -> Series:
    moments = []
    for step in steps:
        label = f"Run {step.run.pk} over {step.run.version}"
        url = links.row(step.run.pk, mode.row.pk, mode.source)
        moments.append(Moment(bar_of(label, step.cell, url, 1), f"run {step.run.pk}"))
    return series_chart(f"{mode.row.name} in the runs of {steps[-1].run.candidate.name}", moments)


def right_chart(runs: Sequence[Run], cells: Sequence[Cell], links: Links) -> BarChart:
    bars = [
        bar_of(name_of(run, runs), cell, links.outputs(run.pk, right="yes"), 1)
        for run, cell in zip(runs, cells, strict=True)
    ]
    return bar_chart("Outputs that are right by the checks", [("", bars)], 1)
