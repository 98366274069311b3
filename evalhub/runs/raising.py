"""Raising the budget of a run that is not over."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

import orjson
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from evalhub.errors import EvalHubError
from evalhub.evalsets.models import Example
from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from evalhub.runs.budget import most_cost
from evalhub.runs.models import Output, Run
from evalhub.runs.pausing import StateError, described

SHOWN_PLACES = Decimal("0.0001")


class RaisingError(EvalHubError):
    """This budget cannot be set."""


@transaction.atomic
def raise_budget(run: Run, amount: Decimal, user: User) -> None:
    """Set the budget of a run that has one and is not over to ``amount`` US$. It does not resume the run.

    Raises RaisingError unless ``amount`` is more than what is spent and what calls in flight could still cost;
    StateError if the run is over or never had a budget.
    """
    open_runs = Run.objects.filter(pk=run.pk, state__in=[Run.State.RUNNING, Run.State.PAUSED], budget__isnull=False)
    before = run.budget
    if not open_runs.filter(spent__lt=amount - F("reserved")).update(budget=amount):
        run.refresh_from_db()
        if run.is_over or run.budget is None:
            why = "has no budget" if run.budget is None else f"is {run.get_state_display().lower()} now"
            raise StateError(f"This run {why}, so there is nothing to raise.")
        raise RaisingError(too_little(run))
    run.refresh_from_db(fields=["budget", "spent", "reserved", "state"])
    record_event(run.project, user, "raised the budget of", f"{described(run)}: ${before:.4f} to ${amount:.4f}")


def too_little(run: Run) -> str:
    owed = f", and calls in flight could cost ${run.reserved:.4f}" if run.reserved else ""
    told = f"${run.spent:.4f} is spent already{owed}."
    need = need_of_next_call(run)
    if need is None:
        return f"{told} Choose a budget above ${run.spent + run.reserved:.4f}."
    least = (run.spent + run.reserved + need).quantize(SHOWN_PLACES, ROUND_UP)
    return f"{told} Choose at least ${least}, so that one more call can begin."


def need_of_next_call(run: Run) -> Decimal | None:
    """US$ that the first call of those that are still to come could cost at most; None if none is."""
    for chunk in run.chunks.filter(state__in=["ready", "leased"]).order_by("id"):
        examples = Example.objects.filter(version=run.version_id, position__gte=chunk.first_position)
        stored = Output.objects.filter(run=run, example=OuterRef("pk"), repeat=chunk.repeat)
        missing = examples.filter(~Exists(stored), position__lte=chunk.last_position).order_by("position").first()
        if missing is not None:
            return most_cost(run.plan, orjson.dumps(missing.request).decode())
    return None
