"""A stored check made ready to judge. It never fails: what cannot be checked is skipped, with the reason."""

from __future__ import annotations

import logging

from evalhub.checks.kinds import KINDS
from evalhub.checks.kinds.base import Answer, Expected, Judge, Judgement, Outcome, ParameterError
from evalhub.checks.models import Check

log = logging.getLogger(__name__)


def judge_of(check: Check) -> Judge:
    """Prepare a check once, for any number of outputs. Neither this nor what it returns raises."""
    try:
        judge = KINDS[check.kind].prepare(check.parameters)
    except KeyError:
        return always_skipped(f"This version of EvalHub has no check of the kind “{check.kind}”.")
    except ParameterError as error:
        return always_skipped(f"The check cannot be used as it is set up. {error}")
    except Exception as error:
        log.exception("check cannot be prepared", extra={"check": check.pk})
        return always_skipped(f"The check cannot be used: {type(error).__name__} while preparing it.")
    return guarded(judge, check)


def guarded(judge: Judge, check: Check) -> Judge:
    """A fault in the check is no reason to leave a run unscored, and none to call an output wrong."""

    def judge_or_skip(answer: Answer, expected: Expected) -> Judgement:
        try:
            return judge(answer, expected)
        except Exception as error:
            log.exception("check failed on an output", extra={"check": check.pk})
            return skip(f"The check itself failed on this output: {type(error).__name__}.")

    return judge_or_skip


def always_skipped(reason: str) -> Judge:
    return lambda answer, expected: skip(reason)


def skip(reason: str) -> Judgement:
    return Judgement(Outcome.SKIPPED, "", reason)
