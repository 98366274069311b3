"""People at their desks, in a process of their own: told on standard input what to ask, they say what each answer took.

    python -m tests.benchmarks.review_load < what.json

Each person asks again as soon as the answer is there. Asked for: {"url", "people": [cookies], "empty": path,
"desk": path, "kind": "empty", "label" or "next", "turns"}. Answered: {KIND: [seconds], "page": bytes, "first_load":
bytes}; also “first”, the first look at the desk, and “plain”, a label before the desk is opened anew.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from typing import Any

import aiohttp

LABEL = re.compile(r'action="([^"]*/review/items/\d+/label/)"')
STATIC = re.compile(r'(?:src|href)="(/static/[^"]+)"')
NOTES = ("", "The amount is that of another invoice.")


class Desk:
    """One person, whose answers' times go into ``taken``."""

    def __init__(self, session: aiohttp.ClientSession, asked: dict[str, Any], cookies: dict[str, str]) -> None:
        self.session, self.asked, self.cookies = session, asked, cookies
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.page = ""
        self.turn = 0

    async def send(self, kind: str, method: str, path: str, is_htmx: bool = False, **data: str) -> str:
        headers = {"X-CSRFToken": self.cookies["evalhub_csrf"]} | ({"HX-Request": "true"} if is_htmx else {})
        address = self.asked["url"] + path
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        began = time.perf_counter()
        async with self.session.request(
            method, address, data=data or None, headers=headers | {"Cookie": cookies}, allow_redirects=False
        ) as answer:
            text = await answer.text()
            self.taken[kind].append(time.perf_counter() - began)
            assert answer.status in {200, 302}, (path, answer.status, text[-2000:])
            return text

    async def label(self, kind: str, page: str, is_htmx: bool) -> str:
        found = LABEL.search(page)
        assert found, page
        self.turn += 1
        return await self.send(kind, "POST", found[1], is_htmx, outcome="fail", note=NOTES[1] + str(self.turn % 7))

    async def work(self) -> None:
        if self.asked["kind"] == "empty":
            for _ in range(self.asked["turns"]):
                await self.send("empty", "GET", self.asked["empty"])
            return
        self.page = await self.send("first", "GET", self.asked["desk"])
        for _ in range(self.asked["turns"]):
            if self.asked["kind"] == "label":  # the answer brings the next one
                self.page = await self.label("label", self.page, is_htmx=True)
            else:  # without JavaScript: labelled, then the desk is opened anew
                await self.label("plain", self.page, is_htmx=False)
                self.page = await self.send("next", "GET", self.asked["desk"])


async def first_load(session: aiohttp.ClientSession, asked: dict[str, Any], page: str) -> int:
    """Bytes that come over the wire for the page and the files it names, packed as a browser asks for them."""
    total = len(page.encode())
    for path in sorted(set(STATIC.findall(page))):
        async with session.get(asked["url"] + path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status == 200, path
            total += int(answer.headers["Content-Length"])
    return total


async def play(asked: dict[str, Any]) -> dict[str, Any]:
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.DummyCookieJar()
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=jar, timeout=timeout, auto_decompress=False
    ) as session:
        desks = [Desk(session, asked, cookies) for cookies in asked["people"]]
        await asyncio.gather(*(desk.work() for desk in desks))
        taken: dict[str, Any] = defaultdict(list)
        for desk in desks:
            for kind, seconds in desk.taken.items():
                taken[kind] += seconds
        pages = [desk.page for desk in desks if desk.page]
        if pages:
            largest = max(pages, key=len)
            taken |= {"page": len(largest.encode()), "first_load": await first_load(session, asked, largest)}
        return taken


if __name__ == "__main__":
    print(json.dumps(asyncio.run(play(json.load(sys.stdin)))))
