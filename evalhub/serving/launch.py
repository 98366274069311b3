"""Become another program, as another user if need be, that does not outlive the process which started it.

A script of its own, since Python code between fork and exec is not safe in a process with threads. Standard library
only.

    launch.py DEATH_SIGNAL PARENT_PID UID GID PROGRAM [ARGUMENT ...]

UID and GID are -1 to stay who we are. On Linux the kernel sends the signal when the parent's thread ends. Elsewhere
this process stays, watches its parent, hands on the signals it gets, and ends with the program's exit code.
"""

from __future__ import annotations

import ctypes  # at the top: after the change of user, Python's own folder may be out of reach
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


def die_with_parent(death_signal: int) -> bool:
    """Ask the kernel to send this process the signal when its parent ends; False where kernels cannot."""
    return sys.platform.startswith("linux") and ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) == 0


def become(uid: int, gid: int) -> None:
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def watch(command: list[str], death_signal: int, parent: int) -> int:
    """Run the command as a child and end it when the parent is gone, for systems whose kernel does not."""
    child = subprocess.Popen(command, close_fds=False)  # noqa: S603 -- our own command line, no shell
    for handed_on in HANDED_ON:
        signal.signal(handed_on, lambda number, _frame: child.send_signal(number))
    while child.poll() is None:
        if os.getppid() != parent:
            parent = os.getppid()
            # Killed means with all of its children, who share our process group.
            os.killpg(0, death_signal) if death_signal == signal.SIGKILL else child.send_signal(death_signal)
        time.sleep(0.2)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def main(arguments: list[str]) -> int:
    death_signal, parent, uid, gid = (int(argument) for argument in arguments[:4])
    command = arguments[4:]
    become(uid, gid)
    # After the change of user, which clears the request.
    asked = os.environ.pop("EVALHUB_LAUNCH_WATCH", "") == "" and die_with_parent(death_signal)
    if os.getppid() != parent:
        return 1  # the parent ended before the request was made
    if asked:
        os.execv(command[0], command)  # noqa: S606 -- replaces this process on purpose, no shell
    return watch(command, death_signal, parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
