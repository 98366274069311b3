"""``evalhub run``: runs are started, and on request followed to their end."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from evalhub.client.finding import Found, candidate_of, published_version_of
from evalhub.client.outcomes import Exit
from evalhub.client.server import Server
from evalhub.client.telling import Teller, counted, money
from evalhub.client.waiting import looks

OVER = {"finished", "paused", "cancelled"}


async def run(server: Server, options: Namespace, teller: Teller) -> Exit:
    version = await published_version_of(server, options.eval_set)
    candidates = [await candidate_of(server, name) for name in options.candidate]
    body: dict[str, Any] = {
        "version": version["id"],
        "candidates": [candidate["id"] for candidate in candidates],
        "repeats": options.repeats,
        "reuses_outputs": options.reuse_outputs,
        "accepts_unknown_cost": options.accept_unknown_cost,
    }
    if options.budget is not None:
        body["budget"] = options.budget
    teller.goes_on = "Whether the runs were started shows on the server's page “Runs”."
    started = (await server.post("/runs", body))["items"]
    for each in started:
        planned = counted(each["planned"], "output")
        teller.say(f"Run {each['id']}: {each['candidate_name']} on {each['version_name']}, {planned}.")
        teller.say(f"{server.url}{each['page']}")
    numbers = ", ".join(str(each["id"]) for each in started)
    teller.goes_on = f"The runs go on at the server: {numbers}. Pause or cancel them on their pages."
    if not options.wait:
        teller.result({"runs": started})
        return Exit.DONE
    ended = [await follow(server, each, teller) for each in started]
    teller.result({"runs": ended})
    faults = [tell_end(each, teller) for each in ended]
    return Exit.AT_FAULT if any(faults) else Exit.DONE


async def follow(server: Server, started: Found, teller: Teller) -> Found:
    """Wait until the run moves no more, and return it as it is then."""
    told = ""
    async for each in looks(server, f"/runs/{started['id']}"):
        if each["state"] in OVER:
            break
        speed = f", {each['rate']:.1f} a second" if each["rate"] else ""
        failed = f", {each['failed']:,} failed" if each["failed"] else ""
        teller.progress(f"Run {each['id']}: {each['stored']:,} of {each['planned']:,}{failed}{speed}")
        if each["needs_help"] and not told:
            told = each["waits_for"]
            teller.warn(f"Run {each['id']}: {told}")
    return each


def tell_end(run: Found, teller: Teller) -> bool:
    """Say how the run ended; True if not all outputs are answers."""
    name = f"Run {run['id']}, {run['candidate_name']},"
    cost = f" for {money(run['cost'])}" if run["cost"] is not None else ""
    if run["state"] != "finished":
        reason = f": {run['state_reason']}" if run["state_reason"] else "."
        teller.warn(f"{name} is {run['state']} after {run['stored']:,} of {counted(run['planned'], 'output')}{reason}")
    elif not run["failed"]:
        teller.say(f"{name} is finished: {counted(run['stored'], 'output')}{cost}.")
    else:
        teller.warn(f"{name} is finished: {run['failed']:,} of {counted(run['stored'], 'output')} failed{cost}.")
    for failure in run["failures"]:
        teller.warn(f"  {failure['count']:,} × {failure['name']}, such as: {failure['error']}")
    return bool(run["failed"]) or run["state"] != "finished"
