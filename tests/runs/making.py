"""Endpoints that can be called, and runs that were really started, for the tests of the engine and its pages."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from evalhub.candidates.models import Candidate, Endpoint
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from evalhub.runs.planning import plan_chunks
from evalhub.runs.starting import start_runs
from tests.making import admin_of, make_candidate

NOWHERE = "http://127.0.0.1:9/v1"


def make_endpoint(project: Project, url: str = NOWHERE, name: str = "Local", **fields: Any) -> Endpoint:
    """An endpoint that keeps no one waiting: not streamed, unless the test says otherwise."""
    return Endpoint.objects.create(project=project, name=name, base_url=url, **{"streams": False, **fields})


def make_caller(project: Project, url: str = NOWHERE, model: str = "echo", name: str = "", **fields: Any) -> Candidate:
    """A candidate with an endpoint of its own; ``model`` tells the tests' endpoint what to do."""
    name = name or model
    endpoint = make_endpoint(project, url, name, **fields)
    return make_candidate(project, name, endpoint=endpoint, model=model)


def start(version: EvalSetVersion, candidate: Candidate, repeats: int = 1, size: int = 0, **options: Any) -> Run:
    """A started run; with ``size``, planned again in chunks of so many examples."""
    user = admin_of(version.eval_set.project)
    with transaction.atomic():  # workers are told when it is planned as wanted
        run = start_runs(version, [candidate], repeats, user, **{"accepts_unknown_cost": True, **options})[0]
        if size:
            run.chunks.all().delete()
            plan_chunks(run.pk, version.pk, repeats, size)
    return run
