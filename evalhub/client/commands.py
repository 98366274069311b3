"""The command ``evalhub``: a client of the HTTP API. Knows nothing of Django and needs no database."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from evalhub.client import gating, verifying
from evalhub.client.exporting import FILTERS, FORMATS, OF_LABELS, OF_MORE_RUNS, export, filters_told
from evalhub.client.outcomes import MEANINGS, ClientFault, Exit
from evalhub.client.reporting import report
from evalhub.client.rules import LANGUAGE
from evalhub.client.running import run
from evalhub.client.server import KEY_HELP, Server, is_open_to_listeners
from evalhub.client.telling import Teller
from evalhub.client.uploading import PURPOSES, upload

INTRODUCTION = f"""\
Upload files, start runs and export what came of them, on an EvalHub server; report on it, and let continuous
integration act on it.

The server's address is read from EVALHUB_URL, the key from EVALHUB_API_KEY. Admins of a project make keys on its page
“API keys”. There is no option for the key itself, since everybody on a machine can read the list of its processes.

{MEANINGS}"""
Command = Callable[[Server, argparse.Namespace, Teller], Awaitable[Exit]]
LocalCommand = Callable[[argparse.Namespace, Teller], Exit]
"""One that needs no server."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    teller = Teller(options.json)
    try:
        if "local" in options:
            local: LocalCommand = options.local
            return local(options, teller)
        return asyncio.run(work(options, teller))
    except ClientFault as fault:
        for line in str(fault).splitlines():
            teller.warn(line)
        if fault.code == Exit.NO_SERVER and teller.goes_on:
            teller.warn(teller.goes_on)
        if fault.code in {Exit.REFUSED, Exit.NO_SERVER, Exit.WRONG_USE}:
            teller.result({"error": fault.error})
        return fault.code
    except KeyboardInterrupt:
        teller.warn(f"Interrupted. {teller.goes_on or 'Nothing was begun.'}")
        return Exit.INTERRUPTED


async def work(options: argparse.Namespace, teller: Teller) -> Exit:
    server = Server(options.url or os.environ.get("EVALHUB_URL", ""), key_of(options), teller.warn)
    if is_open_to_listeners(server.url):
        teller.warn(f"{server.url} is not encrypted: whoever listens on the way sees the key. Use https.")
    command: Command = options.command
    async with server:
        return await command(server, options, teller)


def key_of(options: argparse.Namespace) -> str:
    if not options.key_file:
        return os.environ.get("EVALHUB_API_KEY", "")
    try:
        return sys.stdin.readline() if options.key_file == "-" else Path(options.key_file).read_text()
    except (OSError, ValueError) as error:
        raise ClientFault(f"{options.key_file} cannot be read. {KEY_HELP}", Exit.WRONG_USE) from error


def parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("evalhub", description=INTRODUCTION, formatter_class=raw, allow_abbrev=False)
    commands = made.add_subparsers(required=True, metavar="upload | run | export | report | verify | gate")
    add_upload(add(commands, "upload", upload, "a file of examples, production samples, recorded outputs or labels"))
    add_run(add(commands, "run", run, "candidates on a version of an eval set"))
    add_export(add(commands, "export", export, "rows as JSONL, CSV or Parquet"))
    add_report(add(commands, "report", report, "on what changes from one run to another, as a file"))
    add_verify(add_plain(commands, "verify", "the figures of a report, by computing them again from exports"))
    add_gate(add(commands, "gate", gating.gate, "a run: may it take the place of its baseline?"))
    return made


def add(commands: argparse._SubParsersAction, name: str, command: Command, about: str) -> argparse.ArgumentParser:
    made = add_plain(commands, name, about)
    made.set_defaults(command=command)
    made.add_argument("--url", help="address of the server; default: EVALHUB_URL")
    made.add_argument(
        "--key-file", metavar="FILE", help="file that holds the key, “-” reads it from the standard input"
    )
    return made


