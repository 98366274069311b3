"""One pool of calls that is always full: the next one starts when one ends, from whatever chunk it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable

from evalhub.runs.chunks import Item


class Pool:
    """The calls in flight, and the items on their way there. Knows no database.

    An item waits until its call is written down, then it is ready: its call begins when there is a place. One that is
    to be tried again sleeps first, and waits again.
    """

    def __init__(self, ask: Callable[[Item], Coroutine[None, None, None]], on_low: Callable[[], None]) -> None:
        self.ask = ask
        self.on_low = on_low
        self.loop = asyncio.get_running_loop()
        self.waiting: deque[Item] = deque()
        self.ready: deque[Item] = deque()
        self.asleep: dict[Item, asyncio.TimerHandle] = {}
        self.calls: dict[asyncio.Task[None], Item] = {}
        self.dropped: list[Item] = []
        """Their calls were broken off."""
        self.limit = 0
        self.permits: int | None = None
        """How many calls may begin by the endpoint's limits a minute; None where it has none."""
        self.wanted = 0
        """How many ready items are enough: fewer, and ``on_low`` is called."""
        self.hold_until = 0.0
        self.is_down = False
        """The endpoint answers no call any more."""
        self.is_clogged = False
        """Too much is waiting to be stored."""
        self.is_closed = False

    def add(self, items: Iterable[Item]) -> None:
        for item in items:
            if item.wait > 0:
                self.put_to_sleep(item, item.wait)
            else:
                self.waiting.append(item)
        self.fill()

    def take_waiting(self) -> list[Item]:
        """Take as many items as should become ready; they have to come back by ``make_ready`` or ``put_back``."""
        taken: list[Item] = []
        while self.waiting and len(self.ready) + len(taken) < self.wanted:
            item = self.waiting.popleft()
            if not item.lease.is_lost:
                taken.append(item)
        return taken

    def make_ready(self, items: Iterable[Item]) -> None:
        self.ready.extend(items)
        self.fill()

    def put_back(self, items: list[Item]) -> None:
        self.waiting.extendleft(reversed(items))

    def put_to_sleep(self, item: Item, seconds: float) -> None:
        self.asleep[item] = self.loop.call_later(seconds, self.wake, item)

    def wake(self, item: Item) -> None:
        self.asleep.pop(item, None)
        self.waiting.append(item)
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
        while len(self.calls) < self.limit and (item := self.next_item()):
            call = self.loop.create_task(self.ask_on(item))
            self.calls[call] = item
            call.add_done_callback(self.ended)
        if len(self.ready) < self.wanted or not self.calls:
            self.on_low()

    def next_item(self) -> Item | None:
        """Take the next ready item whose call may begin now."""
        while self.ready and self.may_start():
            item = self.ready.popleft()
            if not item.lease.is_lost:
                if self.permits is not None:
                    self.permits -= 1
                return item
        return None

    async def ask_on(self, item: Item) -> None:
        """Make one call after the other in the same place: a task for each would cost more."""
        place = asyncio.current_task()
        assert place
        await self.ask(item)
        while len(self.calls) <= self.limit and (following := self.next_item()):
            self.calls[place] = following
            if len(self.ready) < self.wanted:
                self.on_low()
            await self.ask(following)

    def may_start(self) -> bool:
        if self.is_closed or self.is_clogged or self.is_down or self.permits == 0:
            return False
        return self.loop.time() >= self.hold_until

    def could_start(self) -> int:
        """How many calls would begin now if the endpoint's limits a minute allowed them."""
        if self.is_closed or self.is_clogged or self.is_down or self.loop.time() < self.hold_until:
            return 0
        return max(0, min(len(self.ready), self.limit - len(self.calls)))

    def ended(self, call: asyncio.Task[None]) -> None:
        del self.calls[call]
        self.fill()

    def close(self) -> None:
        """Start nothing any more; what is in flight goes on."""
        self.is_closed = True
        self.waiting.clear()
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
        calls = dict(self.calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self.dropped += [item for call, item in calls.items() if call.cancelled()]

    def drop_sleepers(self) -> None:
        for timer in self.asleep.values():
            timer.cancel()
        self.asleep.clear()
