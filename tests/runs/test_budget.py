"""No run spends more than its budget."""

from __future__ import annotations

from decimal import Decimal

import pytest

from evalhub.candidates.calling import Reply
from evalhub.runs.attempts import begin
from evalhub.runs.budget import billed, most_cost, pause_if_spent
from evalhub.runs.models import Output, Run
from evalhub.runs.pausing import resume_run
from evalhub.runs.starting import StartingError
from tests.making import admin_of, make_version
from tests.runs.making import make_caller, start
from tests.runs.test_attempts import CENT, money, taken
from tests.serving.waiting import wait_until

PLAN = {
    "model": "m", "system_prompt": "", "template": "", "max_tokens": 50, "input_price": "2", "output_price": "10",
    "endpoint": 1, "base_url": "http://127.0.0.1:9/v1",
}  # fmt: skip
REQUEST = '{"messages": [{"role": "user", "content": "Wie viel kostet ein Pfund Äpfel?"}]}'


def test_a_call_is_reckoned_with_a_token_for_each_byte_and_the_longest_answer():
    cost = most_cost(PLAN, REQUEST)

    # Whatever a tokenizer makes of it, tokens are not shorter than bytes.
    assert cost >= (2 * Decimal(len(REQUEST.encode())) + 10 * 50) / 1_000_000
    assert cost < Decimal("0.002")


def test_a_call_without_a_price_is_reckoned_with_nothing():
    assert most_cost(PLAN | {"input_price": None}, REQUEST) == 0


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(text="yes", prompt_tokens=100, completion_tokens=10), Decimal("0.0003")),
        (Reply(text="yes"), CENT),
        (Reply(cause="timeout"), CENT),
        (Reply(cause="truncated_stream", prompt_tokens=100, completion_tokens=0), Decimal("0.0002")),
        (Reply(cause="rate_limited"), Decimal(0)),
        (Reply(cause="server_error"), Decimal(0)),
    ],
)
def test_what_an_attempt_cost_is_what_was_told_or_else_the_worst(reply, expected):
    assert billed(reply, PLAN, CENT) == expected


def test_a_run_pauses_only_when_no_call_under_way_could_free_money(project):
    candidate = make_caller(project)
    candidate.input_price = candidate.output_price = Decimal(1)
    candidate.save()
    run = start(make_version(project, 3), candidate, size=3, budget=2 * CENT)
    items = taken(run, 2 * CENT)
    begin(run.pk, items[:1], has_budget=True)

    assert pause_if_spent(run.pk, 2 * CENT) is False
    Run.objects.filter(pk=run.pk).update(reserved=0, spent=CENT)
    assert pause_if_spent(run.pk, CENT) is False
    assert pause_if_spent(run.pk, 2 * CENT) is True

    run.refresh_from_db()
    assert run.state == "paused"
    assert run.state_reason.startswith("The budget of $0.020 is used up: the next call could cost $0.020.")


def test_a_budget_of_half_the_run_is_not_overdrawn_and_the_rest_follows_when_it_is_raised(
    project, celery_worker, model_endpoint
):
    usage = {"prompt_tokens": 20, "completion_tokens": 100, "total_tokens": 120}
    prompts = [f"Say the number {n}." for n in range(1, 201)]
    model_endpoint.replay({"prompt": prompt, "outputs": {"m": {"text": "one", "usage": usage}}} for prompt in prompts)
    candidate = make_caller(project, model_endpoint.url, "m?delay=0.02", max_in_flight=50)
    candidate.model, candidate.max_tokens = "m", 100
    candidate.input_price, candidate.output_price = Decimal(1), Decimal(10)
    candidate.save()
    each = Decimal("0.00102")  # 20 x 1 / 1e6 + 100 x 10 / 1e6
    run = start(make_version(project, 200), candidate, budget=100 * each)

    wait_until(lambda: state_of(run) == "paused")

    called = model_endpoint.counts()["total"]
    assert called * each <= run.budget
    # What is left would not pay for another call at its worst.
    assert called >= 90
    assert money(run) == (0, called * each)
    assert run.outputs.count() == called

    Run.objects.filter(pk=run.pk).update(budget=1)
    run.refresh_from_db()
    resume_run(run, admin_of(project))
    wait_until(lambda: state_of(run) == "finished")
    assert model_endpoint.counts()["total"] == 200
    assert money(run) == (0, 200 * each)
    assert Output.objects.filter(run=run, error_cause="").count() == 200


def state_of(run: Run) -> str:
    run.refresh_from_db()
    return run.state


def test_a_budget_needs_prices_and_prices_or_consent_are_needed_at_all(project):
    version, candidate = make_version(project, 1), make_caller(project)

    with pytest.raises(StartingError, match="no budget can be kept"):
        start(version, candidate, budget=CENT)
    with pytest.raises(StartingError, match="nobody can say what this will cost"):
        start(version, candidate, accepts_unknown_cost=False)
    with pytest.raises(StartingError, match="more than nothing"):
        start(version, candidate, budget=Decimal(0))
