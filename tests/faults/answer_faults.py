"""What comes back instead of an answer: nonsense, far too much, and text that no database takes."""

from __future__ import annotations

from collections import Counter

from tests.faults.endpoint import drawn
from tests.faults.rows import fault
from tests.faults.scene import Scene

MOST_STORED = 1_000_000
MOST_RAW = 20_000
MOST_MEMORY = 500

# Shares of all prompts that are answered so, for ever.
MALFORMED = {
    "html": "not_json",
    "empty": "empty",
    "null": "empty",
    "half-json": "not_json",
    "cut-off": "reset",
    "no-choices": "no_choices",
    "calls-only": "",
}
TOO_LARGE = {"long-text": "", "big-body": "too_large", "gzip-bomb": "too_large"}
HOSTILE = {"nul": "before�after", "surrogate": "before�after", "invalid-utf8": "before��after"}


def spread(scene: Scene, kinds: list[str], share: float) -> list[dict]:
    """Rules by which this share of all prompts gets each kind."""
    return [{"kind": kind, "prompts": [n * share, (n + 1) * share]} for n, kind in enumerate(kinds)]


def prompts_of(scene: Scene, rule: dict) -> list[str]:
    low, high = rule["prompts"]
    return [prompt for prompt in scene.setting.prompts.values() if low <= drawn(prompt) < high]


@fault(
    "malformed",
    "200 with HTML, empty, null, truncated JSON, no choices, tool calls only",
    "classified, raw kept (capped), no uncaught exception",
    seconds=60,
)
def malformed(scene: Scene) -> None:
    """In a small run without the half answer: a broken connection is tried six times, for half a minute."""
    kinds = [kind for kind in MALFORMED if scene.is_whole or kind != "cut-off"]
    rules = spread(scene, kinds, 0.05)
    for rule in rules:
        for prompt in prompts_of(scene, rule):
            if MALFORMED[rule["kind"]]:
                scene.may_fail[prompt] = MALFORMED[rule["kind"]]
            else:
                scene.told[prompt] = ""
    scene.begin(rules)
    scene.finish(240)
    failed = scene.run.outputs.exclude(error_cause="")
    scene.note(f"{dict(Counter(failed.values_list('error_cause', flat=True)))}")
    for rule in rules:
        kind, cause, prompts = rule["kind"], MALFORMED[rule["kind"]], prompts_of(scene, rule)
        scene.expect(prompts, f"no prompt was answered with {kind}")
        keys = [key for key, prompt in scene.setting.prompts.items() if prompt in prompts]
        raw = list(scene.run.outputs.filter(example__key__in=keys).values_list("raw", flat=True))
        came_whole = cause and kind not in {"empty", "cut-off"}
        kept = all(raw) if came_whole else not any(raw)
        scene.expect(kept, f"what was sent as {kind} is not kept as it should be: {raw[:1]}")
        scene.expect(max(map(len, raw), default=0) <= MOST_RAW, f"more than {MOST_RAW} characters of {kind} are kept")
    scene.expect("Traceback (most recent call last)" not in scene.new_log(), "there are tracebacks in the logs")
    look_at_outputs(scene)


@fault(
    "too-large",
    "10 MB of output, a body of 200 MB, a gzip bomb",
    "capped with a flag; a worker stays under 500 MB",
    seconds=60,
)
def too_large(scene: Scene) -> None:
    """One prompt in a hundred each, and at least one."""
    rules = spread(scene, list(TOO_LARGE), max(0.01, 3 / scene.setting.examples))
    for rule in rules:
        for prompt in prompts_of(scene, rule):
            if TOO_LARGE[rule["kind"]]:
                scene.may_fail[prompt] = TOO_LARGE[rule["kind"]]
            else:
                scene.told[prompt] = "a" * MOST_STORED
    scene.begin(rules)
    scene.finish(240)
    flags = list(scene.run.outputs.filter(text__startswith="aaaa").values_list("truncated", flat=True))
    scene.expect(flags and all(flags), f"{flags.count(False)} of {len(flags)} long outputs are not marked as cut off")
    scene.note(f"{len(flags)} long texts; the largest worker took {scene.watch.most_memory:.0f} MB")
    scene.expect(scene.watch.most_memory < MOST_MEMORY, f"a worker took {scene.watch.most_memory:.0f} MB")
    look_at_outputs(scene)


@fault(
    "hostile",
    "NUL, lone surrogates and invalid UTF-8 in an answer",
    "stored visibly replaced; never a 500",
    seconds=30,
)
def hostile(scene: Scene) -> None:
    rules = spread(scene, list(HOSTILE), 0.3)
    for rule in rules:
        for prompt in prompts_of(scene, rule):
            scene.told[prompt] = HOSTILE[rule["kind"]]
    scene.begin(rules)
    scene.finish(120)
    look_at_outputs(scene)


def look_at_outputs(scene: Scene) -> None:
    """Open the list of outputs, the failures, and one output of each sort."""
    firsts = {}
    for pk, cause, text in scene.run.outputs.order_by("pk").values_list("pk", "error_cause", "text"):
        firsts.setdefault((cause, text[:6]) if cause or "�" in text else ("", text[:4]), pk)
    paths = [
        f"{scene.page}outputs/",
        f"{scene.page}outputs/?show=failed",
        *(f"/outputs/{pk}/" for pk in firsts.values()),
    ]
    for path in paths:
        answer = scene.visitor.open(path)
        scene.expect(answer.status == 200, f"{answer}")
