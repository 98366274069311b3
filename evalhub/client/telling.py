"""What is said on the terminal: results on the standard output, progress and faults on the error output."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

LINE_EACH_SECONDS = 30

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def plain(text: object) -> str:
    """Text from outside without what would move the cursor, colour the terminal or turn the line around."""
    return HIDDEN.sub("�", str(text).replace("\n", " "))


class Teller:
    """Says what goes on. With ``as_json`` the standard output gets one JSON value, at the end."""

    def __init__(self, as_json: bool, clock: Callable[[], float] = time.monotonic) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that cannot show “ must not end the command
        self.as_json = as_json
        self.shows_progress = sys.stderr.isatty() and not as_json
        self.clock = clock
        self.last_line_at = clock()
        self.is_amid_progress = False
        self.goes_on = ""
        """What goes on without this command, once something does."""

    def say(self, text: str) -> None:
        if not self.as_json:
            self._end_progress()
            print(plain(text), flush=True)

    def warn(self, text: str) -> None:
        self._end_progress()
        print(plain(text), file=sys.stderr, flush=True)
        self.last_line_at = self.clock()

    def progress(self, text: str) -> None:
        """One line that the next one replaces; in a log or a pipe a line now and then; nothing beside JSON."""
        if self.as_json:
            return
        if not self.shows_progress:
            if self.clock() - self.last_line_at >= LINE_EACH_SECONDS:
                self.warn(text)
        else:
            print(f"\r\x1b[K{plain(text)}", end="", file=sys.stderr, flush=True)
            self.is_amid_progress = True

    def result(self, value: Any) -> None:
        if self.as_json:
            print(json.dumps(value, ensure_ascii=True), flush=True)

    def _end_progress(self) -> None:
        if self.is_amid_progress:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self.is_amid_progress = False


def counted(count: int, noun: str) -> str:
    """“1 output”, “2,000 outputs”."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def money(amount: str) -> str:
    """US dollars as on the pages: cents, or for small amounts two digits that say something."""
    value = Decimal(amount)
    if value == 0 or value >= Decimal("0.1"):
        return f"${value:,.2f}"
    return f"${value:.{max(2, 1 - value.adjusted())}f}"


def size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
