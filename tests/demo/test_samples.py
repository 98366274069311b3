"""The demo's inbox is whole, labelled by its own rules, and nothing in it is written twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from itertools import combinations

import jsonschema_rs
import pytest

from demo.models import rules_2025
from demo.models.mail import content_text
from demo.samples import INTENTS, PRIORITIES, read_samples, read_taxonomy, read_tools, read_training

KEYS = [
    "id",
    "time",
    "input",
    "expected_kind",
    "expected",
    "tags",
    "customer",
    "answer",
    "model",
    "latency_ms",
    "prompt_tokens",
    "completion_tokens",
    "metadata",
]
LANGUAGES = {"en", "de", "fr", "es", "it", "nl", "pl", "pt", "da", "cs"}
SAMPLES = read_samples()
SORTING = [sample for sample in SAMPLES if sample["expected_kind"] == "json"]
ACTING = [sample for sample in SAMPLES if sample["expected_kind"] == "tool_calls"]


def newest(sample: dict) -> str:
    return content_text(sample["input"]["messages"][-1])


def conversation(sample: dict) -> str:
    return "\n".join(content_text(message) for message in sample["input"]["messages"][1:])


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def alike(one: list[str], other: list[str]) -> float:
    return len(set(one) & set(other)) / len(set(one) | set(other))


def test_there_are_enough_samples_of_each_sort():
    tags = Counter(tag for sample in SAMPLES for tag in sample["tags"])

    assert len(SAMPLES) == 292
    assert len(SORTING) == 220
    assert len(ACTING) == 72
    assert tags["conversation"] == 38
    assert tags["adversarial"] == 23
    assert tags["no-call"] == sum(not sample["expected"] for sample in ACTING) == 27
    assert len({sample["customer"] for sample in SAMPLES}) == 176


def test_ids_are_unique_and_times_rise_over_six_weeks():
    times = [datetime.fromisoformat(sample["time"]) for sample in SAMPLES]

    assert [sample["id"] for sample in SAMPLES] == [f"msg-{number:04d}" for number in range(1, 293)]
    assert times == sorted(times)
    assert all(time.utcoffset() is not None for time in times)
    assert (str(times[0].date()), str(times[-1].date())) == ("2026-09-01", "2026-10-14")


def test_every_line_has_every_field():
    for sample in SAMPLES:
        assert list(sample) == KEYS
        assert list(sample["metadata"]) == ["channel", "country", "segment"]
        assert sample["metadata"]["segment"] in {"new", "returning", "business"}
        assert sample["tags"][0] in LANGUAGES
        assert sample["tags"][1] == sample["metadata"]["channel"]
        assert sample["tags"][1] in {"email", "chat", "form"}
        assert sample["answer"]
        assert min(sample["latency_ms"], sample["prompt_tokens"], sample["completion_tokens"]) > 0
        assert ("tool-call" in sample["tags"]) == (sample["expected_kind"] == "tool_calls")


def test_every_request_is_a_chat_that_ends_with_the_customer():
    for sample in SAMPLES:
        roles = [message["role"] for message in sample["input"]["messages"]]

        assert roles[0] == "system"
        assert roles[-1] == "user"
        assert ("conversation" in sample["tags"]) == ("assistant" in roles)
        assert ("tools" in sample["input"]) == (sample["expected_kind"] == "tool_calls")


def test_a_tool_result_answers_the_call_before_it():
    results = 0
    for sample in ACTING:
        messages = sample["input"]["messages"]
        for place, message in enumerate(messages):
            if message["role"] == "tool":
                results += 1
                assert message["tool_call_id"] == messages[place - 1]["tool_calls"][0]["id"]
                assert json.loads(message["content"])
    assert results == 4


@pytest.mark.parametrize("sample", SORTING, ids=lambda sample: sample["id"])
def test_expected_fields_keep_the_rules(sample):
    expected = sample["expected"]

    assert list(expected) == ["intent", "priority", "order_id", "refund_amount", "language"]
    assert expected["intent"] in INTENTS
    assert expected["priority"] in PRIORITIES
    assert expected["language"] == sample["tags"][0]
    assert expected["order_id"] is None or re.fullmatch(r"TT-\d{6}", expected["order_id"])
    assert expected["refund_amount"] is None or expected["refund_amount"] > 0
    if expected["intent"] == "other":
        assert expected["priority"] == "low"
    if expected["priority"] == "urgent":
        assert expected["intent"] in {"defect", "account", "payment"}
    if expected["order_id"]:
        digits = re.sub(r"[\s-]", "", conversation(sample))
        assert expected["order_id"][3:] in digits, "the customer never names the order"


@pytest.mark.parametrize("sample", ACTING, ids=lambda sample: sample["id"])
def test_expected_calls_are_calls_of_tools_on_offer(sample):
    offered = {tool["function"]["name"]: tool["function"] for tool in sample["input"]["tools"]}

    assert 3 <= len(offered) <= 5
    for call in sample["expected"]:
        schema = offered[call["name"]]["parameters"]
        required = {name for name in call["arguments"] if name not in call["optional"]}
        first_accepted = {name: accepted[0] for name, accepted in call["arguments"].items()}
        assert required == set(schema["required"])
        jsonschema_rs.validate(schema, first_accepted)
        if "order_id" in first_accepted:
            assert first_accepted["order_id"][3:] in re.sub(r"[\s-]", "", conversation(sample))


def test_an_escalation_is_the_only_call():
    escalations = [s["expected"] for s in ACTING if any(c["name"] == "escalate_to_human" for c in s["expected"])]

    assert len(escalations) == 10
    assert all(len(calls) == 1 for calls in escalations)


def test_no_two_messages_are_made_from_one_pattern():
    texts = [(sample["customer"], words(newest(sample))) for sample in SAMPLES]

    for (one_customer, one), (other_customer, other) in combinations(texts, 2):
        assert alike(one, other) < (0.4 if one_customer == other_customer else 0.3), " ".join(one)


def test_no_two_customers_share_a_turn_of_phrase():
    writers: dict[tuple[str, ...], set[str]] = {}
    for sample in SAMPLES:
        own = words(re.sub(r"(?m)^(Topic|Order number|From|Date):.*", "", newest(sample)))
        for start in range(len(own) - 5):
            writers.setdefault(tuple(own[start : start + 6]), set()).add(sample["customer"])

    assert {" ".join(run) for run, people in writers.items() if len(people) > 1} == set()


def test_training_rows_are_valid_and_repeat_no_sample():
    rows = read_training()
    texts = [words(newest(sample)) for sample in SAMPLES]

    assert len(rows) == len({row["text"] for row in rows}) == 466
    for row in rows:
        assert row["intent"] in INTENTS
        assert row["priority"] in PRIORITIES
        assert row["language"] in LANGUAGES
        assert max(alike(words(row["text"]), text) for text in texts) < 0.4, row["text"]


def test_error_types_have_one_definition_each_and_two_levels():
    types = read_taxonomy()
    parents = {row["code"]: row["parent"] for row in types}

    assert len(parents) == len(types) == 18
    assert sum(parent is not None for parent in parents.values()) == 14
    for row in types:
        assert list(row) == ["code", "name", "severity", "parent", "definition"]
        assert row["severity"] in {"minor", "major", "critical"}
        assert row["definition"].endswith(".")
        assert row["parent"] is None or parents[row["parent"]] is None


def test_the_system_prompt_and_the_tools_are_put_back():
    sorting, acting = SORTING[0]["input"], ACTING[0]["input"]

    assert sorting["messages"][0]["content"].startswith("You sort the support inbox of Tandem & Tide")
    assert acting["messages"][0]["content"].startswith("You act for the support desk of Tandem & Tide")
    assert all(tool == read_tools()[tool["function"]["name"]] for tool in acting["tools"])


def test_production_answered_as_its_program_does():
    production = rules_2025.create()

    for sample in SAMPLES:
        reply = production.answer(sample["input"])
        calls = [{"name": call.name, "arguments": json.loads(call.arguments)} for call in reply.tool_calls]
        assert sample["model"] == "tandem-rules-2025"
        assert sample["answer"] == (json.dumps(calls, ensure_ascii=False) if calls else reply.text)


def test_the_module_prints_a_file_to_upload():
    printed = subprocess.run([sys.executable, "-m", "demo.samples"], capture_output=True, text=True, check=True).stdout

    assert [json.loads(line) for line in printed.removesuffix("\n").split("\n")] == SAMPLES
