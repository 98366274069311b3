"""The charts of a report, from its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalhub.web.charts import Bar, BarChart, bar_chart

Found = Mapping[str, Any]
MOST_GROUPS = 12
"""Failure modes drawn; the tables hold all."""
UNKNOWN = "unknown"
"""In addresses: error types that the version of the taxonomy does not have."""
SOURCES = {"people": "by people", "check": "by checks"}


def columns_of(content: Found) -> list[tuple[int, Found]]:
    """(its place in the breakdown, the breakdown's column) of the first run, then of the second."""
    columns = content["breakdown"]["candidates"]
    by_run = {column["run"]: (place, column) for place, column in enumerate(columns)}
    return [by_run[content["first"]], by_run[content["second"]]]


def failed_chart(content: Found, link: Any) -> BarChart:
    """What people failed, and where checks found an error type: one bar for each run."""
    people = [(cell_of(column, "failed"), {"source": "people", "outcome": "fail"}) for _, column in columns_of(content)]
    checks = [(cell_of(column, "found"), {"source": "check"}) for _, column in columns_of(content)]
    groups = (
        ("Failed, of what people settled", people),
        ("With an error type that a check is certain of, of what such checks judged", checks),
    )
    return bar_chart(
        "Failed outputs of both candidates",
        [(name, bars(content, figures, link)) for name, figures in groups if any(cell["n"] for cell, _ in figures)],
    )


def cell_of(column: Found, name: str) -> Found:
    cell: Found = column[name]
    return cell


def modes_chart(content: Found, rows: Sequence[Found], link: Any) -> BarChart:
    """The most frequent failure modes, in the order of the tree: a group for each error type and source."""
    found = [(row, source) for row in rows for source in SOURCES if most_of(row, source)]
    drawn = sorted(range(len(found)), key=lambda place: -most_of(*found[place]))[:MOST_GROUPS]
    return bar_chart(
        "Failure modes of both candidates",
        [
            (f"{row['name']}, {SOURCES[source]}", bars(content, cells(content, row, source), link))
            for row, source in (found[place] for place in sorted(drawn))
        ],
    )


def most_of(row: Found, source: str) -> float:
    """The highest share that any of the runs has of it."""
    return max((pair["rolled"]["share"] or 0.0 for pair in row[source]), default=0.0)


def cells(content: Found, row: Found, source: str) -> list[tuple[Found, Found]]:
    as_of = content["basis"]["taxonomy"]["version"]
    query = {"error_type": row["error_type"] or UNKNOWN, "source": source, "as_of": as_of}
    return [(row[source][place]["rolled"], query) for place, _ in columns_of(content)]


def bars(content: Found, figures: Sequence[tuple[Found, Found]], link: Any) -> list[Bar]:
    """A bar for each run: its cell, and what the outputs that it counts are asked for with."""
    drawn = []
    for number, ((_, column), (cell, query)) in enumerate(zip(columns_of(content), figures, strict=True), start=1):
        interval = (cell["low"], cell["high"]) if cell["low"] is not None else None
        url = link("taxonomy:outputs", {"run": column["run"], **query}) if cell["count"] else ""
        drawn.append(Bar(column["name"], cell["count"], cell["n"], interval, url, number))
    return drawn
