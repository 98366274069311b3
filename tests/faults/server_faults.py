"""What happens to the servers: Redis is killed, frozen, flushed; PostgreSQL crashes."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable

import redis
from django.conf import settings

from tests.faults.rows import fault
from tests.faults.scene import Scene

KILLED_SECONDS, FROZEN_SECONDS = 60, 120


def begin_by_page(scene: Scene) -> None:
    """Start a second run of the same candidate by the form, as somebody does who knows nothing of the fault."""
    from evalhub.runs.models import Run

    answer = scene.visitor.press(
        "/runs/new/",
        "",
        version=scene.setting.version.pk,
        candidates=[scene.run.candidate_id],
        repeats=1,
        accepts_unknown_cost="on",
    )
    run = Run.objects.filter(candidate=scene.run.candidate).latest("pk")
    began = answer.status == 302 and run.pk != scene.run.pk
    scene.expect(began, f"a run could not be started by the page meanwhile: {answer}, {faults_in(answer.body)}")
    if began:
        scene.runs.append((run, scene.endpoint))
        scene.note(f"a run started meanwhile by the page was answered after {answer.seconds:.1f} s")


def faults_in(body: str) -> str:
    return "; ".join(re.findall(r'class="[^"]*(?:fault|error)[^"]*"[^>]*>([^<]+)', body)[:3])


def sit_out(scene: Scene, seconds: float, limit: float, back: Callable[[], object]) -> None:
    """Start a second run while Redis is away, bring Redis back, and see both through."""
    began = time.monotonic()
    begin_by_page(scene)
    scene.wait(lambda: time.monotonic() - began >= seconds, seconds + 5)
    stored = scene.run.outputs.count()
    scene.note(f"{stored} of {scene.run.planned_outputs} outputs were stored by the end of it")
    back()
    second = scene.runs[-1][0]
    scene.recovered(scene.wait(lambda: second.outputs.exists(), 200), limit)
    scene.finish(200)


@fault("redis-killed", "Redis is killed for 60 s", "goes on within 60 s of its return; no 5xx", seconds=130)
def redis_killed(scene: Scene) -> None:
    scene.begin()
    scene.wait_for_share(0.3)
    scene.stack.order("down", name="valkey")
    sit_out(scene, KILLED_SECONDS, 60, lambda: scene.stack.order("up", name="valkey"))


@fault("redis-frozen", "Redis is frozen for 120 s", "goes on within 60 s of its return; no 5xx", seconds=190)
def redis_frozen(scene: Scene) -> None:
    scene.begin()
    scene.wait_for_share(0.3)
    pid = scene.stack.pid("valkey")
    os.kill(pid, signal.SIGSTOP)
    try:
        sit_out(scene, FROZEN_SECONDS, 60, lambda: os.kill(pid, signal.SIGCONT))
    finally:
        os.kill(pid, signal.SIGCONT)


@fault("redis-flushed", "Redis is flushed", "goes on within 30 s; no 5xx", seconds=45)
def redis_flushed(scene: Scene) -> None:
    scene.begin(lasts=scene.brief(10))
    scene.wait_for_share(0.3)
    second = scene.begin(repeats=1)
    redis.Redis.from_url(settings.REDIS_URL).flushall()
    goes_on = scene.goes_on()
    scene.recovered(scene.wait(goes_on, 60), 30)
    scene.recovered(scene.wait(lambda: second.outputs.exists(), 60), 30)
    scene.finish(120)


@fault(
    "postgres-crash",
    "PostgreSQL crashes and restarts",
    "goes on within 30 s, nobody restarts anything; pages wait 5 s for it, then say what is wrong",
    seconds=45,
)
def postgres_crash(scene: Scene) -> None:
    scene.page_seconds = 6.0
    scene.begin(lasts=scene.brief(20))
    scene.wait_for_share(0.3)
    os.kill(scene.stack.pid("postgres"), signal.SIGQUIT)
    goes_on = scene.goes_on()
    scene.recovered(scene.wait(goes_on, 120), 30)
    scene.finish(120)
