"""Known prices, from the table that the package genai-prices carries. Never asks the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Price:
    """US$ a million tokens, and whose price for which model that is."""

    input: Decimal
    output: Decimal
    model: str
    provider: str


@lru_cache(maxsize=1024)
def offered_price(model: str, base_url: str) -> Price | None:
    """What the library says this model costs at this base URL; None if it does not know.

    A base URL of no known provider (a proxy, one's own server) is offered what the model's maker asks. Where a price
    rises with the length of the prompt, it is that of the lowest tier.
    """
    from genai_prices import data_snapshot  # 0.35 s, for one field of one form

    snapshot = data_snapshot.get_snapshot()
    try:
        snapshot.find_provider(None, None, base_url)
        known_url: str | None = base_url
    except LookupError:
        known_url = None
    try:
        provider, found = snapshot.find_provider_model(model[:200], None, None, known_url)
    except LookupError:
        return None
    prices = found.get_prices(datetime.now(UTC))
    price_in, price_out = lowest_tier(prices.input_mtok), lowest_tier(prices.output_mtok)
    if price_in is None or price_out is None:
        return None  # priced by image, second or request: not comparable
    return Price(price_in, price_out, found.id, provider.name)


def lowest_tier(price: Any) -> Decimal | None:
    value = getattr(price, "base", price)
    return None if value is None else Decimal(value)
