"""The one log of everything that runs in the foreground: time, who says it, what."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from evalhub.serving.logs import visible

WIDTH = 8
COLOURS = {"serve": 1, "web": 36, "calls": 32, "work": 33, "sweep": 35, "beat": 35, "postgres": 34, "valkey": 34}
OTHERS_COLOUR = 33


class Report:
    """Writes lines such as ``09:31:02 web      evalhub.runs: started run=7``; in colours only on a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.in_colours = self.stream.isatty() and not os.environ.get("NO_COLOR")

    def __call__(self, who: str, message: str) -> None:
        name = who.ljust(WIDTH)
        if self.in_colours:
            name = f"\x1b[{COLOURS.get(who, OTHERS_COLOUR)}m{name}\x1b[0m"
        self.stream.write(f"{time.strftime('%H:%M:%S')} {name} {visible(message)}\n")
        self.stream.flush()
