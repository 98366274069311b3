"""An export holds what the page lists that it starts from: same names, same values, same rows in the same order."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from evalhub.exports.making import ask_for_export
from evalhub.exports.models import Export
from evalhub.exports.sources import ExportError, NotThere
from evalhub.projects.joining import found_project
from reviews.labelling import record_label
from taxonomy.models import ErrorType
from tests.evalsets.uploading import pool_of, sample_row
from tests.exports.asking import asked, rows
from tests.making import admin_of, assessed, make_check, make_round, make_run, make_score, make_version, numbered
from tests.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client_of, lead):
    return client_of(lead)


def listed(page, project, name: str, *args: int, **query: object) -> list[str]:
    """The first cells of the page's table, which name an example or a sample."""
    answer = page.get(reverse(name, args=[project.slug, *args]), query)
    assert answer.status_code == 200
    return re.findall(r'<th scope="row"[^>]*><a[^>]*>([^<]*)</a>', answer.content.decode())


def names(found: list[dict], name: str = "example_id") -> list[str]:
    return [row[name] for row in found]


@pytest.mark.parametrize("query", [{}, {"tag": "even"}, {"key": "-1"}, {"tag": "even", "key": "1"}, {"tag": " even "}])
def test_examples(query, page, project):
    examples = [numbered(n) | {"tags": ["even"] if n % 2 == 0 else ["odd"]} for n in range(1, 13)]
    version = make_version(project, examples)

    found = names(rows(project, "examples", version=version.pk, **query), "id")

    assert found == listed(page, project, "evalsets:version", version.pk, **query)
    assert len(found) < 13


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"model": "large"},
        {"tag": "vip"},
        {"field": "language"},
        {"field": "language", "text": "D"},
        {"since": "2026-03-02", "until": "2026-03-03"},
        {"model": "small", "tag": "vip", "since": "2026-03-02"},
    ],
)
def test_production_samples(query, page, project):
    pool_of(
        project,
        [
            sample_row(
                n,
                model="small" if n % 2 else "large",
                tags=["vip"] if n % 3 == 0 else [],
                time=f"2026-03-0{n}T23:59:59Z",
                **({"language": "de" if n % 2 else "en"} if n > 2 else {}),
            )
            for n in range(1, 8)
        ],
    )

    found = names(rows(project, "production_samples", **query), "id")

    assert found == listed(page, project, "evalsets:samples", **query)
    assert found


@pytest.mark.parametrize("show", ["", "answered", "failed", "cause:timeout"])
def test_outputs(show, page, project):
    run = make_run(make_version(project, 6))
    for output, cause in zip(run.outputs.order_by("pk"), ["timeout", "reset", "timeout"], strict=False):
        output.error_cause = cause
        output.save()

    found = names(rows(project, "outputs", run=run.pk, show=show))

    assert found == listed(page, project, "runs:outputs", run.pk, show=show)
    assert len(found) == {"": 6, "answered": 3, "failed": 3, "cause:timeout": 2}[show]


@pytest.mark.parametrize("query", [{}, {"outcome": "failed"}, {"check": True}, {"check": True, "cause": "different"}])
def test_scores(query, page, project):
    version = make_version(project, 4)
    checks = [make_check(version, name) for name in ("Equal", "Same")]
    runs = [make_run(version, name) for name in ("one", "two")]
    for run in runs:
        for number, output in enumerate(run.outputs.order_by("pk")):
            for check in checks:
                make_score(output, check, passed=number % 2 == 0)
    if "check" in query:
        query = query | {"check": checks[0].pk}

    found = rows(project, "scores", **query)
    one = rows(project, "scores", run=runs[0].pk, **query)
    both = rows(project, "scores", run=f"{runs[0].pk},{runs[1].pk}", **query)

    answer = page.get(reverse("checks:outputs", args=[project.slug]), query)
    shown = [(score.pk, score.output.example.key) for score in answer.context["page"].rows]
    assert [(row["example_id"]) for row in found] == [key for _, key in shown]
    assert both == found
    assert one == [row for row in found if row["run"] == runs[0].pk]
    assert len(found) == 16 // (2 if "check" in query else 1) // (2 if {"outcome", "cause"} & query.keys() else 1)


def test_scores_of_the_newest_runs_name_them(project):
    run = make_run(make_version(project, 1))

    assert asked(project, "scores").filters == {"run": str(run.pk)}


@pytest.mark.parametrize(
    "query", [{}, {"outcome": "fail"}, {"outcome": "pass"}, {"error_type": True}, {"right": "yes"}, {"right": "no"}]
)
def test_verdicts_and_findings(query, page, project):
    run = make_run(make_version(project, 6))
    check = make_check(run.version)
    kind = ErrorType.objects.in_project(project).active().earliest("pk")
    for number, item in enumerate(make_round(run).items.order_by("order")[:4]):
        record_label(
            item, admin_of(project), assessed("fail" if number % 2 else "pass", [kind] if number == 1 else [], "")
        )
    for number, output in enumerate(run.outputs.order_by("pk")):
        make_score(output, check, passed=number < 4)
    if "error_type" in query:
        query = {"error_type": kind.pk}

    found = rows(project, "verdicts", run=run.pk, **query)

    assert names(found) == listed(page, project, "taxonomy:outputs", run=run.pk, **query)
    assert [row["error_types"] for row in found if "error_types" in row] == (
        [[kind.code]] if query.get("outcome") != "pass" and query.get("right") != "no" else []
    )


