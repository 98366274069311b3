"""How many calls of an endpoint may begin, so that all workers together keep its requests and tokens a minute.

Every endpoint has a bucket of requests and a bucket of tokens in Redis, refilled on its clock. A shift asks for as many
calls as it could begin at once, begins those it is granted, and asks again when it is told to; those that wait take
turns. If Redis is away, each shift has buckets of its own, refilled with a part of the limit.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from threading import Lock

from redis import Redis
from redis.exceptions import RedisError

from evalhub.runs.slots import FORGOTTEN_AFTER_SECONDS, UNKNOWN_OTHERS

log = logging.getLogger(__name__)

# What the limit allows in ten seconds is refilled to this share: of two granted calls the one reaches the endpoint
# sooner and the other later, so what was granted in 10.3 s may arrive within 10 s.
REFILL = 0.93
# What a bucket may save up beside, in the same measure: 0.43 s of refilling, for shifts that come late.
SAVED = 0.04
SOONEST_SECONDS, LATEST_SECONDS = 0.05, 1.0
# Who comes so much later than told has lost the turn, so that a shift that died keeps nobody waiting.
LATE_SECONDS = 0.25
KEPT_SECONDS = 3600
# Between two questions to a Redis that is away: one that is frozen costs its time limit of 2 s each time.
AGAIN_SECONDS = 5.0

# “served” counts a shift's calls; who waits and has fewer goes first. “turn” is what the shift granted last had before
# that: who comes or comes back begins there, so that nobody saves up turns by not asking.
TAKE = """
local ask = cjson.decode(ARGV[1])
local meter, shifts, turns = KEYS[1], KEYS[2], KEYS[3]
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local function exactly(number) return string.format('%.17g', number) end
local function number(key, field) return tonumber(redis.call('HGET', key, field)) end

for _, gone in ipairs(redis.call('ZRANGEBYSCORE', shifts, '-inf', now)) do
    redis.call('ZREM', shifts, gone)
    redis.call('HDEL', turns, gone .. ':served', gone .. ':due')
end

local elapsed = math.max(0, now - (number(meter, 'at') or now)) / 1000000
local there = math.huge
for kind, bucket in pairs(ask.buckets) do
    local level = number(meter, kind)
    level = level and level + elapsed * bucket.rate or bucket.start
    level = math.min(bucket.capacity, math.min(bucket.capacity, level) - bucket.owed)
    if ask.was_away then level = math.min(level, 0) end
    bucket.level = level
    there = math.min(there, level >= bucket.ripe and math.max(1, math.floor(level / bucket.each)) or 0)
end

local turn, served = number(meter, 'turn') or 0, number(turns, ask.name .. ':served') or 0
if (number(turns, ask.name .. ':due') or 0) < now then served = math.max(served, turn) end
local waiting, behind = {}, 0
for _, name in ipairs(redis.call('ZRANGE', shifts, 0, -1)) do
    if name ~= ask.name and (number(turns, name .. ':due') or 0) >= now then
        local other = {name = name, served = number(turns, name .. ':served') or 0}
        table.insert(waiting, other)
        if other.served < served then behind = behind + 1 end
    end
end
local granted = there
if #waiting > 0 then granted = math.min(math.max(1, math.floor(there / (#waiting + 1))), there - behind) end
granted = math.max(0, math.min(granted, ask.wanted))
if granted > 0 then
    turn = math.max(turn, served)
    served = served + granted
end

local ahead, wait = 0, ask.soonest
for _, other in ipairs(waiting) do
    if other.served < served or (other.served == served and other.name < ask.name) then ahead = ahead + 1 end
end
redis.call('HSET', meter, 'at', exactly(now), 'turn', exactly(turn))
for kind, bucket in pairs(ask.buckets) do
    bucket.level = bucket.level - granted * bucket.each
    wait = math.max(wait, (ahead * bucket.each + bucket.ripe - bucket.level) / bucket.rate)
    redis.call('HSET', meter, kind, exactly(bucket.level))
end
wait = math.ceil(math.min(wait, ask.latest) * 1000)
if granted >= ask.wanted then wait = 0 end

if ask.leaves then
    redis.call('ZREM', shifts, ask.name)
    redis.call('HDEL', turns, ask.name .. ':served', ask.name .. ':due')
