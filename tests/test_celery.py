"""The worker's processes, forked for real."""

import subprocess
import sys

FORKS = """
import os, time
from evalhub import celery

celery.note_main_process()
celery.end_with_main_process()  # as the worker of one process does
if os.fork() == 0:
    while {waits} and os.getppid() == celery.main_process:
        time.sleep(0.01)
    celery.end_with_main_process()
    print("works", flush=True)
elif not {waits}:
    os.wait()
"""


def printed(*, ends_first: bool) -> str:
    command = [sys.executable, "-c", FORKS.format(waits=ends_first)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_process_whose_main_process_ended_before_it_was_ready_ends_too():
    assert printed(ends_first=True) == ""
    assert printed(ends_first=False) == "works\n"
