"""What people do in mid-run: pause, resume, cancel, all of it twice; and a budget that is too small."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from tests.faults.rows import fault
from tests.faults.scene import IN_FLIGHT, Scene
from tests.faults.setting import PRICE

MILLION = 1_000_000
AT_REST = 20
BUDGET_IN_FLIGHT = 50


def press(scene: Scene, verb: str, status: int = 302) -> float:
    """Press the button as the page has it; returns when it was answered."""
    answer = scene.visitor.press(scene.page, verb)
    scene.expect(answer.status == status, f"{verb} was not answered with {status}: {answer}")
    return time.time()


def expect_rest(scene: Scene, since: float, verb: str) -> None:
    """After this moment, no more calls than were in flight, and then none."""
    rest = scene.wait(lambda: not scene.run.chunks.filter(state="leased").exists(), AT_REST)
    scene.expect(rest < AT_REST, f"{AT_REST} s after {verb}, chunks are leased still")
    after = [call for call in scene.endpoint.journal() if call.at > since]
    scene.note(f"{len(after)} calls after {verb}; at rest after {rest:.1f} s")
    scene.expect(len(after) <= IN_FLIGHT, f"{len(after)} calls were made after {verb}, not {IN_FLIGHT} at most")


@fault(
    "pause",
    "pause, resume, cancel under load; cancel twice",
    "at most what was in flight is called afterwards; a second time is a 409",
    seconds=40,
)
def pause(scene: Scene) -> None:
    scene.begin(lasts=scene.brief(20))
    scene.wait_for_share(0.2)
    expect_rest(scene, press(scene, "pause"), "pause")
    press(scene, "pause", status=409)
    stored = scene.run.outputs.count()
    press(scene, "resume")
    press(scene, "resume", status=409)
    scene.recovered(scene.wait(lambda: scene.run.outputs.count() > stored + IN_FLIGHT, 60), 10)
    press(scene, "pause")
    press(scene, "resume")  # at once, while the first shift is still at its end
    scene.wait_for_share(0.6)
    scene.may_be_unfinished = True
    cancel_twice_at_once(scene)
    press(scene, "cancel", status=409)
    press(scene, "resume", status=409)
    scene.expect(scene.state() == "cancelled", f"the run is {scene.state()}, not cancelled")
    scene.finish(30)


def cancel_twice_at_once(scene: Scene) -> None:
    """Two people press the button at the same moment: one of them is told that it is done already."""
    with ThreadPoolExecutor(2) as people:
        answers = list(people.map(lambda _: scene.visitor.press(scene.page, "cancel"), range(2)))
    at = time.time()
    statuses = sorted(answer.status for answer in answers)
    scene.expect(statuses == [302, 409], f"two cancels at once were answered with {statuses}")
    expect_rest(scene, at, "cancel")


def tokens_of(prompt: str) -> int:
    """As the endpoint counts: four characters a token, of the messages and of the answer."""
    asked, answered = f'[{{"role": "user", "content": "{prompt}"}}]', f'{{"text": "{prompt}"}}'
    return len(asked) // 4 + len(answered) // 4


@fault("budget", "a budget of half the run at 50 in flight", "overshoot 0; the run pauses and says why", seconds=25)
def budget(scene: Scene) -> None:
    """The endpoint counts what it billed."""
    tokens = sum(map(tokens_of, scene.setting.prompts.values()))
    half = Decimal(tokens) * PRICE / MILLION  # of two repeats
    scene.may_be_unfinished = True
    scene.begin(in_flight=BUDGET_IN_FLIGHT, starts={"budget": half})
    scene.wait(lambda: scene.state() != "running", 120)
    # The process that did not pause it gives its chunks back when it next looks.
    scene.wait(lambda: not scene.run.chunks.filter(state="leased").exists(), 20)
    scene.finish(60)
    billed = sum(
        (call.prompt_tokens + call.completion_tokens) * PRICE / MILLION
        for call in scene.endpoint.journal()
        if call.is_billed
    )
    over = max(Decimal(0), billed - half)
    scene.note(f"billed US$ {billed:.6f} of {half:.6f}; the run is {scene.state()}: “{scene.run.state_reason}”")
    scene.expect(over == 0, f"the budget was overshot by US$ {over:.6f}")
    scene.expect(scene.state() == "paused", f"the run is {scene.state()}, not paused")
    scene.expect("budget" in scene.run.state_reason.lower(), "the page does not say that it was the budget")
    scene.expect(billed >= half * Decimal("0.9"), "less than nine tenths of the budget were used")
