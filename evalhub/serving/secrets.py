"""The secrets of a development installation, made once and kept in the data folder."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


def read_or_make_secrets(home: Path) -> dict[str, str]:
    """The signing key and the encryption key of this data folder; made at the first call, readable by the owner only."""
    path = home / "secrets.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    from cryptography.fernet import Fernet

    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    made = {"secret_key": secrets.token_urlsafe(50), "encryption_keys": Fernet.generate_key().decode()}
    draft = home / f".secrets-{os.getpid()}.json"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(made))
    try:
        os.link(draft, path)  # fails when another process was quicker; then its secrets are the ones
    except FileExistsError:
        made = dict(json.loads(path.read_text()))
    finally:
        draft.unlink()
    return made
