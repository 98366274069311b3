"""A report in words, tables and charts. Pure: its JSON in, blocks out, from which the page and the PDF are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evalhub.web.templatetags.ui import number, percent
from taxonomy.comparison.wording import WOULD_HAVE_SHOWN, p_text, points
from taxonomy.report.basing import based_on
from taxonomy.report.blocks import Bars, Block, Cell, Row, Section, Sentences, Table
from taxonomy.report.caveats import listed
from taxonomy.report.drawing import SOURCES, UNKNOWN, columns_of, failed_chart, modes_chart

Found = Mapping[str, Any]
OUTPUTS, COMPARISON, BREAKDOWN = "taxonomy:outputs", "taxonomy:comparison", "taxonomy:breakdown"
TONES = {"regression": "bad", "critical": "bad", "improvement": "good"}
STANDINGS = {"worse": "worse", "better": "better", "cannot_tell": "cannot tell"}
MOST_ROWS = 200
"""Of one table: a taxonomy may be large, a page for a decision may not."""


class Link(Protocol):
    """The address of a page by its name and query."""

    def __call__(self, page: str, query: Mapping[str, Any] | str = "", /) -> str: ...


@dataclass(frozen=True)
class Document:
    """What is shown, whatever it is shown on. ``footer`` says what the report is of, on each printed page."""

    title: str
    lead: str
    footer: str
    sections: Sequence[Section]


def document_of(content: Found, link: Link, home: str) -> Document:
    """``content`` as in docs/report.md; ``home``: where it is found. Every figure leads to what it counts."""
    first, second = content["basis"]["runs"]
    sections = [
        Section("In short", headlines(content, link)),
        Section("Overall", list(overall(content, link))),
        Section("Failure modes on the same examples", list(modes(content, link))),
        Section("Failure modes in all that was looked at", list(rates(content, link))),
        *estimates(content),
        Section("What to keep in mind", [Sentences([(each["text"], "") for each in content["caveats"]], "warn")]),
        Section("What it rests on", list(based_on(content["basis"]))),
    ]
    eval_set = content["basis"]["eval_set"]
    return Document(
        f"{second['candidate']} in the place of {first['candidate']}",
        f"{content['basis']['project']['name']}: what changes on the {number(eval_set['examples'])} examples of"
        f" {eval_set['name']} v{eval_set['number']}. Failure modes by version {content['basis']['taxonomy']['version']}"
        " of the taxonomy.",
        f"EvalHub {content['basis']['evalhub']} · runs {first['run']} and {second['run']} · taxonomy version"
        f" {content['basis']['taxonomy']['version']} · {home}",
        [section for section in sections if section.blocks],
    )


def headlines(content: Found, link: Link) -> list[Block]:
    """One sentence each, leading to the first of the pairs that it counts; those of one tone together."""
    blocks: list[Block] = []
    for each in content["comparison"]["headlines"]:
        tone = TONES.get(each["kind"], "plain")
        told = (each["text"], link(COMPARISON, each["links"][0]["query"]) if each["links"] else "")
        if blocks and isinstance(last := blocks[-1], Sentences) and last.tone == tone:
            blocks[-1] = Sentences([*last.items, told], tone)
        else:
            blocks.append(Sentences([told], tone))
    return blocks


def overall(content: Found, link: Link) -> Iterator[Block]:
    """The totals: right by the checks, failed by people, and how bad that was."""
    chart = failed_chart(content, link)
    if chart.groups:
        yield Bars(chart)
    totals = [total for total in content["comparison"]["totals"] if total["pairs"]]
    if totals:
        yield Table(
            "Wrong, on the same examples",
            ["Wrong", *names_of(content), "Difference", "Shown"],
            [compared_row(content, total, link, TOTALS.get(total["key"], total["name"])) for total in totals],
        )
    if any(column["weighted"] for _, column in columns_of(content)):
        yield weighted_table(content)


TOTALS = {"people": "Failed, by people", "checks": "Wrong by the checks together"}


def weighted_table(content: Found) -> Table:
    """The rate in which grave failures count for more, with the plain one in the row above it."""
    columns = [column for _, column in columns_of(content)]
    weights = content["basis"]["taxonomy"]["weights"]
    told = ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
    weighed = [
        Cell(f"{each['value']:.3g}", f"{each['low']:.3g} to {each['high']:.3g}") if each else Cell("–")
        for each in (column["weighted"] for column in columns)
    ]
    return Table(
        "By severity",
        ["Of what people settled", *(column["name"] for column in columns)],
        [
            Row("Failed", [rate_cell(column["failed"]) for column in columns]),
            Row("Weight of an output, by its worst error type", weighed),
        ],
        caption=f"By severity: {told}",
    )


def modes(content: Found, link: Link) -> Iterator[Block]:
    looked = [mode for mode in content["comparison"]["modes"] if mode["pairs"]]
    shown = [mode for mode in looked if mode["pairs"] > mode["neither"]]
    if shown:
        first, second = names_of(content)
        explanation = (
            f"Share of the pairs in which each of the two has the error; the difference is {second} minus {first} in"
            " percentage points, so above 0 is worse. p is of the exact paired test, after Holm’s correction except for"
            " critical error types."
        )
        yield Sentences([(explanation, "")], "soft")
        rows = [mode_row(content, mode, link) for mode in shown[:MOST_ROWS]]
        yield Table("Failure modes on the same examples", ["Error type", first, second, "Difference", "Shown"], rows)
        yield from left_out(len(shown))
    for source, by in SOURCES.items():
        if never := [mode for mode in looked if mode["source"] == source and mode not in shown]:
            yield Sentences([(not_found(never, by), "")], "soft")


def not_found(modes: Sequence[Found], by: str) -> str:
    """None in any pair: how much there could be all the same."""
    names = listed(f"“{mode['name']}”" for mode in modes)
    most = max(mode["high"] for mode in modes)
    pairs = " to ".join(dict.fromkeys(number(end(mode["pairs"] for mode in modes)) for end in (min, max)))
    return (
        f"Found {by} in neither of the two, of {pairs} pairs: {names}. The 95 % interval of the difference reaches to"
        f" {points(most)} points."
    )


def mode_row(content: Found, mode: Found, link: Link) -> Row:
    badges = [SOURCES[mode["source"]]]
    badges += ["critical"] if mode["severity"] == "critical" else []
    badges += ["without those below it"] if mode["own"] else []
    return compared_row(content, mode, link, mode["name"], badges)


def compared_row(content: Found, figure: Found, link: Link, name: str, badges: Sequence[str] = ()) -> Row:
    query = {"first": content["first"], "second": content["second"], "figure": figure["key"]}
    query |= {} if figure["error_type"] is None else {"as_of": content["basis"]["taxonomy"]["version"]}
    is_worse = figure["standing"] == "worse"
    pairs = number(figure["pairs"])
    sides = [
        Cell(percent(figure[side]), f"{number(figure['both'] + figure[f'{side}_only'])} of {pairs}")
        for side in ("first", "second")
    ]
    difference = Cell(
        points(figure["difference"]),
        f"{points(figure['low'])} to {points(figure['high'])}",
        link(COMPARISON, {**query, "change": "fixed" if figure["difference"] < 0 else "broken"}),
        is_worse,
    )
    shown = Cell(STANDINGS[figure["standing"]], p_text(figure["adjusted_p"]) + needed(figure), is_bad=is_worse)
    return Row(name, [*sides, difference, shown], min(figure["depth"], 4), badges)


def needed(figure: Found) -> str:
    if figure["standing"] != "cannot_tell" or not figure["tested"]:
        return ""
    if not figure["needed"]:
        return f"; {WOULD_HAVE_SHOWN}"
    return f"; about {number(figure['needed'])} pairs needed"


def rates(content: Found, link: Link) -> Iterator[Block]:
    """What the breakdown counts, by people and by checks side by side, whether or not the other run has a pair."""
    shown = [row for row in content["breakdown"]["rows"] if any(cell["count"] for cell in rolled_cells(row))]
    if not shown:
        return
    yield Bars(modes_chart(content, shown, link))
    columns = columns_of(content)
    # Nobody reads columns of a source that looked at nothing.
    sources = [source for source in SOURCES if any(pair["rolled"]["n"] for row in shown for pair in row[source])]
    titles = [f"{column['name']}, {SOURCES[source]}" for source in sources for _, column in columns]
    rows = [
        Row(
            row["name"],
            [
                rate_cell(row[source][place]["rolled"], output_link(content, link, column["run"], row, source))
                for source in sources
                for place, column in columns
            ],
            min(row["depth"], 4),
            [*(["critical"] if row["severity"] == "critical" else []), *(["retired"] if row["is_retired"] else [])],
        )
        for row in shown[:MOST_ROWS]
    ]
    yield Table("Failure modes in all that was looked at", ["Error type", *titles], rows)
    yield from left_out(len(shown))


def rolled_cells(row: Found) -> Iterator[Found]:
    yield from (pair["rolled"] for source in SOURCES for pair in row.get(source, ()))


def output_link(content: Found, link: Link, run: int, row: Found, source: str) -> str:
    as_of = content["basis"]["taxonomy"]["version"]
    return link(OUTPUTS, {"run": run, "error_type": row["error_type"] or UNKNOWN, "source": source, "as_of": as_of})


def rate_cell(cell: Found, url: str = "") -> Cell:
    """“6.0 %” with “18 of 300, 3.8 to 9.3 %”; nothing looked at is no figure."""
    if not cell["n"]:
        return Cell("–")
    if cell["is_at_most"]:
        return Cell("0", kept(f"of {number(cell['n'])}, at most {percent(cell['high'])}"))
    interval = f"{percent(cell['low'])} to {percent(cell['high'])}"
    return Cell(percent(cell["share"]), kept(f"{number(cell['count'])} of {number(cell['n'])}, {interval}"), url)


def kept(text: str) -> str:
    """Figures stay with their unit when a line is broken."""
    return text.replace(" %", "\u00a0%")


def estimates(content: Found) -> Iterator[Section]:
    """What people would have found in all outputs, by how those they read were chosen; where that can be said."""
    columns = columns_of(content)
    if all(column["settled"] in {0, column["outputs"]} for _, column in columns):
        return
    rows = [("Failed, for any reason", [column["failed"] for _, column in columns], 0)]
    rows += [
        (row["name"], [row["people"][place]["rolled"] for place, _ in columns], row["depth"])
        for row in content["breakdown"]["rows"]
        if any(pair["rolled"]["count"] for pair in row["people"])
    ]
    told = [
        Row(name, [cell for each in cells for cell in (rate_cell(each), estimate_cell(each))], min(depth, 4))
        for name, cells, depth in rows[:MOST_ROWS]
    ]
    titles = [f"{column['name']}, {how}" for _, column in columns for how in ("as read", "estimated")]
    explanation = (
        "People read a part of the outputs, chosen because something was odd more often than by chance. The estimate"
        " weighs each output by its chance of being chosen (Hájek); where people read none of a kind of outputs, there"
        " is none."
    )
    yield Section(
        "Estimated for all outputs",
        [Sentences([(explanation, "")], "soft"), Table("Estimated for all outputs", ["By people", *titles], told)],
    )


def estimate_cell(cell: Found) -> Cell:
    found = cell["estimated"]
    if found is None:
        return Cell("–", "cannot be said")
    if not found["share"]:
        return Cell("0", kept(f"at most {percent(found['high'])}"))
    worth = f"worth {number(round(found['effective_n']))} outputs"
    return Cell(percent(found["share"]), kept(f"{percent(found['low'])} to {percent(found['high'])}, {worth}"))


def left_out(count: int) -> Iterator[Block]:
    if count > MOST_ROWS:
        more = number(count - MOST_ROWS)
        yield Sentences([(f"{more} more are in the report as JSON and on the page of the comparison.", "")], "soft")


def names_of(content: Found) -> list[str]:
    return [run["candidate"] for run in content["basis"]["runs"]]
