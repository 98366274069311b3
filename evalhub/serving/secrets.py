"""The secrets of a development installation, made once and kept in the data folder."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from evalhub.errors import EvalHubError
from evalhub.serving.places import make_home


class SecretsError(EvalHubError):
    """The file of secrets in the data folder cannot be used."""


def read_or_make_secrets(home: Path) -> dict[str, str]:
    """``secret_key`` and ``encryption_keys`` of this data folder; made at the first call, for the owner's eyes only."""
    path = home / "secrets.json"
    return _read(path) if path.exists() else _make(home, path)


def _read(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text())
        return {"secret_key": str(kept["secret_key"]), "encryption_keys": str(kept["encryption_keys"])}
    except PermissionError:
        raise SecretsError(
            f"{path} belongs to another user. Start EvalHub as that user, or choose another folder with EVALHUB_HOME."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise SecretsError(
            f"{path} is damaged. Bring back a copy; without it, the keys of endpoints cannot be read and are to be "
            "entered again after you remove the file."
        ) from None


def _make(home: Path, path: Path) -> dict[str, str]:
    from cryptography.fernet import Fernet  # 50 ms, needed once in the life of an installation

    make_home(home)
    made = {"secret_key": secrets.token_urlsafe(50), "encryption_keys": Fernet.generate_key().decode()}
    draft = home / f".secrets-{os.getpid()}.json"
    try:
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made))
        os.link(draft, path)  # fails when another process was quicker; then its secrets are the ones
    except FileExistsError:
        made = _read(path)
    except OSError as error:
        raise SecretsError(f"The data folder {home} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return made
