"""Celery and the cache stand on the same Redis database, whatever REDIS_URL says."""

import pytest
import redis
from django.conf import settings

from evalhub.celery import app
from evalhub.settings import broker_url


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("redis://cache.example:6379/4", "redis://cache.example:6379/4"),
    ],
)
def test_an_address_is_spelt_as_celery_reads_it(url, broker):
    assert broker_url(url) == broker


@pytest.mark.parametrize("number", [0, 3])
def test_a_message_lands_in_the_database_that_the_address_names(number):
    """Seen to fail: with “db=3” in a socket's address Celery used number 0."""
    url = settings.REDIS_URL.split("?")[0] + f"?db={number}"
    queue = "queue of a test"

    with app.connection_for_write(broker_url(url)) as connection:
        app.send_task("no.such.task", queue=queue, connection=connection)

    named = redis.Redis.from_url(url)
    try:
        assert named.llen(queue) == 1
    finally:
        named.delete(queue, f"_kombu.binding.{queue}")
