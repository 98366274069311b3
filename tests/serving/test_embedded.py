import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from evalhub.serving.embedded import ServersError, Wanted, running_servers, servers_of_our_own
from evalhub.serving.places import embedded_database_url, embedded_redis_url
from evalhub.serving.postgres import postgres_answers
from evalhub.serving.valkey import valkey_answers
from tests.serving.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def holding(home: Path, role: str = "command", **environment: str) -> Iterator[subprocess.Popen]:
    """Another process that runs the servers, or uses them, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.hold_servers", str(home), role],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "up\n"
        yield process
    finally:
        process.communicate()


def server_pids(home: Path) -> list[int]:
    postgres = int((home / "servers/postgres/postmaster.pid").read_text().splitlines()[0])
    return [postgres, int((home / "servers/valkey/valkey.pid").read_text())]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def write_row(home: Path) -> None:
    with psycopg.connect(embedded_database_url(home)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'here' AS word")


def read_row(home: Path) -> str:
    with psycopg.connect(embedded_database_url(home)) as connection:
        return connection.execute("SELECT word FROM kept").fetchone()[0]


def test_both_servers_answer_in_the_block_and_are_gone_after_it(home):
    with running_servers(home, fsync=False):
        pids = server_pids(home)
        assert postgres_answers(home) and valkey_answers(home)

    assert not postgres_answers(home) and not valkey_answers(home)
    assert [pid for pid in pids if is_running(pid)] == []


def test_rows_and_messages_are_there_at_the_second_start(home):
    with running_servers(home):
        write_row(home)
        redis.Redis.from_url(embedded_redis_url(home, 3)).lpush("queue", "message")

    with running_servers(home):
        assert read_row(home) == "here"
        assert redis.Redis.from_url(embedded_redis_url(home, 3)).lrange("queue", 0, -1) == [b"message"]


def test_text_is_sorted_and_folded_by_unicode_rules_without_locales_of_the_system(home):
    with running_servers(home, fsync=False), psycopg.connect(embedded_database_url(home)) as connection:
        folded = connection.execute("SELECT lower('ÄÖÜ'), upper('é'), current_setting('server_encoding')")

        assert folded.fetchone() == ("äöü", "É", "UTF8")


def test_servers_of_another_process_are_used_and_left_running(home):
    with holding(home):
        pids = server_pids(home)
        with running_servers(home, fsync=False):
            assert server_pids(home) == pids
        assert postgres_answers(home) and valkey_answers(home)


def test_the_process_that_runs_the_servers_waits_for_those_that_use_them(home):
    with holding(home) as owner:
        with holding(home):
            owner.stdin.close()
            with pytest.raises(subprocess.TimeoutExpired):
                owner.wait(1)
            assert postgres_answers(home)
        owner.wait(20)
        assert not postgres_answers(home)
        owner.stdin = None


@pytest.mark.parametrize("watched", ["", "1"], ids=["kernel", "watcher"])
def test_a_killed_process_leaves_no_server_and_loses_no_row(home, watched):
    with holding(home, EVALHUB_LAUNCH_WATCH=watched) as owner:
        write_row(home)
        pids = server_pids(home)
        owner.kill()
        wait_until(lambda: not any(is_running(pid) for pid in pids))

    with running_servers(home, fsync=False):
        assert read_row(home) == "here"


def test_a_server_that_outlived_its_process_is_stopped_at_the_next_start(home):
    with running_servers(home, fsync=False):
        write_row(home)
    subprocess.run([sys.executable, "-m", "tests.serving.hold_servers", str(home), "orphans"], cwd=ROOT, check=True)
    orphans = server_pids(home)
    assert [pid for pid in orphans if not is_running(pid)] == []

    with running_servers(home, fsync=False):
        assert read_row(home) == "here"
        assert set(server_pids(home)).isdisjoint(orphans)
        assert [pid for pid in orphans if is_running(pid)] == []


def test_a_stranger_whose_number_the_pid_file_names_gets_no_signal(home):
    with running_servers(home, fsync=False):
        pass
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (home / "servers/postgres/postmaster.pid").write_text(f"{stranger.pid}\n{home}\n")
        (home / "servers/valkey/valkey.pid").write_text(f"{stranger.pid}\n")

        with running_servers(home, fsync=False):
            assert stranger.poll() is None

        stranger.kill()


def test_a_killed_database_recovers_at_the_next_start(home):
    with running_servers(home) as _:
        write_row(home)
        os.kill(server_pids(home)[0], signal.SIGKILL)

    with running_servers(home):
        assert read_row(home) == "here"


def test_a_second_instance_of_the_same_role_is_refused_in_one_sentence(home):
    with (
        holding(home, "serve") as other,
        pytest.raises(ServersError) as refusal,
        servers_of_our_own(home, "serve", Wanted()),
    ):
        pass

    assert str(refusal.value) == (
        f"EvalHub already runs on the data folder {home} (process {other.pid}). Stop it first, or choose another "
        "folder with EVALHUB_HOME."
    )


def test_production_gets_no_embedded_servers(home, monkeypatch):
    monkeypatch.setenv("EVALHUB_ENV", "production")

    with pytest.raises(ServersError, match="not made for production"), running_servers(home):
        pass


def test_a_broken_queue_file_is_put_aside_and_the_queue_begins_empty(home):
    with running_servers(home, fsync=False):
        redis.Redis.from_url(embedded_redis_url(home)).set("key", "value" * 100)
    kept = next((home / "servers/valkey/appendonlydir").glob("*.incr.aof"))
    kept.write_bytes(b"*3\r\n$3\r\nSET\r\n" + b"nonsense\r\n" * 50)

    with running_servers(home, fsync=False):
        assert redis.Redis.from_url(embedded_redis_url(home)).get("key") is None
