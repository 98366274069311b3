"""Signed webhooks, as the Standard Webhooks specification says: the receiver can tell that a message is ours and new.

https://www.standardwebhooks.com: the secret is “whsec_” and base64 of the key; the header is “v1,” and base64 of the
HMAC-SHA256 of id, timestamp and body with full stops between them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid

from django.conf import settings

from evalhub.candidates.keys import Key, KeyTextError, Rotation, cipher, is_same_place, rotate_column
from reviews.models import Notice, NoticeChoice

PREFIX = "whsec_"
KEY_BYTES = 36  # the specification allows 24 to 64; a multiple of 3 needs no padding in base64


def renew_secret(choice: NoticeChoice) -> Key:
    """Put a new secret, encrypted, on the choice, and return it to be shown this once; the caller saves the choice."""
    secret = Key(PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    choice.webhook_secret = cipher().encrypt(secret.encode())
    choice.webhook_secret_ending = secret[-4:]
    return secret


def keep_secret(choice: NoticeChoice, former_url: str) -> Key | None:
    """Renew the secret if the webhook is new or has moved to another place, whose owner must not know the old one.

    Without an address there is none. The caller saves the choice. Returns the new one, if one was made.
    """
    if not choice.webhook_url:
        choice.webhook_secret, choice.webhook_secret_ending = None, ""
        return None
    if choice.webhook_secret is not None and is_same_place(former_url, choice.webhook_url):
        return None
    return renew_secret(choice)


def secret_of(choice: NoticeChoice) -> Key | None:
    """The secret, decrypted; None for a webhook from before there were any. Raises KeyTextError if no key fits."""
    if choice.webhook_secret is None:
        return None
    from cryptography.fernet import InvalidToken  # 50 ms, and most processes never need it

    try:
        return Key(cipher().decrypt(bytes(choice.webhook_secret)).decode())
    except InvalidToken:
        raise KeyTextError(
            "The webhook's secret cannot be decrypted: EVALHUB_ENCRYPTION_KEYS lacks the key it was saved with. Add "
            "that one, or make a new secret on the page Notices."
        ) from None


def signature_of(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def headers_for(secret: str | None, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What goes with a body. ``timestamp``: of this try, in seconds since 1970; without a secret nothing is signed."""
    headers = {"Webhook-Id": message_id, "Webhook-Timestamp": str(timestamp)}
    if secret is not None:
        headers["Webhook-Signature"] = signature_of(secret, message_id, timestamp, body)
    return headers


def message_id_of(notice: Notice) -> str:
    """The same at each try, so that a receiver can pass over what it has; no other installation uses it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.PUBLIC_URL}/notices/{notice.pk}"))


def rotate_secrets() -> Rotation:
    """Encrypt all secrets with the newest encryption key, for the command ``rotate_keys``."""
    choices = NoticeChoice.objects.select_related("project", "person")
    return rotate_column(choices, "webhook_secret", lambda each: f"the webhook of {each.person} in {each.project.name}")
