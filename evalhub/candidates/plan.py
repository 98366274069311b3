"""What is asked of whom, frozen: a run keeps this, so that later changes of the candidate do not touch it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from evalhub.candidates.models import Candidate, Endpoint
from evalhub.errors import EvalHubError


class PlanError(EvalHubError):
    """The candidate cannot be called as it stands."""


def freeze(candidate: Candidate) -> dict[str, Any]:
    """The candidate, its endpoint and prices as JSON-able values; a price is a string of US$ a million tokens, or None.

    The key is not in it: a plan is stored, shown and downloaded. Raises PlanError for a candidate without an endpoint.
    """
    endpoint = candidate.endpoint
    if endpoint is None:
        raise PlanError(
            f"“{candidate.name}” has no endpoint: its outputs are recorded elsewhere. "
            "Upload them as a run, or choose an endpoint for it."
        )
    return {
        "candidate": candidate.pk,
        "name": candidate.name,
        "endpoint": endpoint.pk,
        "base_url": endpoint.base_url,
        "model": candidate.model,
        "system_prompt": candidate.system_prompt,
        "template": candidate.template,
        # As it comes from the database: an object that was just made may hold 0 for 0.0.
        "temperature": None if candidate.temperature is None else float(candidate.temperature),
        "max_tokens": candidate.max_tokens,
        "response_format": candidate.response_format,
        "tools": candidate.tools,
        "streams": endpoint.streams,
        "timeout_seconds": endpoint.timeout_seconds,
        **limits_of(endpoint),
        "input_price": price_text(candidate.input_price),
        "output_price": price_text(candidate.output_price),
    }


def limits_of(endpoint: Endpoint) -> dict[str, int | None]:
    """How much may be asked of the endpoint by all workers together."""
    return {
        "max_in_flight": endpoint.max_in_flight,
        "requests_per_minute": endpoint.requests_per_minute,
        "tokens_per_minute": endpoint.tokens_per_minute,
    }


def price_text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"
