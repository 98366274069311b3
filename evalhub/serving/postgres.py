"""The embedded PostgreSQL: its data folder, how it is run, and whether it answers. On a Unix socket only."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import EvalHubError
from evalhub.serving.binaries import postgres_programs
from evalhub.serving.places import (
    DATABASE_NAME,
    DATABASE_USER,
    Account,
    claim_socket_folder,
    embedded_database_url,
    name_of,
    own_folder,
    servers_folder,
)
from evalhub.serving.processes import Service, arguments_of, start, stop_stranger

if TYPE_CHECKING:
    import psycopg

VERSION = "18"
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
# For a machine with 2 to 8 processors that also does everything else. Who needs more brings a DATABASE_URL.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "8MB",  # a container has 64 MB of shared memory, which parallel hash joins may fill
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
WITHOUT_FSYNC = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class DatabaseError(EvalHubError):
    """The embedded PostgreSQL cannot be used."""


def postgres_service(home: Path, account: Account, logs: Path, fsync: bool) -> Service:
    """The server for this data folder, whose database is made if it is not there."""
    programs = postgres_programs(account)
    folder = servers_folder(home, account) / "postgres"
    sockets = claim_socket_folder(home, account)
    if not folder.exists():
        _make_database(folder, programs, account, fsync)
    own_folder(folder, account)
    if (version := (folder / "PG_VERSION").read_text().strip()) != VERSION:
        raise DatabaseError(
            f"The data in {folder} is of PostgreSQL {version}, and EvalHub brings PostgreSQL {VERSION}. Start the "
            "EvalHub that made it, dump the database, and load it into an empty data folder."
        )
    options = {**OPTIONS, "unix_socket_directories": str(sockets), **({} if fsync else WITHOUT_FSYNC)}
    return Service(
        name="postgres",
        command=[
            *(str(programs / "postgres"), "-D", str(folder)),
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        ],
        environment=ENVIRONMENT,
        account=account,
        log=logs / "postgres.log",
        # Fast, then immediate shutdown. Never killed without need: that leaves its children to find out.
        stop_signals=((signal.SIGINT, 15), (signal.SIGQUIT, 5)),
        hurry_signal=signal.SIGINT,
        prepare=lambda: _stop_orphan(folder),
    )


def _make_database(folder: Path, programs: Path, account: Account, fsync: bool) -> None:
    """Run initdb beside the folder and move the result there whole, so that an interrupted one leaves no trace."""
    for draft in folder.parent.glob(".postgres-*"):
        shutil.rmtree(draft, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=".postgres-", dir=folder.parent))
    if not account.is_us:
        os.chown(draft, account.uid, account.gid)
    log = draft.with_name(f"{draft.name}.log")
    service = Service(
        name="initdb",
        command=[
            *(str(programs / "initdb"), "-D", str(draft / "data"), "--username", DATABASE_USER, "--encoding", "UTF8"),
            *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--auth", "peer"),
            *([] if fsync else ["--no-sync"]),
        ],
        environment=ENVIRONMENT,
        account=account,
        log=log,
    )
    try:
        if start(service).wait() != 0:
            raise DatabaseError(why_not("The database could not be made", log, folder))
        _let_us_in(draft / "data", account)
        (draft / "data").rename(folder)
    finally:
        log.unlink(missing_ok=True)
        shutil.rmtree(draft, ignore_errors=True)


def _let_us_in(data: Path, account: Account) -> None:
    """Only the user who starts EvalHub may connect, by the name that the kernel gives for the socket's other end."""
    (data / "pg_hba.conf").write_text("local all all peer map=evalhub\n")
    (data / "pg_ident.conf").write_text(f'evalhub "{name_of(os.geteuid())}" {DATABASE_USER}\n')
    if not account.is_us:
        for name in ("pg_hba.conf", "pg_ident.conf"):
            os.chown(data / name, account.uid, account.gid)


def _stop_orphan(folder: Path) -> None:
    """Stop the server that a killed EvalHub left, or remove the file that names it if it is not there any more.

    PostgreSQL by itself refuses to start as long as any process of this user has the number that the file names. If
    that process is a PostgreSQL too, but not one of ours, it is left to refuse.
    """
    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if not stop_stranger(pid, ((signal.SIGINT, 15), (signal.SIGQUIT, 5)), ["postgres -D", str(folder)]):
        raise DatabaseError(f"An earlier PostgreSQL still runs on {folder} as process {pid} and does not stop.")
    if "postgres" not in " ".join(arguments_of(pid)):
        pid_file.unlink(missing_ok=True)


def why_not(what: str, log: Path, folder: Path) -> str:
    """One sentence about a server that did not start, from the last fault in its log."""
    lines = log.read_text(errors="replace").splitlines()[-60:] if log.exists() else []
    if any("No space left on device" in line for line in lines):
        return f"{what}: the disk under {folder} is full. Make room and start again."
    faults = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:", "ERROR:"))]
    last = (faults or lines or ["it said nothing"])[-1]
    return f"{what}: {last.strip()}"


def postgres_answers(home: Path) -> bool:
    """Whether the server takes connections; false while it starts, recovers or stops."""
    import psycopg  # 0.1 s, which commands that need no database do not pay

    try:
        connect(home).close()
    except psycopg.OperationalError:
        return False
    return True


def connect(home: Path) -> psycopg.Connection:
    import psycopg

    return psycopg.connect(embedded_database_url(home, "postgres"), connect_timeout=5, autocommit=True)


def make_application_database(home: Path) -> None:
    with connect(home) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone():
            connection.execute(f'CREATE DATABASE "{DATABASE_NAME}"')
