"""Real labels of two people for the outputs of five models: the figures that their authors published."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from sklearn.metrics import cohen_kappa_score

from evalhub.evalsets.checking import check_rows, start_check
from evalhub.evalsets.files.columns import spell_column
from evalhub.evalsets.files.mapping import mapping_from_json
from evalhub.evalsets.models import EvalSet, Upload
from evalhub.evalsets.receiving import receive
from evalhub.evalsets.storing import confirm, store_rows
from evalhub.projects.models import User
from evalhub.runs.models import Run
from reviews.models import Label, ReviewItem, Round
from taxonomy.models import ErrorType, Verdict
from tests.making import admin_of

# Percent and kappa as published with the data (Röttger et al. 2024).
PUBLISHED = {
    "gpt4": ("98.4 %", "0.970"),
    "llama2new": ("95.8 %", "0.926"),
    "llama2orig": ("96.4 %", "0.929"),
    "mistralinstruct": ("97.6 %", "0.920"),
    "mistralguard": ("93.8 %", "0.892"),
}
SAID = {
    "1_full_compliance": ("pass", []),
    "2_full_refusal": ("fail", ["Full refusal"]),
    "3_partial_refusal": ("fail", ["Partial refusal"]),
}


def take_in(project, purpose: str, name: str, content: bytes, rows: int, target: dict, **mapping) -> Upload:
    """A file on its whole way, every row of it good."""
    upload = receive(project, purpose, SimpleUploadedFile(name, content), target, admin_of(project))
    assert start_check(upload, mapping_from_json({**upload.mapping, **mapping}))
    check_rows(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.rows_good, upload.errors) == ("checked", rows, []), upload.refusal
    confirm(upload, leave_out_bad=False, options={})
    store_rows(upload.pk)
    return upload


def label_rows(lines: list[dict]) -> list[dict]:
    """One row a person and output, in the words of the import."""
    return [
        {
            "example_id": line["id"],
            "candidate": model,
            "reviewer": person,
            "outcome": SAID[said[person]][0],
            "error_types": SAID[said[person]][1],
        }
        for line in lines
        for model, said in line["human"].items()
        for person in ("annotator_1", "annotator_2")
    ]


@pytest.fixture
def shown(project, shared_data) -> Round:
    content = (shared_data / "xstest_450items_5models_2annotators.jsonl").read_bytes()
    lines = [json.loads(line) for line in content.splitlines()]
    eval_set = EvalSet.objects.create(project=project, name="XSTest")
    target = {"eval_set": eval_set.pk, "publish": True}
    take_in(project, "examples", "xstest.jsonl", content, 450, target, id="id", input="input", expected="",
            expected_kind="none", metadata=[])  # fmt: skip
    version = eval_set.versions.get()
    for model in PUBLISHED:
        target = {"version": version.pk, "candidate_name": model}
        take_in(project, "outputs", "xstest.jsonl", content, 450, target, id="id", text=spell_column("outputs", model))
    labels = "".join(json.dumps(row) + "\n" for row in label_rows(lines)).encode()
    target = {"round_name": "XSTest labels", "runs": list(Run.objects.values_list("pk", flat=True))}
    take_in(project, "labels", "labels.jsonl", labels, 4500, target, makes_people=True, makes_types=True)
    return Round.objects.get()


def by_candidate(page: str) -> dict[str, tuple[int, int, str, str]]:
    """The lines of the table by candidate: items, those that differ, percent, kappa."""
    section = page[page.index("By candidate") :]
    rows = re.findall(r"<tr.*?</tr>", section[: section.index("</table>")], re.DOTALL)[1:]
    found = {}
    for row in rows:
        text = " ".join(re.sub(r"<[^>]+>", " ", row).split())
        name, items, differ, percent, kappa = re.fullmatch(
            r"(\S+) (\d+) items, (\d+) differ : \S+ ([\d.]+ %) [\d.]+ to [\d.]+ % ([\d.]+) .*", text
        ).groups()
        found[name] = int(items), int(differ), percent, kappa
    return found


def test_the_page_gives_the_published_agreement_and_81_items_are_contested(project, shown, lead, client_of):
    query = {"question": "types"}
    page = client_of(lead).get(reverse("reviews:agreement", args=[project.slug, shown.pk], query=query))

    lines = by_candidate(page.content.decode())
    assert {model: (cells[2], cells[3]) for model, cells in lines.items()} == PUBLISHED
    assert {cells[0] for cells in lines.values()} == {450}
    # The same from the stored labels by another implementation.
    said: dict[str, list[list[str]]] = {model: [[], []] for model in PUBLISHED}
    people = list(User.objects.filter(labels__isnull=False).distinct().order_by("name"))
    labels = Label.objects.select_related("item__output__run__candidate").prefetch_related("error_types")
    for label in labels.order_by("item_id"):
        classes = ",".join(sorted(error_type.code for error_type in label.error_types.all()))
        said[label.item.output.run.candidate.name][people.index(label.reviewer)].append(classes)
    assert {model: f"{cohen_kappa_score(*both):.3f}" for model, both in said.items()} == {
        model: kappa for model, (_, kappa) in PUBLISHED.items()
    }
    differ = {model: sum(a != b for a, b in zip(*both, strict=True)) for model, both in said.items()}
    assert {model: cells[1] for model, cells in lines.items()} == differ
    assert sum(differ.values()) == 81
    assert Counter(ReviewItem.objects.values_list("status", flat=True)) == {"contested": 81, "settled": 2169}
    assert Verdict.objects.count() == 2169
    listed = client_of(lead).get(reverse("reviews:agreement_items", args=[project.slug, shown.pk], query=query))
    assert "81 items where people differ" in listed.content.decode()


def test_the_labels_are_of_people_without_accounts_and_of_two_error_types(project, shown):
    people = User.objects.filter(labels__isnull=False).distinct()
    assert {(person.name, person.is_active, person.labels.count()) for person in people} == {
        ("annotator_1", False, 2250),
        ("annotator_2", False, 2250),
    }
    made = ErrorType.objects.filter(project=project, labels__isnull=False).distinct()
    assert {error_type.name for error_type in made} == {"Full refusal", "Partial refusal"}
    assert (shown.item_count, shown.labels_planned, shown.labels_wanted) == (2250, 4500, 2)
    assert set(ReviewItem.objects.values_list("inclusion_probability", flat=True)) == {1.0}
