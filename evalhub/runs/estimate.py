"""What runs would cost, before they are started: calls, tokens, money, and how that was found out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from evalhub.candidates.calling import cost_of
from evalhub.candidates.models import Candidate
from evalhub.candidates.plan import price_text
from evalhub.evalsets.models import EvalSetVersion

CHARACTERS_PER_TOKEN = 4
EXAMPLES_LOOKED_AT = 1_000
OUTPUTS_LOOKED_AT = 500
# What a model says that is told nothing about length, until it was asked once.
USUAL_COMPLETION = 300

MEAN_LENGTH = """
SELECT avg(length) FROM (
    SELECT length(request::text) AS length FROM evalsets_example WHERE version_id = %s ORDER BY position LIMIT %s
) AS first_ones
"""
EARLIER = """
SELECT candidate.id, run.version_id, told.prompt, told.completion
FROM unnest(%(candidates)s::bigint[]) AS candidate (id)
CROSS JOIN LATERAL (
    SELECT id, version_id FROM runs_run
    WHERE candidate_id = candidate.id AND source = 'called' AND state <> 'cancelled'
        AND EXISTS (SELECT FROM runs_output WHERE run_id = runs_run.id AND completion_tokens IS NOT NULL)
    ORDER BY (version_id = %(version)s) DESC, id DESC LIMIT 1
) AS run
CROSS JOIN LATERAL (
    SELECT avg(prompt_tokens)::float8 AS prompt, avg(completion_tokens)::float8 AS completion FROM (
        SELECT prompt_tokens, completion_tokens FROM runs_output
        WHERE run_id = run.id AND completion_tokens IS NOT NULL ORDER BY id LIMIT %(most)s
    ) AS first_ones
) AS told
"""


@dataclass(frozen=True)
class Estimate:
    """What one run would come to. ``cost`` is US$, None where the candidate has no price."""

    candidate: Candidate
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None
    how: str


@dataclass(frozen=True)
class Told:
    """Mean tokens of a call, as an endpoint told them in an earlier run."""

    prompt: float | None
    completion: float
    is_same_version: bool


@dataclass(frozen=True)
class Totals:
    """What runs would come to together. ``budget``: US$ for each of them, None without one."""

    estimates: list[Estimate]
    budget: Decimal | None = None

    @property
    def calls(self) -> int:
        return sum(each.calls for each in self.estimates)

    @property
    def cost(self) -> Decimal | None:
        """Of those with prices; None if none has any."""
        priced = [each.cost for each in self.estimates if each.cost is not None]
        return sum(priced, Decimal(0)) if priced else None

    @property
    def unpriced(self) -> int:
        return sum(each.cost is None for each in self.estimates)

    @property
    def budget_of_all(self) -> Decimal | None:
        return None if self.budget is None else self.budget * len(self.estimates)

    @property
    def over_budget(self) -> list[Estimate]:
        budget = self.budget
        return [each for each in self.estimates if budget is not None and each.cost is not None and each.cost > budget]


def estimate(version: EvalSetVersion, candidates: Iterable[Candidate], repeats: int) -> list[Estimate]:
    """The estimates of one run for each candidate, in their order."""
    chosen = list(candidates)
    length = mean_length(version)
    earlier = told_earlier(version, chosen)
    return [estimate_of(candidate, version, repeats, length, earlier.get(candidate.pk)) for candidate in chosen]


def estimate_of(
    candidate: Candidate, version: EvalSetVersion, repeats: int, length: float, told: Told | None
) -> Estimate:
    calls = version.example_count * repeats
    if told and told.is_same_version and told.prompt is not None:
        prompt, how_prompt = told.prompt, "tokens in as in an earlier run of this version"
    else:
        prompt = (length + own_length(candidate)) / CHARACTERS_PER_TOKEN
        how_prompt = f"tokens in by length, {CHARACTERS_PER_TOKEN} characters each"
    completion, how_completion = completion_of(candidate, told)
    tokens = round(prompt * calls), round(completion * calls)
    prices = {"input_price": price_text(candidate.input_price), "output_price": price_text(candidate.output_price)}
    return Estimate(candidate, calls, *tokens, cost_of(prices, *tokens), f"{how_prompt}; {how_completion}")


def completion_of(candidate: Candidate, told: Told | None) -> tuple[float, str]:
    if told:
        return told.completion, "tokens out as in an earlier run"
    if candidate.max_tokens:
        return candidate.max_tokens, "tokens out at most: max tokens in each answer"
    return USUAL_COMPLETION, f"tokens out guessed, {USUAL_COMPLETION} an answer"


def own_length(candidate: Candidate) -> int:
    """Characters that the candidate adds to each request."""
    tools = json.dumps(candidate.tools, ensure_ascii=False) if candidate.tools else ""
    return len(candidate.system_prompt) + len(candidate.template) + len(tools)


def mean_length(version: EvalSetVersion) -> float:
    """Mean characters of a request, over the first thousand."""
    with connection.cursor() as cursor:
        cursor.execute(MEAN_LENGTH, [version.pk, EXAMPLES_LOOKED_AT])
        row = cursor.fetchone()
    return float(row[0] or 0) if row else 0.0


def told_earlier(version: EvalSetVersion, candidates: list[Candidate]) -> dict[int, Told]:
    """By candidate: what its latest run came to, one of the same version if there is any."""
    parameters: dict[str, Any] = {
        "candidates": [candidate.pk for candidate in candidates],
        "version": version.pk,
        "most": OUTPUTS_LOOKED_AT,
    }
    with connection.cursor() as cursor:
        cursor.execute(EARLIER, parameters)
        return {
            candidate: Told(prompt, completion, run_version == version.pk)
            for candidate, run_version, prompt, completion in cursor
        }
