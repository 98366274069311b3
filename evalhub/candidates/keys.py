"""Endpoint keys: encrypted at rest, written but never shown, and sent only to the host they were saved for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from evalhub.candidates.models import Endpoint
from evalhub.errors import EvalHubError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SENDABLE = re.compile(r"[\x21-\x7e]{1,4000}")  # what an HTTP header carries without doubt
SHORTEST_WITH_ENDING = 12  # four characters of a shorter key would give too much of it away
DEFAULT_PORTS = {"http": 80, "https": 443}


class KeyTextError(EvalHubError):
    """The key cannot be stored, or no longer be read."""


class Key(str):
    """A key whose representation, as tracebacks and debuggers print it, hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<key>"


def cipher() -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # 50 ms, and most processes never need it

    return MultiFernet([Fernet(key.strip()) for key in settings.ENCRYPTION_KEYS])


def set_key(endpoint: Endpoint, key: str) -> None:
    """Put the key, encrypted, and its last four characters on the endpoint; the caller saves it."""
    key = Key(key.strip())
    if not SENDABLE.fullmatch(key):
        raise KeyTextError("A key has no spaces, line breaks or letters outside ASCII. Copy it again.")
    endpoint.key_encrypted = cipher().encrypt(key.encode())
    endpoint.key_ending = key[-4:] if len(key) >= SHORTEST_WITH_ENDING else ""


def clear_key(endpoint: Endpoint) -> None:
    """Take the key off the endpoint; the caller saves it."""
    endpoint.key_encrypted = None
    endpoint.key_ending = ""


def put_key(endpoint: Endpoint, key: str, former_url: str) -> bool:
    """Put a new key on the endpoint; without one, drop the old key if its base URL has moved to another place.

    Whether a key was dropped is returned; the caller saves the endpoint.
    """
    if key:
        set_key(endpoint, key)
        return False
    is_dropped = endpoint.key_encrypted is not None and not is_same_place(former_url, endpoint.base_url)
    if is_dropped:
        clear_key(endpoint)
    return is_dropped


def key_of(endpoint: Endpoint) -> str | None:
    """The endpoint's key, decrypted; None if it has none. Raises KeyTextError if no encryption key fits.

    Whoever calls a URL that was frozen earlier asks ``is_same_place`` first: this key is for the URL of today.
    """
    if endpoint.key_encrypted is None:
        return None
    from cryptography.fernet import InvalidToken  # slow, as above

    try:
        return Key(cipher().decrypt(bytes(endpoint.key_encrypted)).decode())
    except InvalidToken:
        raise KeyTextError(
            f"The key of “{endpoint.name}” cannot be decrypted: EVALHUB_ENCRYPTION_KEYS lacks the key it was saved "
            "with. Add that one, or enter the endpoint's key again."
        ) from None


def rotated(token: bytes) -> bytes:
    """The same key, encrypted with the newest of EVALHUB_ENCRYPTION_KEYS. Raises InvalidToken if none fits."""
    return cipher().rotate(bytes(token))


class Rotation(NamedTuple):
    """How many secrets were encrypted anew, and which could not be read."""

    done: int
    lost: list[str]


def rotate_endpoint_keys() -> Rotation:
    """Encrypt all endpoint keys with the newest encryption key, for the command ``rotate_keys``."""
    endpoints = Endpoint.objects.select_related("project")
    return rotate_column(endpoints, "key_encrypted", lambda each: f"“{each.name}” of {each.project.name}")


def rotate_column(rows: QuerySet[Any], column: str, spoken: Callable[[Any], str]) -> Rotation:
    """Encrypt the column anew, row by row, each in a transaction of its own; ``spoken`` names a row that is lost."""
    from cryptography.fernet import InvalidToken  # slow, as above

    count, lost = 0, []
    for pk in rows.exclude(**{column: None}).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = rows.select_for_update(of=("self",)).filter(pk=pk).exclude(**{column: None}).first()
            if row is None:
                continue  # removed meanwhile
            try:
                setattr(row, column, rotated(bytes(getattr(row, column))))
            except InvalidToken:
                lost.append(spoken(row))
                continue
            row.save(update_fields=[column])
            count += 1
    return Rotation(count, lost)


def is_same_place(one_url: str, other_url: str) -> bool:
    """Whether scheme, host and port agree. A key that was given for one place is not sent to another."""
    return place_of(one_url) == place_of(other_url)


def place_of(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme.lower())
