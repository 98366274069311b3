"""The server as the commands see it. What was lost on the way is sent again, under the same idempotency key."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from evalhub.client.outcomes import ClientFault, Exit

ATTEMPTS = 8
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0
CONNECT_SECONDS, SILENCE_SECONDS = 15, 300
BLOCK = 1 << 18
WRONG_KEY = "The server does not know this key, or it was revoked."
KEY_HELP = "Set EVALHUB_API_KEY, or name a file that holds the key with --key-file."
URL_HELP = "Set EVALHUB_URL, or say --url https://…"

NOTABLE_SECONDS = 2
NO_ANSWER, ANSWERS_AGAIN = "No answer from the server; trying again.", "The server answers again."

Progress = Callable[[int, int], None]
"""Called with the bytes so far and the bytes in all."""


class Lost(Exception):
    """No answer came, or one that says to try again."""


class Server:
    """One server with one key, open while the command works."""

    def __init__(self, url: str, key: str, tell: Callable[[str], None]) -> None:
        self.url = checked_url(url)
        self.key = checked_key(key)
        self.tell = tell
        """Told when the server falls silent, and when it is back."""
        self.was_reached = False

    async def __aenter__(self) -> Self:
        import aiohttp  # 0.15 s, which --help need not pay

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        headers = {"Authorization": f"Bearer {self.key}", "User-Agent": "evalhub-client"}
        # Not aiohttp's own look at the environment: it would try the password of a .netrc instead of the key.
        self.session = aiohttp.ClientSession(
            timeout=timeout, headers=headers, proxy=proxy_for(self.url), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def get(self, path: str, **query: Any) -> Any:
        return await self._ask("GET", path, query, {})

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return await self._ask("POST", path, {}, {"json": body or {}})

    async def send_file(self, path: str, file: Path, progress: Progress, **query: Any) -> Any:
        """POST the file as it is, in blocks; from its beginning again if the connection is lost."""
        return await self._ask("POST", path, query, {}, file=file, progress=progress)

    async def fetch(self, path: str, target: Path, progress: Progress) -> int:
        """GET a file into ``target``, from its beginning again if the connection is lost; return its size in bytes."""

        async def once() -> int:
            async with self._answer("GET", path, {}, {}) as answer:
                total, done = answer.content_length or 0, 0
                with target.open("wb") as file:
                    async for block in answer.content.iter_chunked(BLOCK):
                        file.write(block)
                        done += len(block)
                        progress(done, total)
                    file.flush()
                    os.fsync(file.fileno())
                return done

        return int(await self._again(once))

    async def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        content: dict[str, Any],
        file: Path | None = None,
        progress: Progress | None = None,
    ) -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}

        async def once() -> Any:
            if file is not None:
                size = file.stat().st_size
                # The length is said, so that it is not sent chunked, which tells the server nothing.
                more = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
                content.update(data=blocks_of(file, size, progress), headers={**headers, **more})
            else:
                content.update(headers=headers)
            async with self._answer(method, path, query, content) as answer:
                return await answer.json()

        return await self._again(once)

    async def _again(self, once: Callable[[], Any]) -> Any:
        """Do it until it is answered. Raises ClientFault when it is not, or when the server refuses."""
        wait, was_told = FIRST_WAIT, False
        for attempt in range(1, ATTEMPTS + 1):
            begun = time.monotonic()
            try:
                answer = await once()
                if was_told:
                    self.tell(ANSWERS_AGAIN)
                return answer
            except Lost as lost:
                # A server that was never there is more likely a wrong address than a lost connection.
                if attempt == ATTEMPTS or not (self.was_reached or attempt < 3):
                    raise ClientFault(f"{self.url} gives no answer: {lost}", Exit.NO_SERVER) from lost
            # One connection that broke is nothing to speak of, unless it kept somebody waiting.
            is_slow = time.monotonic() - begun > NOTABLE_SECONDS
            if not was_told and (is_slow or (attempt > 1 and self.was_reached)):
                was_told = True
                self.tell(NO_ANSWER)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, query: dict[str, Any], content: dict[str, Any]
    ) -> AsyncIterator[Any]:
        import aiohttp

        asked = [(name, str(each)) for name, value in query.items() for each in values_of(value)]
        try:
            async with self.session.request(
                method, f"{self.url}/api/v1{path}", params=asked, allow_redirects=False, **content
            ) as answer:
                self.was_reached = True
                await refuse_fault(answer)
                yield answer
        except aiohttp.ClientConnectorCertificateError as error:
            raise ClientFault(f"The certificate of {self.url} is not trusted: {error}", Exit.NO_SERVER) from error
        except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
            raise Lost(reason_of(error)) from error


def values_of(value: Any) -> list[Any]:
    """A list is said value by value, and None not at all."""
    return value if isinstance(value, list) else [] if value is None else [value]


def reason_of(error: Exception) -> str:
    """“Connection refused.” and the like, where the system has words for it."""
    system = getattr(error, "os_error", error)
    words = getattr(system, "strerror", None)
    return f"{str(words or error or type(error).__name__).rstrip('.')}."


async def refuse_fault(answer: Any) -> None:
    """Raise Lost where the same request is worth sending again, ClientFault where it is not."""
    if answer.status < 300:
        return
    if answer.status < 400:
        place = plain_address(answer.headers.get("Location", ""))
        raise ClientFault(f"The server has moved: it says {place}. Use that address.", Exit.REFUSED)
    try:
        error = (await answer.json())["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        error, code, message = None, "", f"The server answers {answer.status}, and not as EvalHub does."
    if answer.status >= 500 or code == "in_flight":
        raise Lost(message)
    if code == "no_key":
        message = f"{WRONG_KEY} {KEY_HELP}"
    if error and error.get("places"):
        message = "\n".join(told_place(each) for each in error["places"])
    raise ClientFault(message, Exit.REFUSED, error)


def told_place(place: dict[str, str]) -> str:
    """“budget: …” for what the server calls “body.budget”: here nobody wrote a body."""
    name = place["place"].removeprefix("body").removeprefix("query").removeprefix(".")
    return f"{name}: {place['message']}" if name else place["message"]


def plain_address(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "another address"


async def blocks_of(file: Path, size: int, progress: Progress | None) -> AsyncIterator[bytes]:
    done = 0
    with file.open("rb") as opened:
        while done < size and (block := opened.read(min(BLOCK, size - done))):
            yield block
            done += len(block)
            if progress:
                progress(done, size)


def checked_url(url: str) -> str:
    if not url:
        raise ClientFault(f"Which server? {URL_HELP}", Exit.WRONG_USE)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment or parts.username:
        raise ClientFault(f"The server's address must look like https://evalhub.example. {URL_HELP}", Exit.WRONG_USE)
    return url.rstrip("/")


def checked_key(key: str) -> str:
    key = key.strip()
    if not key:
        raise ClientFault(f"There is no key. {KEY_HELP}", Exit.WRONG_USE)
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ClientFault(f"The key has characters that no key has. {KEY_HELP}", Exit.WRONG_USE)
    return key


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this address, if any."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def is_open_to_listeners(url: str) -> bool:
    """Whether the key would go through a network as it is."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}
