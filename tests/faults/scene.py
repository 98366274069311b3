"""What a fault has at hand: a run that goes on, the endpoint's journal, the pages, the processes; and what it finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from tests.faults.hold_stack import Client
from tests.faults.pages import Answer, Visitor, Watch
from tests.faults.rows import Row

if TYPE_CHECKING:
    from evalhub.runs.models import Run

WHOLE, IN_FLIGHT, REPEATS, DELAY = 2_000, 20, 2, 0.05
LONGEST_SECONDS = 600
PAGE_SECONDS = 1.0
SLOW_PAGES = 2  # one alone is put down to a machine that does other things too, and noted
# What an endpoint has answered, and so billed, whether or not anybody took it.
BILLED = {"good", "long-text", "calls-only", "nul", "surrogate", "invalid-utf8", "poison"}


@dataclass(frozen=True)
class Call:
    """A line of the endpoint's journal."""

    at: float
    prompt: str
    kind: str
    left: float | None
    prompt_tokens: int
    completion_tokens: int

    @property
    def is_billed(self) -> bool:
        return self.kind in BILLED


class FakeEndpoint:
    """The process of ``tests/faults/endpoint.py``."""

    def __init__(self, delay: float, rules: list[dict]) -> None:
        command = [sys.executable, "-m", "tests.faults.endpoint", json.dumps({"delay": delay, "rules": rules})]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        ports = json.loads(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{ports['port']}/v1"
        self.control = f"http://127.0.0.1:{ports['control']}"

    def journal(self) -> list[Call]:
        with urllib.request.urlopen(f"{self.control}/journal", timeout=60) as answer:
            return [Call(*line) for line in json.load(answer)]

    def set_rules(self, rules: list[dict]) -> None:
        urllib.request.urlopen(f"{self.control}/rules", json.dumps(rules).encode(), timeout=60).close()

    def close_for(self, seconds: float) -> None:
        urllib.request.urlopen(f"{self.control}/close?seconds={seconds}", b"", timeout=60).close()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Scene:
    """One fault's. ``setting``: the project and the version that are there for all of them."""

    def __init__(self, row: Row, stack: Client, setting: Any, visitor: Visitor) -> None:
        self.row, self.stack, self.setting, self.visitor = row, stack, setting, visitor
        self.log = Path(os.environ["EVALHUB_HOME"]) / "logs" / "stack.log"
        self.log_begins = self.log.stat().st_size
        self.runs: list[tuple[Run, FakeEndpoint]] = []
        self.may_fail: dict[str, str] = {}
        """Of prompts that cannot be answered: {prompt: the cause that is expected}."""
        self.may_be_given_up = ""
        """The cause of which any output may be given up after its attempts."""
        self.told: dict[str, str] = {}
        """Of prompts that are not answered with themselves: {prompt: the text that is expected}."""
        self.may_be_unfinished = False
        """Whether a run may end without all its outputs, since somebody cancelled it or its budget is spent."""
        self.killed_at = 0.0
        self.page_seconds = PAGE_SECONDS
        """Within which every page answers or says what is wrong."""
        self.watch: Watch

    # What there is to do.

    def begin(
        self,
        rules: list[dict] | None = None,
        lasts: float = 0,
        in_flight: int = IN_FLIGHT,
        repeats: int = REPEATS,
        key: str = "",
        starts: dict | None = None,
        **endpoint: Any,
    ) -> Run:
        """Start a run of every example that lasts this many seconds, or as long as 50 ms a call take."""
        from evalhub.runs.starting import start_runs

        calls = self.setting.examples * repeats
        fake = FakeEndpoint(max(DELAY, lasts * in_flight / calls), rules or [])
        candidate = self.setting.candidate(fake.url, key, max_in_flight=in_flight, **endpoint)
        run = start_runs(self.setting.version, [candidate], repeats, self.setting.user, **(starts or {}))[0]
        self.runs.append((run, fake))
        return run

    @property
    def is_whole(self) -> bool:
        """Whether runs have the reference size."""
        return self.setting.examples >= WHOLE

    def brief(self, seconds: float) -> float:
        """So many seconds in a run of the reference size, a fifth of it in a small one."""
        return seconds if self.is_whole else seconds / 5

    @property
    def run(self) -> Run:
        return self.runs[0][0]

    @property
    def endpoint(self) -> FakeEndpoint:
        return self.runs[0][1]

    @property
    def page(self) -> str:
        return f"/runs/{self.run.pk}/"

    def wait(self, condition: Callable[[], object], seconds: float = LONGEST_SECONDS) -> float:
        """Seconds until the condition holds; ``inf`` if it does not in time. The database may be away meanwhile."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            try:
                if condition():
                    return time.monotonic() - began
            except (OperationalError, InterfaceError):
                connection.close()
            time.sleep(0.1)  # between two looks
        return float("inf")

    def wait_for_share(self, share: float) -> None:
        """Until this part of the first run's outputs is stored."""
        wanted = int(self.run.planned_outputs * share)
        self.wait(lambda: self.run.outputs.count() >= wanted, 120)

    def run_calls(self) -> int:
        """Calls of a run of every example, if all are answered at once."""
        return self.setting.examples * REPEATS

    def is_over(self) -> bool:
        return not type(self.run).objects.filter(pk__in=self.run_ids(), state="running").exists()

    def run_ids(self) -> list[int]:
        return [run.pk for run, _ in self.runs]

    def state(self) -> str:
        self.run.refresh_from_db()
        return self.run.state

    def goes_on(self) -> Callable[[], bool]:
        """A condition: an output of the first run was stored later than now."""
        now = timezone.now()
        return lambda: self.run.outputs.filter(created_at__gt=now).exists()

    def places_of(self, text: str) -> list[str]:
        """Columns of the database in which the text occurs."""
        columns = """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'json', 'jsonb')
        """
        with connection.cursor() as cursor:
            cursor.execute(columns)
            return [f"{table}.{column}" for table, column in cursor.fetchall() if self.is_in(table, column, text)]

    def is_in(self, table: str, column: str, text: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT 1 FROM "{table}" WHERE "{column}"::text LIKE %s LIMIT 1', [f"%{text}%"])
            return cursor.fetchone() is not None

    def at_work(self) -> list[int]:
        """Processes that live and hold chunks of the first run."""
        names = self.run.chunks.filter(state="leased").values_list("worker", flat=True).distinct()
        alive = {process.pid for process in self.stack.workers()}
        return sorted({int(name.split(":")[1]) for name in names} & alive)

    # What was found.

    def expect(self, holds: object, sentence: str) -> None:
        if not holds:
            self.row.unmet.append(sentence)

    def note(self, sentence: str) -> None:
        self.row.notes.append(sentence)

    def recovered(self, seconds: float, limit: float) -> None:
        self.row.recovery = max(seconds, self.row.recovery or 0)
        self.expect(seconds <= limit, f"it recovered in {seconds:.0f} s, not within {limit:.0f} s")

    def finish(self, seconds: float = LONGEST_SECONDS) -> None:
        """Wait until the runs are over by themselves, and count what is lost, doubled, stuck and paid twice."""
        self.wait(self.is_over, seconds)
        for run, _ in self.runs:
            run.refresh_from_db()
            self.count_outputs(run)
            self.count_stuck(run)
            self.row.paid_twice -= run.outputs.filter(error_cause="").count()
        for fake in {fake for _, fake in self.runs}:
            self.row.paid_twice += sum(call.is_billed for call in fake.journal())
        for name in ("lost", "doubled", "stuck"):
            self.expect(getattr(self.row, name) == 0, f"{getattr(self.row, name)} {name}")

    def count_outputs(self, run: Run) -> None:
        found: Counter[tuple[str, int]] = Counter()
        wrong: Counter[str] = Counter()
        for example, repeat, text, cause in run.outputs.values_list("example__key", "repeat", "text", "error_cause"):
            prompt = self.setting.prompts[example]
            found[example, repeat] += 1
            if cause and cause == self.may_be_given_up:
                continue
            if cause != self.may_fail.get(prompt, ""):
                wrong[cause or "answered"] += 1
            elif not cause and text != self.told.get(prompt, prompt):
                wrong["another's text"] += 1
        self.row.doubled += found.total() - len(found)
        missing = 0 if self.may_be_unfinished else run.planned_outputs - len(found)
        self.row.lost += missing + wrong.total()
        if wrong:
            self.note(f"outputs that are not what they should be: {dict(wrong)}")
        if missing:
            self.note(f"{missing} outputs are missing")

    def count_stuck(self, run: Run) -> None:
        if run.state == "running":
            chunks = Counter(run.chunks.values_list("state", flat=True))
            self.note(f"run {run.pk} is not over: {dict(chunks)}; its outputs: {run.outputs.count()}")
            self.row.stuck += 1 + chunks["ready"] + chunks["leased"]
        else:
            self.row.stuck += run.chunks.filter(state="leased").count()

    def expect_few_paid_twice(self, most: int) -> None:
        """What was paid twice is no more than this, and the runs tell of it: “possibly billed”."""
        told = sum(run.lost_calls.count() for run, _ in self.runs)
        paid = self.row.paid_twice
        self.note(f"the runs tell of {told} calls that may have been billed")
        self.expect(paid <= most, f"{paid} calls were paid twice, not {most} at most")
        self.expect(told >= paid, f"{paid} calls were paid twice, and the runs tell of {told} only")

    def judge_pages(self, answers: list[Answer]) -> None:
        """Pages answer in time or say what is wrong."""
        self.row.worst_page = max((answer.seconds for answer in answers), default=0)
        broken = [each for each in answers if (each.status >= 500 or not each.status) and not each.says_what_is_wrong]
        slow = [each for each in answers if each.seconds > self.page_seconds and not each.says_what_is_wrong]
        told = f"{len(slow)} of {len(answers)} pages were slow, as {'; '.join(map(str, slow[:2]))}"
        self.expect(not broken, f"{len(broken)} of {len(answers)} pages failed, as {'; '.join(map(str, broken[:2]))}")
        if slow:
            (self.row.slow if len(slow) >= SLOW_PAGES else self.row.notes).append(told)
        if said := [each for each in answers if each.says_what_is_wrong]:
            self.note(f"{len(said)} of {len(answers)} pages said what is wrong, with status {said[0].status}")

    def new_log(self) -> str:
        """What the programs printed since the fault's beginning."""
        with self.log.open("rb") as file:
            file.seek(self.log_begins)
            return file.read().decode(errors="replace")

    def end(self) -> None:
        """Leave nothing that the next fault could meet."""
        from evalhub.runs.models import Run

        Run.objects.filter(pk__in=self.run_ids(), state__in=["running", "paused"]).update(state="cancelled")
        self.wait(lambda: not self.run.chunks.filter(state="leased").exists(), 5)
        for _, fake in self.runs:
            with suppress(OSError):
                fake.end()
