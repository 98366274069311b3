"""What a round is drawn from: for each run and reason the outputs for which the reason holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.checks.disagreements import (
    MEASURES,
    contradicted_outputs,
    differing_outputs,
    failed_outputs,
    outlying_outputs,
    passed_outputs,
)
from evalhub.checks.scoring import active_checks
from evalhub.evalsets.contents import facts_of
from evalhub.evalsets.models import EvalSetVersion
from evalhub.runs.models import Output, Run
from reviews.making.choosing import Chosen, choose
from reviews.models import Reason

# Those that a lead can ask for; others an item gets otherwise.
ASKED_FOR = (Reason.FAILED_CHECK, Reason.DIFFERS, Reason.CONTRADICTS, Reason.OUTLIER, Reason.TAG, Reason.AUDIT)


@dataclass(frozen=True)
class Selection:
    """What a round is drawn by: how many outputs of each run for each reason (None: all), the seed, what narrows them.

    ``checks``: keys of those whose failures count, none for all active ones. ``tags``: each is a pool of its own, from
    which as many are drawn as the reason says. ``measures``: in what outliers are unusual, none for everything.
    ``known``: how many known items are mixed in. ``runs``: keys of those drawn from, none for all of the round.
    """

    wanted: Mapping[str, int | None]
    seed: str
    checks: Sequence[int] = ()
    tags: Sequence[str] = ()
    measures: Sequence[str] = ()
    known: int = 0
    runs: Sequence[int] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Selection:
        """From ``Round.selection``."""
        narrowing = {name: tuple(stored.get(name, ())) for name in ("checks", "tags", "measures", "runs")}
        wanted = stored.get("wanted", {})
        # PostgreSQL keeps no order of keys; people see the reasons in the order in which they are asked for.
        ordered = {reason: wanted[reason] for reason in [*map(str, ASKED_FOR), *wanted] if reason in wanted}
        return cls(ordered, stored.get("seed", ""), **narrowing, known=stored.get("known") or 0)

    def as_json(self) -> dict[str, Any]:
        """As ``Round.selection`` keeps it; what narrows nothing is left out."""
        narrowing = {"checks": self.checks, "tags": self.tags, "measures": self.measures, "runs": self.runs}
        rest: dict[str, Any] = {name: list(values) for name, values in narrowing.items() if values}
        if self.known:
            rest["known"] = self.known
        return {"wanted": dict(self.wanted), "seed": self.seed, **rest}

    def pools(self) -> dict[str, int | None]:
        """How many to draw from each pool: that of a reason, or that of one of its tags, named as “tag:refund”."""
        return {
            pool: count
            for reason, count in self.wanted.items()
            for pool in ([f"{reason}:{tag}" for tag in self.tags] if reason == Reason.TAG else [str(reason)])
        }


@dataclass(frozen=True)
class Draw:
    """The pools of one run, each with its outputs, and what was drawn from them; reasons as ``Reason`` has them."""

    run: Run
    pools: Mapping[str, Sequence[int]]
    chosen: Sequence[Chosen]


def draw_from(run: Run, selection: Selection, pools: Mapping[str, Sequence[int]]) -> Draw:
    wanted = selection.pools()
    named: dict[tuple[str, ...], tuple[str, ...]] = {}  # shared, for 100,000 outputs have few different reasons
    chosen = [
        Chosen(
            found.output,
            named.setdefault(found.reasons, tuple(dict.fromkeys(map(reason_of, found.reasons)))),
            found.probability,
        )
        for found in choose(pools, wanted, f"{selection.seed}:{run.pk}")
    ]
    return Draw(run, pools, chosen)


def reason_of(pool: str) -> str:
    return pool.partition(":")[0]


def draw(runs: Iterable[Run], selection: Selection) -> list[Draw]:
    """What the selection draws of each of these runs, as they are now."""
    return [
        draw_from(run, selection, {pool: pool_of(run, pool, selection) for pool in selection.pools()}) for run in runs
    ]


def pool_of(run: Run, pool: str, selection: Selection) -> Sequence[int]:
    """The outputs of the run that are in the pool."""
    reason, _, tag = pool.partition(":")
    match reason:
        case Reason.FAILED_CHECK:
            return keys_of(failed_outputs([run], selection.checks or None))
        case Reason.CONTRADICTS:
            return keys_of(contradicted_outputs([run]))
        case Reason.AUDIT:
            return keys_of(audited_outputs(run))
        case Reason.OUTLIER:
            return outlying_outputs(run, selection.measures or tuple(MEASURES))
        case Reason.TAG:
            return keys_of(Output.objects.filter(run=run, example__tags__contains=[tag]))
        case Reason.DIFFERS:
            baseline = baseline_run_of(run)
            return differing_outputs(run, baseline) if baseline else []
    raise ValueError(f"No outputs are drawn for the reason {reason}.")


def keys_of(outputs: Any) -> list[int]:
    return list(outputs.order_by().values_list("pk", flat=True))


def audited_outputs(run: Run) -> Any:
    """What passed everything; where nothing is checked, every answer."""
    return passed_outputs([run]) if active_checks(run) else run.outputs.filter(error_cause="")


def baseline_run_of(run: Run) -> Run | None:
    """The newest finished run of the project's baseline over the same version; None for the baseline itself."""
    if run.candidate.is_baseline:
        return None
    return (
        Run.objects.finished()
        .filter(version_id=run.version_id, project_id=run.project_id, candidate__is_baseline=True)
        .order_by("-pk")
        .first()
    )


def tags_of(version: EvalSetVersion) -> list[tuple[str, int]]:
    """The tags of the version's examples with their numbers, the most frequent first, TAGS_LISTED at most."""
    if not version.facts:  # they are counted a moment after the version was stored
        version.facts = facts_of(version)
    return [(tag, count) for tag, count in version.facts.get("tags", [])]
