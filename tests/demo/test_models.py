"""The four demo models really read, each fails in its own way, and the best on average is the worst with money."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

import pytest

from demo.models import bayes_large, bayes_small, nearest, rules_2025
from demo.models.entities import find_address, loose_order_ids, read_number, strict_order_ids, sums_of_money
from demo.models.language import guess_language
from demo.models.mail import read_mail
from demo.models.naive_bayes import NaiveBayes
from demo.reviewing import plausible_label
from demo.samples import read_samples

PROGRAMS = {"rules-2025": rules_2025, "bayes-small": bayes_small, "bayes-large": bayes_large, "nearest": nearest}
BANDS = {"rules-2025": (0.44, 0.50), "bayes-small": (0.55, 0.64), "bayes-large": (0.68, 0.78), "nearest": (0.43, 0.50)}


@dataclass
class Tally:
    outputs: int = 0
    right: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def share_right(self) -> float:
        return self.right / self.outputs


@cache
def tally(name: str) -> Tally:
    model, found = PROGRAMS[name].create(), Tally()
    for sample in read_samples():
        reply = model.answer(sample["input"])
        calls = [{"id": "call_1", "name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
        label = plausible_label(sample["expected_kind"], sample["expected"], reply.text, calls)
        found.outputs += 1
        found.right += label["outcome"] == "pass"
        found.errors.update(label["error_types"])
    return found


def asked(text: str, *tools: str) -> dict:
    offered = [{"type": "function", "function": {"name": name, "description": "", "parameters": {}}} for name in tools]
    request = {"messages": [{"role": "system", "content": "Sort."}, {"role": "user", "content": text}]}
    return {**request, "tools": offered} if tools else request


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_share_right_is_in_its_band(name):
    low, high = BANDS[name]

    assert tally(name).outputs == 292
    assert low <= tally(name).share_right <= high


def test_bayes_large_is_best_on_average_and_worst_with_money():
    others = [tally(name) for name in PROGRAMS if name != "bayes-large"]
    best = tally("bayes-large")

    assert best.share_right > max(other.share_right for other in others) + 0.08
    assert best.errors["refund_not_owed"] >= 3 * max(other.errors["refund_not_owed"] for other in others)


def test_each_model_has_a_failure_of_its_own():
    def most_often(code: str) -> str:
        return max(PROGRAMS, key=lambda name: tally(name).errors[code])

    assert most_often("fenced_json") == most_often("invalid_json") == most_often("unknown_value") == "nearest"
    assert most_often("wrong_language") == most_often("under_priority") == most_often("missed_order_id") == "rules-2025"
    assert most_often("call_not_needed") == "bayes-small"
    assert most_often("refund_not_owed") == "bayes-large"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_prompt_gets_the_same_answer(name):
    requests = [sample["input"] for sample in read_samples()[:40]]

    first, second = PROGRAMS[name].create(), PROGRAMS[name].create()

    assert [first.answer(request) for request in requests] == [second.answer(request) for request in requests]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_answer_depends_on_the_message(name):
    model = PROGRAMS[name].create()

    one = model.answer(asked("Where is my parcel? Order TT-480001, the tracking has not moved."))
    other = model.answer(asked("Where is my parcel? Order TT-480002, the tracking has not moved."))

    assert "TT-480001" in one.text
    assert one.text.replace("TT-480001", "TT-480002") == other.text or name == "nearest"  # whose wrapping is by chance


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(
    "text", ["", " ", "\u202e\u200b", "🐸" * 500, "TT-" * 2000, "(" * 5000, "9" * 5000, "€" * 5000]
)
def test_odd_text_gets_an_answer(name, text):
    model = PROGRAMS[name].create()

    assert model.answer(asked(text)).text
    acting = model.answer(asked(text, "lookup_order", "start_refund", "escalate_to_human"))
    assert acting.text or acting.tool_calls


def test_bayes_large_pays_the_largest_sum_where_the_rules_ask_back():
    text = "The lamp from TT-480003 (49.00 €) arrived broken, please refund the 5.00 € for delivery."
    tools = ("lookup_order", "start_refund", "escalate_to_human")

    (careless,) = bayes_large.create().answer(asked(text, *tools)).tool_calls
    silent = bayes_large.create().answer(asked("Where is TT-480003?", *tools)).tool_calls

    assert json.loads(careless.arguments)["amount"] == 49
    assert [call.name for call in silent] == ["lookup_order"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.899,00", 1899),
        ("1,899.00", 1899),
        ("1'184.00", 1184),
        ("4 500 000", 4_500_000),
        ("42,50", 42.5),
        ("42.5", 42.5),
        ("64", 64),
        ("2.149", 2149),
    ],
)
def test_sums_are_read_in_every_spelling(written, value):
    assert read_number(written) == value
    assert [money.value for money in sums_of_money(f"I paid {written} € for it")] == [value]


def test_sums_are_found_by_their_currency_or_their_cents():
    text = "£39.00, 5 quid, 74,99 zł, 412 kr, 349.-, 24.50 and 1,74 m, at 7 bar, on 12.09, TT-480004"

    assert [money.value for money in sums_of_money(text)] == [39, 5, 74.99, 412, 349, 24.5, 12.09]


def test_order_numbers_are_read_strictly_or_loosely():
    assert strict_order_ids("TT-512345, TT 512346, tt512347 and 512348") == ["TT-512345", "TT-512346"]
    assert loose_order_ids("T T - 5 1 3 0 7 7 or tt 511 102") == ["TT-513077", "TT-511102"]
    assert loose_order_ids("order 512348, twice 512348") == ["TT-512348"]
    assert loose_order_ids("INV-512345, key GL-40718, 07700 900418") == []


@pytest.mark.parametrize(
    ("text", "street", "postal_code", "city"),
    [
        ("ins Lager:\n\nSüderstraße 41\n25813 Husum", "Süderstraße 41", "25813", "Husum"),
        ("chez ma mère, 6 rue des Tanneurs\n68000 Colmar", "6 rue des Tanneurs", "68000", "Colmar"),
        ("its Flat 9, 22 Tanner Street, Bristol BS2 0QT.", "Flat 9, 22 Tanner Street", "BS2 0QT", "Bristol"),
    ],
)
def test_a_whole_address_is_read(text, street, postal_code, city):
    assert vars(find_address(text)) == {"street": street, "postal_code": postal_code, "city": city}


def test_an_address_without_a_street_or_a_code_is_none():
    assert find_address("it is behind the church in 30159 Hannover") is None
    assert find_address("6 rue des Tanneurs") is None


def test_the_language_of_short_messages():
    assert guess_language("wo ist mein paket") == "de"
    assert guess_language("gdzie jest moja paczka, proszę") == "pl"
    assert guess_language("12345") == "en"


def test_quoted_mail_is_not_the_customers_own():
    text = "Already sorted, thanks.\n\n---------- Forwarded message ---------\nPlease refund £5"
    earlier = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "What can we do?"}]

    mail = read_mail({"messages": [*earlier, {"role": "user", "content": [{"type": "text", "text": text}]}]})

    assert mail.own == "Already sorted, thanks.\n\n"
    assert mail.newest == text
    assert mail.before == "Hello\nWhat can we do?"
    assert mail.asked == "What can we do?"


def test_naive_bayes_gives_the_textbook_probabilities():
    # Manning, Raghavan and Schütze, Introduction to Information Retrieval, example 13.1: 0.0003 against 0.0001.
    rows = [
        ("Chinese Beijing Chinese", "china"),
        ("Chinese Chinese Shanghai", "china"),
        ("Chinese Macao", "china"),
        ("Tokyo Japan Chinese", "not china"),
    ]

    chances = NaiveBayes(str.split).train(rows).probabilities("Chinese Chinese Chinese Tokyo Japan")

    assert chances["china"] == pytest.approx(0.6898, abs=0.0001)
    assert sum(chances.values()) == pytest.approx(1)
