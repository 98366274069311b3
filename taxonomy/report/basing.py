"""What a report rests on, as blocks: versions, hashes, settings, rounds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evalhub.web.templatetags.ui import number, percent
from taxonomy.report.blocks import Block, Cell, Code, Facts, Row, Sentences, Table

Found = Mapping[str, Any]
NOT_SAID = "as the endpoint has it"


def based_on(basis: Found) -> Iterator[Block]:
    eval_set, taxonomy = basis["eval_set"], basis["taxonomy"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in taxonomy["weights"].items())
    yield Facts(
        [
            ("Eval set", f"{eval_set['name']} v{eval_set['number']}, {number(eval_set['examples'])} examples", False),
            ("Its SHA-256", eval_set["content_hash"] or "none: the version is a draft", bool(eval_set["content_hash"])),
            ("Taxonomy", f"version {taxonomy['version']}{change(taxonomy)}", False),
            ("Its SHA-256", taxonomy["digest"], True),
            ("Weights of severities", weights, False),
            ("EvalHub", basis["evalhub"], False),
        ]
    )
    for run in basis["runs"]:
        yield from run_blocks(run)
    yield from check_blocks(basis)
    yield from round_blocks(basis)


def change(taxonomy: Found) -> str:
    return f": {taxonomy['change']}" if taxonomy["change"] else ""


def run_blocks(run: Found) -> Iterator[Block]:
    repeats = "" if run["repeats"] == 1 else f", {run['repeats']} times each"
    rows = [
        (f"Run {run['run']}", f"{run['candidate']}{', the baseline' if run['is_baseline'] else ''}", False),
        ("Outputs", f"{number(run['planned_outputs'])} planned{repeats}; {run['state']}; {run['source']}", False),
    ]
    settings = run["settings"]
    if settings:
        rows += [
            ("Model", told(settings["model"]), False),
            ("Temperature", told(settings["temperature"]), False),
            ("Most tokens", told(settings["max_tokens"]), False),
            ("Tools", str(settings["tools"]), False),
            ("Price, US$ a million tokens", f"{price(settings, 'input')} in, {price(settings, 'output')} out", False),
            ("Its plan's SHA-256", run["plan_digest"], True),
        ]
    yield Facts(rows)
    for name, title in (("system_prompt", "System prompt"), ("template", "Prompt template")):
        if settings and settings[name]["characters"]:
            yield Code(f"{title}{beginning(settings[name])}", settings[name]["text"])
    if settings and settings["response_format"]:
        yield Code("Response format", pretty(settings["response_format"]))


def beginning(text: Found) -> str:
    cut = text["characters"] - len(text["text"])
    return f": its first {number(len(text['text']))} of {number(text['characters'])} characters" if cut else ""


def told(value: Any) -> str:
    return NOT_SAID if value in (None, "") else str(value)


def price(settings: Found, way: str) -> str:
    return settings[f"{way}_price"] or "unknown"


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def check_blocks(basis: Found) -> Iterator[Block]:
    if not basis["checks"]:
        yield Sentences([("No check of the eval set is active.", "")], "soft")
        return
    names = {each["id"]: each["name"] for each in basis["taxonomy"]["tree"]}
    yield Table(
        "Checks, and what failing them means",
        ["Check", "Kind", "Means"],
        [
            Row(check["name"], [Cell(check["kind"].replace("_", " ")), Cell(meanings(check, names))])
            for check in basis["checks"]
        ],
        is_text=True,
        caption="Checks, and what failing them means",
    )
    for check in basis["checks"]:
        if check["parameters"]:
            yield Code(f"Parameters of {check['name']}", pretty(check["parameters"]))


def meanings(check: Found, names: Mapping[int, str]) -> str:
    told = []
    for meaning in check["meanings"]:
        cause = f"{meaning['cause'].replace('_', ' ')}: " if meaning["cause"] else ""
        told.append(cause + names.get(meaning["error_type"], "not in this version"))
    return "; ".join(told) or "no error type"


def round_blocks(basis: Found) -> Iterator[Block]:
    if not basis["rounds"]:
        yield Sentences([("No review round holds outputs of these runs.", "")], "soft")
        return
    candidates = {run["run"]: run["candidate"] for run in basis["runs"]}
    rows = []
    for made in basis["rounds"]:
        how = "blind" if made["is_blind"] else "candidates named"
        labels = f"{number(made['labels'])} labels by {how} reviewing, {made['labels_wanted']} wanted of an item"
        items = f"{number(made['items'])} items, {number(made['settled'])} settled"
        rows.append(Row(made["name"], [Cell(items, labels)]))
        rows += [
            Row(
                f"{candidates.get(stratum['run'], stratum['run'])}: {' and '.join(stratum['titles']).lower()}",
                [Cell(f"{number(stratum['items'])} chosen, {number(stratum['settled'])} settled", chance(stratum))],
                depth=1,
            )
            for stratum in made["strata"]
        ]
    caption = "Review rounds, and how their outputs were chosen"
    yield Table(caption, ["Round", "Outputs"], rows, is_text=True, caption=caption)


def chance(stratum: Found) -> str:
    least, most = percent(stratum["least_probability"]), percent(stratum["most_probability"])
    return f"chance of being chosen {least}" + (f" to {most}" if most != least else "")