@pytest.mark.parametrize("status", ["", "waiting", "in_review", "settled"])
def test_labels_of_every_reviewer_are_kept_apart(status, project, reviewer, admin):
    run = make_run(make_version(project, 3))
    review_round = make_round(run, labels_wanted=2)
    first, second, _ = review_round.items.order_by("order")
    kinds = list(ErrorType.objects.in_project(project).active().order_by("position", "pk")[:2])
    record_label(first, admin, assessed("fail", kinds[::-1], "wrong"))
    record_label(first, reviewer, assessed("fail", kinds, "also wrong"))
    record_label(second, reviewer, assessed("pass", [], ""))

    found = rows(project, "labels", round=review_round.pk, status=status)

    codes = [kind.code for kind in kinds]
    settled = [
        ("example-1", "Ada", "fail", codes, "wrong"),
        ("example-1", "Rob", "fail", codes, "also wrong"),
    ]
    in_review = [("example-2", "Rob", "pass", None, None)]
    expected = {"": settled + in_review, "settled": settled, "in_review": in_review, "waiting": []}[status]
    told = [
        tuple(row.get(name) for name in ("example_id", "reviewer", "outcome", "error_types", "note")) for row in found
    ]
    assert told == expected


def test_the_button_keeps_the_filters_of_the_page(page, project):
    examples = [numbered(n) | {"tags": ['a "b" & <c>'] if n % 2 else []} for n in range(1, 5)]
    version = make_version(project, examples)
    path = reverse("evalsets:version", args=[project.slug, version.pk])

    html = page.get(path, {"tag": 'a "b" & <c>'}).content.decode()

    assert '<input type="hidden" name="tag" value="a &quot;b&quot; &amp; &lt;c&gt;">' in html
    assert f'<input type="hidden" name="version" value="{version.pk}">' in html


REFUSED = [
    ("nothing", {}),
    ("examples", {}),
    ("examples", {"version": "x"}),
    ("examples", {"version": "-1"}),
    ("examples", {"version": "1", "owner__password": "x"}),
    ("production_samples", {"text": "x"}),
    ("production_samples", {"since": "yesterday"}),
    ("production_samples", {"model": "x" * 201}),
    ("production_samples", {"field": "a\0b"}),
    ("outputs", {"run": "1,2"}),
    ("scores", {"outcome": "great"}),
    ("scores", {"run": "1;2"}),
    ("scores", {"after": "1"}),
    ("labels", {"round": ""}),
]


@pytest.mark.parametrize(("kind", "filters"), REFUSED)
def test_what_cannot_be_is_refused_with_a_sentence_and_leaves_nothing(kind, filters, project, lead):
    with pytest.raises(ExportError, match=r"\.$"):
        ask_for_export(project, lead, kind, "csv", filters)

    assert not Export.objects.exists()


def test_unknown_values_of_known_objects_are_refused(project, lead):
    run = make_run(make_version(project, 1))
    review_round = make_round(run)
    for kind, filters in (
        ("outputs", {"run": run.pk, "show": "cause:nonsense"}),
        ("verdicts", {"run": run.pk, "outcome": "maybe"}),
        ("verdicts", {"run": run.pk, "right": "1"}),
        ("labels", {"round": review_round.pk, "status": "open"}),
    ):
        with pytest.raises(ExportError):
            ask_for_export(project, lead, kind, "csv", {name: str(value) for name, value in filters.items()})
    with pytest.raises(ExportError, match="no such format"):
        ask_for_export(project, lead, "outputs", "xlsx", {"run": str(run.pk)})


def test_objects_of_another_project_are_as_little_there_as_missing_ones(project, lead):
    elsewhere = found_project(make_user("Sam"), "Elsewhere")
    run = make_run(make_version(elsewhere, 1))
    check, review_round = make_check(run.version), make_round(run)
    kind = ErrorType.objects.in_project(elsewhere).earliest("pk")
    own = make_run(make_version(project, 1))
    for export_kind, name, pk, more in (
        ("examples", "version", run.version_id, {}),
        ("outputs", "run", run.pk, {}),
        ("scores", "run", run.pk, {}),
        ("scores", "run", f"{own.pk},{run.pk}", {}),
        ("scores", "check", check.pk, {}),
        ("verdicts", "run", run.pk, {}),
        ("verdicts", "error_type", kind.pk, {"run": str(own.pk)}),
        ("labels", "round", review_round.pk, {}),
    ):
        sentences = set()
        for value in (str(pk), str(pk).replace(str(pk).split(",")[-1], "999999999")):
            with pytest.raises(NotThere) as caught:
                ask_for_export(project, lead, export_kind, "csv", {name: value, **more})
            sentences.add(str(caught.value))
        assert len(sentences) == 1, export_kind
