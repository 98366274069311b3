"""What happens to workers: they are killed, poisoned, replaced, flooded, and their clocks are wrong."""

from __future__ import annotations

import json
import os
import signal
import time
from uuid import uuid4

import redis
from django.conf import settings

from tests.faults.rows import fault
from tests.faults.scene import IN_FLIGHT, Scene

LEASE_AND_SWEEP = 75  # a lease of a minute, and the next sweep
KILLS, BETWEEN_KILLS = 10, 20
WAKE_UPS, FEW_WAKE_UPS = 100_000, 1_000


def kill_one(scene: Scene) -> set[int]:
    """Kill a process that is at work; returns the ids of the chunks that it held."""
    scene.wait(scene.at_work, 30)
    pid = (scene.at_work() or [0])[0]
    scene.killed_at = time.time()
    if pid:
        os.kill(pid, signal.SIGKILL)
    return set(scene.run.chunks.filter(state="leased", worker__contains=f":{pid}:").values_list("pk", flat=True))


def are_given_back(scene: Scene, chunks: set[int]) -> bool:
    """Whether nobody's chunks can be claimed again, or were. New work goes first, so that may be all for a while."""
    return not scene.run.chunks.filter(pk__in=chunks, state="leased", crashes=0).exists()


def are_taken_up(scene: Scene, chunks: set[int]) -> bool:
    """Whether nobody's chunks are somebody's again, or done."""
    ready = scene.run.chunks.filter(pk__in=chunks, state="ready")
    return are_given_back(scene, chunks) and not ready.exists()


def note_given_back(scene: Scene, lost: list[tuple[float, set[int]]]) -> None:
    """Cross off what can be claimed again, and note how long that took."""
    for killed_at, held in [pair for pair in lost if are_given_back(scene, pair[1])]:
        scene.recovered(time.monotonic() - killed_at, LEASE_AND_SWEEP)
        lost.remove((killed_at, held))


@fault(
    "worker-killed",
    "a worker process is killed",
    "recovers in 75 s; paid twice at most the 20 in flight",
    seconds=90,
)
def worker_killed(scene: Scene) -> None:
    scene.begin()
    scene.wait_for_share(0.3)
    held = kill_one(scene)
    note_in_flight(scene)
    scene.expect(held, "the killed process held no chunk")
    scene.recovered(scene.wait(lambda: are_taken_up(scene, held), 120), LEASE_AND_SWEEP)
    scene.finish(120)
    scene.expect_few_paid_twice(IN_FLIGHT)


def note_in_flight(scene: Scene) -> None:
    at = scene.killed_at
    in_flight = sum(call.at <= at and (call.left is None or call.left > at) for call in scene.endpoint.journal())
    scene.note(f"{in_flight} calls were in flight at the moment of the kill")


@fault(
    "all-killed",
    "the whole worker is killed, parent and processes",
    "recovers in 75 s, started again by “serve”; paid twice at most the 20 in flight",
    seconds=100,
)
def all_killed(scene: Scene) -> None:
    scene.begin()
    scene.wait_for_share(0.3)
    scene.wait(scene.at_work, 30)
    workers = scene.stack.workers()
    scene.killed_at = time.time()
    for process in workers:
        process.kill()
    note_in_flight(scene)
    scene.recovered(scene.wait(scene.goes_on(), 180), LEASE_AND_SWEEP)
    scene.finish(180)
    scene.expect_few_paid_twice(IN_FLIGHT)


@fault(
    "workers-killed",
    "a worker process is killed every 20 s, ten times",
    "recovers in 75 s; paid twice at most what was in flight at each kill",
    seconds=330,
)
def workers_killed(scene: Scene) -> None:
    scene.begin(lasts=(KILLS + 1) * BETWEEN_KILLS)
    scene.wait_for_share(0.02)
    lost: list[tuple[float, set[int]]] = []
    kills = 0
    for _ in range(KILLS):
        began = time.monotonic()
        held = kill_one(scene)
        kills += bool(held)
        lost.append((time.monotonic(), held))
        scene.wait(lambda began=began: note_given_back(scene, lost) or time.monotonic() - began >= BETWEEN_KILLS)
    scene.expect(kills == KILLS, f"only {kills} of {KILLS} kills met a process at work")
    scene.wait(lambda: note_given_back(scene, lost) or not lost, 120)
    scene.expect(not lost, f"what {len(lost)} killed workers held was never given back")
    scene.finish(300)
    scene.expect_few_paid_twice(kills * IN_FLIGHT)


