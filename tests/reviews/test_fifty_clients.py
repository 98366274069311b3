"""Fifty people label at once over HTTP while clients crash, requests are cut off, claims run out and a process dies.

A client believes nothing but what the server answered. What it holds for certain (given to it, and neither sent nor
taken from it since) is written down, so an item given beyond its number is seen from outside, whatever the rows say.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import re
import signal
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import timedelta

import aiohttp
import psutil
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from evalhub.projects.models import Member, Role
from reviews.labelling import NotYours, record_label
from reviews.models import Claim, ItemEvent, Label
from reviews.queue import claim_next_item, leave_item
from tests.making import assessed, make_round, make_run, make_version
from tests.people import make_user
from tests.running import Program

ITEMS, WANTED, CLIENTS = 1_000, 2, 50
GIVEN = re.compile(r'action="[^"]*/review/items/(\d+)/label/"')
SECRET = re.compile(r"secret-[a-z0-9-]+")
OVER_ASSIGNED = """
SELECT count(*) FROM reviews_reviewitem AS item WHERE label_count + (
    SELECT count(*) FROM reviews_claim WHERE item_id = item.id AND until > now()) > labels_wanted
"""
TRIES = 200
CUT = (aiohttp.ClientError, TimeoutError, ConnectionError)


class Known:
    """What is known of who holds what, and what was found wrong."""

    def __init__(self, url, slug, pk):
        self.url, self.slug, self.pk = url, slug, pk
        self.holders = defaultdict(set)
        self.labelled = defaultdict(set)
        self.expired_at = defaultdict(float)
        self.faults = []
        self.happened = Counter()
        self.killed = self.is_done = False

    def note_given(self, item, name, asked_at):
        if name in self.labelled[item]:
            self.faults.append(f"{name} got {item} again")
        if asked_at <= self.expired_at[item]:
            return  # whether it was given before or after its time was over, nobody knows here
        self.holders[item].add(name)
        certain = self.holders[item] | self.labelled[item]
        if len(certain) > WANTED:
            self.faults.append(f"{item} is with {sorted(certain)}")

    def expire(self, chance):
        """As if fifteen minutes were over for some of the claims; whoever held one holds it for certain no more."""
        taken = Claim.objects.filter(item__round=self.pk, until__gt=timezone.now()).values_list("pk", "item_id")
        for pk, item in chance.sample(list(taken), min(3, len(taken))):
            self.expired_at[item] = math.inf
            self.holders[item].clear()
            self.happened["expired"] += Claim.objects.filter(pk=pk).update(until=timezone.now() - timedelta(seconds=1))
            self.expired_at[item] = time.monotonic()

    def look_for_faults(self):
        with connection.cursor() as cursor:
            cursor.execute(OVER_ASSIGNED)
            (count,) = cursor.fetchone()
        self.is_done = Label.objects.filter(item__round=self.pk).count() >= ITEMS * WANTED
        if count:
            self.faults.append(f"{count} items have more labels and claims than they want")


class Person:
    """Somebody at the desk, in a browser of their own."""

    def __init__(self, shown, user, chance):
        self.round, self.name, self.chance = shown, user.name, chance
        client = Client()
        client.force_login(user)
        token = f"{chance.getrandbits(128):032x}"
        self.cookies = {name: value.value for name, value in client.cookies.items()} | {"evalhub_csrf": token}
        self.headers = {"X-CSRFToken": token, "HX-Request": "true"}
        self.said = {}
        self.abandoned = []

    def path(self, rest):
        return f"{self.round.url}/p/{self.round.slug}/review/{rest}"

    async def work(self):
        async with aiohttp.ClientSession(cookies=self.cookies, headers=self.headers) as self.session:
            item = await self.ask()
            looks = 0
            while looks < TRIES:
                if item is None:
                    looks += 1
                    if self.round.is_done:
                        return
                    await asyncio.sleep(0.3)  # others hold the rest
                    item = await self.ask()
                    continue
                item = await self.label_or_not(item)

    async def label_or_not(self, item):
        """Label the item, mostly; else crash, or be cut off; or send what one has held for too long."""
        luck = self.chance.random()
        if luck < 0.03:
            self.round.happened["vanished"] += 1
            self.abandoned.append(item)
            self.round.holders[item].discard(self.name)
            await asyncio.to_thread(self.give_up, item)
            return await self.ask()
        if luck < 0.06:
            return await self.cut_off(item)
        if luck < 0.08 and self.abandoned:
            await self.send(self.abandoned.pop())
        return await self.send(item)

    def give_up(self, item):
        try:
            Claim.objects.filter(item=item, reviewer__name=self.name).update(
                until=timezone.now() - timedelta(seconds=1)
            )
        finally:
            connection.close()

    async def cut_off(self, item):
        """Close the connection while the server is at it: nobody knows whether the label counts."""
        self.round.happened["cut"] += 1
        self.round.holders[item].discard(self.name)
        sending = asyncio.ensure_future(self.post(item))
        await asyncio.wait([sending], timeout=self.chance.random() * 0.03)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return await self.ask()

    def words(self, item):
        return self.said.setdefault(item, f"secret-{self.name.lower()}-{item}")

    async def post(self, item):
        data = {"outcome": self.chance.choice(["pass", "fail"]), "note": self.words(item)}
        async with self.session.post(self.path(f"items/{item}/label/"), data=data) as answer:
            return answer.status, await answer.text()

    async def send(self, item):
        """Label it; the item that the answer brings, or the same one again where the answer is lost."""
        self.round.holders[item].discard(self.name)
        asked_at = time.monotonic()
        try:
            status, text = await self.post(item)
        except CUT:
            self.round.happened["lost answers"] += 1
            return await self.ask()
        assert status in {200, 422, 500, 502}, status
        if status == 200:
            self.round.labelled[item].add(self.name)
        elif status == 422:
            self.round.happened["refused"] += 1
            self.look_at(text)
            return await self.ask()
        else:
            return await self.ask()
        return self.given(text, asked_at)

    async def ask(self):
        """The next item; None when nothing waits, or nobody answers just now."""
        asked_at = time.monotonic()
        try:
            async with self.session.get(self.path(f"rounds/{self.round.pk}/desk/")) as answer:
                text = await answer.text()
                return self.given(text, asked_at) if answer.status == 200 else None
        except CUT:
            self.round.happened["lost answers"] += 1
            return None

    def given(self, text, asked_at):
        self.look_at(text)
        found = GIVEN.search(text)
        if found is None:
            return None
        item = int(found[1])
        self.round.note_given(item, self.name, asked_at)
        return item

    def look_at(self, text):
        """Nothing that another person said, nor who it was."""
        others = set(SECRET.findall(text)) - set(self.said.values())
        names = {name for name in re.findall(r"Reviewer\d+x", text) if name != self.name}
        if others or names:
            self.round.faults.append(f"{self.name} sees {others | names}")


async def disturb(shown, program, chance):
    """Let claims run out, look for what must not be, and kill a process of the web server in the middle of it."""
    while True:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(step, shown, chance)
        if not shown.killed and sum(map(len, shown.labelled.values())) > ITEMS:
            victim = chance.choice(psutil.Process(program.process.pid).children())
            os.kill(victim.pid, signal.SIGKILL)
            shown.killed = True


def step(shown, chance):
    try:
        shown.expire(chance)
        shown.look_for_faults()
    finally:
        connection.close()


async def work_together(shown, people, program, chance):
    disturbance = asyncio.create_task(disturb(shown, program, chance))
    try:
        await asyncio.gather(*(person.work() for person in people))
    finally:
        disturbance.cancel()


def test_fifty_clients_give_two_labels_to_each_of_a_thousand_items(
    web_server, session_web_server: tuple[Program, object], project
):
    made = make_round(make_run(make_version(project, ITEMS)), labels_wanted=WANTED)
    users = [make_user(f"Reviewer{number}x") for number in range(CLIENTS)]
    Member.objects.bulk_create(Member(project=project, user=user, role=Role.REVIEWER) for user in users)
    shown = Known(web_server.url, project.slug, made.pk)
    people = [Person(shown, user, random.Random(number)) for number, user in enumerate(users)]

    asyncio.run(work_together(shown, people, session_web_server[0], random.Random("disturbance")))

    assert shown.faults == []
    labels = Label.objects.filter(item__round=made)
    assert labels.count() == ITEMS * WANTED
    assert Counter(labels.values_list("item_id", flat=True)) == dict.fromkeys(
        made.items.values_list("pk", flat=True), WANTED
    )
    assert not made.items.exclude(status__in=["settled", "contested"]).exists()
    said = {(label.item_id, label.reviewer.name): label.note for label in labels.select_related("reviewer")}
    assert all(note == f"secret-{name.lower()}-{item}" for (item, name), note in said.items())
    # A label whose answer came is there; and nobody labelled an item twice.
    assert {(item, name) for item, names in shown.labelled.items() for name in names} <= said.keys()
    assert ItemEvent.objects.filter(action="labelled", item__round=made).count() == ITEMS * WANTED
    assert sum(made.seats.values_list("labels", flat=True)) == ITEMS * WANTED
    assert shown.killed
    assert min(shown.happened[kind] for kind in ("vanished", "cut", "expired")) > 10


@pytest.mark.django_db(transaction=True)
def test_eight_threads_that_crash_and_dawdle_give_each_item_what_it_wants(project):
    made = make_round(make_run(make_version(project, 60)), labels_wanted=WANTED)
    people = [make_user(f"Person{number}") for number in range(8)]
    over, faults = [], []

    def is_over():
        with connection.cursor() as cursor:
            cursor.execute(OVER_ASSIGNED)
            return cursor.fetchone()[0]

    def work(person, chance):
        try:
            for _ in range(2_000):
                item = claim_next_item(made, person)
                if item is None and not made.items.filter(status__in=["waiting", "in_review"]).exists():
                    return
                luck = chance.random()
                if item is None or luck < 0.1:
                    for claim in Claim.objects.values_list("pk", flat=True):  # one by one: no two rows locked at once
                        Claim.objects.filter(pk=claim).update(until=timezone.now() - timedelta(seconds=1))
                elif luck < 0.2:
                    leave_item(item, person)
                else:
                    label(item, person)
                over.append(is_over())
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    def label(item, person):
        with suppress(NotYours):  # it ran out, and somebody else has it
            record_label(made.items.get(pk=item), person, assessed("pass"))

    threads = [threading.Thread(target=work, args=[person, random.Random(n)]) for n, person in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert set(over) == {0}
    assert Counter(Label.objects.values_list("item_id", flat=True)) == dict.fromkeys(
        made.items.values_list("pk", flat=True), WANTED
    )
    assert not made.items.exclude(status="settled").exists()
