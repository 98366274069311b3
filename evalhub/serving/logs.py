"""What a line of the log looks like: one event, one line, whatever text from outside it quotes."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# Control characters, and the ones that reorder or hide text or that some programs take for a line's end.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
# What django-structlog and Celery bind to every line, and nobody reads in a line.
NOISE = frozenset({"ip", "request", "user_agent", "parent_task_id", "code"})


def visible(text: str) -> str:
    r"""The text with all that could forge a line or steer a terminal made visible: ``\n``, ``\x1b``, ``\u202e``."""
    return UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


class LineFormatter(logging.Formatter):
    """``time LEVEL logger: message key=value``; a traceback follows in lines of its own, each behind a bar.

    A request that was refused, by a 404 for instance, is one line without its traceback.

    Below ``manage.py serve`` the time is left out, since it stands before every line already.
    """

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%d %H:%M:%S")
        self.with_time = not os.environ.get("EVALHUB_SERVED")

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        time = f"{self.formatTime(record, self.datefmt)} " if self.with_time else ""
        lines = [f"{time}{level}{record.name}: {visible(_message(record))}"]
        if record.exc_info and not _is_refusal(record):
            lines += [f"  | {visible(line)}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)


def _is_refusal(record: logging.LogRecord) -> bool:
    """Whether Django tells of a request answered by a 4xx: nothing went wrong here that a traceback explains."""
    return 400 <= getattr(record, "status_code", 500) < 500


def _message(record: logging.LogRecord) -> str:
    if not isinstance(record.msg, Mapping):
        return _with_values(record.getMessage(), structlog.contextvars.get_contextvars())
    values = dict(record.msg)
    return _with_values(str(values.pop("event", "")), values)


def _with_values(event: str, values: Mapping[str, Any]) -> str:
    shown = [f"{key}={value}" for key, value in values.items() if key not in NOISE and value is not None]
    return " ".join([event, *shown])


def line_formatter() -> logging.Formatter:
    """What settings name for the console."""
    return LineFormatter()


def configure_structlog() -> None:
    """Send structlog's events through the standard library's loggers, as mappings that the formatter lays out."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            _move_exception,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _move_exception(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[Any], dict[str, Any]]:
    """Hand ``exc_info`` to the standard library apart from the event, which has a place for it."""
    exc_info = event.pop("exc_info", None)
    return (dict(event),), {"exc_info": exc_info}
