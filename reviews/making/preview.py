"""What a round would hold, before it is made: items, labels, hours, and how sure its rates will be."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache
from django.db import connection

from evalhub.checks.rates import upper_bound, wilson
from evalhub.checks.scoring import active_checks, unscored_outputs
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from reviews.making.pools import Draw, Selection, baseline_run_of, draw_from, pool_of, reason_of
from reviews.models import Reason

USUAL_SECONDS = 18.0  # 200 an hour: what one person reaches at a good desk
FEWEST_TIMED = 10
NEAR = 0.1  # the rate for which a margin is told
FEWEST_FOR_MARGIN = 10
# Pools of large runs are kept for the next look at a form that is being filled in. What is stored is always drawn anew.
LARGE = 5_000
KEPT_SECONDS = 120

# The latest labels suffice, so that a large project waits no longer than a small one. Under a second nobody has read.
PACE = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::float8, count(*) FROM (
    SELECT label.seconds FROM reviews_label AS label
    JOIN reviews_reviewitem AS item ON item.id = label.item_id
    JOIN reviews_round AS round ON round.id = item.round_id
    WHERE round.project_id = %s AND NOT round.is_practice AND label.created_at > now() - interval '30 days'
        AND label.seconds >= 1
    ORDER BY label.id DESC LIMIT 1000
) AS latest
"""


@dataclass(frozen=True)
class Pace:
    """Median seconds of a label. ``timed``: of how many labels; 0 when there are too few to say, and it is assumed."""

    seconds: float
    timed: int

    @property
    def an_hour(self) -> int:
        return max(1, round(3600 / self.seconds))

    def time_of(self, labels: float) -> str:
        """How long so many labels take one person, no more exactly than is known: “45 min”, “3.5 h”, “28 h”."""
        minutes = labels * self.seconds / 60
        if minutes < 90:
            return f"{max(1, round(minutes))} min" if labels else "0 min"
        return f"{minutes / 60:.1f} h" if minutes < 600 else f"{minutes / 60:,.0f} h"


@dataclass(frozen=True)
class RunSample:
    """What is read of one run, and how sure a rate among it will be.

    ``margin``: half the width of the 95 % Wilson interval around a rate near 10 %, 0 to 1; None for fewer than 10.
    ``at_most``: what the rate can still be at most if nothing is found, 0 to 1. ``covered`` of ``outputs`` had a chance
    to be read: for the others no rate speaks.
    """

    run: Run
    items: int
    covered: int
    outputs: int
    margin: float | None
    at_most: float | None

    @property
    def margin_points(self) -> int | None:
        return None if self.margin is None else round(100 * self.margin)


@dataclass(frozen=True)
class ReasonSample:
    """``there``: the outputs for which the reason holds; ``read`` of them will be read, whatever took them."""

    reason: Reason
    there: int
    read: int
    empty: Sequence[str]


@dataclass(frozen=True)
class Preview:
    """``items`` with the known ones; ``shared`` of them go to ``labels_wanted`` people."""

    runs: Sequence[RunSample]
    reasons: Sequence[ReasonSample]
    items: int
    known: int
    shared: int
    labels: int
    people: int
    pace: Pace
    warnings: Sequence[str]

    @property
    def time(self) -> str:
        return self.pace.time_of(self.labels)

    @property
    def time_each(self) -> str:
        return self.pace.time_of(self.labels / max(1, self.people))

    @property
    def is_partial(self) -> bool:
        """Whether some outputs of the runs have no chance to be read."""
        return any(each.covered < each.outputs for each in self.runs)


def preview_round(
    project: Project, runs: Sequence[Run], selection: Selection, labels_wanted: int, shared_percent: int, people: int
) -> Preview:
    """What ``fill_round`` would choose with this selection now: an output counts once, whatever its reasons."""
    draws = [draw_from(run, selection, remembered_pools(run, selection)) for run in runs]
    drawn = sum(len(each.chosen) for each in draws)
    shared = round(drawn * shared_percent / 100) if labels_wanted > 1 else 0
    return Preview(
        runs=[run_sample(each) for each in draws],
        reasons=[reason_sample(Reason(reason), draws, selection) for reason in selection.wanted],
        items=drawn + selection.known,
        known=selection.known,
        shared=shared,
        labels=drawn + shared * (labels_wanted - 1) + selection.known * people,
        people=people,
        pace=pace_of_project(project),
        warnings=list(warnings(draws, selection)),
    )


def pace_of_project(project: Project) -> Pace:
    """How long a label took lately: the median over the project's last 1,000 of the last 30 days."""
    with connection.cursor() as cursor:
        cursor.execute(PACE, [project.pk])
        seconds, timed = cursor.fetchone()
    return Pace(seconds, timed) if timed >= FEWEST_TIMED else Pace(USUAL_SECONDS, 0)


