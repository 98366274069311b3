"""``evalhub run`` as a program: runs that really call an endpoint."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evalhub.runs.models import Output, Run
from tests.client.conftest import environment
from tests.client.cutting import cutting_proxy
from tests.making import make_candidate, make_version
from tests.runs.making import make_caller

pytestmark = pytest.mark.django_db(transaction=True)
UNPRICED = "--accept-unknown-cost"


def test_a_run_is_waited_for(evalhub, celery_worker, model_endpoint, project):
    make_version(project, 5)
    make_caller(project, model_endpoint.url)

    done = evalhub("run", "--eval-set", "Inbox", "--candidate", "echo", "--wait", UNPRICED)

    run = Run.objects.get()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"Run {run.pk}: echo on Inbox v1, 5 outputs."
    assert done.stdout.splitlines()[2].startswith(f"Run {run.pk}, echo, is finished: 5 outputs")
    assert (run.state, run.outputs.count()) == ("finished", 5)


def test_two_candidates_with_repeats_are_two_runs(evalhub, project):
    version = make_version(project, 5)
    make_version(project, 3)
    make_caller(project, model="one")
    make_caller(project, model="two")

    done = evalhub(
        "run", "--eval-set", "Inbox@1", "--candidate", "one", "--candidate", "two", "--repeats", "2", "--json", UNPRICED
    )

    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["runs"]
    assert [(run["candidate_name"], run["planned"], run["state"]) for run in runs] == [
        ("one", 10, "running"),
        ("two", 10, "running"),
    ]
    assert set(Run.objects.values_list("version", "repeats")) == {(version.pk, 2)}


def test_failed_outputs_are_told_with_their_causes(evalhub, celery_worker, model_endpoint, project):
    make_version(project, 4)
    make_caller(project, model_endpoint.url, "fault:status?code=400&share=0.5", name="half")

    done = evalhub("run", "--eval-set", "Inbox", "--candidate", "half", "--wait", "--json", UNPRICED)

    run = json.loads(done.stdout)["runs"][0]
    failed = Output.objects.exclude(error_cause="").count()
    assert 0 < failed <= 4
    assert done.returncode == 1
    assert run["failed"] == failed == sum(failure["count"] for failure in run["failures"])
    assert f"{failed} of 4 outputs failed" in done.stderr


def test_a_paused_run_ends_the_wait_with_its_reason(evalhub, celery_worker, model_endpoint, project):
    make_version(project, 4)
    make_caller(project, model_endpoint.url, "echo?key=SECRET")

    done = evalhub("run", "--eval-set", "Inbox", "--candidate", "echo?key=SECRET", "--wait", UNPRICED)

    run = Run.objects.get()
    assert (run.state, done.returncode) == ("paused", 1), done.stderr
    assert run.state_reason in done.stderr


def test_what_the_server_refuses_is_told_and_starts_nothing(evalhub, project):
    make_version(project, 2)
    make_version(project, 2, published=False)
    make_caller(project, model="one")
    make_candidate(project, "recorded")
    options = {
        "unknown candidate": ["--eval-set", "Inbox", "--candidate", "two"],
        "unknown version": ["--eval-set", "Inbox@7", "--candidate", "one"],
        "a draft": ["--eval-set", "Inbox@2", "--candidate", "one", UNPRICED],
        "no endpoint": ["--eval-set", "Inbox", "--candidate", "recorded", UNPRICED],
        "unknown cost": ["--eval-set", "Inbox", "--candidate", "one"],
        "no number": ["--eval-set", "Inbox", "--candidate", "one", "--budget", "much"],
        "no budget": ["--eval-set", "Inbox", "--candidate", "one", "--budget", "0"],
    }

    answers = {name: evalhub("run", *arguments) for name, arguments in options.items()}

    assert {name: done.returncode for name, done in answers.items()} == dict.fromkeys(options, 3)
    assert answers["unknown candidate"].stderr == ("There is no candidate “two”. There are “recorded”, “one”.\n")
    assert answers["unknown version"].stderr == "“Inbox” has no version 7.\n"
    assert answers["a draft"].stderr.startswith("Inbox v2 is not published.")
    assert answers["no number"].stderr == "budget: This should be a valid decimal.\n"
    assert answers["no budget"].stderr == "budget: This should be greater than 0.\n"
    assert Run.objects.count() == 0


def test_a_lost_answer_starts_nothing_twice(evalhub, web_server, project):
    make_version(project, 2)
    make_caller(project, model="one")

    with cutting_proxy(web_server.url, "answer", "answer", "request") as proxy:
        done = evalhub("run", "--eval-set", "Inbox", "--candidate", "one", UNPRICED, server=proxy.url)

    assert done.returncode == 0, done.stderr
    assert proxy.posts == ["POST /api/v1/runs HTTP/1.1"] * 4
    assert Run.objects.count() == 1


def test_an_interrupted_wait_says_what_goes_on(web_server, admin_key, project):
    make_version(project, 2)
    make_caller(project, model="one")
    command = [sys.executable, "-m", "evalhub", "run", "--eval-set", "Inbox", "--candidate", "one", "--wait", UNPRICED]
    variables = environment(EVALHUB_URL=web_server.url, EVALHUB_API_KEY=admin_key)

    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        program.stdout.readline()
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=30)

    run = Run.objects.get()
    assert program.returncode == 130
    assert told == (f"Interrupted. The runs go on at the server: {run.pk}. Pause or cancel them on their pages.\n")
    assert run.state == "running"


def test_the_key_is_in_no_list_of_processes_and_no_answer(web_server, admin_key, project):
    make_version(project, 2)
    make_caller(project, model="one")
    command = [sys.executable, "-m", "evalhub", "run", "--eval-set", "Inbox", "--candidate", "one", "--wait"]
    command += [UNPRICED, "--key-file", "-"]
    with subprocess.Popen(
        command,
        env=environment(EVALHUB_URL=web_server.url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        program.stdin.write(f"{admin_key}\n")
        program.stdin.close()
        said = program.stdout.readline()
        arguments = Path(f"/proc/{program.pid}/cmdline").read_text()
        program.send_signal(signal.SIGINT)
        said += program.stdout.read()

    assert said.startswith("Run ")
    assert admin_key not in said + arguments


def test_a_server_that_goes_away_during_the_wait_is_told_with_what_goes_on(evalhub, web_server, project):
    make_version(project, 2)
    make_caller(project, model="one")

    with cutting_proxy(web_server.url) as proxy:
        proxy.most_requests = 4  # one for the version, one for the candidate, one that starts, one look
        done = evalhub("run", "--eval-set", "Inbox", "--candidate", "one", "--wait", UNPRICED, server=proxy.url)

    run = Run.objects.get()
    assert done.returncode == 4
    told = done.stderr.splitlines()
    assert told[0] == "No answer from the server; trying again."
    assert told[1].startswith(f"{proxy.url} gives no answer: ")
    assert done.stderr.endswith(f"The runs go on at the server: {run.pk}. Pause or cancel them on their pages.\n")


def test_a_server_that_comes_back_during_the_wait_is_told_once(
    evalhub, web_server, celery_worker, model_endpoint, project
):
    make_version(project, 5)
    make_caller(project, model_endpoint.url, "echo?delay=2", name="echo")  # so that there is a wait

    with cutting_proxy(web_server.url) as proxy:
        proxy.most_requests, proxy.least_closed = 4, 5
        done = evalhub("run", "--eval-set", "Inbox", "--candidate", "echo", "--wait", UNPRICED, server=proxy.url)

    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["No answer from the server; trying again.", "The server answers again."]
