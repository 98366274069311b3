"""The parts of which a report is written, the same for the page and for the PDF. Pure, and JSON-able as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from evalhub.web.charts import BarChart


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences under each other, each a link to what it counts where there is a ``url``.

    ``tone``: "plain", "soft" (an explanation), "warn" (a caveat), "bad" (what speaks against) or "good".
    """

    items: Sequence[tuple[str, str]]
    tone: str = "plain"
    kind: str = field(default="sentences", init=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are; ``is_code`` for hashes and the like."""

    rows: Sequence[tuple[str, str, bool]]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """``text`` with a smaller ``note`` under it; ``url`` leads to what is counted."""

    text: str
    note: str = ""
    url: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its head, indented by ``depth``, with a word beside it such as “critical”, and its cells."""

    head: str
    cells: Sequence[Cell]
    depth: int = 0
    badges: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """``name`` says what is in it; ``columns`` are titles, the first one of the rows' heads, the others of figures.

    ``is_text``: no figures. ``caption`` is shown above it.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Row]
    is_text: bool = False
    caption: str = ""
    kind: str = field(default="table", init=False)


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars with their intervals, places in percent of the width."""

    chart: BarChart
    kind: str = field(default="bars", init=False)


@dataclass(frozen=True, slots=True)
class Code:
    """Text that is kept as it is spelled, such as a check's parameters; cut where it is very long."""

    name: str
    text: str
    kind: str = field(default="code", init=False)


Block = Sentences | Facts | Table | Bars | Code


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: Sequence[Block]
