"""Looking again and again at what a server does, first often, then less often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from evalhub.client.server import Server

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


async def looks(server: Server, path: str) -> AsyncIterator[dict[str, Any]]:
    """Yield what is at the path, without end; the caller stops when it has seen enough."""
    pause = FIRST_PAUSE
    while True:
        yield await server.get(path)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
