"""Blocks cut into lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.lines import split_lines


@given(st.lists(st.sampled_from([b"a", b"bc\n", b"\n", b"d\r\n", b"", b"1234567890", b"\n\n"])))
def test_lines_do_not_depend_on_where_the_blocks_end(blocks: list[bytes]):
    content = b"".join(blocks)

    chunks = list(split_lines([block for block in blocks if block], Limits()))

    wanted = content.split(b"\n")
    assert [line for chunk in chunks for line in chunk.lines] == (wanted if wanted[-1] else wanted[:-1])
    numbers = [chunk.first + offset for chunk in chunks for offset in range(len(chunk.lines))]
    assert numbers == list(range(1, len(numbers) + 1))


@given(st.integers(1, 30), st.integers(1, 30))
def test_what_is_risky_is_seen_across_the_end_of_a_block(before: int, after: int):
    content = b"x" * before + b"1234567890123456789" + b"y" * after + b"\nplain\n"

    for cut in range(1, len(content)):
        chunks = list(split_lines([content[:cut], content[cut:]], Limits()))
        risky = [chunk.risky for chunk in chunks for line in chunk.lines if line and line.startswith(b"x")]
        assert risky == [True]


def test_a_line_beyond_the_limit_is_dropped_and_the_next_one_kept():
    blocks = [b"a\n" + b"x" * 60, b"x" * 60, b"x\nb\n", b"y" * 101]

    chunks = list(split_lines(blocks, Limits(line_bytes=100)))

    assert [line for chunk in chunks for line in chunk.lines] == [b"a", None, b"b", None]


def test_a_plain_block_is_not_called_risky():
    [chunk] = split_lines([b'{"input": "123456789012345678", "x": "\\u00e9"}\n'], Limits())

    assert not chunk.risky
