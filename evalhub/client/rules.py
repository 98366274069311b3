"""What a gate fails on: a little language, and what a comparison says to each of its rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LANGUAGE = """\
rules (--fail-on RULE, may be given more than once; letters large or small):
  hidden regressions       an error type became more frequent than in the baseline, corrected for how many are tested,
                           whatever the total says
  critical regressions     one that is marked critical became more frequent, each tested by itself
  CODE > 2 %               more than 2 % of the outputs have the error type of this code
  CODE rises > 1 %         its rate is more than 1 percentage point above the baseline's, on the same examples
  check: CODE > 2 %        the same, only as checks found it; “people:” as people found it; else each by itself
  right < 90 %             fewer than 90 % of the outputs are right by the checks
  right falls > 1 %        that share is more than 1 percentage point below the baseline's

A limit fails by what was seen; a regression by an exact paired test at 5 %. Where that does not fail, but the 95 %
interval reaches beyond the limit (for regressions: beyond a rise of 2 percentage points), where a critical error newly
occurs, or nothing was looked at, the answer is “cannot tell”: no failure, unless --strict makes it one.
"""
LIMIT = re.compile(
    r"(?:(?P<source>people|checks?)\s*:\s*)?(?P<what>.+?)(?:\s+(?P<moves>rises|falls))?\s*(?P<sign>[<>])\s*"
    r"(?P<number>\d{1,3}(?:\.\d{1,6})?)\s*%"
)
REGRESSIONS = {"critical regressions": "critical", "hidden regressions": "any"}
RIGHT = "right"
NOTABLE = 0.02
"""A rise that would matter: where the interval excludes it, a regression that is not shown is taken to be none."""

Found = Mapping[str, Any]


class RuleError(Exception):
    """A rule that is not one, or that names what the project does not have."""


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Judged:
    """What one rule says of one failure mode: ``reason`` is a sentence with its figures."""

    rule: str
    subject: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Limit:
    """``CODE > 2 %`` taken apart: ``limit`` is a share from 0 to 1, ``source`` is empty where each counts by itself."""

    what: str
    source: str
    is_change: bool
    limit: float

    @property
    def is_right(self) -> bool:
        return self.what == RIGHT


@dataclass(frozen=True)
class Rule:
    """One of ``--fail-on``. ``text`` as it was given; ``limit`` is None for a rule on regressions of a ``kind``."""

    text: str
    kind: str = ""
    limit: Limit | None = None


def parsed(text: str) -> Rule:
    """Read a rule. Raises RuleError with the cure."""
    plain = " ".join(text.split())
    if kind := REGRESSIONS.get(plain.lower()):
        return Rule(plain, kind)
    found = LIMIT.fullmatch(plain.lower())
    if found is None:
        raise RuleError(f"“{plain}” is no rule. “evalhub gate --help” lists them, such as “hidden regressions”.")
    what, moves, sign = found["what"], found["moves"], found["sign"]
    # What may be right, and fall, is what the checks pass; what may be there, and rise, is an error.
    fits = (sign, moves) in ({("<", None), (">", "falls")} if what == RIGHT else {(">", None), (">", "rises")})
    limit = float(found["number"]) / 100
    if not fits or limit > 1 or (what == RIGHT and found["source"]):
        raise RuleError(
            f"“{plain}” is no rule. Say “CODE > 2 %”, “CODE rises > 1 %”, “right < 90 %” or “right falls > 1 %”."
        )
    source = "check" if (found["source"] or "").startswith("check") else found["source"] or ""
    return Rule(plain, limit=Limit(what, source, bool(moves), limit))


def judged(rule: Rule, comparison: Found) -> list[Judged]:
    """What the rule says of each mode that it is about. Raises RuleError where it names an error type there is not."""
    if rule.limit is None:
        return list(regressions(rule, comparison))
    if rule.limit.is_right:
        return [right_held(rule, rule.limit, comparison["right"])]
    modes = modes_of(rule.limit, comparison["modes"])
    return [mode_held(rule, rule.limit, mode) for mode in modes]


def modes_of(limit: Limit, modes: list[Found]) -> list[Found]:
    named = [mode for mode in modes if folded(mode["code"]) == folded(limit.what)]
    if not named:
        codes = ", ".join(dict.fromkeys(mode["code"] for mode in modes)) or "none"
        raise RuleError(f"There is no error type of the code “{limit.what}”. There are: {codes}.")
    wanted = [mode for mode in named if limit.source in {"", mode["source"]}]
    # Of a source that looked at nothing nothing is asked, unless it was asked by name or there is no other.
    looked = [mode for mode in wanted if mode["run"]["n"]]
    return wanted if limit.source or not looked else looked


def folded(code: str) -> str:
    """“Invalid_JSON” and “invalid-json” are one."""
    return code.lower().replace("_", "-").replace(" ", "-")


def regressions(rule: Rule, comparison: Found) -> Iterator[Judged]:
    about = [mode for mode in comparison["modes"] if rule.kind == "any" or mode["severity"] == "critical"]
    if not about:
        told = "No error type is marked critical." if rule.kind == "critical" else "There is no error type."
        yield Judged(rule.text, "nothing to test", Outcome.CANNOT_TELL, told)
        return
    looked = [mode for mode in about if mode["difference"]]
    for mode in looked:
        if mode["standing"] != "not_tested":
            yield Judged(rule.text, subject_of(mode), *regression(mode))
    if not looked:
        yield Judged(rule.text, "nothing to test", Outcome.CANNOT_TELL, "No example was looked at in both runs.")


def regression(mode: Found) -> tuple[Outcome, str]:
    difference = mode["difference"]
    told = f"{told_difference(difference)}, p = {difference['adjusted_p']:.2g}. {told_sides(mode)}"
    if mode["standing"] == "worse":
        return Outcome.FAILED, f"{told}{' Better or equal overall: the average hides it.' if mode['is_hidden'] else ''}"
    if mode["standing"] == "better":
        return Outcome.PASSED, f"Less often: {told}"
    if mode["severity"] == "critical" and difference["run_only"]:
        new = difference["run_only"]
        return Outcome.CANNOT_TELL, f"{new:,} new on examples that the baseline had right: {told}"
    if difference["high"] <= NOTABLE:
        return Outcome.PASSED, f"A rise of more than {100 * NOTABLE:g} points is excluded: {told}"
    needed = f" It would take about {mode['pairs_needed']:,} pairs." if mode["pairs_needed"] else ""
    return Outcome.CANNOT_TELL, f"{told}{needed}"


def subject_of(mode: Found) -> str:
    return f"{mode['name']} ({'by people' if mode['source'] == 'people' else 'by checks'})"


def mode_held(rule: Rule, limit: Limit, mode: Found) -> Judged:
    if limit.is_change:
        outcome, reason = change_held(mode["difference"], limit.limit)
        return Judged(rule.text, subject_of(mode), outcome, f"{reason} {told_sides(mode)}")
    rate = mode["run"]
    if not rate["n"]:
        return Judged(rule.text, subject_of(mode), Outcome.CANNOT_TELL, "No output was looked at.")
    outcome = held(rate["share"], rate["high"], limit.limit)
    return Judged(rule.text, subject_of(mode), outcome, f"{told(rate)}; {verdict_on(outcome, limit.limit)}")


def change_held(difference: Found | None, limit: float) -> tuple[Outcome, str]:
    """Of an increase that is bad."""
    if difference is None:
        return Outcome.CANNOT_TELL, "No example was looked at in both runs."
    outcome = held(difference["value"], difference["high"], limit)
    return outcome, f"{told_difference(difference)}; {verdict_on(outcome, limit, ' points')}"


def right_held(rule: Rule, limit: Limit, right: Found) -> Judged:
    rate, difference = right["run"], right["difference"]
    subject = "Right by the checks"
    if limit.is_change:
        turned = difference and {
            **difference,
            "value": -difference["value"],
            "low": -difference["high"],
            "high": -difference["low"],
        }
        outcome, _ = change_held(turned, limit.limit)
        reason = told_difference(difference) if difference else "No example was judged in both runs"
        return Judged(rule.text, subject, outcome, f"{reason}; {verdict_on(outcome, limit.limit, ' points')}")
    if not rate["n"]:
        return Judged(rule.text, subject, Outcome.CANNOT_TELL, "No output was judged by a check.")
    outcome = held(-rate["share"], -rate["low"], -limit.limit)
    return Judged(rule.text, subject, outcome, f"{told(rate)}; {verdict_on(outcome, limit.limit, least=True)}")


def held(value: float, worst: float, limit: float) -> Outcome:
    """What was seen decides; where it holds, the worst that is still likely must hold too for a clear answer."""
    if value > limit + 1e-12:
        return Outcome.FAILED
    return Outcome.PASSED if worst <= limit + 1e-12 else Outcome.CANNOT_TELL


def verdict_on(outcome: Outcome, limit: float, unit: str = " %", least: bool = False) -> str:
    wanted = f"at {'least' if least else 'most'} {100 * limit:.6g}{unit} wanted"
    beyond = " and the interval reaches beyond" if outcome == Outcome.CANNOT_TELL else ""
    return f"{wanted}{beyond}."


def told(rate: Found) -> str:
    """“6.0 % (18 of 300, 3.8 to 9.3 %)”."""
    if rate["is_at_most"]:
        return f"0 of {rate['n']:,}, at most {percent(rate['high'])}"
    return (
        f"{percent(rate['share'])} ({rate['count']:,} of {rate['n']:,}, {100 * rate['low']:.1f} to "
        f"{percent(rate['high'])})"
    )


def told_difference(difference: Found) -> str:
    """“+3.9 points (1.8 to 6.2, 412 pairs)”."""
    low, high = 100 * difference["low"], 100 * difference["high"]
    return f"{100 * difference['value']:+.1f} points ({low:+.1f} to {high:+.1f}, {difference['pairs']:,} pairs)"


def told_sides(mode: Found) -> str:
    return f"Baseline {told(mode['baseline'])}, run {told(mode['run'])}." if mode["run"]["n"] else ""


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
