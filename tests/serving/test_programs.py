"""The programs that other tests stand on."""

import urllib.request

import redis
from django.conf import settings

from evalhub.celery import app
from tests.people import make_user
from tests.serving.waiting import wait_until


def test_the_worker_takes_messages_from_every_queue_of_this_test_process(celery_worker):
    broker = redis.Redis.from_url(settings.REDIS_URL)

    for queue in ("calls", "work", "sweep"):
        app.send_task("celery.accumulate", queue=queue)

    wait_until(lambda: sum(broker.llen(queue) for queue in ("calls", "work", "sweep")) + broker.hlen("unacked") == 0)


def test_the_web_server_reads_the_database_of_this_test_process(page_of):
    page = page_of(make_user("Nell"))

    page.goto("/")

    assert "Nell" in page.content()


def test_a_page_cannot_be_seen_without_signing_in(web_server):
    with urllib.request.urlopen(web_server.url) as answer:
        assert "sign-in" in answer.url


def test_a_fault_in_a_page_is_noted(page, faults):
    page.goto("/")
    page.evaluate("console.error('look here')")
    page.evaluate("fetch('http://elsewhere.invalid/').catch(() => 0)")
    page.wait_for_timeout(100)

    assert faults[0].startswith("console: look here")
    assert any(fault.startswith("request to another host") for fault in faults) or "Content Security Policy" in "".join(
        faults
    )
    faults.clear()
