"""How quick the desk is: the next item, and a label with the item after it, with 1 and with 20 people at once.

The real web server, as ``manage.py serve`` starts it, and people in a process of their own who ask again as soon as an
answer is there. Rounds of 100,000 and of 1,000,000 items that want two labels each. The floor, in the same run and
under the same load: a view that gets one row by its key and answers with two words, behind the same middleware, sign-in
and membership. A next item is the whole page, claimed anew; a label brings the next item as a part of the page.

    EVALHUB_REVIEW_MANY=200000      instead of 1,000,000 items
    EVALHUB_REVIEW_ROUNDS=1         instead of 3, for a first look
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

import psutil

from evalhub.serving.benchmarks import Figure

ITEMS, MANY, EXAMPLES = 100_000, 1_000_000, 10_000
PEOPLE = 20
TURNS_ALONE, TURNS_TOGETHER, WARM_TURNS = 60, 15, 5

FILL_EXAMPLES = """
INSERT INTO evalsets_example (version_id, position, key, request, expected_kind, expected, tags, cluster, metadata,
    digest)
SELECT %(version)s, n, 'mail-' || n, json_build_object('messages', json_build_array(
    json_build_object('role', 'system', 'content', 'Sort the mail. Answer with JSON and nothing else.'),
    json_build_object('role', 'user', 'content', repeat('Ticket ' || n || ': my invoice shows the wrong amount, please '
        'correct it and tell me when that is done. ', 12)))),
    'json', json_build_object('category', 'billing', 'priority', n %% 4, 'language', 'en'), '{mail}', 'c', '{}', '\\x00'
FROM generate_series(1, %(examples)s) AS n
"""
FILL_OUTPUTS = """
INSERT INTO runs_output (run_id, example_id, repeat, text, tool_calls, finish_reason, prompt_tokens, completion_tokens,
    cost, total_ms, attempts, error_cause, error, raw, truncated, created_at)
SELECT %(run)s, example.id, repeat, '{"category": "orders", "priority": 4, "language": "en", "why": "The customer says '
    'that the amount on the invoice is not the one that was agreed."}', '[]', 'stop', 210, 180, 0.000123, 812.5, 1, '',
    '', '', false, now()
FROM evalsets_example AS example, generate_series(1, %(repeats)s) AS repeat WHERE version_id = %(version)s
"""
FILL_SCORES = """
INSERT INTO checks_score (output_id, check_id, run_id, outcome, cause, message)
SELECT id, %(check)s, run_id, 'failed', 'different', 'It says “orders”, and “billing” is expected.'
FROM runs_output WHERE run_id = %(run)s
"""
FILL_ITEMS = """
INSERT INTO reviews_reviewitem (round_id, output_id, reasons, inclusion_probability, "order", status, labels_wanted,
    label_count, assigned_to, is_known)
