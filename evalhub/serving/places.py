"""Where things lie: the data folder, the embedded servers' data, and the short private folder of their sockets."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from evalhub.errors import EvalHubError

DATABASE_NAME = "evalhub"
DATABASE_USER = "evalhub"
# Where root keeps what the account “nobody” must reach and cannot reach in the data folder.
SYSTEM_FOLDER = Path("/var/lib/evalhub")
# Uploaded files, and what the servers say.
PRIVATE_FOLDERS = ("files", "logs")


class PlaceError(EvalHubError):
    """A folder that EvalHub needs cannot be used."""


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()


def server_account() -> Account:
    """Who runs the embedded servers: this user, or ``nobody`` for root, as which PostgreSQL refuses to run."""
    try:
        entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    except KeyError:
        raise PlaceError(
            f"This machine knows no user with the number {os.geteuid()}, which the embedded PostgreSQL needs. "
            "Start EvalHub as a user with a name, or set DATABASE_URL and REDIS_URL."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def home_from_environment() -> Path:
    """The data folder: EVALHUB_HOME, or ``.evalhub`` beside manage.py."""
    beside = Path(__file__).resolve().parents[2] / ".evalhub"
    return Path(os.environ.get("EVALHUB_HOME") or beside).expanduser().absolute()


def make_home(home: Path) -> None:
    """Make the data folder if it is not there: for nobody else's eyes, but root's servers may pass through."""
    try:
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PlaceError(
            f"The data folder {home} cannot be made: {error.strerror}. Choose another one with EVALHUB_HOME."
        ) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise PlaceError(
            f"The data folder {home} belongs to another user and cannot be written. "
            "Start EvalHub as that user, or choose another folder with EVALHUB_HOME."
        )
    for name in PRIVATE_FOLDERS:
        (home / name).mkdir(mode=0o700, exist_ok=True)


def may_enter(account: Account, folder: Path) -> bool:
    """Whether the account may pass through the folder and all folders above it, by their permission bits."""
    return all(allows(path, account, stat.S_IXOTH) for path in (folder, *folder.parents))


def allows(path: Path, account: Account, bits: int) -> bool:
    """Whether the account has the permission ``bits``, given as those for others, on this one file or folder."""
    status = path.stat()
    shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
    return (status.st_mode >> shift) & bits == bits


def make_system_folder(what: str) -> Path:
    try:
        SYSTEM_FOLDER.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise PlaceError(
            f"{what} must lie where the user “nobody” may read it, and {SYSTEM_FOLDER} cannot be made: "
            f"{error.strerror}. Start EvalHub as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from error
    return SYSTEM_FOLDER


def servers_folder(home: Path, account: Account) -> Path:
    """Where the embedded servers keep their data: ``servers`` in the data folder, made at the first call.

    Started by root, and with a data folder that ``nobody`` may not enter (below /root, say), it is a link to a folder
    below /var/lib/evalhub: no permission of anything that exists is changed.
    """
    folder = home / "servers"
    if folder.is_symlink() and not folder.exists():
        raise PlaceError(
            f"The database's folder {folder.readlink()} is gone. Bring it back, or remove {folder} to begin anew."
        )
    if not folder.exists():
        if account.is_us or may_enter(account, home.resolve()):
            folder.mkdir(mode=0o711)
        else:
            elsewhere = make_system_folder("The database")
            made = Path(tempfile.mkdtemp(prefix="data-", dir=elsewhere))
            made.chmod(0o711)
            folder.symlink_to(made)
    return folder.resolve()


def own_folder(folder: Path, account: Account) -> Path:
    """A folder of one server's data, made if it is not there; refused if another account owns it."""
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if not account.is_us:
            os.chown(folder, account.uid, account.gid)
    if (owner := folder.stat().st_uid) != account.uid:
        raise PlaceError(
            f"{folder} belongs to {name_of(owner)}, and the server would run as {account.name}. "
            "Start EvalHub as the user who started it first, or choose another folder with EVALHUB_HOME."
        )
    return folder


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def socket_folder(home: Path) -> Path:
    """The folder of the embedded servers' Unix sockets for this data folder.

    A socket's path may have about 100 bytes, and a data folder may lie deep, so the sockets lie in /tmp under a name
    derived from the data folder's. Not in TMPDIR, which need not be the same for two commands of one installation.
    """
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    temporary = Path("/tmp")  # noqa: S108 -- the folder itself is private and checked, see claim_socket_folder
    return (temporary if temporary.is_dir() else Path(tempfile.gettempdir())) / f"evalhub-{os.getuid()}-{digest}"


def claim_socket_folder(home: Path, account: Account) -> Path:
    """The socket folder, made if need be. Anyone may make a folder in /tmp, so one that is not ours is refused."""
    folder = socket_folder(home)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if status.st_uid == os.geteuid() and not account.is_us and stat.S_ISDIR(status.st_mode):
        os.chown(folder, account.uid, account.gid)  # made by us, and interrupted before it was handed over
        status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or stat.S_IMODE(status.st_mode) != 0o700:
        raise PlaceError(
            f"{folder} is not a private folder of {account.name}'s, so the servers' sockets would not be safe in it. "
            "Find out who made it and remove it."
        )
    return folder


def embedded_database_url(home: Path, name: str = DATABASE_NAME) -> str:
    return f"postgresql://{DATABASE_USER}@{quote(str(socket_folder(home)), safe='')}:5432/{name}"


def embedded_redis_url(home: Path, number: int = 0) -> str:
    return f"unix://{socket_folder(home)}/valkey.sock?db={number}"
