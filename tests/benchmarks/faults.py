"""What the engine survives: every fault of its specification, with what is lost, doubled, stuck and paid twice.

Each fault happens to a run of its own: 2,000 examples, 2 repeats, 50 ms, 20 in flight, two workers, on an EvalHub of
the benchmark's own, run as ``manage.py serve`` runs it, against an endpoint in a process of its own. Two of them go on
side by side, since most of the time is spent waiting for a lease or an outage to end.

    EVALHUB_FAULTS=poison,deploy      only these
    EVALHUB_FAULTS_EXAMPLES=200       smaller runs
    EVALHUB_FAULTS_LANES=1            one after the other
    EVALHUB_FAULTS_KEEP=FOLDER        keep the logs there
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from evalhub.errors import EvalHubError
from evalhub.serving.benchmarks import Figure
from tests.faults.lane import Lane
from tests.faults.rows import Row, all_faults, table_of

EXAMPLES, LANES = 2_000, 2


class FaultsError(EvalHubError):
    """There is no such fault."""


def chosen() -> list[str]:
    """The names of the faults to run, in the specification's order."""
    known = all_faults()
    asked = os.environ.get("EVALHUB_FAULTS", "").replace(",", " ").split() or [*known]
    for name in asked:
        if name not in known:
            raise FaultsError(f"There is no fault “{name}”. Those that there are: {', '.join(known)}.")
    return [name for name in known if name in asked]


def play_all(names: list[str]) -> list[Row]:
    """The rows in the order of the names; each is printed when it is there."""
    known = all_faults()
    waiting: SimpleQueue[str] = SimpleQueue()
    for name in sorted(names, key=lambda name: -known[name].seconds):
        waiting.put(name)
    examples = int(os.environ.get("EVALHUB_FAULTS_EXAMPLES", EXAMPLES))
    count = min(int(os.environ.get("EVALHUB_FAULTS_LANES", LANES)), len(names))
    # From this thread: a program that EvalHub starts ends with the thread that started it.
    lanes = [Lane(examples) for _ in range(count)]
    rows: dict[str, Row] = {}

    def work(lane: Lane) -> None:
        while not lane.has_ended():
            try:
                name = waiting.get_nowait()
            except Empty:
                return
            rows[name] = lane.play(name)
            print_row(rows[name])

    try:
        with ThreadPoolExecutor(len(lanes)) as threads:
            list(threads.map(work, lanes))
    finally:
        for lane in lanes:
            lane.end()
    return [rows.get(name) or Row(name, known[name].title, unmet=["it was not run"]) for name in names]


def print_row(row: Row) -> None:
    print("\n".join([f"{row.name}: {'  '.join(table_of([row])[1].split('  '))}", *row.remarks()]), flush=True)


def run() -> list[Figure]:
    began = time.monotonic()
    rows = play_all(chosen())
    print("\n".join(["", *table_of(rows), ""]), flush=True)
    summed = {name: sum(getattr(row, name) for row in rows) for name in ("lost", "doubled", "stuck", "paid_twice")}
    return [
        Figure("lost", summed["lost"], "outputs"),
        Figure("doubled", summed["doubled"], "outputs"),
        Figure("stuck", summed["stuck"], "runs and chunks"),
        Figure("paid_twice", summed["paid_twice"], "calls"),
        Figure("faults_run", len(rows), "faults"),
        Figure("faults_met", sum(row.is_met for row in rows), "faults"),
        Figure("worst_page", max(row.worst_page for row in rows), "s"),
        Figure("longest_recovery", max((row.recovery or 0 for row in rows), default=0), "s"),
        Figure("wall", time.monotonic() - began, "s"),
    ]
