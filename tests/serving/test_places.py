import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from evalhub.serving.binaries import postgres_programs, valkey_program
from evalhub.serving.embedded import running_servers
from evalhub.serving.places import (
    Account,
    PlaceError,
    claim_socket_folder,
    make_home,
    may_enter,
    server_account,
    servers_folder,
    socket_folder,
)
from evalhub.serving.postgres import postgres_answers
from evalhub.serving.secrets import SecretsError, read_or_make_secrets

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another user")


def permissions(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


def test_the_socket_folder_is_private_and_short_however_deep_the_data_lie(home):
    deep = home / ("deep/" * 40)

    folder = claim_socket_folder(deep, server_account())

    assert permissions(folder) == "drwx------"
    assert len(f"{folder}/.s.PGSQL.5432") < 100
    folder.rmdir()


@pytest.mark.parametrize("kind", ["open to others", "a link", "a file"])
def test_a_socket_folder_that_somebody_else_may_have_made_is_refused(home, kind):
    folder = socket_folder(home)
    if kind == "open to others":
        folder.mkdir()
        folder.chmod(0o755)
    elif kind == "a link":
        folder.symlink_to(home.parent)
    else:
        folder.touch()

    with pytest.raises(PlaceError, match=re.escape(f"{folder} is not a private folder of ")):
        claim_socket_folder(home, server_account())
    folder.rmdir() if kind == "open to others" else folder.unlink()


@as_root
def test_a_socket_folder_of_another_user_is_refused(home):
    folder = socket_folder(home)
    folder.mkdir(mode=0o700)
    os.chown(folder, 1, 1)

    with pytest.raises(PlaceError, match="Find out who made it and remove it"):
        claim_socket_folder(home, server_account())
    folder.rmdir()


@as_root
def test_root_keeps_the_data_elsewhere_when_nobody_may_enter_the_home(home):
    private = home.parent / "private"
    private.mkdir(mode=0o700)

    with running_servers(private / "home", fsync=False):
        assert postgres_answers(private / "home")
        data = (private / "home/servers").resolve()

    assert data.parent == Path("/var/lib/evalhub")
    assert (permissions(private), permissions(data)) == ("drwx------", "drwx--x--x")
    assert permissions(data / "postgres") == "drwx------"
    assert (data / "postgres").owner() == "nobody"
    with running_servers(private / "home", fsync=False):
        assert (private / "home/servers").resolve() == data
    subprocess.run(["rm", "-r", str(data)], check=True)


@as_root
def test_the_servers_programs_can_be_run_by_the_account_they_run_as():
    account = server_account()

    for program in (postgres_programs(account) / "postgres", valkey_program(account)):
        subprocess.run([str(program), "--version"], user=account.uid, group=account.gid, check=True, cwd="/")


def test_what_an_account_may_enter_follows_the_permission_bits(tmp_path):
    stranger = Account("stranger", uid=54321, gid=54321)
    tmp_path.chmod(0o711)

    assert may_enter(stranger, Path("/tmp"))  # noqa: S108 -- any folder that is open to all
    tmp_path.chmod(0o700)
    assert not may_enter(stranger, tmp_path)


def test_data_that_were_taken_away_are_missed_not_made_anew(home):
    make_home(home)
    (home / "servers").symlink_to(home / "gone")

    with pytest.raises(PlaceError) as refusal:
        servers_folder(home, server_account())

    assert str(refusal.value) == (
        f"The database's folder {home}/gone is gone. Bring it back, or remove {home}/servers to begin anew."
    )


def test_a_full_disk_is_told_in_one_sentence(home):
    make_home(home)
    small = ["mount", "-t", "tmpfs", "-o", "size=50m,mode=711", "tmpfs", str(home)]
    if os.geteuid() != 0 or subprocess.run(small, capture_output=True).returncode:
        pytest.skip("A small disk cannot be mounted here: that takes root and a kernel that lets it.")
    try:
        with pytest.raises(PlaceError) as refusal, running_servers(home):
            pass
    finally:
        subprocess.run(["umount", str(home)], check=True)

    assert str(refusal.value) == (
        f"The disk under {home}/servers is full: 52 MB are free, and EvalHub needs 209 MB to start. Make room and "
        "start again."
    )


def test_secrets_are_made_once_and_for_the_owner_only(home):
    made = read_or_make_secrets(home)

    assert read_or_make_secrets(home) == made
    assert permissions(home / "secrets.json") == "-rw-------"
    assert len(made["secret_key"]) >= 50
    assert sorted(path.name for path in home.iterdir()) == ["files", "logs", "secrets.json"]
    assert permissions(home / "files") == permissions(home / "logs") == "drwx------"


def test_damaged_secrets_are_told_not_replaced(home):
    make_home(home)
    (home / "secrets.json").write_text('{"secret_key": "half')

    with pytest.raises(SecretsError, match=r"secrets\.json is damaged"):
        read_or_make_secrets(home)

    assert (home / "secrets.json").read_text() == '{"secret_key": "half'
