"""Data folders for servers of a test's own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalhub.serving.places import socket_folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that is not there yet, in a place that the account of the servers may enter."""
    place = Path(tempfile.mkdtemp(prefix="evalhub-test-"))
    place.chmod(0o711)
    home = place / "home"
    yield home
    servers = home / "servers"
    if servers.is_symlink() and servers.exists():
        shutil.rmtree(servers.resolve())
    shutil.rmtree(socket_folder(home), ignore_errors=True)
    shutil.rmtree(place)