@fault(
    "poison",
    "an example kills whoever asks it",
    "three crashes for each repeat, quarantined, the rest finishes",
    seconds=330,
)
def poison(scene: Scene) -> None:
    prompt = list(scene.setting.prompts.values())[scene.setting.examples // 3]
    options = {"root": scene.stack.process.pid}
    scene.may_fail = {prompt: "quarantined"}
    scene.begin([{"kind": "poison", "only": prompt, "options": options}])
    scene.finish(600)
    asked = [call for call in scene.endpoint.journal() if call.kind == "poison"]
    scene.note(f"{len(asked)} processes died of it")
    scene.note(f"the runs tell of {scene.run.lost_calls.count()} calls that may have been billed")
    scene.expect(len(asked) == 6, f"it was asked {len(asked)} times, not three times for each of two repeats")


@fault("clock", "workers' clocks are off by ten minutes", "no lease is taken early", seconds=45)
def clock(scene: Scene) -> None:
    """Two workers, one ahead and one behind, and a sweeper that is ahead; the database's clock is right."""
    scene.stack.order("end", name="calls")
    scene.stack.order("end", name="sweep")
    scene.stack.order("begin", name="ahead", queues="calls", processes=1, clock=600)
    scene.stack.order("begin", name="behind", queues="calls", processes=1, clock=-600)
    scene.stack.order("begin", name="sweep-ahead", queues="sweep", processes=0, clock=600)
    try:
        scene.begin(lasts=scene.brief(20))
        scene.finish(120)
    finally:
        for name in ("ahead", "behind", "sweep-ahead"):
            scene.stack.order("end", name=name)
        scene.stack.order("begin", name="calls", queues="calls", processes=2)
        scene.stack.order("begin", name="sweep", queues="sweep", processes=0)
    taken = scene.run.chunks.filter(crashes__gt=0).count()
    scene.expect(taken == 0, f"{taken} leases were taken early")
    scene.expect(scene.row.paid_twice == 0, f"{scene.row.paid_twice} calls were paid twice")


@fault("deploy", "a deploy in mid-run", "goes on within 20 s; nothing is paid twice", seconds=35)
def deploy(scene: Scene) -> None:
    """The old worker is asked to stop while the new one starts, and messages of another version are waiting."""
    from celery import current_app

    scene.begin(lasts=scene.brief(20))
    for name in ("execute_chunks_task", "sweep_runs_task"):
        current_app.send_task(f"evalhub.runs.tasks.{name}", [scene.run.pk][: name.startswith("execute")], {"since": 2})
    current_app.send_task("evalhub.runs.tasks.a_task_of_tomorrow", [scene.run.pk], queue="calls")
    scene.wait_for_share(0.3)
    old = {process.pid for process in scene.stack.workers()}
    asked_at = time.monotonic()
    scene.stack.order("dismiss", name="calls")
    scene.stack.order("begin", name="calls", queues="calls", processes=2)
    scene.wait(lambda: set(scene.at_work()) - old, 60)
    goes_on = scene.goes_on()
    scene.wait(goes_on, 60)
    scene.recovered(time.monotonic() - asked_at, 20)
    scene.finish(120)
    left = old & {process.pid for process in scene.stack.workers()}
    scene.expect(not left, f"{len(left)} old processes have not ended")
    scene.expect(scene.row.paid_twice == 0, f"{scene.row.paid_twice} calls were paid twice")


@fault("flood", "the queue of calls is flooded with 100,000 wake-ups", "drained; no call is made twice", seconds=420)
def flood(scene: Scene) -> None:
    scene.begin()
    wake_ups = WAKE_UPS if scene.is_whole else FEW_WAKE_UPS
    broker = redis.Redis.from_url(settings.REDIS_URL)
    began = time.monotonic()
    push_wake_ups(broker, scene.run.pk, wake_ups)
    pushed = time.monotonic() - began
    second = scene.begin(repeats=1)
    behind = scene.wait(lambda: second.outputs.exists(), 400)
    scene.finish(120)
    over = time.monotonic() - began
    drained = scene.wait(lambda: broker.llen("calls") == 0 and broker.hlen("unacked") == 0, 400)
    total = time.monotonic() - began
    scene.row.recovery = total
    scene.note(f"a run started behind them had its first output after {behind:.1f} s")
    scene.note(
        f"{wake_ups:,} sent in {pushed:.1f} s; the run was over after {over:.1f} s, the queue empty after {total:.0f} s"
    )
    scene.expect(
        drained < float("inf"), f"{broker.llen('calls'):,} of {wake_ups:,} wake-ups are left after {total:.0f} s"
    )
    scene.expect(scene.row.paid_twice == 0, f"{scene.row.paid_twice} calls were paid twice")


def push_wake_ups(broker: redis.Redis, run_id: int, count: int) -> None:
    """Put copies of a real wake-up into the queue, each a message of its own, quicker than one could send them."""
    from celery import current_app

    queue = f"flood-{run_id}"
    current_app.send_task("evalhub.runs.tasks.execute_chunks_task", [run_id], queue=queue)
    message = json.loads(broker.lpop(queue))
    message["properties"]["delivery_info"]["routing_key"] = "calls"
    for start in range(0, count, 1000):
        batch = []
        for _ in range(min(1000, count - start)):
            message["properties"]["delivery_tag"] = str(uuid4())
            message["headers"]["id"] = message["properties"]["correlation_id"] = str(uuid4())
            batch.append(json.dumps(message))
        broker.lpush("calls", *batch)
