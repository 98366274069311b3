"""What a report rests on: versions and hashes of the eval set, the runs, the taxonomy, the checks and the reviews."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from taxonomy.models import CheckMeaning, SeverityWeights, TaxonomyVersion
from taxonomy.tree import Tree

# What of a run's plan is how the candidate answers; the rest is where it is reached and how fast it may be asked.
SETTINGS = ("model", "temperature", "max_tokens", "response_format", "input_price", "output_price")
TEXTS = ("system_prompt", "template")
LONGEST_TEXT = 2_000

Found = dict[str, Any]


def basis_of(project: Project, first: Run, second: Run, tree: Tree) -> Found:
    """All of it, JSON-able. Nothing in it depends on when the report is made, nor on who makes it."""
    runs = [first, second]
    return {
        "evalhub": evalhub_version(),
        "project": {"slug": project.slug, "name": project.name},
        "eval_set": eval_set_of(first.version),
        "runs": [run_of(run) for run in runs],
        "taxonomy": taxonomy_of(project, tree),
        "checks": checks_of(first.version, tree),
        "rounds": rounds_of(runs),
    }


@cache
def evalhub_version() -> str:
    """As installed, or as the clone says that it runs from."""
    try:
        return version("evalhub")
    except PackageNotFoundError:
        with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])


def eval_set_of(asked: EvalSetVersion) -> Found:
    return {
        "version": asked.pk,
        "name": asked.eval_set.name,
        "number": asked.number,
        "is_published": asked.is_published,
        "examples": asked.example_count,
        "content_hash": asked.content_hash,
    }


def run_of(run: Run) -> Found:
    return {
        "run": run.pk,
        "candidate": run.candidate.name,
        "is_baseline": run.candidate.is_baseline,
        "source": run.source,
        "state": run.state,
        "repeats": run.repeats,
        "planned_outputs": run.planned_outputs,
        "plan_digest": digest_of(run.plan) if run.plan else None,
        "settings": settings_of(run.plan),
    }


def digest_of(value: Any) -> str:
    """SHA-256 of the value as JSON with sorted keys."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """One spelling for equal values: keys sorted, no spaces, UTF-8; numbers as Python and JavaScript write them."""
    import orjson

    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def settings_of(plan: Mapping[str, Any]) -> Found:
    """How the candidate answers, as it was when the run started; empty for outputs that were recorded elsewhere."""
    if not plan:
        return {}
    told: Found = {name: plan.get(name) for name in SETTINGS}
    for name in TEXTS:
        text = str(plan.get(name) or "")
        told[name] = {"text": text[:LONGEST_TEXT], "characters": len(text), "digest": digest_of(text)}
    told["tools"] = len(plan.get("tools") or [])
    return told


def taxonomy_of(project: Project, tree: Tree) -> Found:
    """The tree as the version has it, so that every figure can be computed again without asking this server."""
    found = TaxonomyVersion.objects.filter(project=project, number=tree.number).first()
    weights = SeverityWeights.objects.filter(project=project).first() or SeverityWeights()
    return {
        "version": tree.number,
        "change": found.change if found else "",
        "tree": found.tree if found else [],
        "digest": digest_of(found.tree if found else []),
        "weights": {"minor": weights.minor, "major": weights.major, "critical": weights.critical},
    }


def checks_of(asked: EvalSetVersion, tree: Tree) -> list[Found]:
    """The active checks of the eval set, with what failing them means under this version of the taxonomy."""
    checks = list(Check.objects.active().filter(eval_set=asked.eval_set_id).order_by("pk"))
    meanings: dict[int, list[Found]] = {check.pk: [] for check in checks}
    for meaning in CheckMeaning.objects.filter(by__in=checks).order_by("by", "cause"):
        counted = tree.resolve(meaning.error_type_id)
        meanings[meaning.by_id].append(
            {"cause": meaning.cause, "error_type": meaning.error_type_id, "code": tree.types[counted].code}
            if counted is not None
            else {"cause": meaning.cause, "error_type": meaning.error_type_id, "code": None}
        )
    return [
        {
            "check": check.pk,
            "name": check.name,
            "kind": check.kind,
            "parameters": check.parameters,
            "meanings": meanings[check.pk],
        }
        for check in checks
    ]


def rounds_of(runs: Sequence[Run]) -> list[Found]:
    """The review rounds over these runs, told by the app above that the settings name."""
    told: list[Found] = import_string(settings.ROUNDS_BEHIND_REPORTS)(runs)
    return told
