"""Trying a check before it is saved: what it would say of some outputs that are there. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalhub.checks.answers import as_answer
from evalhub.checks.judging import judge_of
from evalhub.checks.kinds.base import Expected, Judgement, Outcome
from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSet
from evalhub.runs.models import Output, Run

MOST_OUTPUTS = 10
ORDER = (Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED)


@dataclass(frozen=True, slots=True)
class Trial:
    """What the check would say of one output."""

    output: Output
    judgement: Judgement


def newest_runs(eval_set: EvalSet) -> list[Run]:
    """For each candidate its newest run over any version of the eval set that was not cancelled, by its name."""
    runs = (
        Run.objects.filter(version__eval_set=eval_set)
        .exclude(state=Run.State.CANCELLED)
        .select_related("candidate")
        .order_by("candidate_id", "-pk")
        .distinct("candidate_id")
    )
    return sorted(runs, key=lambda run: run.candidate.name)


def try_check(check: Check) -> list[Trial]:
    """Judge up to MOST_OUTPUTS outputs of the newest runs, as many of each run; the same ones at each try.

    The check need not be saved. What failed comes first, then what could not be checked.
    """
    judge = judge_of(check)
    trials = [
        Trial(
            output,
            judge(
                as_answer(output.text, output.tool_calls, output.error_cause, output.error),
                Expected(output.example.expected_kind, output.example.expected),
            ),
        )
        for output in first_outputs(newest_runs(check.eval_set)[:MOST_OUTPUTS])
    ]
    return sorted(trials, key=lambda trial: ORDER.index(trial.judgement.outcome))


def first_outputs(runs: Sequence[Run]) -> list[Output]:
    """The first outputs of each run, taken in turn, so that the same example stands together."""
    share = -(-MOST_OUTPUTS // len(runs)) if runs else 0
    heads = [list(run.outputs.select_related("example", "run__candidate").order_by("pk")[:share]) for run in runs]
    in_turn = [head[turn] for turn in range(share) for head in heads if turn < len(head)]
    return in_turn[:MOST_OUTPUTS]


def outcome_counts(trials: Sequence[Trial]) -> Counter[str]:
    """How many outputs came to which outcome."""
    return Counter(trial.judgement.outcome.value for trial in trials)