else
    local due = wait > 0 and now + wait * 1000 + ask.late * 1000000 or 0
    redis.call('ZADD', shifts, exactly(now + ask.forgotten_after * 1000000), ask.name)
    redis.call('HSET', turns, ask.name .. ':served', exactly(served), ask.name .. ':due', exactly(due))
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ask.kept) end
return {granted, wait, redis.call('ZCARD', shifts)}
"""


@dataclass(frozen=True)
class Pace:
    """What a bucket holds at most, and what comes into it in a second: calls or tokens."""

    capacity: float
    rate: float


def pace_of_requests(a_minute: int) -> Pace:
    """So that no ten seconds see more than a sixth of a minute's calls, except one, and no minute more than its own.

    A bucket grants at most capacity + rate x seconds. With n = floor(a_minute / 6) calls in ten seconds these are
    1 + 0.04 n + 0.93 n, which is below n + 1, and calls are whole: at most n. Where a sixth is less than one call, the
    same goes for the minute, and from one call to the next more than ten seconds pass.
    """
    if a_minute < 6:
        return Pace(1 + SAVED * a_minute, REFILL * a_minute / 60)
    ten = a_minute // 6
    return Pace(1 + SAVED * ten, REFILL * ten / 10)


def pace_of_tokens(a_minute: int) -> Pace:
    """So that no ten seconds see more than a sixth of a minute's tokens, but for calls of a twentieth of that and more.

    A call that is larger than the bucket must begin some time: it begins when there is as much as half the bucket, and
    leaves a debt. So ten seconds see at most 0.02 + 0.93 of their tokens and one such call.
    """
    return Pace(SAVED * a_minute / 6, REFILL * a_minute / 60)


@dataclass(frozen=True)
class Bucket:
    """One of the limits, as it is asked for calls that take ``each``: the first begins when there is ``ripe``."""

    capacity: float
    rate: float
    each: float
    ripe: float
    owed: float
    start: float
    """What is in it if nobody used it for long."""


@dataclass(frozen=True)
class Granted:
    """How many calls may begin now and, if these are fewer than wanted, in how many seconds to ask again."""

    count: int
    seconds: float


class OwnBuckets:
    """What a shift goes by while Redis is away: empty at first, and refilled with its part of the limits."""

    def __init__(self) -> None:
        self.levels: dict[str, float] = {}
        self.at = time.monotonic()

    def take(self, buckets: dict[str, Bucket], wanted: int, among: int) -> Granted:
        now = time.monotonic()
        elapsed, self.at = now - self.at, now
        granted = wanted
        for kind, bucket in buckets.items():
            capacity = max(bucket.ripe, bucket.capacity / among)
            level = min(capacity, self.levels.get(kind, 0.0) + elapsed * bucket.rate / among)
            self.levels[kind] = level = min(capacity, level - bucket.owed)
            granted = min(granted, max(1, math.floor(level / bucket.each)) if level >= bucket.ripe else 0)
        wait = SOONEST_SECONDS
        for kind, bucket in buckets.items():
            self.levels[kind] -= granted * bucket.each
            wait = max(wait, (bucket.ripe - self.levels[kind]) / (bucket.rate / among))
        return Granted(granted, min(wait, LATEST_SECONDS) if granted < wanted else 0.0)


class Meter:
    """One shift's way to an endpoint's limits. ``take`` and ``leave`` wait for Redis: call them in a thread."""

    def __init__(
        self,
        connect: Callable[[], Redis],
        endpoint: int,
        name: str,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
    ) -> None:
        self.connect = connect
        self.redis: Redis | None = None
        self.keys = [f"evalhub:{{endpoint:{endpoint}}}:{part}" for part in ("meter", "askers", "turns")]
        self.name = name
        self.requests = pace_of_requests(requests_per_minute) if requests_per_minute else None
        self.tokens = pace_of_tokens(tokens_per_minute) if tokens_per_minute else None
        self.lock = Lock()
        self.owed = 0.0
        self.own = OwnBuckets()
        self.among = UNKNOWN_OTHERS
        self.has_taken = False
        self.is_away = False
        self.away_until = 0.0

    @property
    def is_needed(self) -> bool:
        return bool(self.requests or self.tokens)

    def take(self, wanted: int, tokens_each: float = 0) -> Granted:
        """Ask to begin so many calls, of about so many tokens each, prompt and answer together.

        Begin what is granted at once: a call that begins later may make too many of those around it.
        """
        if not self.is_needed or wanted <= 0:
            return Granted(max(0, wanted), 0.0)
        buckets = self.buckets(tokens_each)
        if not self.is_away or time.monotonic() >= self.away_until:
            try:
                return self.ask(buckets, wanted)
            except (RedisError, OSError) as error:
                self.go_away(error)
        return self.own.take(buckets, wanted, self.among)

    def correct(self, tokens: float) -> None:
        """Charge so many tokens more than were estimated, or give back so many below 0, with the next ``take``."""
        if self.tokens:
            with self.lock:
                self.owed += tokens

    def leave(self) -> None:
        """Sign out, so that no turn is kept for this shift, with what it owes."""
        if self.has_taken and not self.is_away:
            with suppress(RedisError, OSError):  # or be forgotten after ten seconds
                self.ask(self.buckets(0), 0, leaves=True)
        if self.redis:
            self.redis.close()

    def buckets(self, tokens_each: float) -> dict[str, Bucket]:
        """The limits there are, with what is owed. Who had calls already begins no bucket with one: Redis lost it."""
        with self.lock:
            owed, self.owed = self.owed, 0.0
        start = 0.0 if self.has_taken else 1.0
        buckets = {}
        if self.requests:
            buckets["requests"] = Bucket(self.requests.capacity, self.requests.rate, 1, 1, 0, start)
        if self.tokens:
            most, each = self.tokens.capacity, max(1.0, tokens_each)
            buckets["tokens"] = Bucket(most, self.tokens.rate, each, min(each, most / 2), owed, start * most)
        return buckets

    def ask(self, buckets: dict[str, Bucket], wanted: int, leaves: bool = False) -> Granted:
        self.redis = self.redis or self.connect()
        question = {
            "name": self.name,
            "wanted": wanted,
            "buckets": {kind: asdict(bucket) for kind, bucket in buckets.items()},
            "was_away": self.is_away,
            "leaves": leaves,
            "soonest": SOONEST_SECONDS,
            "latest": LATEST_SECONDS,
            "late": LATE_SECONDS,
            "forgotten_after": FORGOTTEN_AFTER_SECONDS,
            "kept": KEPT_SECONDS,
        }
        count, wait, shifts = map(int, self.redis.eval(TAKE, len(self.keys), *self.keys, json.dumps(question)))
        self.has_taken, self.is_away = True, False
        self.among = max(UNKNOWN_OTHERS, shifts)
        return Granted(count, wait / 1000)

    def go_away(self, error: Exception) -> None:
        self.redis = None
        if not self.is_away:
            log.warning("Redis is away; going on with the worker's own share of the endpoint's limits: %s", error)
            self.own = OwnBuckets()
        self.is_away = True
        self.away_until = time.monotonic() + AGAIN_SECONDS
