"""The embedded Valkey: queue messages, rate limits and cache, in a folder of its own and on a Unix socket only."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from pathlib import Path

from evalhub.serving.binaries import valkey_program
from evalhub.serving.places import Account, claim_socket_folder, own_folder, servers_folder, socket_folder
from evalhub.serving.processes import Service, stop_stranger

DATABASES = 64


def valkey_service(home: Path, account: Account, logs: Path) -> Service:
    folder = own_folder(servers_folder(home, account) / "valkey", account)
    log = logs / "valkey.log"
    sockets = claim_socket_folder(home, account)

    def prepare() -> None:
        _stop_orphan(folder, sockets)
        _put_aside_what_cannot_be_read(folder, log)

    return Service(
        name="valkey",
        command=[
            str(valkey_program(account)),
            *("--port", "0", "--unixsocket", str(sockets / "valkey.sock"), "--unixsocketperm", "700"),
            *("--dir", str(folder), "--pidfile", str(folder / "valkey.pid"), "--databases", str(DATABASES)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
        ],
        environment={"LC_ALL": "C"},
        account=account,
        log=log,
        stop_signals=((signal.SIGTERM, 5),),
        prepare=prepare,
    )


def valkey_answers(home: Path) -> bool:
    """Whether the server takes commands: it is there and has read its data."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(str(socket_folder(home) / "valkey.sock"))
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False


def _stop_orphan(folder: Path, sockets: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "valkey.pid").read_text())
        stop_stranger(pid, ((signal.SIGTERM, 5), (signal.SIGKILL, 2)), [str(sockets / "valkey.sock")])


def _put_aside_what_cannot_be_read(folder: Path, log: Path) -> None:
    """Begin anew after a file that Valkey refused to read: losing what is in Redis delays work and loses none."""
    last_words = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
    if any("Bad file format reading the append only file" in line for line in last_words):
        (folder / "appendonlydir").rename(folder / f"unreadable-{time.time_ns()}")
