"""Whether what EvalHub stands on answers, for whatever watches it."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.db import connection

SECONDS_TO_ANSWER = 2


@lru_cache(maxsize=1)
def what_is_away(second: int) -> str:
    """“database”, “redis”, or “” if both answer; looked up once in each ``second``, however many ask.

    By connections of its own: all of the pool's may be at work, which is no fault.
    """
    import psycopg  # Django needs it only where it connects
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        psycopg.connect(**connection.get_connection_params(), connect_timeout=SECONDS_TO_ANSWER).close()
    except psycopg.OperationalError:
        return "database"
    patience = {"socket_timeout": SECONDS_TO_ANSWER, "socket_connect_timeout": SECONDS_TO_ANSWER}
    try:
        with Redis.from_url(settings.REDIS_URL, **patience) as redis:
            redis.ping()
    except (RedisError, OSError):
        return "redis"
    return ""