def remembered_pools(run: Run, selection: Selection) -> Mapping[str, Sequence[int]]:
    """The pools of the run; those of a large one may be as they were a moment ago."""
    if run.planned_outputs < LARGE:
        return {pool: pool_of(run, pool, selection) for pool in selection.pools()}
    found: dict[str, Sequence[int]] = {}
    for pool in selection.pools():
        about = repr((run.pk, pool, sorted(selection.checks), sorted(selection.measures)))
        key = f"pool:{sha256(about.encode()).hexdigest()}"
        kept = cache.get(key)
        if kept is None:
            kept = array("q", pool_of(run, pool, selection)).tobytes()
            cache.set(key, kept, KEPT_SECONDS)
        found[pool] = array("q", kept)
    return found


def run_sample(drawn: Draw) -> RunSample:
    n = len(drawn.chosen)
    interval = wilson(round(NEAR * n), n) if n >= FEWEST_FOR_MARGIN else None
    return RunSample(
        run=drawn.run,
        items=n,
        covered=len(set().union(*drawn.pools.values())),
        outputs=drawn.run.outputs.count(),
        margin=(interval[1] - interval[0]) / 2 if interval else None,
        at_most=upper_bound(n),
    )


def reason_sample(reason: Reason, draws: Sequence[Draw], selection: Selection) -> ReasonSample:
    there = read = 0
    empty: Counter[str] = Counter()
    for each in draws:
        pools = {pool: outputs for pool, outputs in each.pools.items() if reason_of(pool) == reason}
        there += len(set().union(*pools.values()))
        read += sum(reason in found.reasons for found in each.chosen)
        for pool, outputs in pools.items():
            if not outputs:
                empty[why_empty(each.run, pool, selection)] += 1
    return ReasonSample(reason, there, read, list(empty))


def why_empty(run: Run, pool: str, selection: Selection) -> str:
    """Why the pool holds no output of the run: a sentence that names the run, and the cure where there is one."""
    reason, _, tag = pool.partition(":")
    name, checks = run.candidate.name, active_checks(run)
    if not run.outputs.exists():
        return f"{name} has no output yet."
    if reason == Reason.DIFFERS:
        return why_no_difference(run)
    if reason in {Reason.FAILED_CHECK, Reason.CONTRADICTS} and not checks:
        return "The eval set has no active check. Add one; it scores the outputs that are there."
    if reason == Reason.CONTRADICTS and len(checks) == 1:
        return "The eval set has one active check only, which nothing contradicts."
    found = {
        Reason.FAILED_CHECK: "failed one of these checks" if selection.checks else "failed a check",
        Reason.CONTRADICTS: "was passed by one check and failed by another",
        Reason.OUTLIER: "is that unusual",
        Reason.TAG: f"is of an example with the tag “{tag}”",
        Reason.AUDIT: "passed everything" if checks else "is an answer",
    }
    return f"No output of {name} {found[Reason(reason)]}."


def why_no_difference(run: Run) -> str:
    name = run.candidate.name
    if run.candidate.is_baseline:
        return f"{name} is the baseline itself."
    if baseline_run_of(run):
        return f"All answers of {name} say what the baseline's do."
    if run.project.candidates.filter(is_baseline=True).exists():
        return "The baseline has no finished run over this version. Start one."
    return "No candidate is marked as the baseline. Mark one under Candidates."


def warnings(draws: Sequence[Draw], selection: Selection) -> Iterator[str]:
    """What a lead should know before making the round, the weightiest first."""
    if Reason.AUDIT not in selection.wanted:
        yield (
            "No random part is in it. Without one the checks' own mistakes stay invisible, and no rate over all "
            "outputs can be estimated. Tick “Random audit”."
        )
    for each in draws:
        run, name = each.run, f"{each.run.candidate.name} (run {each.run.pk})"
        if not run.is_over:
            yield f"{name} is not over: outputs that come later will not be in the round."
        if unscored := len(unscored_outputs(run, active_checks(run))):
            outputs = f"{unscored:,} output{'s' if unscored > 1 else ''} of {name} {'are' if unscored > 1 else 'is'}"
            yield f"{outputs} not scored yet, so not all failures are known. Wait a moment, then look again."
    versions = EvalSetVersion.objects.filter(runs__in=[each.run for each in draws]).distinct()
    unchecked = [version for version in versions if not version.eval_set.checks.active().exists()]
    if unchecked and Reason.AUDIT in selection.wanted:
        yield "The eval set has no active check, so the random audit is drawn from all answers."
