"""The mail server that e-mail goes out by, read from one address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

# scheme: port, STARTTLS, TLS from the start
SCHEMES = {"smtp": (25, False, False), "smtp+tls": (587, True, False), "smtps": (465, False, True)}
UNREADABLE = "Write smtp://, smtp+tls:// or smtps://, then user:password@host:port, percent-encoded."


@dataclass(frozen=True)
class MailServer:
    """Values of Django's settings; without a host nothing is sent."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starts_tls: bool = False
    is_tls: bool = False

    @property
    def backend(self) -> str:
        return f"django.core.mail.backends.{'smtp' if self.host else 'dummy'}.EmailBackend"


def mail_server_at(url: str) -> MailServer:
    """The server at ``smtp+tls://user:password@host:port``, where user and password are percent-encoded.

    Raises ValueError with a sentence, which does not repeat the password, when the address is not understood.
    """
    if not url:
        return MailServer()
    try:
        parts = urlsplit(url)
        port_given = parts.port
    except ValueError:  # whose own words repeat a part of the address, which may be the password
        raise ValueError(UNREADABLE) from None
    if parts.scheme not in SCHEMES or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise ValueError(UNREADABLE)
    port, starts_tls, is_tls = SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.hostname, port_given or port, user, password, starts_tls, is_tls)
