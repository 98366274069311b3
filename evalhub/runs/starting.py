"""Starting runs: the plan is frozen, and what there is to do becomes rows."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from evalhub.candidates.models import Candidate
from evalhub.candidates.plan import freeze
from evalhub.errors import EvalHubError
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Run
from evalhub.runs.planning import chunk_size, plan_chunks
from evalhub.runs.waking import wake_workers_on_commit

MOST_REPEATS = 20


class StartingError(EvalHubError):
    """These runs cannot be started."""


@transaction.atomic
def start_runs(
    version: EvalSetVersion,
    candidates: Iterable[Candidate],
    repeats: int,
    user: User,
    budget: Decimal | None = None,
    reuses_outputs: bool = False,
    accepts_unknown_cost: bool = False,
) -> list[Run]:
    """Start one run of the version for each candidate and wake workers once this is committed.

    ``budget``: US$ for each of the runs. ``reuses_outputs``: a call that an earlier run made in the same words is not
    made again. ``accepts_unknown_cost``: also candidates without prices may be run, whose cost nobody can watch.

    Raises StartingError if the version is not published or a candidate cannot be asked. A queue that cannot be reached
    raises nothing: the runs wait for the sweeper, and ``is_announced`` is False on them.
    """
    chosen = list(candidates)
    refuse_nonsense(version, chosen, repeats)
    refuse_unknown_cost(chosen, budget, accepts_unknown_cost)
    runs = [start_run(version, candidate, repeats, user, budget, reuses_outputs) for candidate in chosen]
    wake_workers_on_commit(runs)
    return runs


def refuse_nonsense(version: EvalSetVersion, candidates: list[Candidate], repeats: int) -> None:
    if not version.is_published:
        raise StartingError(f"{version} is not published. Publish it first: only a frozen version can be run.")
    if not candidates:
        raise StartingError("No candidate is chosen. Choose at least one.")
    if not 1 <= repeats <= MOST_REPEATS:
        raise StartingError(f"{repeats} repeats are not possible. Choose a number from 1 to {MOST_REPEATS}.")
    for candidate in candidates:
        if candidate.endpoint_id is None:
            raise StartingError(f"“{candidate}” has no endpoint. Give it one, or upload its recorded outputs.")
        if candidate.archived_at is not None:
            raise StartingError(f"“{candidate}” is archived. Bring it back first, or choose another candidate.")


def refuse_unknown_cost(candidates: list[Candidate], budget: Decimal | None, accepts_unknown_cost: bool) -> None:
    if budget is not None and budget <= 0:
        raise StartingError("The budget has to be more than nothing. Leave it empty for none.")
    unpriced = [candidate for candidate in candidates if not candidate.has_prices]
    if unpriced and budget is not None:
        raise StartingError(
            f"“{unpriced[0]}” has no prices, so no budget can be kept. Enter its prices (0 for a model of your "
            "own), or leave the budget empty."
        )
    if unpriced and not accepts_unknown_cost:
        raise StartingError(
            f"“{unpriced[0]}” has no prices, so nobody can say what this will cost. Enter its prices (0 for a model of "
            "your own), or confirm that it may be run without."
        )


def start_run(
    version: EvalSetVersion,
    candidate: Candidate,
    repeats: int,
    user: User,
    budget: Decimal | None = None,
    reuses_outputs: bool = False,
) -> Run:
    run = Run.objects.create(
        project_id=candidate.project_id,
        version=version,
        candidate=candidate,
        plan=freeze(candidate) | facts_of(version),
        repeats=repeats,
        budget=budget,
        reuses_outputs=reuses_outputs,
        planned_outputs=version.example_count * repeats,
        started_by=user,
    )
    plan_chunks(run.pk, version.pk, repeats, chunk_size(run.plan))
    record_event(candidate.project, user, "started a run of", f"{candidate} on {version} (run {run.pk})")
    return run


def facts_of(version: EvalSetVersion) -> dict[str, Any]:
    """What the plan says beside the candidate: what was asked, and which EvalHub asked."""
    return {
        "eval_set_version": str(version),
        "content_hash": version.content_hash,
        "evalhub": evalhub_version(),
    }


@cache
def evalhub_version() -> str:
    return str(tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]["version"])
