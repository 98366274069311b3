"""``evalhub gate`` as a program, against the real server: its exit codes, its reasons, its JUnit XML."""

from __future__ import annotations

import json
import socket
from xml.etree import ElementTree

import pytest

from evalhub.checks.models import Score
from evalhub.projects.joining import found_project
from evalhub.runs.models import Run
from tests.api.asking import api_of
from tests.making import make_candidate, make_run, make_version
from tests.taxonomy.report.making import make_compared

pytestmark = pytest.mark.django_db(transaction=True)


def between(made) -> list[str]:
    return ["--run", str(made.second.pk), "--baseline", str(made.first.pk)]


def cases_of(path) -> list[tuple[str, str, str]]:
    """(rule, what is tested, how it ended) of a JUnit file."""
    return [(case.get("classname"), case.get("name"), case[0].tag) for case in ElementTree.parse(path).getroot()[0]]


def test_a_regression_behind_a_better_average_fails_the_gate_with_its_figures(evalhub, project, tmp_path):
    made = make_compared(project)

    done = evalhub("gate", *between(made), "--fail-on", "hidden regressions", "--junit", "gate.xml")

    # 2 of 40 broken against 14 of 40, always where the first is broken too: 12 new, p = 2 * 0.5 ** 12.
    assert done.returncode == 1, done.stderr
    told = done.stdout.splitlines()
    assert told[0] == f"new-model (run {made.second.pk}) against old-model:"
    assert "hidden regressions: FAILED" in told
    reason = next(line for line in told if line.startswith("  FAILED: No JSON (by checks)."))
    assert "+30.0 points" in reason
    assert "40 pairs" in reason
    assert "Baseline 5.0 % (2 of 40, 1.4 to 16.5 %), run 35.0 % (14 of 40, 22.1 to 50.5 %)." in reason
    assert told[-2].startswith("The gate failed: 1 test of ")
    assert told[-1].endswith(f"/breakdown/report/?first={made.first.pk}&second={made.second.pk}&as_of=2")
    cases = cases_of(tmp_path / "gate.xml")
    assert ("hidden regressions", "No JSON (by checks)", "failure") in cases
    assert {ended for _, name, ended in cases if name != "No JSON (by checks)"} == {"skipped", "system-out"}


def test_what_was_seen_decides_of_limits_and_what_is_likely_whether_it_is_clear(evalhub, project):
    made = make_compared(project)
    rules = {
        "no_json > 40 %": "cannot tell",  # 35.0 %, but the interval reaches to 50.5 %
        "no-json > 60 %": "passed",
        "No JSON > 34.9 %": "FAILED",
        "check: no-json rises > 50 %": "passed",
        "no-json rises > 29 %": "FAILED",
        "people: not-as-expected > 10 %": "FAILED",  # 3 of 20
        "people: made-up > 90 %": "passed",
        "check: made-up > 1 %": "cannot tell",  # no check looks for it
        "right < 10 %": "passed",
        "right < 65 %": "FAILED",  # 24 of 40
        "right falls > 50 %": "passed",
        "critical regressions": "cannot tell",  # two new ones of “Made up”
    }

    answers = {rule: evalhub("gate", *between(made), "--fail-on", rule) for rule in rules}

    found = {rule: done.stdout.split(f"{rule}: ")[1].splitlines()[0] for rule, done in answers.items()}
    assert found == rules
    assert {rule: done.returncode for rule, done in answers.items()} == {
        rule: int(outcome == "FAILED") for rule, outcome in rules.items()
    }


def test_what_cannot_be_told_fails_where_one_says_strict(evalhub, project, tmp_path):
    made = make_compared(project)
    rule = ["--fail-on", "critical regressions", "--junit", "gate.xml"]

    lenient, strict = evalhub("gate", *between(made), *rule), evalhub("gate", *between(made), *rule, "--strict")

    assert (lenient.returncode, strict.returncode) == (0, 1)
    assert "The gate passed. " in lenient.stdout
    assert "cannot be told and fail, as --strict says." in strict.stdout
    assert ("critical regressions", "Made up (by people)", "failure") in cases_of(tmp_path / "gate.xml")


