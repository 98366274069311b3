"""The report: the same as JSON, page and PDF; the same again after any change of the taxonomy; its links, caveats."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evalhub.checks.scoring import score_run
from evalhub.runs.models import Run
from taxonomy.models import ErrorType
from taxonomy.report import data as report_data
from taxonomy.report.data import ReportError, report_of
from taxonomy.report.linking import linker, page_document, printed
from taxonomy.report.pdf import LONGEST_TEXT, data_of
from taxonomy.report.writing import MOST_ROWS
from taxonomy.types.changes import Edit, Move, Retire
from taxonomy.types.editing import carry_out, going_back
from taxonomy.types.planning import NewType
from taxonomy.types.reshaping import Merge, Split
from taxonomy.versions import VersionError, record_change
from tests.making import admin_of, make_candidate, make_check, make_round, make_run, make_version
from tests.people import without_token
from tests.taxonomy.report.making import make_compared, make_type

pytestmark = pytest.mark.django_db
SCHEMA = Path(report_data.__file__).with_name("schema.json")
ARTICLE = re.compile('<article class="report.*</article>', re.DOTALL)
TAGS = re.compile("<[^>]+>")


def page_of_report(client, made, as_of: int | None = None):
    asked = {"first": made.first.pk, "second": made.second.pk} | ({"as_of": as_of} if as_of else {})
    return client.get(reverse("taxonomy:report", args=[made.project.slug]), asked)


def words(html: str) -> str:
    """The text of a piece of a page, with single spaces."""
    return " ".join(unescape(TAGS.sub(" ", html)).split())


def texts_of(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in texts_of(each)]


def figure(content, key: str) -> dict:
    figures = [*content["comparison"]["totals"], *content["comparison"]["modes"]]
    return next(each for each in figures if each["key"] == key)


def test_it_says_which_error_the_average_hides(project):
    made = make_compared(project)

    content = report_of(project, made.first, made.second).content

    # 2 of 40 against 14 of 40, 12 of these new; by people 9 of 21 failed against 6.
    broken = figure(content, f"{made.broken.pk}-check")
    assert (broken["both"], broken["first_only"], broken["second_only"], broken["standing"]) == (2, 0, 12, "worse")
    assert content["comparison"]["regressions"] == [f"{made.broken.pk}-check"]
    people = figure(content, "people")
    assert (people["pairs"], people["both"] + people["first_only"], people["both"] + people["second_only"]) == (
        21,
        9,
        6,
    )
    assert content["comparison"]["headlines"][0]["kind"] == "regression"
    assert content["comparison"]["critical"] == [f"{made.invented.pk}-people"]


def test_it_names_all_that_it_rests_on(project):
    made = make_compared(project)
    plan = {"model": "gpt-x", "temperature": 0.2, "system_prompt": "p" * 3_000, "template": "", "tools": [{}]}
    Run.objects.filter(pk=made.second.pk).update(plan=plan)
    made.second.refresh_from_db()

    basis = report_of(project, made.first, made.second).content["basis"]

    assert basis["eval_set"]["content_hash"] == made.first.version.content_hash
    assert (basis["eval_set"]["name"], basis["eval_set"]["number"], basis["eval_set"]["examples"]) == ("Inbox", 1, 40)
    assert [run["plan_digest"] is None for run in basis["runs"]] == [True, False]
    settings = basis["runs"][1]["settings"]
    assert (settings["model"], settings["temperature"], settings["tools"]) == ("gpt-x", 0.2, 1)
    assert (len(settings["system_prompt"]["text"]), settings["system_prompt"]["characters"]) == (2_000, 3_000)
    assert basis["taxonomy"]["version"] == 2
    assert [(check["name"], [each["code"] for each in check["meanings"]]) for check in basis["checks"]] == [
        ("As expected", []),
        ("Valid JSON", ["no-json"]),
    ]
    assert [(made["name"], made["items"], made["settled"]) for made in basis["rounds"]] == [("What failed", 40, 0)]
    assert basis["evalhub"] == "0.1.0"


def test_it_says_what_to_keep_in_mind(project):
    made = make_compared(project)

    caveats = report_of(project, made.first, made.second).content["caveats"]

    kinds = [caveat["kind"] for caveat in caveats]
    told = {caveat["kind"]: caveat["text"] for caveat in caveats}
    assert kinds.count("reviewed") == 2
    assert "People settled 21 of 40 outputs of new-model, 52.5 %" in told["reviewed"]
    assert "were recorded elsewhere and uploaded" in told["runs"]
    assert "“Made up” (by people, about 100 pairs needed)" in told["cannot_tell"]
    assert told["meanings"].startswith("Failing “As expected” means no error type")


def seen_modes(content) -> list[dict]:
    """The failure modes of which any was seen. Types that were split and are whole again have others below, retired."""
    modes = [mode for mode in content["comparison"]["modes"] if mode["pairs"] > mode["neither"]]
    return json.loads(json.dumps([mode for mode in modes if not mode["own"]]))


CHANGES = {
    "rename": lambda made: Edit(made.wrong.pk, (("name", "Off the mark"), ("severity", "critical"))),
    "move": lambda made: Move(made.invented.pk, made.wrong.pk),
    "merge": lambda made: Merge((made.broken.pk, made.wrong.pk), NewType("Not usable")),
    "split": lambda made: Split(made.wrong.pk, (NewType("Too low"), NewType("Too high"))),
    "retire": lambda made: Retire(made.broken.pk),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_older_version_stays_the_same_to_the_byte_after(change, project, lead, client_of):
    made, client = make_compared(project), client_of(lead)

    def everything(as_of: int):
        report = report_of(project, made.first, made.second, as_of)
        page = ARTICLE.search(without_token(page_of_report(client, made, as_of)))
        return report.canonical, printed(project, report, "a4"), page.group()

    before = everything(2)
    carry_out(project, CHANGES[change](made), admin_of(project))
    after, newest = everything(2), everything(3)
    carry_out(project, going_back(project, 2), admin_of(project))
    undone = report_of(project, made.first, made.second, 4).content

    assert after == before
    assert newest[0] != before[0]
    assert seen_modes(json.loads(before[0])) == seen_modes(undone)


def test_a_merged_type_counts_the_union_of_outputs(project):
    made = make_compared(project)
    carry_out(project, Merge((made.wrong.pk, made.invented.pk), NewType("Not usable")), admin_of(project))

    content = report_of(project, made.first, made.second).content

    into = ErrorType.objects.get(name="Not usable")
    row = next(row for row in content["breakdown"]["rows"] if row["error_type"] == into.pk)
    assert [pair["rolled"]["count"] for pair in row["people"]] == [8, 5] or [
        pair["rolled"]["count"] for pair in row["people"]
    ] == [5, 8]
    assert any("“Not as expected” as “Not usable”" in caveat["text"] for caveat in content["caveats"])


def test_a_type_that_a_version_does_not_know_has_a_row_of_its_own(project):
    made = make_compared(project)

    content = report_of(project, made.first, made.second, 1).content

    rows = [row for row in content["breakdown"]["rows"] if row["error_type"] is None]
    assert [row["name"] for row in rows] == ["Not in this version"]
    assert any("does not know yet" in caveat["text"] for caveat in content["caveats"])
    assert any("was added after this version" in caveat["text"] for caveat in content["caveats"])


def test_page_json_and_pdf_say_the_same(project, lead, client_of):
    made, client = make_compared(project), client_of(lead)
    asked = {"first": made.first.pk, "second": made.second.pk}

    page = words(ARTICLE.search(page_of_report(client, made).content.decode()).group())
    answer = client.get(reverse("taxonomy:report_json", args=[project.slug]), asked)
    content = json.loads(answer.content)
    report = report_of(project, made.first, made.second)
    in_pdf = data_of(page_document(project, report), "a4")

    assert answer.content == report.canonical
    # Each text of the PDF stands on the page, but for the addresses.
    missing = [text for text in texts_of(in_pdf["sections"]) if " ".join(text.split()) not in page]
    left = [text for text in missing if not text.startswith("/p/") and text not in KINDS]
    assert left == []
    # And each figure of the JSON in the words of both.
    for mode in content["comparison"]["modes"]:
        if mode["pairs"] > mode["neither"]:
            assert f"{mode['both'] + mode['second_only']} of {mode['pairs']}" in page
            assert f"{100 * mode['second']:.1f} %" in page
    for row in content["breakdown"]["rows"]:
        for pair in [*row["people"], *row["check"]]:
            if pair["rolled"]["count"]:
                assert f"{100 * pair['rolled']['low']:.1f} % to {100 * pair['rolled']['high']:.1f} %" in page
    for caveat in content["caveats"]:
        assert " ".join(caveat["text"].split()) in page
    for digest in (content["basis"]["eval_set"]["content_hash"], content["basis"]["taxonomy"]["digest"]):
        assert digest in page


KINDS = {"sentences", "facts", "table", "bars", "code", "plain", "soft", "warn", "bad", "good"}


def test_every_link_to_outputs_opens_as_many_as_it_says(project, lead, client_of):
    made, client = make_compared(project), client_of(lead)
    report = report_of(project, made.first, made.second)
    document = page_document(project, report)
    cells = [
        (cell.url, cell.note)
        for section in document.sections
        for block in section.blocks
        if block.kind == "table"
        for row in block.rows
        for cell in row.cells
        if "/breakdown/outputs/" in cell.url
    ]
    marks = [
        (mark.bar.url, f"{mark.bar.count} of")
        for section in document.sections
        for block in section.blocks
        if block.kind == "bars"
        for group in block.chart.groups
        for mark in group.marks
        if mark.bar.url
    ]

    counts = {}
    for url, _ in [*cells, *marks]:
        answer = client.get(url)
        assert answer.status_code == 200, url
        counts[url] = int(re.search(r"([\d\u202f]+) outputs? of", words(answer.content.decode())).group(1))

    assert len(cells) >= 4
    assert len(marks) >= 6
    assert [(url, counts[url]) for url, _ in [*cells, *marks]] == [
        (url, int(told.split(" of")[0])) for url, told in [*cells, *marks]
    ]


def test_every_other_link_opens(project, lead, client_of):
    made, client = make_compared(project), client_of(lead)
    urls = {
        url
        for url in texts_of(data_of(page_document(project, report_of(project, made.first, made.second)), "a4"))
        if url.startswith("/p/")
    }

    assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)
    assert {path.rpartition("/breakdown/")[2] for path in (urlsplit(url).path for url in urls)} == {
        "outputs/",
        "comparison/",
    }


def test_the_json_is_of_the_documented_schema(project):
    made = make_compared(project)
    schema = json.loads(SCHEMA.read_text())

    for as_of in (1, 2):
        jsonschema_rs.validator_for(schema).validate(
            json.loads(report_of(project, made.first, made.second, as_of).canonical)
        )
    assert schema["properties"]["schema"] == {"const": report_data.SCHEMA}


HOSTILE = [
    "*bold* #panic() $x$ @ref <label> \\ // /* `raw` = h - #import",
    "<img src=x onerror=alert(1)>{{7*7}}{% debug %}",
    "\u202egnp.exe\x1b[31m\x00".replace("\x00", ""),
    "漢字 😀 عربي",
    "W" * 100,
]


def test_hostile_texts_stay_texts_on_the_page_and_in_the_pdf(project, lead, client_of):
    made = make_compared(project, name=HOSTILE[0], baseline=HOSTILE[1])
    for error_type, name in zip((made.wrong, made.broken, made.invented), HOSTILE[2:], strict=True):
        carry_out(project, Edit(error_type.pk, (("name", name[:80]),)), admin_of(project))
    report = report_of(project, made.first, made.second)
    document = page_document(project, report)

    page = page_of_report(client_of(lead), made).content.decode()
    pdf = printed(project, report, "us-letter")
    handed = texts_of(data_of(document, "a4"))

    assert pdf.startswith(b"%PDF-")
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}{% debug %}" in page
    assert "\u202e" not in page
    assert not any("\u202e" in text or "\x1b" in text for text in handed)
    assert f"{HOSTILE[0]} in the place of {HOSTILE[1]}" in handed


def test_a_large_report_is_bounded(project):
    made = make_compared(project)
    names = [f"{'W' * 60} {number}" for number in range(MOST_ROWS + 50)]
    found = ErrorType.objects.bulk_create(
        ErrorType(project=project, code=f"t{number}", name=name, position=100 + number)
        for number, name in enumerate(names)
    )
    carry_out(project, Edit(found[0].pk, (("definition", "d" * 900),)), admin_of(project))
    report = report_of(project, made.first, made.second)
    row = next(row for row in report.content["breakdown"]["rows"] if row["error_type"] == made.wrong.pk)
    report.content["breakdown"]["rows"] += [row | {"name": name} for name in names]
    report.content["caveats"].append({"kind": "runs", "text": "c" * 100_000})

    document = page_document(project, report)
    pdf = printed(project, report, "a4")

    assert max(
        len(block.rows) for section in document.sections for block in section.blocks if block.kind == "table"
    ) == (MOST_ROWS)
    assert max(map(len, texts_of(data_of(document, "a4")))) == LONGEST_TEXT + 2
    assert 50_000 < len(pdf) < 5_000_000


def test_what_cannot_be_reported_on_says_what_to_choose(project, lead, client_of):
    made, client = make_compared(project), client_of(lead)
    other = make_run(make_version(project, 2, name="Other"), "new-model")
    other = Run.objects.select_related("candidate", "version__eval_set").get(pk=other.pk)

    with pytest.raises(ReportError, match="different examples"):
        report_of(project, made.first, other)
    with pytest.raises(ReportError, match="cannot be compared with itself"):
        report_of(project, made.first, made.first)
    with pytest.raises(VersionError):
        report_of(project, made.first, made.second, 77)
    both = {"first": made.first.pk, "second": made.second.pk}
    for asked in ({"first": other.pk}, {"as_of": "77"}, {"first": "x"}, {"as_of": "-1"}, {"second": made.first.pk}):
        for name in ("report", "report_json", "report_pdf"):
            answer = client.get(reverse(f"taxonomy:{name}", args=[project.slug]), both | asked)
            assert answer.status_code == 400, (asked, name)
    assert client.get(reverse("taxonomy:report_pdf", args=[project.slug]), {"paper": "a0"}).status_code == 400


def test_without_a_choice_the_baseline_and_the_newest_other_run_are_taken(project, lead, client_of):
    client, path = client_of(lead), reverse("taxonomy:report", args=[project.slug])
    assert "There are not two runs to report on" in client.get(path).content.decode()
    assert client.get(reverse("taxonomy:report_json", args=[project.slug])).status_code == 400
    made = make_compared(project)
    third = make_run(made.first.version, make_candidate(project, "third"))

    found = client.get(path).context
    named = client.get(path, {"second": made.second.pk}).context

    assert (found["first"].pk, found["second"].pk) == (made.first.pk, third.pk)
    assert (named["first"].pk, named["second"].pk) == (made.first.pk, made.second.pk)


def test_links_keep_their_query_and_name_the_server_only_where_asked(project):
    inside, outside = linker(project), linker(project, "https://evalhub.example")

    assert inside("taxonomy:outputs", {"run": 7, "tag": "", "source": "check"}) == (
        f"/p/{project.slug}/breakdown/outputs/?run=7&source=check"
    )
    url = urlsplit(outside("taxonomy:comparison", "first=1&second=2"))
    assert (url.netloc, parse_qs(url.query)) == ("evalhub.example", {"first": ["1"], "second": ["2"]})


def test_more_types_checks_and_rounds_take_no_more_queries(project, lead, client_of):
    made, client = make_compared(project), client_of(lead)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert page_of_report(client, made).status_code == 200
        return len(captured)

    def add(numbers: range) -> None:
        for number in numbers:
            make_type(project, f"more-{number}", f"More {number}")
            make_check(made.first.version, f"Check {number}", "contains", texts=["a"])
            make_round(made.second, name=f"Round {number}")
        with transaction.atomic():
            record_change(project, "More types.", admin_of(project))
        for run in (made.first, made.second):
            score_run(run)

    add(range(1))
    queries()
    before = queries()
    add(range(1, 6))

    assert queries() == before


def test_what_nobody_read_takes_no_room(project):
    made = make_compared(project)
    made.first.verdicts.by_people().delete()
    made.second.verdicts.by_people().delete()

    document = page_document(project, report_of(project, made.first, made.second))

    blocks = [block for section in document.sections for block in section.blocks]
    charts = [[group.name for group in block.chart.groups] for block in blocks if block.kind == "bars"]
    table = next(block for block in blocks if getattr(block, "name", "") == "Failure modes in all that was looked at")
    assert charts == [
        ["With an error type that a check is certain of, of what such checks judged"],
        ["No JSON, by checks"],
    ]
    assert table.columns == ["Error type", "old-model, by checks", "new-model, by checks"]
    assert "Estimated for all outputs" not in [section.title for section in document.sections]
