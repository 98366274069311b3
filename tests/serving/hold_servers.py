"""Runs the embedded servers of a data folder until its input ends: a process for tests to start twice and to kill."""

import dataclasses
import sys
from pathlib import Path

from evalhub.errors import EvalHubError
from evalhub.serving.embedded import Wanted, running_servers, servers_of_our_own
from evalhub.serving.places import server_account
from evalhub.serving.postgres import postgres_answers, postgres_service
from evalhub.serving.processes import start
from evalhub.serving.valkey import valkey_answers, valkey_service
from tests.serving.waiting import wait_until


def hold(home: Path, role: str) -> None:
    wanted = Wanted(fsync=False)
    with running_servers(home, fsync=False) if role == "command" else servers_of_our_own(home, role, wanted):
        print("up", flush=True)
        sys.stdin.read()


def leave_orphans(home: Path) -> None:
    """Start both and end at once, having asked nobody to end them too: what happens where a kernel cannot."""
    account, logs = server_account(), home / "logs"
    for service in (postgres_service(home, account, logs, fsync=False), valkey_service(home, account, logs)):
        start(dataclasses.replace(service, hurry_signal=0))
    wait_until(lambda: postgres_answers(home) and valkey_answers(home))


if __name__ == "__main__":
    try:
        if sys.argv[2] == "orphans":
            leave_orphans(Path(sys.argv[1]))
        else:
            hold(Path(sys.argv[1]), sys.argv[2])
    except EvalHubError as error:
        sys.exit(str(error))
