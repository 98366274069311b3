"""Recorded answers of real models, as runs."""

from __future__ import annotations

import json

import pytest

ANSWER_FIELD = r'"answer":\s*"?([^"}\n]*)'
MODELS = {
    "claude-3-5-sonnet-20240620": (293, 89),
    "gpt-4o-mini-2024-07-18": (284, 300),
    "claude-3-haiku-20240307": (269, 21),
}
"""Of 300 answers: numbers right, and valid JSON once a code fence is removed."""


@pytest.fixture
def gsm(shared_data):
    with (shared_data / "gsm_sample300_8models.jsonl").open() as file:
        return [json.loads(line) for line in file]


@pytest.fixture
def gsm_runs(project, gsm):
    """The recorded answers of three models to 300 questions, as runs of one eval set."""
    from tests.making import make_run, make_version  # here, since pytest reads this file before Django is set up

    version = make_version(
        project,
        [
            {
                "key": row["id"],
                "request": {"messages": row["input"]},
                "expected_kind": "text",
                "expected": row["expected"],
            }
            for row in gsm
        ],
        name="Arithmetic",
    )
    return {model: make_run(version, model, [row["outputs"][model] for row in gsm]) for model in MODELS}
