"""What a reader of a comparison must know before believing it. Pure: runs and figures in, sentences out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalhub.runs.models import Run
from evalhub.web.templatetags.ui import number, percent
from taxonomy.comparison.figures import FEW_CLUSTERS, Figure


def caveats_of(first: Run, second: Run, totals: Sequence[Figure], modes: Sequence[Figure]) -> tuple[str, ...]:
    return (
        *about_runs(first, second),
        *about_repeats(first, second),
        *about_clusters([*totals, *modes]),
        *about_people(first, totals),
        *about_checks(first, totals),
    )


def about_runs(first: Run, second: Run) -> Iterator[str]:
    for run in (first, second):
        if run.state != Run.State.FINISHED:
            state = run.get_state_display().lower()
            yield f"The run of {run.candidate.name} is {state}: the figures are of the outputs that are there so far."


def about_repeats(first: Run, second: Run) -> Iterator[str]:
    if first.repeats == second.repeats == 1:
        return
    yield (
        "Examples were asked more than once. An example’s rate is the mean over its repeats, and candidates are"
        " compared example by example; pairs are outputs of the same repeat."
    )
    if first.repeats != second.repeats:
        fewer, more = sorted((first, second), key=lambda run: run.repeats)
        yield (
            f"{more.candidate.name} has {more.repeats} outputs of each example, {fewer.candidate.name} {fewer.repeats}:"
            " all of them count in the rates, those without a counterpart in no pair."
        )


def about_clusters(figures: Sequence[Figure]) -> Iterator[str]:
    clusters = [figure.clusters for figure in figures if figure.n and figure.clusters is not None]
    if not clusters:
        return
    yield (
        "Examples share conversations, customers or documents. They are no independent observations, so intervals and"
        " tests go over these clusters."
    )
    if min(clusters) < FEW_CLUSTERS:
        yield (
            f"There are only {min(clusters)} such clusters behind some figures. With fewer than {FEW_CLUSTERS} the"
            " intervals are not to be relied on."
        )


def about_people(first: Run, totals: Sequence[Figure]) -> Iterator[str]:
    planned = first.version.example_count * first.repeats
    for total in totals:
        if total.subject.kind != "people" or not (total.n or any(total.alone)):
            continue
        if sum(total.alone):
            yield (
                f"People settled {number(sum(total.alone))} more outputs whose counterpart in the other run they did"
                " not settle. Those are in no pair. Review both runs in one round to pair them."
            )
        if 0 < total.n < planned:
            yield (
                f"People settled {number(total.n)} of {number(planned)} pairs ({percent(total.n / planned)}). If those"
                " were chosen because something was odd, what people found here is not what all outputs would show."
            )


def about_checks(first: Run, totals: Sequence[Figure]) -> Iterator[str]:
    for total in totals:
        if total.subject.kind == "checks" and any(total.alone):
            yield (
                f"{number(sum(total.alone))} outputs are judged by the checks in one run and not in the other: they"
                " are in no pair. Scoring may still be under way."
            )
