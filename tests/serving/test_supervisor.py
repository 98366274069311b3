import os
import signal
import sys

import psutil
import pytest

from evalhub.serving.processes import Service
from evalhub.serving.supervisor import Supervisor, ending
from tests.serving.waiting import wait_until


def python(name: str, script: str, **options) -> Service:
    return Service(name, [sys.executable, "-c", script], **options)


STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


class Lines:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, who: str, message: str) -> None:
        self.lines.append((who, message))

    def have(self, who: str, message: str) -> bool:
        return (who, message) in self.lines


def never() -> bool:
    return False


def test_lines_of_all_programs_come_together_each_under_its_name():
    lines = Lines()
    supervisor = Supervisor(lines, [])
    supervisor.add(python("one", "print('a\\nb', flush=True); import time; time.sleep(60)"))
    supervisor.add(python("two", "import sys; print('no end of line', end='', file=sys.stderr)", runs_once=True))

    supervisor.run(lambda: len(lines.lines) == 3)
    supervisor.stop(never)

    assert sorted(lines.lines) == [("one", "a"), ("one", "b"), ("two", "no end of line")]


def test_a_program_that_ends_is_started_again_after_waits_that_double():
    lines = Lines()
    supervisor = Supervisor(lines, [])
    supervisor.add(python("flaky", "import sys; sys.exit(3)"))

    supervisor.run(lambda: len(lines.lines) == 2)
    supervisor.stop(never)

    assert lines.lines == [
        ("flaky", "ended (exit code 3) and is started again in 1 s"),
        ("flaky", "ended (exit code 3) and is started again in 2 s"),
    ]


def test_a_program_that_runs_once_and_well_is_not_started_again():
    lines = Lines()
    supervisor = Supervisor(lines, [])
    supervisor.add(python("loader", "print('done')", runs_once=True))

    supervisor.run(lambda: lines.have("loader", "done") and not supervisor.programs)

    assert lines.lines == [("loader", "done")]


def test_a_program_that_does_not_listen_is_killed_when_its_time_is_over():
    lines = Lines()
    supervisor = Supervisor(lines, [])
    supervisor.add(python("stubborn", STUBBORN, stop_signals=((signal.SIGTERM, 0.2),)))
    supervisor.run(lambda: lines.have("stubborn", "ready"))
    (_, child), *_ = supervisor.programs

    supervisor.stop(never)

    assert child.returncode == -signal.SIGKILL


def test_a_second_request_to_stop_does_not_wait_for_anybody():
    lines = Lines()
    supervisor = Supervisor(lines, [])
    supervisor.add(python("stubborn", STUBBORN, stop_signals=((signal.SIGTERM, 600),)))
    supervisor.run(lambda: lines.have("stubborn", "ready"))
    (_, child), *_ = supervisor.programs
    asked = iter([False, False, True])

    supervisor.stop(lambda: next(asked, True))

    assert child.returncode == -signal.SIGKILL


def test_the_children_of_a_program_are_stopped_with_it():
    lines = Lines()
    supervisor = Supervisor(lines, [])
    script = "import subprocess; child = subprocess.Popen(['sleep', '600']); print(child.pid, flush=True); child.wait()"
    supervisor.add(python("parent", script))
    supervisor.run(lambda: lines.lines)
    grandchild = psutil.Process(int(lines.lines[0][1]))

    supervisor.stop(never)

    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_a_program_gets_only_the_files_it_is_to_have():
    lines = Lines()
    supervisor = Supervisor(lines, [])
    kept, not_kept = os.pipe()
    script = f"import os; print([number for number in ({kept}, {not_kept}) if os.path.exists(f'/dev/fd/{{number}}')])"

    supervisor.add(python("files", script, kept_open=[kept], runs_once=True))
    supervisor.run(lambda: lines.lines)
    supervisor.stop(never)

    assert lines.lines == [("files", f"[{kept}]")]
    os.close(kept)
    os.close(not_kept)


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit code 0"), (1, "exit code 1"), (-9, "killed by SIGKILL"), (-200, "killed by signal 200")],
)
def test_how_a_program_ended_is_said_in_words(code, words):
    assert ending(code) == words