SELECT %(round)s, id, '{failed_check}', 0.5, random(), 'waiting', 2, 0, '{}', false
FROM runs_output WHERE run_id = %(run)s
"""


@contextmanager
def web_server() -> Iterator[tuple[str, psutil.Process]]:
    """Its address and its process."""
    from django.conf import settings

    from evalhub.serving.processes import start, stop
    from evalhub.serving.stack import web_service

    with socket.create_server(("127.0.0.1", 0)) as listener:
        environment = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.review_settings"}
        service = web_service(listener.fileno(), environment, settings.EVALHUB_HOME / "bench-web.log")
        child = start(service)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", psutil.Process(child.pid)
        finally:
            stop([(service, child)])


class World:
    """A project with 20 reviewers, and rounds of as many items as are asked for."""

    def __init__(self) -> None:
        from evalhub.projects.joining import found_project
        from evalhub.projects.models import Member, Role, User

        stamp = time.time_ns()
        self.lead = User.objects.create(email=f"lead-{stamp}@example.org", name="Lead", may_create_projects=True)
        self.project = found_project(self.lead, f"Bench {stamp}")
        names = [f"Person {number}" for number in range(PEOPLE)]
        self.people = User.objects.bulk_create(
            User(email=f"{number}-{stamp}@example.org", name=name) for number, name in enumerate(names)
        )
        Member.objects.bulk_create(Member(project=self.project, user=user, role=Role.REVIEWER) for user in self.people)
        self.cookies = [self.cookies_of(user) for user in self.people]

    def cookies_of(self, user: Any) -> dict[str, str]:
        from django.test import Client

        client = Client()
        client.force_login(user)
        return {name: value.value for name, value in client.cookies.items()} | {"evalhub_csrf": f"{user.pk:032d}"}

    def make_round(self, count: int) -> Any:
        """A round of so many items, each an output with a failed check, put there by SQL."""
        from django.db import connection
        from django.utils import timezone

        from evalhub.candidates.models import Candidate
        from evalhub.checks.models import Check
        from evalhub.evalsets.models import EvalSet, EvalSetVersion
        from evalhub.runs.models import Run
        from reviews.counting import count_items
        from reviews.models import Round

        stamp = f"{count} {time.time_ns()}"
        eval_set = EvalSet.objects.create(project=self.project, name=f"Mail {stamp}")
        version = EvalSetVersion.objects.create(
            eval_set=eval_set, number=1, state="draft", example_count=EXAMPLES, created_by=self.lead
        )
        candidate = Candidate.objects.create(project=self.project, name=f"model {stamp}")
        run = Run.objects.create(
            project=self.project, version=version, candidate=candidate, source=Run.Source.UPLOADED, state="finished",
            planned_outputs=count, started_by=self.lead,
        )  # fmt: skip
        check = Check.objects.create(eval_set=eval_set, name="Equal", kind="json_equals", parameters={})
        made = Round.objects.create(
            project=self.project, name=f"Round of {count}", labels_wanted=2, created_by=self.lead,
            guidelines="Pass what a customer would be content with.", selection={"wanted": {}, "seed": "s"},
            filled_at=timezone.now(),
        )  # fmt: skip
        made.runs.add(run)
        keys = {"version": version.pk, "run": run.pk, "check": check.pk, "round": made.pk}
        sizes = {"examples": min(EXAMPLES, count), "repeats": max(1, count // EXAMPLES)}
        with connection.cursor() as cursor:
            for statement in (FILL_EXAMPLES, FILL_OUTPUTS, FILL_SCORES, FILL_ITEMS):
                cursor.execute(statement, keys | sizes)
            cursor.execute("VACUUM ANALYZE")
        count_items(made.pk)
        return made

    def play(self, url: str, kind: str, people: int, turns: int, made: Any) -> dict[str, Any]:
        """Let so many people work, in a process of their own; what it says is in ``review_load``."""
        first = made.items.order_by("pk").first().pk
        root = f"/p/{self.project.slug}"
        asked = {
            "url": url,
            "people": self.cookies[:people],
            "kind": kind,
            "empty": f"{root}/bench/items/{first}/",
            "desk": f"{root}/review/rounds/{made.pk}/desk/",
            "turns": turns,
        }
        command = [sys.executable, "-m", "tests.benchmarks.review_load"]
        ran = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=300)
        assert ran.returncode == 0, ran.stderr[-3000:]
        told: dict[str, Any] = json.loads(ran.stdout)
        return told


class Times:
    """Seconds by kind, of all plays, and the web server's processor time for each of its answers."""

    def __init__(self, world: World, url: str, server: psutil.Process) -> None:
        self.world, self.url, self.server = world, url, server
        self.seconds: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        self.told: dict[str, Any] = {}

    def play(self, people: int, turns: int, made: Any) -> None:
        """Each kind under a load of its own, one after the other, so that a busy machine is busy for all of them."""
        for kind in ("empty", "label", "next"):
            before = cpu_of(self.server)
            told = self.world.play(self.url, kind, people, turns, made)
            answers = sum(len(seconds) for seconds in told.values() if isinstance(seconds, list))
            self.cpu.setdefault(kind, []).append((cpu_of(self.server) - before) / answers)
            self.seconds.setdefault(kind, []).extend(told[kind])
            self.told |= told

    def p95_ms(self, kind: str) -> float:
        return quantiles(self.seconds[kind], n=20)[-1] * 1000

    def median_ms(self, kind: str) -> float:
        return median(self.seconds[kind]) * 1000

    def cpu_ms(self, kind: str) -> float:
        return median(self.cpu[kind]) * 1000


def cpu_of(server: psutil.Process) -> float:
    return sum(
        process.cpu_times().user + process.cpu_times().system for process in [server, *server.children(recursive=True)]
    )


def run() -> list[Figure]:
    rounds = int(os.environ.get("EVALHUB_REVIEW_ROUNDS", 3))
    world = World()
    small = world.make_round(ITEMS)
    with web_server() as (url, server):
        alone, together, again, large = (Times(world, url, server) for _ in range(4))
        Times(world, url, server).play(PEOPLE, WARM_TURNS, small)
        for _ in range(rounds):
            alone.play(1, TURNS_ALONE, small)
            together.play(PEOPLE, TURNS_TOGETHER, small)
        many = world.make_round(int(os.environ.get("EVALHUB_REVIEW_MANY", MANY)))
        Times(world, url, server).play(PEOPLE, WARM_TURNS, many)
        for _ in range(rounds):
            large.play(1, TURNS_ALONE, many)
            again.play(1, TURNS_ALONE, small)
    figures = []
    for kind in ("next", "label"):
        figures += [
            Figure.over(f"{kind}_p95_ms", alone.p95_ms(kind), "ms", alone.p95_ms("empty")),
            Figure(f"{kind}_median_ms", alone.median_ms(kind), "ms"),
            Figure.over(f"{kind}_p95_20_ms", together.p95_ms(kind), "ms", together.p95_ms("empty")),
            Figure(f"{kind}_over_empty", together.p95_ms(kind) / together.p95_ms("empty"), "x"),
            Figure.over(f"{kind}_cpu_ms", together.cpu_ms(kind), "ms", together.cpu_ms("empty")),
            Figure(f"{kind}_p95_1m_ms", large.p95_ms(kind), "ms"),
            Figure(f"{kind}_growth_1m", large.p95_ms(kind) / alone.p95_ms(kind), "x"),
            Figure(f"{kind}_growth_1m_same_time", large.median_ms(kind) / again.median_ms(kind), "x"),
        ]
    return [
        *figures,
        Figure("page_kb", alone.told["page"] / 1000, "KB"),
        Figure("first_load_kb", alone.told["first_load"] / 1000, "KB"),
    ]
