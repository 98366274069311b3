"""Whole runs: a real worker process, a real broker, a real endpoint."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

from django.db import transaction

from evalhub.runs.models import Output, Run
from evalhub.runs.waking import wake_workers
from tests.making import make_version
from tests.runs.making import make_caller, start
from tests.serving.waiting import wait_until


def is_over(run: Run) -> bool:
    run.refresh_from_db()
    return run.is_over


def test_a_whole_run_answers_every_example_once_for_each_repeat(project, celery_worker, model_endpoint):
    candidate = make_caller(project, model_endpoint.url, "echo")
    run = start(make_version(project, 200), candidate, repeats=2)

    wait_until(lambda: is_over(run))

    assert (run.state, run.finished_at is not None) == ("finished", True)
    said = Counter(run.outputs.values_list("example__key", "text"))
    assert said == {(f"example-{n}", f"Say the number {n}."): 2 for n in range(1, 201)}
    assert Counter(run.outputs.values_list("repeat", flat=True)) == {1: 200, 2: 200}
    counts = model_endpoint.counts()
    assert counts["total"] == 400
    assert set(run.chunks.values_list("state", flat=True)) == {"done"}


def test_an_output_keeps_everything_that_the_endpoint_told(project, celery_worker, model_endpoint):
    call = {"id": "call_7", "name": "look_up", "arguments": '{"order":  7}'}
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    model_endpoint.replay(
        [{"prompt": "Say the number 1.", "outputs": {"m": {"text": "One", "tool_calls": [call], "usage": usage}}}]
    )
    candidate = make_caller(project, model_endpoint.url, "m", streams=True)
    candidate.input_price, candidate.output_price = Decimal("0.15"), Decimal("0.60")
    candidate.save()
    run = start(make_version(project, 1), candidate)

    wait_until(lambda: is_over(run))

    output = run.outputs.get()
    assert (output.text, output.tool_calls, output.finish_reason) == ("One", [call], "tool_calls")
    assert (output.prompt_tokens, output.completion_tokens) == (1000, 50)
    # 1000 x 0.15 / 1e6 + 50 x 0.60 / 1e6
    assert str(output.cost) == "0.000180000"
    assert 0 < output.first_token_ms <= output.total_ms
    assert (output.attempts, output.error_cause, output.error, output.raw, output.truncated) == (1, "", "", "", False)


def test_the_same_task_sent_many_times_and_at_once_leaves_the_same_rows(project, celery_worker, model_endpoint):
    run = start(make_version(project, 150), make_caller(project, model_endpoint.url, "echo?delay=0.02"))
    for _ in range(6):
        wake_workers(run.pk)

    wait_until(lambda: is_over(run))
    for _ in range(3):
        wake_workers(run.pk)
    other = start(make_version(project, 3, name="Other"), make_caller(project, model_endpoint.url, "echo"))
    wait_until(lambda: is_over(other))  # it was sent last, so the others have been looked at

    assert run.outputs.values("example").distinct().count() == run.outputs.count() == 150
    assert model_endpoint.counts()["total"] == 153


def test_two_workers_together_keep_the_limit_of_the_endpoint(project, celery_worker, model_endpoint):
    run = start(
        make_version(project, 120), make_caller(project, model_endpoint.url, "echo?delay=0.02", max_in_flight=3), size=5
    )
    wake_workers(run.pk)

    wait_until(lambda: is_over(run))

    assert model_endpoint.counts()["most_at_once"] <= 3
    assert run.outputs.count() == 120


def test_a_limit_that_is_lowered_holds_for_runs_that_were_planned_before(project, celery_worker, model_endpoint):
    candidate = make_caller(project, model_endpoint.url, "echo?delay=0.05", max_in_flight=30)
    version = make_version(project, 60)

    with transaction.atomic():  # workers are told of the run when both are done
        run = start(version, candidate)
        candidate.endpoint.max_in_flight = 2
        candidate.endpoint.save()
    wait_until(lambda: is_over(run))

    assert run.plan["max_in_flight"] == 30
    assert model_endpoint.counts()["most_at_once"] <= 2


def test_a_hostile_answer_does_not_stop_a_run(project, celery_worker, model_endpoint):
    version = make_version(project, 2)
    kinds = ("nul", "surrogate", "invalid-utf8", "calls-only", "html", "empty", "null", "no-choices")
    runs = [start(version, make_caller(project, model_endpoint.url, f"fault:{kind}")) for kind in kinds]

    wait_until(lambda: all(is_over(run) for run in runs), 60)

    outputs = Output.objects.filter(example__key="example-1").order_by("run_id")
    found = {kind: (output.error_cause, output.text) for kind, output in zip(kinds, outputs, strict=True)}
    assert found == {
        "nul": ("", "before�after"),
        "surrogate": ("", "before�after"),
        "invalid-utf8": ("", "before��after"),
        "calls-only": ("", ""),
        "html": ("not_json", ""),
        "empty": ("empty", ""),
        "null": ("empty", ""),
        "no-choices": ("no_choices", ""),
    }
    assert outputs[3].tool_calls == [{"id": "call_0", "name": "look_up", "arguments": '{"order": 7}'}]
    assert "<h1>" in outputs[4].raw


def test_recorded_outputs_replayed_through_the_engine_come_back_letter_by_letter(
    project, celery_worker, model_endpoint, shared_data
):
    lines = [json.loads(line) for line in (shared_data / "gsm_sample300_8models.jsonl").open()]
    model_endpoint.replay({"prompt": line["input"][-1]["content"], "outputs": line["outputs"]} for line in lines)
    version = make_version(
        project, [{"key": line["id"], "request": {"messages": line["input"]}} for line in lines], name="GSM"
    )
    models = sorted(lines[0]["outputs"])
    runs = {model: start(version, make_caller(project, model_endpoint.url, model)) for model in models}

    wait_until(lambda: all(is_over(run) for run in runs.values()), 120)

    assert len(runs) == 8
    for model, run in runs.items():
        stored = dict(run.outputs.values_list("example__key", "text"))
        assert stored == {line["id"]: line["outputs"][model] for line in lines}
    assert model_endpoint.counts()["total"] == 2400
