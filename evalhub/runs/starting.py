"""Starting runs: the plan is frozen, and what there is to do becomes rows."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
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
def start_runs(version: EvalSetVersion, candidates: Iterable[Candidate], repeats: int, user: User) -> list[Run]:
    """Start one run of the version for each candidate and wake workers once this is committed.

    Raises StartingError if the version is not published or a candidate cannot be asked. A queue that cannot be reached
    raises nothing: the runs wait for the sweeper, and ``is_announced`` is False on them.
    """
    chosen = list(candidates)
    refuse_nonsense(version, chosen, repeats)
    runs = [start_run(version, candidate, repeats, user) for candidate in chosen]
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


def start_run(version: EvalSetVersion, candidate: Candidate, repeats: int, user: User) -> Run:
    run = Run.objects.create(
        project_id=candidate.project_id,
        version=version,
        candidate=candidate,
        plan=freeze(candidate) | facts_of(version),
        repeats=repeats,
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
