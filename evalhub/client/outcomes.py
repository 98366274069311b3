"""How a command ends: its exit code, and the faults that end it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes, for scripts."""

    DONE = 0
    AT_FAULT = 1  # rows have errors, outputs failed, a run was paused, an export failed
    WRONG_USE = 2  # argparse's own
    REFUSED = 3  # by the server: the key, a name that is not there, a state
    NO_SERVER = 4  # not reached, or it broke down
    INTERRUPTED = 130


MEANINGS = """\
exit codes:
  0    done
  1    rows have errors, outputs failed, a run was paused or cancelled, an export failed
  2    wrong use of the command
  3    the server refused: the key, a name that is not there, a state
  4    the server cannot be reached, or broke down
  130  interrupted
"""


class ClientFault(Exception):
    """What ends a command, in a sentence with its cure."""

    def __init__(self, message: str, code: Exit, error: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.error = error or {"message": message}
        """As the server said it, where it did."""
