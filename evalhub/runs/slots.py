"""How many calls each worker may have in flight at an endpoint, so that all of them together keep its limit.

Every shift signs in at Redis with what it has in flight and what it wants, again each half second, and is told its
share. A shift that does not come back is forgotten after ten seconds, so a crash leaks nothing. A call costs no
message: the share is a number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

RENEWAL_SECONDS = 0.5
# At first others may hold slots that they do not know to be ours.
FIRST_RENEWAL_SECONDS, FIRST_SECONDS = 0.04, 0.4
FORGOTTEN_AFTER_SECONDS = 10
# The share of a worker that never reached Redis: not all of the limit, since others may be in the same position.
UNKNOWN_OTHERS = 4

# Scarce slots go first to those who want few; what cannot be divided goes round, to another one each 5 s.
SHARE = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local me, limit = ARGV[1], tonumber(ARGV[2])
local in_flight, wanted, hold = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    redis.call('ZREM', KEYS[1], gone)
    redis.call('HDEL', KEYS[2], gone .. ':held', gone .. ':wanted')
end
if hold > 0 and redis.call('PTTL', KEYS[3]) < hold then redis.call('SET', KEYS[3], 1, 'PX', hold) end
local held_until = math.max(0, redis.call('PTTL', KEYS[3]))
if wanted < 0 then
    redis.call('ZREM', KEYS[1], me)
    redis.call('HDEL', KEYS[2], me .. ':held', me .. ':wanted')
    return {0, held_until}
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[6]), me)
redis.call('HSET', KEYS[2], me .. ':wanted', wanted, me .. ':held', in_flight)
local shifts, others = {}, 0
local turn = math.floor(now / 5000)
local names = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(names)
for index, name in ipairs(names) do
    local want = tonumber(redis.call('HGET', KEYS[2], name .. ':wanted') or 0)
    shifts[index] = {name = name, want = want, place = (index + turn) % #names}
    if name ~= me then others = others + tonumber(redis.call('HGET', KEYS[2], name .. ':held') or 0) end
end
table.sort(shifts, function(a, b) if a.want ~= b.want then return a.want < b.want end return a.place < b.place end)
local left, mine = limit, 0
for index, shift in ipairs(shifts) do
    local share = math.min(shift.want, math.floor(left / (#shifts - index + 1)))
    left = left - share
    if shift.name == me then mine = share end
end
mine = math.max(0, math.min(mine, limit - others))
redis.call('HSET', KEYS[2], me .. ':held', math.max(mine, in_flight))
for _, key in ipairs({KEYS[1], KEYS[2]}) do redis.call('EXPIRE', key, 3600) end
return {mine, held_until}
"""


class Share:
    """One shift's part of an endpoint's slots. Its methods wait for Redis: call them in a thread."""

    def __init__(self, connect: Callable[[], Redis], endpoint: int, name: str, limit: int) -> None:
        self.connect = connect
        self.redis: Redis | None = None
        self.keys = [f"evalhub:{{endpoint:{endpoint}}}:{part}" for part in ("shifts", "slots", "hold")]
        self.name = name
        self.limit = limit
        self.granted = 0
        self.was_told = False
        self.is_away = False

    def renew(self, in_flight: int, wanted: int, hold: float = 0) -> float:
        """Sign in, and set ``granted`` to how many calls may be in flight.

        ``hold``: seconds for which the endpoint told us not to call. Returns those for which it told anybody. If Redis
        is away the last share stays, or a part of the limit where there was none.
        """
        try:
            granted, held = self.ask(in_flight, wanted, hold)
        except (RedisError, OSError) as error:
            self.redis = None
            if not self.is_away:
                log.warning("Redis is away; going on with the worker's own share of the endpoint: %s", error)
            self.granted = max(1, self.granted if self.was_told else self.limit // UNKNOWN_OTHERS)
            self.is_away = True
            return 0.0
        self.granted, self.was_told, self.is_away = granted, True, False
        return held

    def ask(self, in_flight: int, wanted: int, hold: float) -> tuple[int, float]:
        self.redis = self.redis or self.connect()
        answer = self.redis.eval(
            SHARE,
            len(self.keys),
            *self.keys,
            self.name,
            self.limit,
            in_flight,
            wanted,
            int(hold * 1000),
            FORGOTTEN_AFTER_SECONDS * 1000,
        )
        granted, held = answer
        return int(granted), int(held) / 1000

    def leave(self) -> None:
        """Sign out, so that the others need not wait until this shift is forgotten."""
        with suppress(RedisError, OSError):  # or be forgotten after ten seconds
            self.ask(0, -1, 0)
        if self.redis:
            self.redis.close()
