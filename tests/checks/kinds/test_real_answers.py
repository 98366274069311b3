"""The checks on recorded outputs of real models agree with what is known of them.

Tool calls: 1,413 of 1,440 judgements (98.1 %) agree with the verdicts of the benchmark (BFCL). The other 27:

==========  =====  ==============  ==========================================================================
example     times  we say          because
==========  =====  ==============  ==========================================================================
simple_13       6  passed          the benchmark refuses whole numbers in a list of floats: [1, 3] for
simple_82       6  passed          [1.0, 3.0], though it takes 1 for 1.0 outside of lists; we compare all
simple_87       6  passed          numbers by value
simple_103      6  passed
simple_14       1  wrong_argument  “3x^2 + 2x - 1” for “3x**2 + 2x - 1”: the benchmark drops “^” and “*” from
simple_15       2  wrong_argument  texts; for us “^” is a symbol, which means something, and not punctuation
==========  =====  ==============  ==========================================================================
"""

import itertools
import json
from collections import Counter

import pytest

from evalhub.checks.kinds import judge
from evalhub.checks.kinds.base import Answer, Expected, Outcome, ToolCall

GSM_MODELS = {  # number right, valid JSON, as counted by hand-written scripts (data/README.md)
    "gpt-4o-mini-2024-07-18": (284, 300),
    "gpt-3.5-turbo-0125": (240, 300),
    "claude-3-5-sonnet-20240620": (293, 89),
    "claude-3-haiku-20240307": (269, 21),
    "gemini-1.5-flash": (282, 300),
    "Meta-Llama-3.1-8B-Instruct": (263, 242),
    "Phi-3.5-mini-instruct": (257, 235),
    "gemma-2-2b-it": (165, 171),
}
ANSWER_FIELD = r'"answer":\s*"?([^"}\n]*)'


@pytest.fixture
def gsm_examples(shared_data):
    return read_lines(shared_data("gsm_sample300_8models.jsonl"))


@pytest.fixture
def tool_examples(shared_data):
    examples = read_lines(shared_data("bfcl_sample360_7models.jsonl"))
    return [example for example in examples if example["category"] in ("simple", "multiple_function", "relevance")]


@pytest.mark.parametrize(("model", "right"), [(model, figures[0]) for model, figures in GSM_MODELS.items()])
def test_the_number_inside_the_answer_is_right_as_often_as_is_known(gsm_examples, model, right):
    is_right = judge("number", {"source": "pattern", "pattern": ANSWER_FIELD})

    outcomes = [
        is_right(Answer(row["outputs"][model]), Expected("text", row["expected"])).outcome for row in gsm_examples
    ]

    assert Counter(outcomes) == Counter({Outcome.PASSED: right, Outcome.FAILED: 300 - right})


@pytest.mark.parametrize(("model", "valid"), [(model, figures[1]) for model, figures in GSM_MODELS.items()])
def test_json_is_valid_once_a_fence_is_removed_as_often_as_is_known(gsm_examples, model, valid):
    is_valid = judge("valid_json", {"fence": "allowed"})

    outcomes = [is_valid(Answer(row["outputs"][model]), Expected()).outcome for row in gsm_examples]

    assert outcomes.count(Outcome.PASSED) == valid


def test_why_the_json_of_a_model_is_not_valid(gsm_examples):
    is_valid = judge("valid_json", {"fence": "report"})

    judgements = [is_valid(Answer(row["outputs"]["claude-3-haiku-20240307"]), Expected()) for row in gsm_examples]

    assert Counter(judgement.cause for judgement in judgements) == {
        "invalid_json": 277,
        "json_in_fence": 21,
        "text_around_json": 2,
    }
    line_breaks = [judgement for judgement in judgements if "a raw line break inside a string" in judgement.message]
    assert len(line_breaks) == 277


def test_tool_calls_agree_with_the_recorded_verdicts(tool_examples):
    is_right = judge("tool_calls", {})
    counted, disagreements = 0, []

    for example in tool_examples:
        expected = Expected("tool_calls", [] if example["expect_no_call"] else as_wanted(example["expected_calls"]))
        for model in (model for model in example["outputs"] if "FC" in model):
            judgement = is_right(as_answer(example["outputs"][model]["result"]), expected)
            counted += 1
            if (judgement.outcome == Outcome.PASSED) != example["verdicts"][model]["valid"]:
                disagreements.append((example["id"].removeprefix("bfcl/"), judgement.cause or "passed"))

    assert (len(tool_examples), counted) == (240, 1440)
    assert Counter(disagreements) == {
        ("simple_13", "passed"): 6,
        ("simple_82", "passed"): 6,
        ("simple_87", "passed"): 6,
        ("simple_103", "passed"): 6,
        ("simple_14", "wrong_argument"): 1,
        ("simple_15", "wrong_argument"): 2,
    }
    assert 1 - len(disagreements) / counted >= 0.97


def read_lines(path):
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def as_answer(result):
    """Read a recorded result: a text, or a list of {tool: raw arguments}."""
    if isinstance(result, str):
        return Answer(result)
    return Answer("", [ToolCall("", name, arguments) for call in result for name, arguments in call.items()])


def as_wanted(calls):
    """Bring {tool: {argument: [accepted; "" = may be absent]}} to our shape; models knew the tools without dots."""
    return [
        {
            "name": name.replace(".", "_"),
            "arguments": {
                key: [form for value in accepted for form in spell_out(value)] for key, accepted in arguments.items()
            },
            "optional": [key for key, accepted in arguments.items() if "" in accepted],
        }
        for name, arguments in calls.items()
    ]


def spell_out(value):
    """Return every value that is meant: inside objects, each field has a list of accepted values of its own."""
    if isinstance(value, list):
        return [list(items) for items in itertools.product(*map(spell_out, value))]
    if not isinstance(value, dict):
        return [value]
    fields = [[(key, form) for option in accepted for form in spell_out(option)] for key, accepted in value.items()]
    return [{key: form for key, form in choice if form != ""} for choice in itertools.product(*fields)]
