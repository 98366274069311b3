"""Real outputs of real models, which stay outside the project."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

BESIDE_THE_PROJECT = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Return a function from a file's name to its path, which skips the test where the folder is absent."""
    folder = Path(os.environ.get("EVALHUB_SHARED_DATA") or BESIDE_THE_PROJECT)

    def find(name: str) -> Path:
        if not folder.is_dir():
            pytest.skip(f"The folder {folder} is absent, so nothing can be shown on real outputs.")
        return folder / name

    return find
