"""The matrix of candidates and error types as the page shows it: lines of cells with links. Nothing is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalhub.runs.models import Run
from taxonomy.breakdown.cells import Cell
from taxonomy.breakdown.figures import Breakdown, Column, Row
from taxonomy.breakdown.links import Links
from taxonomy.models import Source


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell with the outputs that it counts. ``is_estimated``: it shows what holds for all outputs, by people."""

    cell: Cell
    url: str
    run: Run
    source: Source
    is_estimated: bool

    @property
    def estimate(self) -> float | None:
        return self.cell.estimated.share if self.is_estimated and self.cell.estimated else None

    @property
    def heat(self) -> int:
        return self.cell.estimated_heat if self.is_estimated else self.cell.heat

    @property
    def is_unknown(self) -> bool:
        """There should be an estimate, and nothing can be said."""
        return self.is_estimated and self.cell.estimated is None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the matrix. ``fold``: the page with what is below it hidden, or shown again; "" for a lowest row."""

    name: str
    depth: int
    cells: Sequence[Shown]
    key: int | None = None
    severity: str = ""
    is_retired: bool = False
    fold: str = ""
    is_folded: bool = False
    mode: str = ""
    kind: str = "type"


def lines_of(breakdown: Breakdown, links: Links) -> list[Line]:
    """All rows that are worth a line and not hidden in a folded one; a type with its own line where it has findings."""
    return list(each_line(breakdown, links))


def each_line(breakdown: Breakdown, links: Links) -> Iterator[Line]:
    yield Line("Failed, for any reason", 0, any_cells(breakdown, links), kind="total")
    for row in breakdown.rows:
        if not row.is_shown or links.folded.intersection(row.above):
            continue
        is_folded = row.key in links.folded
        yield Line(
            name=row.name,
            depth=min(row.depth, DEEPEST),
            cells=row_cells(breakdown, links, row),
            key=row.key,
            severity=row.severity,
            is_retired=row.is_retired,
            fold=links.fold(row.key) if row.has_below and row.key is not None else "",
            is_folded=is_folded,
            mode=links.mode(row.key) if row.key is not None else "",
            kind="type" if row.key is not None else "unknown",
        )
        if row.has_below and not is_folded and has_own(row):
            name = f"{row.name}, none of the types below"
            yield Line(name, min(row.depth + 1, DEEPEST), row_cells(breakdown, links, row, is_own=True), kind="own")


DEEPEST = 3
"""From here on rows are set in no further."""


def has_own(row: Row) -> bool:
    return any(pair.own.count for pairs in row.pairs.values() for pair in pairs)


def any_cells(breakdown: Breakdown, links: Links) -> list[Shown]:
    sources = breakdown.filters.sources
    return [any_cell(breakdown, links, column, source) for column in breakdown.columns for source in sources]


def any_cell(breakdown: Breakdown, links: Links, column: Column, source: Source) -> Shown:
    run = column.run
    if source == Source.CHECK:
        return Shown(column.found, links.checks(run.pk), run, source, False)
    return Shown(column.failed, links.people(run.pk, "fail"), run, source, breakdown.filters.estimates_all)


def row_cells(breakdown: Breakdown, links: Links, row: Row, is_own: bool = False) -> list[Shown]:
    """Column by column, and in each the sources side by side."""
    found = []
    for place, column in enumerate(breakdown.columns):
        for source in breakdown.filters.sources:
            pair = row.pairs[source][place]
            url = links.row(column.run.pk, row.key, source, is_own)
            estimated = breakdown.filters.estimates_all and source == Source.PEOPLE
            found.append(Shown(pair.own if is_own else pair.rolled, url, column.run, source, estimated))
    return found
