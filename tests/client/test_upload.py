"""``evalhub upload`` as a program, against the real web server and a real worker."""

from __future__ import annotations

import json

import pytest

from evalhub.api.models import StoredAnswer
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example, ProductionSample, Upload
from evalhub.runs.models import Run
from tests.client.cutting import cutting_proxy
from tests.making import make_version

pytestmark = pytest.mark.django_db(transaction=True)


def example_lines(count: int) -> bytes:
    lines = (
        {"id": f"e{n}", "input": f"What is {n} + {n}? Answer with the number alone.", "expected": str(2 * n)}
        for n in range(1, count + 1)
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def test_twenty_thousand_rows_become_a_published_version(evalhub, celery_worker, project, tmp_path):
    (tmp_path / "sums.jsonl").write_bytes(example_lines(20_000))

    done = evalhub("upload", "sums.jsonl", "--eval-set", "Sums", "--new", "--publish")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        "Made the eval set “Sums”.",
        "Read “id”, “input”, “expected” (number).",
        "Sums v1: 20,000 examples, published.",
    ]
    version = EvalSetVersion.objects.get()
    assert (version.state, version.example_count, version.examples.count()) == ("published", 20_000, 20_000)
    assert done.stderr == ""


def test_rows_with_errors_are_told_by_line_and_nothing_is_stored(evalhub, celery_worker, project, tmp_path):
    EvalSet.objects.create(project=project, name="Sums")
    good = example_lines(2).decode().splitlines()
    (tmp_path / "bad.jsonl").write_text("\n".join([good[0], '{"id": "x"}', good[1], "{", '{"id": "y"}']))

    done = evalhub("upload", "bad.jsonl", "--eval-set", "Sums", "--publish")

    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in told[:3]] == ["Line 2", "Line 4", "Line 5"]
    assert told[3] == (
        "Nothing is stored: 3 of 5 rows have errors. "
        "Correct them, or add --leave-out-bad-rows to import the 2 good ones."
    )
    assert (Example.objects.count(), EvalSetVersion.objects.count()) == (0, 0)
    assert Upload.objects.get().state == Upload.State.CANCELLED


def test_a_script_can_say_new_every_night(evalhub, celery_worker, project, tmp_path):
    (tmp_path / "sums.jsonl").write_bytes(example_lines(1) + b"{\n")
    refused = evalhub("upload", "sums.jsonl", "--eval-set", "Sums", "--new", "--publish")
    (tmp_path / "sums.jsonl").write_bytes(example_lines(2))

    nights = [evalhub("upload", "sums.jsonl", "--eval-set", "Sums", "--new", "--publish") for _ in range(2)]

    assert refused.returncode == 1
    assert [night.returncode for night in nights] == [0, 0], [night.stderr for night in nights]
    assert [night.stdout.splitlines()[1] for night in nights] == [
        "Sums v1: 2 examples, published.",
        "Sums v2: 2 examples, published.",
    ]
    assert EvalSet.objects.count() == 1


def test_rows_with_errors_can_be_left_out(evalhub, celery_worker, project, tmp_path):
    EvalSet.objects.create(project=project, name="Sums")
    (tmp_path / "bad.jsonl").write_bytes(example_lines(3) + b"{\n")

    done = evalhub("upload", "bad.jsonl", "--eval-set", "Sums", "--leave-out-bad-rows")

    assert done.stdout.splitlines()[1] == "Sums v1: 3 examples, draft; 1 with errors is left out."
    assert done.returncode == 0


def test_for_scripts_the_errors_are_json(evalhub, celery_worker, project, tmp_path):
    EvalSet.objects.create(project=project, name="Sums")
    (tmp_path / "bad.jsonl").write_bytes(example_lines(1) + b"{\n")

    done = evalhub("upload", "bad.jsonl", "--eval-set", "Sums", "--json")

    assert done.returncode == 1
    upload = json.loads(done.stdout)["upload"]
    assert (upload["rows_good"], upload["rows_bad"], upload["errors"][0]["line"]) == (1, 1, 2)


