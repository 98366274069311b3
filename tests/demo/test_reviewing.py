"""A demo label names exactly what is wrong with an output."""

from __future__ import annotations

import json

import pytest

from demo.reviewing import WORDING, WORST_FIRST, plausible_label
from demo.samples import read_taxonomy

EXPECTED = {
    "intent": "refund",
    "priority": "high",
    "order_id": "TT-480005",
    "refund_amount": 36.5,
    "language": "nl",
}
REFUND = {
    "name": "start_refund",
    "arguments": {"order_id": ["TT-480005"], "amount": [36.5], "reason": ["returned"]},
    "optional": [],
}
ESCALATION = {
    "name": "escalate_to_human",
    "arguments": {"topic": ["safety"], "order_id": ["TT-480005"]},
    "optional": ["order_id"],
}


def errors_of(text: str) -> list[str]:
    label = plausible_label("json", EXPECTED, text)
    assert label["outcome"] == ("fail" if label["error_types"] else "pass")
    return label["error_types"]


def answer(**changes: object) -> str:
    return json.dumps({**EXPECTED, **changes})


def call(name: str, **arguments: object) -> dict[str, str]:
    return {"id": "call_1", "name": name, "arguments": json.dumps(arguments)}


def call_errors(expected: list[dict], *calls: dict[str, str]) -> list[str]:
    return plausible_label("tool_calls", expected, "", calls)["error_types"]


def test_an_equal_object_passes_whatever_its_order_and_spacing():
    assert errors_of(json.dumps(dict(reversed(EXPECTED.items())), indent=4)) == []
    assert errors_of(answer(refund_amount=36.50)) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"intent": "return"}, "wrong_intent"),
        ({"intent": "shipping"}, "unknown_value"),
        ({"intent": ["refund"]}, "unknown_value"),
        ({"priority": "normal"}, "under_priority"),
        ({"priority": "urgent"}, "over_priority"),
        ({"priority": "asap"}, "unknown_value"),
        ({"order_id": None}, "missed_order_id"),
        ({"order_id": "TT-480006"}, "wrong_order_id"),
        ({"refund_amount": None}, "refund_too_low"),
        ({"refund_amount": 36}, "refund_too_low"),
        ({"refund_amount": 3650}, "refund_not_owed"),
        ({"refund_amount": "36.50"}, "unknown_value"),
        ({"language": "de"}, "wrong_language"),
    ],
)
def test_one_wrong_field_is_one_error(changes, code):
    assert errors_of(answer(**changes)) == [code]


def test_a_sum_where_none_is_owed():
    label = plausible_label("json", {**EXPECTED, "refund_amount": None}, answer(refund_amount=5000))

    assert label["error_types"] == ["refund_not_owed"]
    assert "5000" in label["note"]


@pytest.mark.parametrize(
    "text", ["", "nothing here", answer()[:-1], answer()[:-1] + ",}", "[]", "7", "{}", "{" * 100_000]
)
def test_what_cannot_be_read_is_invalid(text):
    assert errors_of(text) == ["invalid_json"]


def test_a_fence_or_a_sentence_around_the_object_is_its_own_error():
    assert errors_of(f"Sure:\n```json\n{answer()}\n```") == ["fenced_json"]
    assert errors_of(f"Sure: {answer(language='de')}") == ["fenced_json", "wrong_language"]
    assert errors_of(f"```\n{answer()[:-1]},}}\n```") == ["invalid_json"]


def test_calls_pass_in_any_accepted_form():
    plain = call("escalate_to_human", topic="safety")

    assert call_errors([], *[]) == []
    assert call_errors([ESCALATION], plain) == []
    assert call_errors([ESCALATION], call("escalate_to_human", topic="safety", order_id="TT-480005")) == []
    assert (
        call_errors(
            [REFUND, ESCALATION], plain, call("start_refund", reason="returned", order_id="TT-480005", amount=36.5)
        )
        == []
    )


def test_calls_that_are_missing_not_needed_or_wrong():
    wrong_reason = call("start_refund", order_id="TT-480005", amount=36.5, reason="damaged")
    extra = call("escalate_to_human", topic="safety", mood="bad")

    assert call_errors([REFUND]) == ["missing_call"]
    assert call_errors([], call("lookup_order", order_id="TT-480005")) == ["call_not_needed"]
    assert call_errors([ESCALATION], call("lookup_order", order_id="TT-480005")) == ["missing_call", "call_not_needed"]
    assert call_errors([REFUND], wrong_reason) == ["wrong_arguments"]
    assert call_errors([ESCALATION], extra) == ["wrong_arguments"]
    assert call_errors([REFUND], {"id": "1", "name": "start_refund", "arguments": "{,}"}) == ["wrong_arguments"]


def test_money_that_a_call_pays_is_told_apart():
    def refund(amount: float) -> dict[str, str]:
        return call("start_refund", order_id="TT-480005", amount=amount, reason="returned")

    assert call_errors([], refund(5)) == ["refund_not_owed"]
    assert call_errors([ESCALATION], refund(349)) == ["missing_call", "refund_not_owed"]
    assert call_errors([REFUND], refund(365)) == ["refund_not_owed"]
    assert call_errors([REFUND], refund(3)) == ["refund_too_low"]


def test_two_calls_of_one_tool_are_paired_with_their_own():
    def lookup(order_id: str) -> dict:
        return {"name": "lookup_order", "arguments": {"order_id": [order_id]}, "optional": []}

    expected = [lookup("TT-480001"), lookup("TT-480002")]
    both = [call("lookup_order", order_id="TT-480002"), call("lookup_order", order_id="TT-480001")]

    assert call_errors(expected, *both) == []
    assert call_errors(expected, both[0]) == ["missing_call"]


def test_other_kinds_get_no_label():
    assert plausible_label("text", "yes", "yes") is None
    assert plausible_label("", None, "yes") is None


def test_a_note_says_the_worst_in_words_and_is_always_the_same():
    text = answer(priority="low", language="de")

    label = plausible_label("json", EXPECTED, text)

    assert label == plausible_label("json", EXPECTED, text)
    assert "high" in label["note"]
    assert "Dutch" in label["note"]


def test_every_error_type_of_the_taxonomy_can_be_given():
    leaves = {row["code"] for row in read_taxonomy() if row["parent"]}

    assert set(WORDING) == set(WORST_FIRST) == leaves
