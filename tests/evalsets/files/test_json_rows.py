"""A list of rows, read through a window."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evalhub.evalsets.files.faults import RowError
from evalhub.evalsets.files.json_rows import json_rows
from evalhub.evalsets.files.limits import Limits

VALUES = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.sampled_from(["", "a", "ü\n", "😀", '"', "\\", "},{", "]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "data", "ü"]), inner),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["id", "input", "x.y"]), VALUES) | st.integers(0, 10**9), min_size=1)


@given(
    rows=ROWS,
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
    name=st.sampled_from([None, "data", "rows"]),
    cuts=st.lists(st.integers(0, 300), max_size=20),
)
def test_rows_do_not_depend_on_where_the_blocks_end(
    rows: list[Any], indent: int | None, ascii_only: bool, name: str | None, cuts: list[int]
):
    document = rows if name is None else {"before": rows[:1], name: rows, "after": {"data": 1}}
    content = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(content)}), len(content)]
    blocks = [content[start:end] for start, end in pairwise(edges)]

    found = list(json_rows(blocks, Limits()))

    assert [row for _, row in found if not isinstance(row, RowError)] == [row for row in rows if isinstance(row, dict)]
    assert len(found) == len(rows)
    lines = content.decode().split("\n")
    assert all(lines[line - 1].lstrip(" [").startswith(("{", '"', *"0123456789")) for line, _ in found)
