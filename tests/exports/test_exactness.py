"""JSONL holds what the database holds, byte for byte, and comes back the same when it is uploaded again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

import orjson
import pytest
from django.db import connection

from evalhub.evalsets.contents import blocks_of, hash_of
from evalhub.evalsets.models import ProductionSample, Upload
from evalhub.evalsets.publishing import publish
from evalhub.runs.models import Output, Run
from tests.evalsets.uploading import jsonl, make_eval_set, pool_of, stored, version_of
from tests.exports.asking import content, rows
from tests.making import make_run, make_version

pytestmark = pytest.mark.django_db

HOSTILE = [
    "plain",
    '"quoted" and \\back\\slashes\\\\ \\n',
    "lines\nmore\r\nand\ttabs",
    "controls \x01\x02\x1b[31m\x7f\x80",
    "\u2028line \u2029ends \ufeff\u202e",
    "“Müller” 漢字 🦊 e\u0301",
    "\\.",
    "",
    " ",
    "null",
    "NaN",
    "-1",
    "=HYPERLINK()",
    '{"a": 1}',
    "[1, 2]",
    "</script><b>",
    "%s %(x)s %%",
]


def strange(number: int, text: str) -> dict:
    return {
        "key": f"row {number}",
        "request": {"tools": [], "messages": [{"role": "user", "content": text}], "z": 1.0, "a": 12345678901234567},
        "expected_kind": "json",
        "expected": {text: [1.0, 1e-7, None, True], "b": text},
        "tags": [text, "second"] if text else [],
        "cluster": text,
        "metadata": {"b": text, "a": {"z": 1, "y": [1.5, text]}, text: None},
    }


def test_the_lines_of_examples_are_those_of_the_versions_download(project):
    plain = {"key": "plain", "request": {"messages": []}}
    kinds = [
        plain | {"key": "null", "expected_kind": "json", "expected": None},
        plain | {"key": "text", "expected_kind": "text", "expected": ""},
        plain | {"key": "number", "expected_kind": "number", "expected": 1.0},
        plain | {"key": "calls", "expected_kind": "tool_calls", "expected": []},
    ]
    version = make_version(project, [plain, *kinds, *map(strange, range(len(HOSTILE)), HOSTILE)])

    exported = content(project, "examples", version=version.pk)

    assert exported == b"".join(blocks_of(version))
    assert exported.count(b"\n") == len(HOSTILE) + 5


def test_examples_uploaded_again_have_the_same_hash(project):
    version = version_of(
        make_eval_set(project),
        [
            {"id": f"e{number}", "input": f"{text} {number}", "expected": {"a": text}, "tags": [text.strip() or "t"]}
            for number, text in enumerate(HOSTILE)
        ],
    )
    publish(version.pk)
    version.refresh_from_db()

    exported = content(project, "examples", version=version.pk)
    lines = [orjson.loads(line) for line in exported.splitlines()]
    again = version_of(make_eval_set(project, "Again"), lines)

    assert sha256(exported).hexdigest() == version.content_hash == hash_of(again) == again.content_hash


def test_numbers_and_keys_in_requests_keep_their_spelling(project):
    version = make_version(project, 1, published=False)
    request = '{"b":1.50,"a":1e5,"messages":[],"b2":12345678901234567890.0}'
    with connection.cursor() as cursor:
        cursor.execute("UPDATE evalsets_example SET request = %s", [request])

    assert f'"input":{request},'.encode() in content(project, "examples", version=version.pk)


def test_json_over_several_lines_is_one_line(project):
    """Nothing of ours writes such JSON, but the column allows it."""
    version = make_version(project, 2, published=False)
    with connection.cursor() as cursor:
        cursor.execute("""UPDATE evalsets_example SET request = '{\n\t"messages":\r\n [ ] , "a": "\\n"}'""")

    lines = content(project, "examples", version=version.pk).splitlines()

    assert [orjson.loads(line)["input"] for line in lines] == [{"messages": [], "a": "\n"}] * 2


def test_outputs_uploaded_again_are_the_same_outputs(project):
    version = make_version(project, len(HOSTILE))
    run = make_run(version, answers=HOSTILE)
    full = {
        "tool_calls": [{"id": "c1", "name": "find", "arguments": '{"q": "a\\"b",  "n": 1.0'}],
        "finish_reason": "tool_calls",
        "prompt_tokens": 12,
        "completion_tokens": 0,
        "cost": Decimal("0.000000125"),
        "first_token_ms": 0.1,
        "total_ms": 1234.5678901,
    }
    outputs = list(run.outputs.order_by("pk"))
    Output.objects.filter(pk=outputs[0].pk).update(**full)
    Output.objects.filter(pk=outputs[7].pk).update(error_cause="timeout", error="No answer in 60 s.")
    Output.objects.filter(pk=outputs[8].pk).update(error_cause="reset")

    again = uploaded_again(project, version, content(project, "outputs", run=run.pk))

    assert facts(again) == facts(run)
    first, *_ = again.outputs.order_by("example__position")
    assert {name: getattr(first, name) for name in full} == full
    errors = again.outputs.exclude(error="").order_by("example__position").values_list("error", flat=True)
    assert list(errors) == ["No answer in 60 s.", "reset"]


def uploaded_again(project, version, lines: bytes) -> Run:
    target = {"version": version.pk, "candidate_name": "again"}
    upload = stored(project, Upload.Purpose.OUTPUTS, [orjson.loads(line) for line in lines.splitlines()], target)
    return Run.objects.get(upload=upload)


def facts(run: Run) -> list[tuple]:
    names = ["example", "repeat", "text", "tool_calls", "finish_reason", "prompt_tokens", "completion_tokens", "cost"]
    return list(run.outputs.order_by("example__position").values_list(*names, "first_token_ms", "total_ms"))


def test_production_samples_uploaded_again_are_the_same_samples(project):
    pool_of(
        project,
        [
            {
                "id": f"s{number}",
                "input": f"{text} {number}",
                "answer": text,
                "time": "2026-03-04T05:06:07.891234Z",
                "model": "small",
                "latency_ms": 812.25,
                "prompt_tokens": 7,
                "tags": ["a", "b,c"],
                "customer_id": f"c{number}",
                "language": text.strip() or "en",
            }
            for number, text in enumerate(HOSTILE)
        ],
    )
    names = ["key", "occurred_at", "request", "answer", "tool_calls", "model", "latency_ms", "prompt_tokens"]
    names += ["completion_tokens", "tags", "cluster", "metadata", "digest"]
    before = list(ProductionSample.objects.order_by("key").values_list(*names))
    assert before[0][1] == datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)

    lines = content(project, "production_samples")
    ProductionSample.objects.all().delete()
    pool_of(project, [orjson.loads(line) for line in lines.splitlines()])

    assert list(ProductionSample.objects.order_by("key").values_list(*names)) == before
    assert content(project, "production_samples").splitlines() == lines.splitlines()[::-1]


def test_what_is_absent_is_left_out(project):
    run = make_run(make_version(project, 1), answers=[""])

    (line,) = rows(project, "outputs", run=run.pk)

    assert {*line} == {
        *("example_id", "repeat", "output", "tool_calls", "truncated", "attempts", "stored_at", "output_id", "run"),
        "candidate",
    }
    assert (line["example_id"], line["output"], line["tool_calls"]) == ("example-1", "", [])


def test_nothing_is_an_empty_file(project):
    run = make_run(make_version(project, 1))

    assert content(project, "outputs", run=run.pk, show="failed") == b""
    assert jsonl(rows(project, "outputs", run=run.pk, show="failed")) == b""
