"""The HTTP client's connector: it resolves names through the guard. Imported late, since aiohttp takes 0.15 s."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from evalhub.candidates.guarding import Place, check_addresses

# Below the five seconds after which uvicorn and others close an idle connection: a POST must not meet that moment.
KEEP_ALIVE_SECONDS = 4
SAME_ADDRESS_SECONDS = 30
LARGE_BODIES_AT_ONCE = 4


class GuardedResolver(AbstractResolver):
    """Resolves as the system does, and refuses a name if one of its addresses is refused.

    The addresses that pass are those that the connector connects to: there is no second look-up in between.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self.look_up(host, port, family)
        check_addresses(Place(host.lower(), port, is_literal=False), [entry["host"] for entry in found])
        return found

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _type, protocol, _name, address in infos
        ]

    async def close(self) -> None:
        pass


class GuardedConnector(aiohttp.TCPConnector):
    """Connects to addresses that the guard lets pass. ``large_bodies`` limits how many are read at once."""

    def __init__(self, max_in_flight: int, resolver: AbstractResolver | None = None) -> None:
        super().__init__(
            limit=max_in_flight,
            resolver=resolver or GuardedResolver(),
            ttl_dns_cache=SAME_ADDRESS_SECONDS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        self.large_bodies = asyncio.Semaphore(LARGE_BODIES_AT_ONCE)
