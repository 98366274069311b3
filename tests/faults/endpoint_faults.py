"""What endpoints do to runs: they hang, drip, ask for waits, fail, refuse the key, and go down."""

from __future__ import annotations

import time
from collections import Counter

from tests.faults.rows import fault
from tests.faults.scene import IN_FLIGHT, Call, Scene

SLACK = 1.0
KEY, NEW_KEY = "sk-revoked-0123456789abcdef", "sk-valid-0123456789abcdef"
DOWN_SECONDS = 20
WAIT = 7


@fault("hang", "the endpoint hangs", "no slot is blocked past the deadline of 5 s", seconds=35)
def hang(scene: Scene) -> None:
    hold_slots(scene, "hang", 5)


@fault("drip", "the endpoint drips a byte every 5 s", "no slot is blocked past the deadline of 8 s", seconds=40)
def drip(scene: Scene) -> None:
    hold_slots(scene, "drip", 8)


def hold_slots(scene: Scene, kind: str, deadline: int) -> None:
    """One prompt in fifty is held up, the first time it is asked."""
    scene.begin([{"kind": kind, "prompts": [0, 0.02], "times": 1}], timeout_seconds=deadline)
    scene.finish(120)
    held = [call for call in scene.endpoint.journal() if call.kind == kind]
    longest = max(call.left - call.at for call in held if call.left)
    scene.note(f"{len(held)} calls were held, the longest for {longest:.1f} s")
    scene.expect(longest <= deadline + SLACK, f"a slot was blocked for {longest:.1f} s")
    scene.expect(all(call.left for call in held), "some calls are held still")


@fault("wait-seconds", "429 storm, Retry-After: 7", "no call during the wait", seconds=35)
def wait_seconds(scene: Scene) -> None:
    keep_wait(scene, str(WAIT))


@fault("wait-date", "429 storm, Retry-After: a date in 7 s", "no call during the wait", seconds=35)
def wait_date(scene: Scene) -> None:
    keep_wait(scene, f"date:{WAIT}")


def keep_wait(scene: Scene, asked: str) -> None:
    """From a quarter of the calls on, every call is told to wait, for as long as the wait lasts."""
    after = scene.run_calls() // 4
    options = {"retry_after": asked}
    # A date is of whole seconds: told in the middle of one, it is up to a second sooner.
    lasts = WAIT - 1
    scene.begin([{"kind": "storm", "after": after, "seconds": lasts, "options": options}])
    scene.finish(120)
    calls = sorted(scene.endpoint.journal(), key=lambda call: call.at)
    told = [call for call in calls if call.kind == "storm"]
    first = min(call.left for call in told if call.left)
    during = [call for call in calls if first + SLACK < call.at < first + lasts]
    later = [call for call in calls if call.at >= first + lasts]
    scene.note(f"{len(told)} calls were told to wait, {len(during)} were made during the wait")
    scene.expect(not during, f"{len(during)} calls were made during the wait")
    scene.expect(len(told) <= 2 * IN_FLIGHT, f"{len(told)} calls had to be told")
    scene.recovered(later[0].at - first - WAIT if later else float("inf"), 20)


@fault("wait-too-long", "429 storm, Retry-After: 3600", "nonsense is ignored: tried again in seconds", seconds=35)
def wait_too_long(scene: Scene) -> None:
    ignore_wait(scene, "3600")


@fault("wait-negative", "429 storm, Retry-After: -5", "nonsense is ignored: tried again in seconds", seconds=35)
def wait_negative(scene: Scene) -> None:
    ignore_wait(scene, "-5")


@fault("wait-word", "429 storm, Retry-After: abc", "nonsense is ignored: tried again in seconds", seconds=35)
def wait_word(scene: Scene) -> None:
    ignore_wait(scene, "abc")


def ignore_wait(scene: Scene, asked: str) -> None:
    """A hundred calls in a row are told nonsense: too few of a prompt to be given up."""
    after = scene.run_calls() // 4
    scene.begin([{"kind": "storm", "after": after, "before": after + 60, "options": {"retry_after": asked}}])
    scene.finish(120)
    scene.expect(scene.run.waits_until is None, f"the run waits until {scene.run.waits_until}")
    told = [call for call in scene.endpoint.journal() if call.kind == "storm"]
    again = seconds_to_next(scene.endpoint.journal(), told)
    scene.note(f"{len(told)} calls were told; the longest wait until the prompt was asked again was {max(again):.1f} s")
    scene.recovered(max(again), 60)


def seconds_to_next(calls: list[Call], told: list[Call]) -> list[float]:
    """For each of the calls, how long until its prompt was asked the next time."""
    times: dict[str, list[float]] = {}
    for call in calls:
        times.setdefault(call.prompt, []).append(call.at)
    return [min((at - call.at for at in times[call.prompt] if at > call.at), default=0) for call in told]


