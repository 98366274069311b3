import io
import logging
import sys

import pytest
import structlog
from django.http import HttpResponse
from django.utils.log import log_response

from evalhub.serving.logs import LineFormatter, visible
from evalhub.serving.report import Report


@pytest.fixture
def logged(monkeypatch) -> io.StringIO:
    """What a logger of its own has written."""
    monkeypatch.setenv("EVALHUB_SERVED", "1")  # no time before the line
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("tests.lines")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    monkeypatch.setattr(logger, "propagate", False)
    yield stream
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nERROR b: forged", r"a\nERROR b: forged"),
        ("\x1b[2J\x07\x9b", r"\x1b[2J\x07\x9b"),
        ("tab\tand\rreturn", r"tab\tand\rreturn"),
        ("abc\u202edcba", r"abc\u202edcba"),
        ("\u2028\u200b\ufeff", r"\u2028\u200b\ufeff"),
        ("\ud800", r"\ud800"),
        ("“Grüße”, 東京 👋 \\n", "“Grüße”, 東京 👋 \\n"),
    ],
)
def test_what_could_forge_a_line_or_steer_a_terminal_is_made_visible(text, shown):
    assert visible(text) == shown


def test_an_event_is_one_line_with_level_and_logger(logged):
    logging.getLogger("tests.lines").info("started run %s", "7\n8")
    logging.getLogger("tests.lines").warning("slow")

    assert logged.getvalue() == "tests.lines: started run 7\\n8\nWARNING tests.lines: slow\n"


def test_values_of_structlog_follow_the_event(logged):
    structlog.get_logger("tests.lines").info("run_finished", run=7, note="a\nb", parent_task_id=None)

    assert logged.getvalue() == "tests.lines: run_finished run=7 note=a\\nb\n"


def test_what_is_bound_to_the_request_is_in_every_line(logged):
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        logging.getLogger("tests.lines").info("here")

    assert logged.getvalue() == "tests.lines: here request_id=abc\n"


def test_a_traceback_stands_behind_bars_also_where_its_text_has_lines(logged):
    try:
        raise ValueError("first\nERROR tests: forged\x1b")
    except ValueError:
        logging.getLogger("tests.lines").exception("failed")

    first, *rest = logged.getvalue().splitlines()
    assert first == "ERROR tests.lines: failed"
    assert rest[-2:] == ["  | ValueError: first", "  | ERROR tests: forged\\x1b"]
    assert all(line.startswith("  | ") for line in rest)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refused_request_is_one_line_and_only_a_fault_of_the_server_has_a_traceback(status, logged):
    try:
        raise LookupError("No run matches")
    except LookupError as error:
        exception = error

    log_response(
        "%s: %s",
        "Told",
        "/p/demo/runs/9/",
        response=HttpResponse(status=status),
        logger=logging.getLogger("tests.lines"),
        exception=exception,
    )

    first, *rest = logged.getvalue().splitlines()
    assert first == f"{'ERROR' if status == 500 else 'WARNING'} tests.lines: Told: /p/demo/runs/9/"
    assert bool(rest) == (status == 500)


def test_the_report_has_one_line_a_message_and_colours_only_on_a_terminal():
    stream = io.StringIO()

    Report(stream)("web", "up\nand \x1b[31mred")

    time, line = stream.getvalue().split(" ", 1)
    assert len(time) == 8
    assert line == "web      up\\nand \\x1b[31mred\n"
    assert not Report(sys.stdin).in_colours or sys.stdin.isatty()
