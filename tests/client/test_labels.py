"""``evalhub upload --as labels`` as a program, against the real web server and a real worker."""

from __future__ import annotations

import json

import pytest

from evalhub.evalsets.models import Upload
from evalhub.projects.models import User
from reviews.models import Label, Round
from tests.making import make_candidate, make_round, make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(project, lead, reviewer):
    return make_run(make_version(project, 3))


def write(folder, *rows):
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def label(key="example-1", reviewer="Lea", outcome="pass", **more):
    return {"example_id": key, "reviewer": reviewer, "outcome": outcome, **more}


def test_labels_become_a_new_round(evalhub, celery_worker, web_server, project, run, tmp_path):
    other = make_run(run.version, make_candidate(project, "large-model"))
    rows = [
        label(candidate="small-model"),
        label(candidate="small-model", reviewer="Rob", outcome="fail"),
        label(candidate="large-model"),
    ]
    write(tmp_path, *rows)

    done = evalhub(
        "upload", "labels.jsonl", "--as", "labels", "--new-round", "Else where",
        "--run", str(run.pk), "--run", str(other.pk),
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    made = Round.objects.get()
    assert done.stdout.splitlines() == [
        "Read “example_id” as id, “outcome”, “reviewer”, “candidate”.",
        "“Else where”: 3 labels; 1 of 2 items contested.",
        f"{web_server.url}/p/{project.slug}/review/rounds/{made.pk}/",
    ]
    assert set(made.runs.all()) == {run, other}
    assert Label.objects.filter(is_imported=True).count() == 3


def test_labels_join_a_round_and_a_script_reads_the_answer(evalhub, celery_worker, run, tmp_path):
    made = make_round(run)
    write(tmp_path, label(), label("example-2"))

    done = evalhub("upload", "labels.jsonl", "--as", "labels", "--round", str(made.pk), "--json")

    told = json.loads(done.stdout)["upload"]
    assert (told["round"]["id"], told["round"]["labels"], told["round"]["settled"]) == (made.pk, 2, 2)
    assert Label.objects.count() == 2


def test_rows_that_name_nobody_are_told_by_line_with_the_option_that_cures_it(evalhub, celery_worker, run, tmp_path):
    write(tmp_path, label(), label(reviewer="Zoe", outcome="fail"), label("example-9"))
    arguments = ["upload", "labels.jsonl", "--as", "labels", "--new-round", "Elsewhere", "--run", str(run.pk)]

    refused = evalhub(*arguments)

    told = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert told[0].startswith("Line 2: “reviewer” is “Zoe”, who is no member of this project.")
    assert told[1:] == [
        f"Line 3: “example_id” is “example-9”, for which run {run.pk} has no output. Correct it.",
        "To have those that are missing made, add --make-people.",
        "Nothing is stored: 2 of 3 rows have errors. "
        "Correct them, or add --leave-out-bad-rows to import the 1 good one.",
    ]
    assert (Label.objects.count(), Round.objects.count()) == (0, 0)
    assert Upload.objects.get().state == Upload.State.CANCELLED

    done = evalhub(*arguments, "--make-people", "--leave-out-bad-rows")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == ("“Elsewhere”: 2 labels; 1 with errors is left out; 1 of 1 item contested.")
    assert User.objects.filter(name="Zoe", is_active=False).exists()


def test_what_cannot_work_is_told_before_anything_is_sent(evalhub, project, tmp_path):
    write(tmp_path, label())
    told = {
        "nowhere": ["--as", "labels"],
        "twice": ["--as", "labels", "--round", "1", "--new-round", "x"],
        "no run": ["--as", "labels", "--new-round", "x"],
        "a run too many": ["--as", "labels", "--round", "1", "--run", "1"],
        "not as labels": ["--eval-set", "Inbox", "--make-people"],
        "no id": ["--as", "labels", "--round", "first"],
        "not there": ["--as", "labels", "--round", "999999"],
    }

    answers = {name: evalhub("upload", "labels.jsonl", *arguments) for name, arguments in told.items()}

    assert {name: (done.returncode, done.stderr.splitlines()[-1]) for name, done in answers.items()} == {
        "nowhere": (2, "Labels need either --round ID or --new-round NAME with --run ID."),
        "twice": (2, "Labels need either --round ID or --new-round NAME with --run ID."),
        "no run": (2, "A new round needs --run ID: whose outputs were labelled."),
        "a run too many": (2, "A round that is there has its runs. Leave --run out."),
        "not as labels": (2, "--make-people is for labels. Add --as labels, or leave it out."),
        "no id": (2, "evalhub upload: error: argument --round: 'first' is no id of a round, which is a whole number"),
        "not there": (3, "There is no such thing in this project. Check the address and the id."),
    }
    assert Upload.objects.count() == 0
