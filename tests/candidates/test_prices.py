import socket
from decimal import Decimal

import pytest

from evalhub.candidates.prices import Price, offered_price

OPENAI = "https://api.openai.com/v1"


def test_a_known_model_at_its_maker():
    assert offered_price("gpt-4o-mini", OPENAI) == Price(Decimal("0.15"), Decimal("0.6"), "gpt-4o-mini", "OpenAI")


def test_a_known_model_behind_a_proxy_is_offered_its_makers_price():
    assert offered_price("gpt-4o-mini", "http://127.0.0.1:4000/v1") == offered_price("gpt-4o-mini", OPENAI)


@pytest.mark.parametrize("model", ["", "no-such-model", "gpt-4o-mini" * 100, "(((", "\0"])
@pytest.mark.parametrize("url", [OPENAI, "http://127.0.0.1/v1", "", "nonsense"])
def test_an_unknown_model_has_no_price(model, url):
    assert offered_price(model, url) is None


def test_a_price_that_rises_with_the_prompt_is_that_of_the_lowest_tier():
    price = offered_price("gemini-2.5-pro", "https://generativelanguage.googleapis.com/v1beta/openai")

    assert (price.input, price.output) == (Decimal("1.25"), Decimal("10"))


def test_the_network_is_not_asked(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the price library opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    offered_price.cache_clear()

    assert offered_price("gpt-4o", OPENAI).provider == "OpenAI"
