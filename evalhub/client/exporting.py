"""``evalhub export``: rows as a file, which is there whole or not at all."""

from __future__ import annotations

import re
import sys
import uuid
from argparse import Namespace
from pathlib import Path
from typing import Any

from evalhub.client.finding import eval_set_of, split_name, version_of
from evalhub.client.outcomes import ClientFault, Exit
from evalhub.client.server import Server
from evalhub.client.telling import Teller, counted, size
from evalhub.client.waiting import looks

STANDARD_OUTPUT = "-"
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
FILTERS = {
    "examples": ("version", "tag", "key"),
    "production-samples": ("model", "tag", "field", "text", "since", "until"),
    "outputs": ("run", "show"),
    "scores": ("run", "check", "outcome", "cause"),
    "verdicts": ("run", "error_type", "own", "source", "outcome", "right", "as_of", "tag", "round"),
    "labels": (
        *("round", "status", "reason", "candidate", "person", "outcome", "error_type"),
        *("deferred", "returned", "assigned", "known", "tag", "text"),
    ),
}
"""What each kind can be filtered by. For the help alone: the server decides, and a test compares the two."""
OF_LABELS = ("label_studio", "openinference")
FORMATS = ("jsonl", "csv", "parquet", *OF_LABELS)
OF_MORE_RUNS = {"scores"}


def filters_told() -> str:
    lines = (f"  {kind:<19} {', '.join(names)}" for kind, names in FILTERS.items())
    return "kinds and their filters (--filter NAME=VALUE):\n" + "\n".join(lines) + "\n"


async def export(server: Server, options: Namespace, teller: Teller) -> Exit:
    body = {
        "kind": options.kind.replace("-", "_"),
        "format": options.format,
        "filters": await filters_of(server, options),
    }
    asked = await server.post("/exports", body)
    teller.goes_on = f"No file is written; the server still prepares export {asked['id']}."
    async for made in looks(server, f"/exports/{asked['id']}"):
        if made["state"] not in {"waiting", "working"}:
            break
        total = f" of {made['rows_total']:,}" if made["rows_total"] is not None else ""
        teller.progress(f"Preparing: {made['rows_done']:,}{total} rows")
    if made["state"] != "done":
        raise ClientFault(made["error"] or f"The export is {made['state']}.", Exit.AT_FAULT)
    target = Path(options.output or UNSAFE.sub("-", made["name"]).lstrip(".") or "export")
    if options.output == STANDARD_OUTPUT:
        target = Path(f"evalhub-{uuid.uuid4()}")
    await write(server, made, target, teller, to_output=options.output == STANDARD_OUTPUT)
    if options.output != STANDARD_OUTPUT:
        teller.say(f"{target}: {counted(made['rows_done'], 'row')}, {size(made['size'])}.")
        teller.result({"export": made, "file": str(target)})
    return Exit.DONE


async def filters_of(server: Server, options: Namespace) -> dict[str, Any]:
    kind, filters = options.kind.replace("_", "-"), dict(options.filter)
    if options.run:
        if len(options.run) > 1 and kind in FILTERS.keys() - OF_MORE_RUNS:
            told = f"Only {' and '.join(sorted(OF_MORE_RUNS))} come of more than one run. Export each run by itself."
            raise ClientFault(told, Exit.WRONG_USE)
        filters["run"] = ",".join(options.run)
    if options.round:
        filters["round"] = options.round
    if options.eval_set:
        name, number = split_name(options.eval_set)
        eval_set = await eval_set_of(server, name)
        version = eval_set["latest"] if number is None else await version_of(server, eval_set, number)
        if version is None:
            raise ClientFault(f"“{name}” has no version yet.", Exit.REFUSED)
        filters["version"] = str(version["id"])
    return filters


async def write(server: Server, made: dict[str, Any], target: Path, teller: Teller, to_output: bool) -> None:
    """Fetch into a file beside the target, and rename it once all of it is there."""
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        count = await server.fetch(
            f"/exports/{made['id']}/file",
            part,
            lambda done, _total: teller.progress(f"Fetching: {size(done)} of {size(made['size'])}"),
        )
        if count != made["size"]:
            told = f"{count:,} bytes came, and {made['size']:,} were announced. No file is written; export again."
            raise ClientFault(told, Exit.NO_SERVER)
        if to_output:
            copy_to_output(part)
        else:
            part.replace(target)
    except OSError as error:
        raise ClientFault(f"{target} cannot be written: {error.strerror}.", Exit.WRONG_USE) from error
    finally:
        part.unlink(missing_ok=True)


def copy_to_output(part: Path) -> None:
    import shutil

    with part.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
