"""``evalhub gate``: whether a run may take the place of its baseline, for continuous integration to act on."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from evalhub.client.junit import is_failure, junit_xml, write_junit
from evalhub.client.outcomes import ClientFault, Exit
from evalhub.client.rules import Judged, Outcome, Rule, RuleError, judged, parsed
from evalhub.client.server import Server
from evalhub.client.telling import Teller, counted
from evalhub.client.waiting import FIRST_PAUSE, LONGEST_PAUSE

MEANINGS = """\
exit codes:
  0    passed: no rule fails (what cannot be told is said, and fails with --strict)
  1    failed
  2    not judged: wrong use, a run that is not finished or not there, the key, a server that does not answer
  130  interrupted
"""
MARKS = {Outcome.PASSED: "passed", Outcome.FAILED: "FAILED", Outcome.CANNOT_TELL: "cannot tell"}
Found = dict[str, Any]


async def gate(server: Server, options: Namespace, teller: Teller) -> Exit:
    try:
        rules = [parsed(text) for text in options.fail_on]
        comparison = await compared(server, options, teller)
        answers = [each for rule in rules for each in judged(rule, comparison)]
    except RuleError as error:
        raise not_judged(options, ClientFault(str(error), Exit.WRONG_USE)) from error
    except ClientFault as fault:
        raise not_judged(options, fault) from fault
    return tell(options, teller, server.url, rules, comparison, answers)


def not_judged(options: Namespace, fault: ClientFault) -> ClientFault:
    """The same with the one exit code of all that is no judgement; the JUnit file says it too, if it can."""
    if options.junit:
        write_junit(options.junit, junit_xml(suite_name(options), [], options.strict, str(fault)))
    return ClientFault(str(fault), Exit.WRONG_USE, fault.error)


def suite_name(options: Namespace) -> str:
    return f"EvalHub gate: run {options.run} against run {options.baseline}"


async def compared(server: Server, options: Namespace, teller: Teller) -> Found:
    """The comparison, once both runs are over and scored; at most ``--wait`` seconds are waited for that."""
    deadline, pause = time.monotonic() + options.wait, FIRST_PAUSE
    teller.goes_on = "Nothing was judged; the runs go on at the server."
    while True:
        try:
            return dict(await server.get(f"/runs/{options.run}/comparison", baseline=options.baseline))
        except ClientFault as fault:
            left = deadline - time.monotonic()
            if not is_worth_waiting(fault):
                raise
            if left <= 0:
                cure = "Give --wait SECONDS to wait for it." if not options.wait else f"Waited {options.wait:,} s."
                raise ClientFault(f"{fault} {cure}", fault.code, fault.error) from fault
            teller.progress(f"Waiting: {fault}")
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def is_worth_waiting(fault: ClientFault) -> bool:
    """A run that is under way, or being scored; one that was paused or cancelled does not go on by itself."""
    return fault.error.get("code") == "wrong_state" and fault.error.get("state") in {"running", "scoring"}


def tell(
    options: Namespace, teller: Teller, url: str, rules: Sequence[Rule], comparison: Found, answers: Sequence[Judged]
) -> Exit:
    failed = [each for each in answers if is_failure(each, options.strict)]
    teller.say(f"{comparison['run_name']} (run {comparison['run']}) against {comparison['baseline_name']}:")
    for headline in comparison["headlines"]:
        teller.say(f"  {headline}")
    for rule in rules:
        of_rule = [each for each in answers if each.rule == rule.text]
        teller.say(f"{rule.text}: {MARKS[worst(of_rule)]}")
        for each in sorted(of_rule, key=lambda each: -RANK[each.outcome]):
            if each.outcome != Outcome.PASSED or len(of_rule) == 1:
                teller.say(f"  {MARKS[each.outcome]}: {each.subject}. {each.reason}")
    untold = sum(each.outcome == Outcome.CANNOT_TELL for each in answers)
    note = f" {untold} cannot be told{' and fail, as --strict says' if options.strict else ''}." if untold else ""
    told = f"failed: {counted(len(failed), 'test')} of {len(answers)}." if failed else "passed."
    teller.say(f"The gate {told}{note}")
    teller.say(f"{url}{comparison['page']}")
    if options.junit:
        write_junit(options.junit, junit_xml(suite_name(options), answers, options.strict))
    rows = [
        {"rule": each.rule, "subject": each.subject, "outcome": each.outcome, "reason": each.reason} for each in answers
    ]
    teller.result({"passed": not failed, "tests": rows, "comparison": comparison})
    return Exit.AT_FAULT if failed else Exit.DONE


RANK = {Outcome.PASSED: 0, Outcome.CANNOT_TELL: 1, Outcome.FAILED: 2}


def worst(answers: Sequence[Judged]) -> Outcome:
    return max((each.outcome for each in answers), key=RANK.__getitem__, default=Outcome.PASSED)