def test_a_column_that_the_guess_misses_can_be_named(evalhub, celery_worker, project, tmp_path):
    EvalSet.objects.create(project=project, name="Sums")
    (tmp_path / "odd.csv").write_text("frage,loesung,quelle\nWas ist 2 + 2?,4,heft\n")

    refused = evalhub("upload", "odd.csv", "--eval-set", "Sums")
    done = evalhub(
        "upload", "odd.csv", "--eval-set", "Sums", "--map", "input=frage", "--map", "expected=loesung",
        "--map", "metadata=quelle",
    )  # fmt: skip

    assert refused.returncode == 3
    assert "The file has the columns “frage”, “loesung”, “quelle”." in refused.stderr
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "Read “frage” as input, “loesung” as expected (guess); “quelle” as metadata."
    example = Example.objects.get()
    assert (example.expected, example.metadata) == ("4", {"quelle": "heft"})


def test_production_samples_and_recorded_outputs_go_the_same_way(evalhub, celery_worker, project, tmp_path):
    version = make_version(project, 2)
    (tmp_path / "samples.jsonl").write_text('{"id": "s1", "input": "Hello", "answer": "Hi"}\n')
    (tmp_path / "outputs.jsonl").write_text(
        '{"example_id": "example-1", "output": "1"}\n{"example_id": "example-2", "output": "2"}\n'
    )

    samples = evalhub("upload", "samples.jsonl", "--as", "production-samples")
    outputs = evalhub(
        "upload", "outputs.jsonl", "--as", "outputs", "--eval-set", "Inbox", "--version", "1", "--candidate", "recorded"
    )

    assert samples.stdout.splitlines()[1] == "1 production sample."
    assert ProductionSample.objects.count() == 1
    run = Run.objects.get()
    assert outputs.stdout.splitlines()[1] == f"Run {run.pk}: 2 outputs of recorded."
    assert (run.version, run.outputs.count(), run.candidate.name) == (version, 2, "recorded")


def test_what_cannot_work_is_told_before_anything_is_sent(evalhub, project, tmp_path):
    (tmp_path / "sums.jsonl").write_bytes(example_lines(1))

    answers = {
        name: evalhub("upload", *arguments)
        for name, arguments in {
            "no file": ["nothing.jsonl", "--eval-set", "Sums"],
            "no eval set": ["sums.jsonl"],
            "unknown eval set": ["sums.jsonl", "--eval-set", "Sums"],
            "a number": ["sums.jsonl", "--eval-set", "Sums@3"],
        }.items()
    }

    assert {name: (done.returncode, done.stderr) for name, done in answers.items()} == {
        "no file": (2, "There is no file nothing.jsonl.\n"),
        "no eval set": (2, "This needs --eval-set NAME.\n"),
        "unknown eval set": (
            3,
            "There is no eval set “Sums”. The project has no eval set yet. Add --new to make it.\n",
        ),
        "a number": (2, "Examples become the next version, so --eval-set takes a name without a number.\n"),
    }
    assert Upload.objects.count() == 0


def test_a_file_that_is_none_is_refused_with_the_reason(evalhub, project, tmp_path):
    EvalSet.objects.create(project=project, name="Sums")
    (tmp_path / "picture.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))

    done = evalhub("upload", "picture.jsonl", "--eval-set", "Sums")

    assert done.returncode == 1
    assert done.stderr == Upload.objects.get().refusal + "\n"


@pytest.mark.parametrize("cut", ["request", "answer"])
def test_connections_that_are_cut_double_nothing(evalhub, celery_worker, web_server, project, tmp_path, cut):
    (tmp_path / "sums.jsonl").write_bytes(example_lines(20_000))

    # Every second POST is lost: of making the eval set, of the file, of the check, of the confirmation.
    with cutting_proxy(web_server.url, *[cut, ""] * 4) as proxy:
        done = evalhub("upload", "sums.jsonl", "--eval-set", "Sums", "--new", "--publish", server=proxy.url)

    assert done.returncode == 0, done.stderr
    assert len(proxy.posts) == 8
    assert (EvalSet.objects.count(), Upload.objects.count(), EvalSetVersion.objects.count()) == (1, 1, 1)
    assert Example.objects.count() == 20_000
    assert StoredAnswer.objects.count() == 4
