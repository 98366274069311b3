import json

import pytest

from evalhub.candidates.calling import cost_of
from evalhub.candidates.models import Candidate
from evalhub.candidates.plan import PlanError, freeze
from tests.candidates.making import make_candidate, make_endpoint


def test_a_plan_holds_all_that_a_call_needs_as_json(project):
    endpoint = make_endpoint(project, requests_per_minute=60)
    tools = [{"type": "function", "function": {"parameters": {"zebra": 1, "apple": 1.0}, "name": "f"}}]
    candidate = make_candidate(
        project,
        endpoint=endpoint,
        system_prompt="Be kind.",
        template="<{{input}}>",
        temperature=0.5,
        max_tokens=100,
        tools=tools,
        response_format={"type": "json_object"},
        input_price="0.15",
        output_price="0.6",
    )

    plan = freeze(Candidate.objects.get(pk=candidate.pk))

    assert json.dumps(plan) == json.dumps(
        {
            "candidate": candidate.pk,
            "name": "Small",
            "endpoint": endpoint.pk,
            "base_url": "http://127.0.0.1:9/v1",
            "model": "small-1",
            "system_prompt": "Be kind.",
            "template": "<{{input}}>",
            "temperature": 0.5,
            "max_tokens": 100,
            "response_format": {"type": "json_object"},
            "tools": tools,
            "streams": True,
            "timeout_seconds": 120,
            "max_in_flight": 16,
            "requests_per_minute": 60,
            "tokens_per_minute": None,
            "input_price": "0.150000",
            "output_price": "0.600000",
        }
    )


def test_a_candidate_recorded_elsewhere_cannot_be_called(project):
    with pytest.raises(PlanError, match="“Small” has no endpoint: its outputs are recorded elsewhere"):
        freeze(make_candidate(project))


@pytest.mark.parametrize(
    ("prices", "tokens", "cost"),
    [
        (("0.15", "0.6"), (1000, 500), "0.000450000"),  # 150 + 300 millionths
        (("0.15", "0.6"), (0, 0), "0E-9"),
        (("0", "0"), (1000, 500), "0E-9"),
        (("0.000001", "0"), (1, 0), "0E-9"),  # a millionth of a millionth is below what is kept
        (("3", "15"), (2_000_000_000, 0), "6000.000000000"),
        ((None, "0.6"), (1, 1), "None"),
        (("0.15", "0.6"), (None, 1), "None"),
        (("0.15", "0.6"), (1, None), "None"),
    ],
)
def test_cost(prices, tokens, cost):
    assert str(cost_of({"input_price": prices[0], "output_price": prices[1]}, *tokens)) == cost