def add_plain(commands: argparse._SubParsersAction, name: str, about: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=f"{name.capitalize()} {about}{'' if about.endswith('?') else '.'}",
        epilog=MEANINGS,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--json", action="store_true", help="answer with one JSON value, for scripts")
    return made


def add_upload(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", help="CSV, JSON, JSONL or Parquet, plain or gzip")
    made.add_argument("--as", dest="purpose", choices=PURPOSES, default="examples", help="what its rows are")
    made.add_argument("--eval-set", metavar="NAME", help="where examples go, or whose outputs these are")
    made.add_argument("--new", action="store_true", help="make the eval set if it is missing")
    made.add_argument("--publish", action="store_true", help="publish the version, which freezes it")
    made.add_argument("--version", type=int, metavar="N", help="of outputs; default: the newest published one")
    made.add_argument("--candidate", metavar="NAME", help="whose outputs these are; made if it is new")
    made.add_argument("--round", type=round_id, metavar="ID", help="the review round whose items the labels are of")
    made.add_argument("--new-round", metavar="NAME", help="or a new one, for labels of the runs named by --run")
    made.add_argument(
        "--run",
        type=run_id,
        action="append",
        default=[],
        metavar="ID",
        help="whose outputs were labelled, for a new round; may be given more than once",
    )
    made.add_argument(
        "--make-people", action="store_true", help="make people for reviewers of labels who are no members"
    )
    made.add_argument("--make-error-types", action="store_true", help="make the error types that labels name")
    made.add_argument("--leave-out-bad-rows", action="store_true", help="import the good rows where others have errors")
    made.add_argument(
        "--map",
        type=pair,
        action="append",
        default=[],
        metavar="WHAT=COLUMN",
        help="where the guess is wrong: input=question",
    )


def add_run(made: argparse.ArgumentParser) -> None:
    made.add_argument("--eval-set", required=True, metavar="NAME[@N]", help="without N the newest published version")
    made.add_argument("--candidate", required=True, action="append", metavar="NAME", help="may be given more than once")
    made.add_argument("--repeats", type=int, default=1, metavar="N", help="how often each example is asked; default 1")
    made.add_argument("--budget", metavar="US$", help="for each run: no call begins that could exceed it")
    made.add_argument("--reuse-outputs", action="store_true", help="do not make a call that an earlier run made")
    made.add_argument("--accept-unknown-cost", action="store_true", help="also run candidates without a price")
    made.add_argument("--wait", action="store_true", help="wait for the end; exit code 1 if outputs failed")


def add_export(made: argparse.ArgumentParser) -> None:
    made.epilog = f"{filters_told()}\n{MEANINGS}"
    made.add_argument("kind", metavar="KIND", help=f"one of {', '.join(FILTERS)}")
    made.add_argument(
        "--format", choices=FORMATS, default="jsonl", help=f"{' and '.join(OF_LABELS)} are for labels; default jsonl"
    )
    made.add_argument(
        "-o", "--output", metavar="FILE", help="“-” is the standard output; default: as the server calls it"
    )
    more = " and ".join(sorted(OF_MORE_RUNS))
    made.add_argument(
        "--run", action="append", metavar="ID", help=f"of this run; for {more} may be given more than once"
    )
    made.add_argument("--round", metavar="ID", help="for labels: of this review round")
    made.add_argument("--eval-set", metavar="NAME[@N]", help="for examples: of this version; without N the newest")
    made.add_argument(
        "--filter",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="as in the address of the page with the same rows: outcome=failed",
    )


def add_report(made: argparse.ArgumentParser) -> None:
    add_both_runs(made)
    made.add_argument("--as-of", type=int, metavar="N", help="count by this version of the taxonomy; default: newest")
    made.add_argument("--format", choices=("json", "pdf"), default="json", help="default json, which can be verified")
    made.add_argument("-o", "--output", metavar="FILE", help="“-” is the standard output; default: named by its runs")


def add_verify(made: argparse.ArgumentParser) -> None:
    made.set_defaults(local=verifying.verify)
    made.epilog = verifying.MEANINGS
    made.add_argument("report", metavar="REPORT.json", help="as “evalhub report” or its page gives it")
    made.add_argument(
        "exports",
        nargs="+",
        metavar="EXPORT",
        help="JSONL of “evalhub export”: the verdicts of both runs; with their scores and outputs more can be verified",
    )
    made.add_argument("--all", action="store_true", help="name every figure, also those that come out the same")


def add_gate(made: argparse.ArgumentParser) -> None:
    add_both_runs(made)
    made.epilog = f"{LANGUAGE}\n{gating.MEANINGS}"
    made.add_argument(
        "--fail-on", action="append", required=True, metavar="RULE", help="what fails the gate; see below"
    )
    made.add_argument("--strict", action="store_true", help="what cannot be told fails too")
    made.add_argument("--wait", type=seconds, default=0, metavar="SECONDS", help="for the runs to finish; default 0")
    made.add_argument("--junit", metavar="FILE", help="write the answers as JUnit XML")


def add_both_runs(made: argparse.ArgumentParser) -> None:
    made.add_argument("--run", type=run_id, required=True, metavar="ID", help="what could take the baseline's place")
    made.add_argument("--baseline", type=run_id, required=True, metavar="ID", help="a run over the same version")


def run_id(text: str) -> int:
    return whole_number(text, "a run")


def round_id(text: str) -> int:
    return whole_number(text, "a round")


def whole_number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is no id of {what}, which is a whole number")
    return int(text)


def seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of seconds")
    return int(text)


def pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
