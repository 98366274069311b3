"""A report as PDF, by typst: the template is ours, and everything else is handed to it as data."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from evalhub.web.charts import BarChart
from evalhub.web.templatetags.ui import number, percent, visible
from taxonomy.report.blocks import Bars, Block
from taxonomy.report.writing import Document

TEMPLATE = Path(__file__).with_name("report.typ")
PAPERS = ("a4", "us-letter")
LONGEST_TEXT = 4_000
"""Characters of one text: a name may be long, but none may fill a book."""


def pdf_of(document: Document, dated: datetime, paper: str = "a4") -> bytes:
    """The same document and time give the same bytes.

    No text is read as markup, nothing is fetched, and no file is read but the template. Names in scripts that the fonts
    inside typst lack are set in the system's, where it has them.
    """
    import typst  # 40 MB, which only those who print need
    from orjson import dumps

    answer = typst.compile(
        TEMPLATE.read_bytes(),
        root=str(TEMPLATE.parent),
        sys_inputs={"report": dumps(data_of(document, paper)).decode()},
        font_paths=fonts(),
        timestamp=dated.replace(microsecond=0),  # which PDF does not know
    )
    assert isinstance(answer, bytes)
    return answer


@cache
def fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)


def data_of(document: Document, paper: str) -> dict[str, Any]:
    """All that the template is handed: texts with hidden characters made visible, none longer than ``LONGEST_TEXT``."""
    sections = [
        {"title": section.title, "blocks": [block_data(block) for block in section.blocks]}
        for section in document.sections
    ]
    told = {"title": document.title, "lead": document.lead, "footer": document.footer, "paper": paper}
    return dict(cleaned({**told, "sections": sections}))


def block_data(block: Block) -> dict[str, Any]:
    return {"kind": block.kind, **chart_data(block.chart)} if isinstance(block, Bars) else asdict(block)


def chart_data(chart: BarChart) -> dict[str, Any]:
    """As ``charts/_bars.html`` writes it."""
    groups = [
        {
            "name": group.name,
            "marks": [{**asdict(mark), "told": told(mark.bar)} for mark in group.marks],
        }
        for group in chart.groups
    ]
    lines = [asdict(line) for line in chart.lines]
    digits = 1 if chart.has_small_steps else 0
    scale = [{"place": line.place, "text": percent(line.share, digits)} for line in chart.lines]
    return {"groups": groups, "lines": lines, "scale": scale}


def told(bar: Any) -> str:
    if not bar.n:
        return "nothing counted"
    interval = ""
    if bar.interval:
        low, high = (percent(end) for end in bar.interval)
        interval = f", at most {high}" if bar.is_at_most else f", {low} to {high}"
    return f"{percent(bar.share)}  {number(bar.count)} of {number(bar.n)}{interval}"


def cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]} …")
    if isinstance(value, dict):
        return {key: cleaned(each) for key, each in value.items()}
    return [cleaned(each) for each in value] if isinstance(value, list | tuple) else value
