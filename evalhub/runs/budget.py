"""What a run may spend: what a call could cost at most, what it did cost, and the pause when nothing is left."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from typing import Any

import orjson
from django.db import connection, transaction

from evalhub.candidates.calling import Reply, cost_of
from evalhub.candidates.prompting import build_body
from evalhub.projects.trail import record_event
from evalhub.runs.models import Run
from evalhub.runs.pausing import described
from evalhub.web.templatetags.ui import money

# No token is shorter than a byte, and a few are added around each message.
TOKENS_AROUND_PROMPT = 100
# What an answer is reckoned with when the candidate does not say how long it may be.
UNLIMITED_COMPLETION = 4_096
MILLION = Decimal(1_000_000)
SMALLEST = Decimal("1e-9")
# The endpoint made no answer, so it billed none.
NEVER_BILLED = frozenset(
    {"connect", "refused_address", "rate_limited", "quota", "auth", "not_found", "bad_request", "server_error"}
)
PAUSE = """
UPDATE runs_run SET state = 'paused', state_reason = %(reason)s
WHERE id = %(run)s AND state = 'running' AND reserved = 0 AND spent + %(need)s > budget
RETURNING spent, budget
"""


def most_cost(plan: Mapping[str, Any], request: str) -> Decimal:
    """US$ that a call for this example's request (JSON text) could cost at most; nothing where there is no price."""
    if plan.get("input_price") is None or plan.get("output_price") is None:
        return Decimal(0)
    prompt = len(orjson.dumps(build_body(plan, orjson.loads(request)))) + TOKENS_AROUND_PROMPT
    completion = plan.get("max_tokens") or UNLIMITED_COMPLETION
    cost = (Decimal(plan["input_price"]) * prompt + Decimal(plan["output_price"]) * completion) / MILLION
    return cost.quantize(SMALLEST, ROUND_UP)


def billed(reply: Reply, plan: Mapping[str, Any], most: Decimal) -> Decimal:
    """US$ that an attempt is reckoned to have cost: as told, else nothing if it was refused, else ``most``."""
    cost = cost_of(plan, reply.prompt_tokens, reply.completion_tokens)
    if cost is not None:
        return cost
    return Decimal(0) if reply.cause in NEVER_BILLED else most


@transaction.atomic
def pause_if_spent(run_id: int, need: Decimal) -> bool:
    """Pause a running run whose budget has no room for a call of ``need`` US$, once no other call could free any."""
    run = Run.objects.select_related("project", "candidate", "version__eval_set").get(pk=run_id)
    reason = (
        f"The budget of {money(run.budget)} is used up: the next call could cost {money(need)}. "
        "Raise the budget, then resume the run."
    )
    with connection.cursor() as cursor:
        cursor.execute(PAUSE, {"run": run_id, "need": need, "reason": reason})
        if cursor.fetchone() is None:
            return False
    record_event(run.project, None, "paused", f"{described(run)}: its budget is used up")
    return True
