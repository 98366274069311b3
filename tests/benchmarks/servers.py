"""Start and stop of the embedded servers, and one round trip to each."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from evalhub.serving.benchmarks import Figure

ROUND_TRIPS = 500


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="evalhub-bench-") as place:
        Path(place).chmod(0o711)
        home = Path(place) / "home"
        first, _, _ = start_and_stop(home)
        second, stop, (database, broker) = start_and_stop(home)
    return [
        Figure("first_start", first, "s"),
        Figure("second_start", second, "s"),
        Figure("stop", stop, "s"),
        Figure("database_round_trip", database * 1e6, "µs"),
        Figure("broker_round_trip", broker * 1e6, "µs"),
    ]


def start_and_stop(home: Path) -> tuple[float, float, tuple[float, float]]:
    from evalhub.serving.embedded import running_servers

    began = time.perf_counter()
    with running_servers(home):
        started = time.perf_counter() - began
        figures = round_trips(home)
        began = time.perf_counter()
    return started, time.perf_counter() - began, figures


def round_trips(home: Path) -> tuple[float, float]:
    """Seconds of one query and of one command."""
    import psycopg
    import redis

    from evalhub.serving.places import embedded_database_url, embedded_redis_url

    with psycopg.connect(embedded_database_url(home)) as connection:
        query = seconds_each(lambda: connection.execute("SELECT 1").fetchone())
    return query, seconds_each(redis.Redis.from_url(embedded_redis_url(home)).ping)


def seconds_each(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(ROUND_TRIPS):
        action()
    return (time.perf_counter() - began) / ROUND_TRIPS
