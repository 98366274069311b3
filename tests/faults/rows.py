"""The faults, each with what it asks for, and the row that says what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.scene import Scene

HEAD = ("fault", "lost", "doubled", "stuck", "paid twice", "recovers in", "worst page", "took", "verdict")


@dataclass(frozen=True)
class Fault:
    """One line of the table in the engine's specification, or a part of one."""

    name: str
    title: str
    limit: str
    """What is expected of it, in words."""
    play: Callable[[Scene], None]
    seconds: int
    """About how long it takes, so that long ones begin early."""


FAULTS: dict[str, Fault] = {}


def fault(name: str, title: str, limit: str, seconds: int = 30) -> Callable[[Callable[[Scene], None]], Fault]:
    def add(play: Callable[[Scene], None]) -> Fault:
        FAULTS[name] = Fault(name, title, limit, play, seconds)
        return FAULTS[name]

    return add


def all_faults() -> dict[str, Fault]:
    """By name, in the order of the specification."""
    from tests.faults import worker_faults, server_faults, endpoint_faults, answer_faults, people_faults  # noqa: F401, I001 -- they register theirs

    return FAULTS


@dataclass
class Row:
    """What came of one fault."""

    name: str
    title: str = ""
    limit: str = ""
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    paid_twice: int = 0
    recovery: float | None = None
    """Seconds; None where nothing has to recover."""
    worst_page: float = 0
    seconds: float = 0
    unmet: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    """What was expected of pages by the clock, and did not come in time."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        return not (self.unmet or self.slow)

    def cells(self) -> tuple[str, ...]:
        counts = (str(self.lost), str(self.doubled), str(self.stuck), str(self.paid_twice))
        recovery = "" if self.recovery is None else f"{self.recovery:.1f} s"
        verdict = "met" if self.is_met else "NOT MET"
        return (self.title, *counts, recovery, f"{self.worst_page:.2f} s", f"{self.seconds:.0f} s", verdict)

    def remarks(self) -> list[str]:
        unmet = [f"NOT MET: {line}" for line in (*self.unmet, *self.slow)]
        return [f"    {line}" for line in (f"expected: {self.limit}", *unmet, *self.notes)]


def table_of(rows: Iterable[Row]) -> list[str]:
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return ["  ".join(map(_aligned, line, widths, "<>>>>>>><")).rstrip() for line in lines]


def _aligned(text: str, width: int, side: str) -> str:
    return f"{text:{side}{width}}"
