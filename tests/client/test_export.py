"""``evalhub export`` as a program."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.conf import settings
from django.urls import reverse

from evalhub.client.exporting import FILTERS, OF_MORE_RUNS, filters_told
from evalhub.exports.models import Export
from evalhub.exports.sources import ExportError, source_of
from evalhub.runs.models import Output
from tests.client.cutting import cutting_proxy
from tests.evalsets.uploading import example_row, make_eval_set, version_of
from tests.making import make_candidate, make_check, make_round, make_run, make_score, make_version

pytestmark = pytest.mark.django_db(transaction=True)


def test_examples_are_byte_for_byte_the_download_of_the_page(evalhub, client_of, admin, project, tmp_path):
    version = version_of(make_eval_set(project), [example_row(number, tags=["a"]) for number in range(1, 51)])

    done = evalhub("export", "examples", "--eval-set", "Inbox", "-o", "examples.jsonl")

    assert done.returncode == 0, done.stderr
    page = client_of(admin).get(reverse("evalsets:download", args=[project.slug, version.pk]))
    content = (tmp_path / "examples.jsonl").read_bytes()
    assert content == page.getvalue()
    assert done.stdout == f"examples.jsonl: 50 rows, {len(content) / 1000:.1f} kB.\n"


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)  # between two looks


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_outputs_are_byte_for_byte_the_export_of_the_page(
    evalhub, client_of, admin, celery_worker, project, tmp_path, format
):
    run = make_run(make_version(project, 5), answers=["1", "=2", "drei", "", "5"])
    filters = {"kind": "outputs", "format": format, "run": run.pk, "show": "answered"}
    client_of(admin).post(reverse("exports:new", args=[project.slug]), filters)
    asked = Export.objects.get()
    wait_until(lambda: Export.objects.get(pk=asked.pk).is_done)
    page = client_of(admin).get(reverse("exports:download", args=[project.slug, asked.pk]))

    done = evalhub(
        "export", "outputs", "--run", str(run.pk), "--filter", "show=answered", "--format", format, "-o", "out"
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == page.getvalue()


def test_a_large_export_is_prepared_by_a_worker(evalhub, celery_worker, project, tmp_path):
    version_of(make_eval_set(project), [example_row(number) for number in range(1, 20_001)])

    done = evalhub("export", "examples", "--eval-set", "Inbox@1", "-o", "-")

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 20_000
    assert list(tmp_path.iterdir()) == []


def test_without_a_name_the_file_is_called_as_the_server_calls_it(evalhub, project, tmp_path):
    run = make_run(make_version(project, 2))

    done = evalhub("export", "outputs", "--run", str(run.pk), "--json")

    name = Export.objects.get().name
    assert json.loads(done.stdout)["file"] == name
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["outputs"], 3, "“run” is missing."),
        (["outputs", "--run", "999"], 3, "There is no such thing in this project."),
        (["outputs", "--run", "1", "--filter", "password=x"], 3, "have no filter of such a name."),
        (["passwords"], 3, "There is no such kind of export."),
        (["examples", "--eval-set", "Nothing"], 3, "There is no eval set “Nothing”."),
    ],
)
def test_what_is_refused_leaves_no_file(evalhub, project, tmp_path, arguments, code, told):
    done = evalhub("export", *arguments, "-o", "out")

    assert done.returncode == code
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_scores_of_two_runs_are_one_file(evalhub, project, tmp_path):
    version = make_version(project, 2)
    check = make_check(version)
    runs = [make_run(version), make_run(version, make_candidate(project, "other"))]
    for output in Output.objects.all():
        make_score(output, check, passed=True)
    arguments = [argument for run in runs for argument in ("--run", str(run.pk))]

    done = evalhub("export", "scores", *arguments, "-o", "-")

    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((row["run"], row["check_id"]) for row in rows) == sorted((run.pk, check.pk) for run in runs * 2)


def test_more_than_one_run_is_refused_where_the_kind_takes_one(evalhub, project):
    done = evalhub("export", "verdicts", "--run", "3", "--run", "1")

    assert done.returncode == 2
    assert done.stderr == "Only scores come of more than one run. Export each run by itself.\n"


def test_labels_of_a_round(evalhub, project, tmp_path):
    round = make_round(make_run(make_version(project, 2)))

    done = evalhub("export", "labels", "--round", str(round.pk), "-o", "labels.jsonl")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "labels.jsonl").read_text() == ""


def test_the_help_names_the_filters_that_the_server_knows():
    known = {kind.replace("_", "-"): source_of(kind).filters for kind in settings.EXPORTS}

    assert known == FILTERS
    for kind, filters in known.items():
        assert f"{kind:<19} {', '.join(filters)}\n" in filters_told()


def test_the_client_lets_more_runs_through_where_the_server_takes_them(lead, project):
    version = make_version(project, 2)
    make_check(version)
    runs = f"{make_run(version).pk},{make_run(version, 'other').pk}"
    takes = set()
    for kind in (kind for kind, filters in FILTERS.items() if "run" in filters):
        with suppress(ExportError):
            source_of(kind)(project, {"run": runs})
            takes.add(kind)

    assert takes == OF_MORE_RUNS


def test_a_place_that_cannot_be_written_is_told_and_an_old_file_stays(evalhub, project, tmp_path):
    run = make_run(make_version(project, 2))
    (tmp_path / "old").write_text("old")

    nowhere = evalhub("export", "outputs", "--run", str(run.pk), "-o", "no/such/folder")
    refused = evalhub("export", "outputs", "--run", "999", "-o", "old")

    assert (nowhere.returncode, refused.returncode) == (2, 3)
    assert nowhere.stderr == "no/such/folder cannot be written: No such file or directory.\n"
    assert (tmp_path / "old").read_text() == "old"


def test_a_lost_answer_makes_no_second_export(evalhub, web_server, project, tmp_path):
    run = make_run(make_version(project, 2))

    with cutting_proxy(web_server.url, "answer") as proxy:
        done = evalhub("export", "outputs", "--run", str(run.pk), "-o", "out", server=proxy.url)

    assert done.returncode == 0, done.stderr
    assert Export.objects.count() == 1
