"""The command itself: what it needs, what it says without it, and that it is no part of the server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from evalhub.client.finding import split_name
from evalhub.client.telling import Teller, counted, money, plain
from evalhub.web.templatetags.ui import money as on_pages
from tests.client.conftest import ROOT, environment

USABLE = "evh_" + "a" * 43


def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "evalhub", *arguments]
    return subprocess.run(command, env=environment(**variables), capture_output=True, text=True, timeout=60)


def test_the_client_imports_nothing_of_the_server():
    code = "import sys, evalhub.client.commands; print([m for m in sys.modules if m.startswith(('django', 'celery'))])"

    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)

    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"EVALHUB_API_KEY": USABLE}, "Which server?"),
        ({"EVALHUB_URL": "http://127.0.0.1:9"}, "There is no key."),
        ({"EVALHUB_URL": "evalhub.example", "EVALHUB_API_KEY": USABLE}, "The server's address must look like"),
        ({"EVALHUB_URL": "file:///etc/passwd", "EVALHUB_API_KEY": USABLE}, "The server's address must look like"),
        ({"EVALHUB_URL": "http://127.0.0.1:9", "EVALHUB_API_KEY": "a\nb"}, "The key has characters that no key has."),
    ],
)
def test_without_server_or_key_the_cure_is_told(variables, told):
    done = call("run", "--eval-set", "x", "--candidate", "y", **variables)

    assert done.returncode == 2
    assert done.stderr.startswith(told)


def test_a_server_that_is_not_there_is_told_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    done = call(
        "run", "--eval-set", "x", "--candidate", "y", EVALHUB_URL=f"http://127.0.0.1:{port}", EVALHUB_API_KEY=USABLE
    )

    assert done.returncode == 4
    told = done.stderr.removeprefix(f"http://127.0.0.1:{port} gives no answer: ")
    assert told.startswith("Connect call failed") or told == "Connection refused.\n"


@pytest.mark.django_db(transaction=True)
def test_a_key_that_opens_nothing_is_told(evalhub, project):
    done = evalhub("run", "--eval-set", "x", "--candidate", "y", key=USABLE)

    assert done.returncode == 3
    assert done.stderr.startswith("The server does not know this key, or it was revoked. Set EVALHUB_API_KEY")
    assert USABLE not in done.stderr


def test_there_is_no_option_for_the_key_itself():
    done = call("upload", "x", "--key", USABLE)

    assert done.returncode == 2


def test_the_command_of_the_clone_runs_from_anywhere(tmp_path):
    command = ROOT / ".venv" / "bin" / "evalhub"
    if not command.exists():
        pytest.skip("The tests do not run from the environment that .ci/environment makes.")

    done = subprocess.run([command, "--help"], env={"PATH": os.environ["PATH"]}, cwd=tmp_path, capture_output=True)

    assert done.returncode == 0, done.stderr
    assert b"Upload files, start runs and export" in done.stdout


def test_names_with_a_number_behind_them():
    assert split_name("Inbox@3") == ("Inbox", 3)
    assert split_name("Inbox") == ("Inbox", None)
    assert split_name("a@b") == ("a@b", None)
    assert split_name("@3") == ("@3", None)


def test_what_would_move_the_cursor_is_not_printed():
    assert plain("a\x1b[31mred\u202eb\r\nc") == "a�[31mred�b� c"


def test_amounts_are_told_as_on_the_pages():
    amounts = ["0", "0.074908800", "0.000004", "12", "1234.5"]

    assert [money(amount) for amount in amounts] == [on_pages(Decimal(amount)) for amount in amounts]
    assert money("0.074908800") == "$0.075"
    assert [counted(count, "output") for count in (0, 1, 2000)] == ["0 outputs", "1 output", "2,000 outputs"]


def test_a_log_gets_a_line_of_progress_now_and_then(capsys):
    now = [0.0]
    teller = Teller(as_json=False, clock=lambda: now[0])

    for second in range(65):
        now[0] = float(second)
        teller.progress(f"{second} of 65")

    assert capsys.readouterr().err == "30 of 65\n60 of 65\n"


def test_beside_json_there_is_no_progress(capsys):
    now = [0.0]
    teller = Teller(as_json=True, clock=lambda: now[0])
    now[0] = 100.0

    teller.progress("1 of 65")

    assert capsys.readouterr() == ("", "")


def test_the_project_names_the_command():
    import tomllib

    scripts = tomllib.loads(Path(ROOT / "pyproject.toml").read_text())["project"]["scripts"]

    assert scripts == {"evalhub": "evalhub.client.commands:main"}
