"""One pool of calls that is always full: the next one starts when one ends, from whatever chunk it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable

from evalhub.runs.chunks import Item


class Pool:
    """Items that are ready, those that sleep until they are tried again, and the calls in flight. Knows no database."""

    def __init__(self, ask: Callable[[Item], Coroutine[None, None, None]], on_low: Callable[[], None]) -> None:
        self.ask = ask
        self.on_low = on_low
        self.loop = asyncio.get_running_loop()
        self.ready: deque[Item] = deque()
        self.asleep: dict[Item, asyncio.TimerHandle] = {}
        self.calls: dict[asyncio.Task[None], Item] = {}
        self.limit = 0
        self.wanted = 0
        """How many ready items are enough: fewer, and ``on_low`` is called."""
        self.hold_until = 0.0
        self.is_clogged = False
        """Too much is waiting to be stored."""
        self.is_closed = False

    def add(self, items: Iterable[Item]) -> None:
        for item in items:
            if item.wait > 0:
                self.put_to_sleep(item, item.wait)
            else:
                self.ready.append(item)
        self.fill()

    def put_to_sleep(self, item: Item, seconds: float) -> None:
        self.asleep[item] = self.loop.call_later(seconds, self.wake, item)

    def wake(self, item: Item) -> None:
        self.asleep.pop(item, None)
        self.ready.append(item)
        self.fill()

    def hold(self, seconds: float) -> None:
        """No call starts before this many seconds have passed."""
        until = self.loop.time() + seconds
        if until > self.hold_until:
            self.hold_until = until
            self.loop.call_at(until, self.fill)

    def held_for(self) -> float:
        return max(0.0, self.hold_until - self.loop.time())

    def fill(self) -> None:
        while self.ready and len(self.calls) < self.limit and self.may_start():
            item = self.ready.popleft()
            if not item.lease.is_lost:
                call = self.loop.create_task(self.ask(item))
                self.calls[call] = item
                call.add_done_callback(self.ended)
        if len(self.ready) < self.wanted or not self.calls:
            self.on_low()

    def may_start(self) -> bool:
        return not self.is_closed and not self.is_clogged and self.loop.time() >= self.hold_until

    def ended(self, call: asyncio.Task[None]) -> None:
        del self.calls[call]
        self.fill()

    def close(self) -> None:
        """Start nothing any more; what is in flight goes on."""
        self.is_closed = True
        self.ready.clear()

    def sleeps_for(self) -> float | None:
        """Seconds until the first sleeper wakes; None if nobody sleeps."""
        if not self.asleep:
            return None
        return max(0.0, min(timer.when() for timer in self.asleep.values()) - self.loop.time())

    def sleep_of(self, item: Item) -> float:
        """Seconds until this item wakes; 0 if it does not sleep."""
        timer = self.asleep.get(item)
        return max(0.0, timer.when() - self.loop.time()) if timer else 0.0

    async def drop_calls(self) -> None:
        """Cancel what is in flight. It may have been billed all the same."""
        calls = list(self.calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def drop_sleepers(self) -> None:
        for timer in self.asleep.values():
            timer.cancel()
        self.asleep.clear()