@fault("errors", "30 % of 500, 502, 503 and 529", "at most 1.5 calls for each output", seconds=60)
def errors(scene: Scene) -> None:
    scene.may_be_given_up = "server_error"
    scene.begin([{"kind": "any-status", "share": 0.3, "options": {"codes": [500, 502, 503, 529]}}])
    scene.finish(240)
    calls = scene.endpoint.journal()
    outputs = scene.run.outputs.count()
    ratio = len(calls) / max(1, outputs)
    given_up = scene.run.outputs.exclude(error_cause="").count()
    scene.note(f"{ratio:.3f} calls for each output; {given_up} were given up after six attempts")
    scene.expect(ratio <= 1.5, f"{ratio:.3f} calls for each output")
    # 0.3 to the sixth power is one in 1,400.
    scene.expect(given_up <= max(3, outputs / 400), f"{given_up} outputs were given up")


@fault("key-revoked", "the key is revoked in mid-run", "pauses after three; the key is shown nowhere", seconds=35)
def key_revoked(scene: Scene) -> None:
    from evalhub.candidates.keys import set_key

    after = scene.run_calls() // 3
    scene.begin([{"kind": "revoked", "after": after, "key": KEY}], key=KEY)
    scene.wait(lambda: scene.state() == "paused", 60)
    scene.wait(lambda: not scene.run.chunks.filter(state="leased").exists(), 20)
    refused = Counter(call.kind for call in scene.endpoint.journal())["revoked"]
    scene.note(f"{refused} calls were refused; “{scene.run.state_reason}”")
    scene.expect(scene.state() == "paused", f"the run is {scene.state()}, not paused")
    # For each of the two processes that work on the run three in a row and what it had in flight: the slots of the one
    # that stopped first are the other one's until that stops too.
    scene.expect(refused <= 2 * (3 + IN_FLIGHT), f"{refused} calls were made with the revoked key")
    look_for_key(scene)

    endpoint = scene.run.candidate.endpoint
    set_key(endpoint, NEW_KEY)
    endpoint.save()
    answer = scene.visitor.press(scene.page, "resume")
    scene.expect(answer.status == 302, f"it could not be resumed: {answer}")
    scene.finish(120)
    look_for_key(scene)


def look_for_key(scene: Scene) -> None:
    """In pages, logs and every text of the database."""
    for path in (scene.page, f"{scene.page}outputs/", f"{scene.page}outputs/?show=failed", "/trail/"):
        scene.expect(KEY not in scene.visitor.open(path).body, f"the key is shown on {path}")
    scene.expect(KEY not in scene.new_log(), "the key is in the logs")
    scene.expect(not scene.places_of(KEY), f"the key is in the database: {scene.places_of(KEY)}")


@fault("down", "the endpoint refuses connections for 20 s", "waits and goes on; nothing is given up", seconds=70)
def down(scene: Scene) -> None:
    scene.begin()
    scene.wait_for_share(0.3)
    scene.endpoint.close_for(DOWN_SECONDS)
    see_outage(scene, time.time())


@fault("down-503", "the endpoint answers 503 for 20 s", "one probe at a time; nothing is given up", seconds=70)
def down_503(scene: Scene) -> None:
    after = scene.run_calls() * 3 // 10
    scene.begin([{"kind": "status", "after": after, "seconds": DOWN_SECONDS, "options": {"code": "503"}}])
    scene.wait(lambda: refused_by(scene), 60)
    see_outage(scene, refused_by(scene)[0].at)
    refused = refused_by(scene)
    # Ten in a row open the breaker; by then others are in flight. After that, one probe at a time.
    limit = 10 + IN_FLIGHT + DOWN_SECONDS
    scene.note(f"{len(refused)} calls were made while it was down")
    scene.expect(len(refused) <= limit, f"{len(refused)} calls were made while it was down, not {limit} at most")


def refused_by(scene: Scene) -> list[Call]:
    return [call for call in scene.endpoint.journal() if call.kind == "status"]


def see_outage(scene: Scene, began: float) -> None:
    """The page says since when the endpoint is down; the run ends by itself once it is back."""
    seen = scene.wait(lambda: "down since" in scene.visitor.open(f"{scene.page}progress/").body, DOWN_SECONDS - 1)
    scene.expect(seen < DOWN_SECONDS, "the page of the run does not say “down since”")
    scene.wait(lambda: time.time() > began + DOWN_SECONDS)
    scene.recovered(scene.wait(scene.goes_on(), 120), 60)
    scene.finish(240)
