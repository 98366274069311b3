"""``evalhub report`` and ``evalhub verify`` as programs: what the server counts is computed again from its exports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalhub.runs.models import Run
from taxonomy.report.data import report_of
from tests.making import make_run
from tests.taxonomy.report.making import make_compared, repeat_outputs

pytestmark = pytest.mark.django_db(transaction=True)


def fetch(evalhub, made, kinds=("verdicts", "scores", "outputs")) -> list[str]:
    """The report and the exports of both runs as files; the names of the exports."""
    between = ["--run", str(made.second.pk), "--baseline", str(made.first.pk)]
    done = evalhub("report", *between, "-o", "report.json")
    assert done.returncode == 0, done.stderr
    names = []
    for run in (made.first, made.second):
        for kind in kinds:
            name = f"{kind}-{run.pk}.jsonl"
            every = ["--filter", "source=both"] if kind == "verdicts" else []
            done = evalhub("export", kind, "--run", str(run.pk), *every, "-o", name)
            assert done.returncode == 0, done.stderr
            names.append(name)
    return names


def answer_of(evalhub, *arguments: str) -> tuple[int, dict]:
    done = evalhub("verify", *arguments, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def change(path: Path, *keys, by) -> None:
    """Tamper with one value of a JSON file."""
    whole = json.loads(path.read_bytes())
    inner = whole
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = by(inner[keys[-1]])
    path.write_text(json.dumps(whole))


def test_every_figure_of_a_report_comes_out_the_same(evalhub, project, tmp_path):
    made = make_compared(project)
    exports = fetch(evalhub, made)

    code, answer = answer_of(evalhub, "report.json", *exports)

    assert (code, answer["differs"], answer["not verified"]) == (0, 0, 0), [
        each for each in answer["figures"] if each["standing"] != "same"
    ]
    names = [each["figure"] for each in answer["figures"]]
    assert len(names) == len(set(names)) > 60
    assert "Comparison: No JSON, by checks" in names
    assert f"Breakdown: weighted by severity, new-model, run {made.second.pk}" in names
    assert (tmp_path / "report.json").read_bytes() == report_of(project, made.first, made.second).canonical


TAMPERED = {
    "a count": (("comparison", "totals", 0, "first_only"), lambda value: value + 1, "Comparison: By people"),
    "a share": (("comparison", "totals", 1, "second"), lambda value: value + 0.01, "Comparison: By the checks"),
    "a p-value": (("comparison", "totals", 3, "p"), lambda value: 0.9, "Comparison: Valid JSON"),
    "what is shown": (("comparison", "totals", 3, "standing"), lambda value: "better", "Comparison: Valid JSON"),
    "what is left out": (
        ("comparison", "modes"),
        lambda modes: [mode for mode in modes if mode["name"] != "No JSON" or mode["source"] != "check"],
        "Comparison: No JSON, by checks",
    ),
    "the alarms": (("comparison", "regressions"), lambda keys: [], "Comparison: which are listed as regressions"),
    "an interval": (
        ("breakdown", "candidates", 0, "failed", "high"),
        lambda value: value - 0.05,
        "Breakdown: failed, old-model, run ",
    ),
    "an estimate": (
        ("breakdown", "candidates", 0, "failed", "estimated", "share"),
        lambda value: value / 2,
        "Breakdown: failed, old-model, run ",
    ),
    "a weight": (
        ("breakdown", "candidates", 1, "weighted", "value"),
        lambda value: value / 2,
        "Breakdown: weighted by severity, new-model",
    ),
    "the taxonomy": (
        ("basis", "taxonomy", "tree", 0, "severity"),
        lambda value: "minor",
        "Basis: SHA-256 of the taxonomy",
    ),
}


def test_a_figure_that_was_tampered_with_is_found_and_named(evalhub, project, tmp_path):
    made = make_compared(project)
    exports = fetch(evalhub, made)
    report = tmp_path / "report.json"
    genuine = report.read_bytes()
    found = {}
    for name, (keys, by, _) in TAMPERED.items():
        report.write_bytes(genuine)
        change(report, *keys, by=by)
        code, answer = answer_of(evalhub, "report.json", *exports)
        found[name] = (code, [each["figure"] for each in answer["figures"] if each["standing"] == "differs"])

    assert {name: code for name, (code, _) in found.items()} == dict.fromkeys(TAMPERED, 1)
    for name, (_, _, figure) in TAMPERED.items():
        assert any(each.startswith(figure) for each in found[name][1]), (name, found[name])


def test_a_row_that_was_tampered_with_is_found(evalhub, project, tmp_path):
    made = make_compared(project)
    exports = fetch(evalhub, made)
    file = tmp_path / exports[0]
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    next(row for row in rows if row["source"] == "people" and row["verdict"] == "fail")["verdict"] = "pass"
    file.write_text("\n".join(map(json.dumps, rows)))

    done = evalhub("verify", "report.json", *exports)

    assert done.returncode == 1
    assert "differs: Comparison: By people: " in done.stdout


def test_what_cannot_be_computed_is_told_with_what_is_missing(evalhub, project):
    made = make_compared(project)
    exports = fetch(evalhub, made, ["verdicts"])

    code, answer = answer_of(evalhub, "report.json", *exports)

    assert (code, answer["differs"]) == (0, 0)
    lacking = {each["figure"]: each["lacks"] for each in answer["figures"] if each["standing"] == "not verified"}
    assert lacking["Comparison: By the checks"] == "needs the exported scores and outputs of both runs"
    assert lacking["Comparison: No JSON, by checks"] == "needs the exported scores of both runs"
    assert "Comparison: By people" not in lacking


def test_repeats_and_clusters_are_computed_over_examples(evalhub, project):
    made = make_compared(project, cluster_size=3)
    repeat_outputs(made)
    exports = fetch(evalhub, made)
    done = evalhub("export", "examples", "--eval-set", "Inbox", "-o", "examples.jsonl")
    assert done.returncode == 0, done.stderr

    without, lacking = answer_of(evalhub, "report.json", *exports)
    code, answer = answer_of(evalhub, "report.json", *exports, "examples.jsonl")

    assert (without, lacking["differs"]) == (0, 0), [e for e in lacking["figures"] if e["standing"] == "differs"]
    assert any("hangs together" in each["lacks"] for each in lacking["figures"])
    assert (code, answer["differs"]) == (0, 0), [e for e in answer["figures"] if e["standing"] == "differs"]
    assert not any("hangs together" in each["lacks"] for each in answer["figures"])


def test_wrong_files_are_told(evalhub, project, tmp_path):
    made = make_compared(project)
    exports = fetch(evalhub, made, ["verdicts"])
    (tmp_path / "odd.json").write_text('{"kind": "evalhub report", "schema": 99}')
    (tmp_path / "hollow.json").write_text(
        json.dumps({"kind": "evalhub report", "schema": 1, "first": made.first.pk, "second": made.second.pk})
    )
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    third = make_run(made.first.version, "third")
    evalhub("export", "verdicts", "--run", str(third.pk), "-o", "third.jsonl")
    asked = {
        "missing": ["nothing.json", *exports],
        "an export": [exports[0], *exports],
        "another schema": ["odd.json", *exports],
        "hollow": ["hollow.json", *exports],
        "no export": ["report.json", "odd.csv"],
        "another run": ["report.json", exports[0], "third.jsonl"],
    }

    answers = {name: evalhub("verify", *arguments) for name, arguments in asked.items()}

    assert {name: done.returncode for name, done in answers.items()} == dict.fromkeys(asked, 2)
    assert all("Traceback" not in done.stderr and done.stderr.endswith(".\n") for done in answers.values())
    assert answers["another run"].stderr.startswith(f"No verdict of run {made.second.pk} is in the exports.")


def test_the_report_comes_as_pdf_too_and_needs_no_finished_run(evalhub, project, tmp_path):
    made = make_compared(project)
    Run.objects.filter(pk=made.second.pk).update(state=Run.State.RUNNING)
    between = ["--run", str(made.second.pk), "--baseline", str(made.first.pk)]

    pdf = evalhub("report", *between, "--format", "pdf")
    version = evalhub("report", *between, "--as-of", "1", "-o", "-")
    refused = evalhub("report", *between, "--as-of", "77")

    assert (pdf.returncode, version.returncode, refused.returncode) == (0, 0, 3)
    assert (tmp_path / f"report-runs-{made.first.pk}-{made.second.pk}.pdf").read_bytes().startswith(b"%PDF-")
    assert json.loads(version.stdout)["basis"]["taxonomy"]["version"] == 1
    assert "The taxonomy has no version 77." in refused.stderr
    assert list(tmp_path.glob(".*.part")) == []