def test_nothing_is_judged_and_the_exit_code_says_so(evalhub, project, stranger, tmp_path):
    made = make_compared(project)
    elsewhere = found_project(stranger, "Other")
    version = make_version(elsewhere, 2)
    foreign = make_run(version, make_candidate(elsewhere, "theirs"))
    other = make_run(make_version(project, 2, name="Other"), "new-model")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}"
    rule, here = ["--fail-on", "hidden regressions"], between(made)
    asked = {
        "no rule": [*here, "--fail-on", "regressions everywhere"],
        "no such type": [*here, "--fail-on", "sulking > 2 %"],
        "missing run": ["--run", "999999", "--baseline", str(made.first.pk), *rule],
        "foreign run": ["--run", str(foreign.pk), "--baseline", str(made.first.pk), *rule],
        "foreign baseline": ["--run", str(made.second.pk), "--baseline", str(foreign.pk), *rule],
        "another version": ["--run", str(other.pk), "--baseline", str(made.first.pk), *rule],
        "itself": ["--run", str(other.pk), "--baseline", str(other.pk), *rule],
        "no number": ["--run", "7; drop", "--baseline", "1", *rule],
    }

    answers = {name: evalhub("gate", *arguments, "--junit", "gate.xml") for name, arguments in asked.items()}
    answers["no server"] = evalhub("gate", *here, *rule, server=nowhere)
    answers["wrong key"] = evalhub("gate", *here, *rule, key=f"evh_{'a' * 43}")
    answers["key of another project"] = evalhub("gate", *here, *rule, key=api_of(stranger, elsewhere).key)

    assert {name: done.returncode for name, done in answers.items()} == dict.fromkeys(answers, 2)
    assert answers["missing run"].stderr == answers["foreign run"].stderr == answers["foreign baseline"].stderr
    assert answers["key of another project"].stderr == answers["missing run"].stderr
    assert answers["no rule"].stderr.startswith("“regressions everywhere” is no rule.")
    assert "There is no error type of the code “sulking”. There are: " in answers["no such type"].stderr
    assert "different examples" in answers["another version"].stderr
    assert cases_of(tmp_path / "gate.xml") == [("evalhub gate", "judged at all", "error")]


def test_a_run_that_is_not_finished_is_not_judged_until_it_is(evalhub, project, celery_worker):
    made = make_compared(project)
    Run.objects.filter(pk=made.second.pk).update(state=Run.State.PAUSED, state_reason="No money.")
    rule = ["--fail-on", "no-json > 50 %"]

    paused = evalhub("gate", *between(made), *rule, "--wait", "60")
    Run.objects.filter(pk=made.second.pk).update(state=Run.State.RUNNING)
    running = evalhub("gate", *between(made), *rule)
    Run.objects.filter(pk=made.second.pk).update(state=Run.State.FINISHED)
    Score.objects.filter(run=made.second, by=made.equal).delete()
    scoring = evalhub("gate", *between(made), *rule, "--wait", "1")

    assert [done.returncode for done in (paused, running, scoring)] == [2, 2, 2]
    assert paused.stderr == f"Run {made.second.pk} is paused, so its figures are not final.\n"
    assert running.stderr.endswith("so its figures are not final. Give --wait SECONDS to wait for it.\n")
    assert scoring.stderr.endswith("its outputs are still being scored. Waited 1 s.\n")


def test_the_answer_as_json_holds_every_test_and_the_comparison(evalhub, project):
    made = make_compared(project)

    done = evalhub("gate", *between(made), "--fail-on", "check: no-json > 10 %", "--json")

    answer = json.loads(done.stdout)
    assert (done.returncode, answer["passed"], len(answer["tests"])) == (1, False, 1)
    assert answer["tests"][0]["subject"] == "No JSON (by checks)"
    assert answer["comparison"]["run"] == made.second.pk


def test_hostile_names_stay_names(evalhub, project, tmp_path):
    made = make_compared(project, name="\x1b[31m]]><x>&\ufffe\u202ename")
    made.broken.name = "<img src=x>\x07"
    made.broken.save()

    done = evalhub("gate", *between(made), "--fail-on", "no-json > 10 %", "--junit", "gate.xml")

    assert done.returncode == 1, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout
    ElementTree.parse(tmp_path / "gate.xml")
