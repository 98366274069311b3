"""Faults in small, on an EvalHub of their own: those whose servers die too, and those that take no minute to be over.

The others are in tests/runs/test_faults.py, or are for “manage.py bench faults” alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.lane import Lane

EXAMPLES = 120
QUICK = (
    *("redis-flushed", "postgres-crash", "drip", "key-revoked", "malformed", "too-large", "hostile"),
    *("pause", "budget", "deploy", "clock", "flood"),
)


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    lane = Lane(EXAMPLES)
    yield lane
    lane.end()


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_loses_doubles_and_blocks_nothing(name, lane):
    row = lane.play(name)

    assert row.unmet == [], row.notes
    assert (row.lost, row.doubled, row.stuck) == (0, 0, 0)
