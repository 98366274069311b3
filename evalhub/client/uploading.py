"""``evalhub upload``: a file on its way in, as on the pages. Errors are told by line, and then nothing is stored."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from evalhub.client.finding import Found, eval_set_of, find_eval_set, published_version_of, split_name
from evalhub.client.outcomes import ClientFault, Exit
from evalhub.client.server import Server
from evalhub.client.telling import Teller, counted, size
from evalhub.client.waiting import looks

LINES_TOLD = 50
# How the server counts rows of labels that name what is not there, and the option that has it made.
CURES = {"No member:": "--make-people", "No error type:": "--make-error-types"}
PURPOSES = ("examples", "production-samples", "outputs", "labels")


async def upload(server: Server, options: Namespace, teller: Teller) -> Exit:
    file = Path(options.file)
    refuse_file(file, await server.get("/project"))
    target = await target_of(server, options, teller)
    teller.goes_on = "Nothing is stored."
    received = await server.send_file(
        "/uploads",
        file,
        lambda done, total: teller.progress(f"Sending {file.name}: {size(done)} of {size(total)}"),
        file_name=file.name,
        **target,
    )
    refuse_unreadable(received, teller)
    teller.goes_on = f"Nothing is stored; the file waits at {server.url}{received['page']}"
    checked = await check(server, received, options, teller)
    if checked["rows_bad"] and not (options.leave_out_bad_rows and checked["rows_good"]):
        tell_errors(checked, teller)
        await server.post(f"/uploads/{checked['id']}/cancel")
        teller.result({"upload": checked})
        return Exit.AT_FAULT
    done = await store(server, checked, options, teller)
    await tell_done(server, done, teller)
    return Exit.DONE


def refuse_file(file: Path, project: Found) -> None:
    """What is wrong with the file before a byte of it is sent."""
    if not file.is_file():
        raise ClientFault(f"There is no file {file}.", Exit.WRONG_USE)
    limit = project["upload_limit_bytes"]
    if file.stat().st_size > limit:
        told = f"{file} is {size(file.stat().st_size)}; the server takes at most {size(limit)}. Compress or split it."
        raise ClientFault(told, Exit.REFUSED)


async def target_of(server: Server, options: Namespace, teller: Teller) -> dict[str, Any]:
    if options.purpose != "labels":
        refuse_options_of_labels(options)
    if options.purpose == "production-samples":
        return {"purpose": "production_samples"}
    if options.purpose == "labels":
        return target_of_labels(options)
    name = named(options.eval_set, "--eval-set")
    if options.purpose == "outputs":
        asked = f"{name}@{options.version}" if options.version else name
        version = await published_version_of(server, asked)
        return {
            "purpose": "outputs",
            "version": version["id"],
            "candidate_name": named(options.candidate, "--candidate"),
        }
    if split_name(name)[1] is not None:
        told = "Examples become the next version, so --eval-set takes a name without a number."
        raise ClientFault(told, Exit.WRONG_USE)
    eval_set = await made_or_found(server, name, teller) if options.new else await found_alone(server, name)
    return {"purpose": "examples", "eval_set": eval_set["id"]}


def refuse_options_of_labels(options: Namespace) -> None:
    """Such an option without “--as labels” would be left out silently, and the labels read as examples."""
    given = {
        "--round": options.round,
        "--new-round": options.new_round,
        "--run": options.run,
        "--make-people": options.make_people,
        "--make-error-types": options.make_error_types,
    }
    for name, value in given.items():
        if value:
            raise ClientFault(f"{name} is for labels. Add --as labels, or leave it out.", Exit.WRONG_USE)


def target_of_labels(options: Namespace) -> dict[str, Any]:
    """A round that is there, or a new one with the runs that were labelled."""
    if (options.round is None) == (not options.new_round):
        raise ClientFault("Labels need either --round ID or --new-round NAME with --run ID.", Exit.WRONG_USE)
    if options.round is not None:
        if options.run:
            raise ClientFault("A round that is there has its runs. Leave --run out.", Exit.WRONG_USE)
        return {"purpose": "labels", "round": options.round}
    if not options.run:
        raise ClientFault("A new round needs --run ID: whose outputs were labelled.", Exit.WRONG_USE)
    return {"purpose": "labels", "round_name": options.new_round, "run": options.run}


async def made_or_found(server: Server, name: str, teller: Teller) -> Found:
    """So that a script can say the same every night."""
    if found := await find_eval_set(server, name):
        return found
    made = await server.post("/eval-sets", {"name": name})
    teller.say(f"Made the eval set “{name}”.")
    return dict(made)


async def found_alone(server: Server, name: str) -> Found:
    try:
        return await eval_set_of(server, name)
    except ClientFault as fault:
        raise ClientFault(f"{fault} Add --new to make it.", fault.code) from fault


def named(value: str | None, option: str) -> str:
    if not value:
        raise ClientFault(f"This needs {option} NAME.", Exit.WRONG_USE)
    return value


def refuse_unreadable(upload: Found, teller: Teller) -> None:
    if upload["state"] == "refused":
        teller.result({"upload": upload})
        raise ClientFault(upload["refusal"], Exit.AT_FAULT)


async def check(server: Server, received: Found, options: Namespace, teller: Teller) -> Found:
    path = f"/uploads/{received['id']}"
    try:
        await server.post(f"{path}/check", {"mapping": mapping_of(options.map) | makings_of(options)})
    except ClientFault as fault:
        columns = ", ".join(f"“{column}”" for column in received["columns"])
        await server.post(f"{path}/cancel")
        cure = f"The file has the columns {columns}. Say which is what with --map, as in --map input=question."
        told = f"{fault}\n{cure}" if columns else f"{fault}\nNo row of the file can be read."
        raise ClientFault(told, fault.code, fault.error) from fault
    async for upload in looks(server, path):
        if upload["state"] != "checking":
            break
        teller.progress(f"Checking: {upload['rows_done']:,} rows")
    teller.say(f"Read {told_mapping(upload['mapping'])}.")
    if upload["state"] != "checked":
        refuse_unreadable(upload, teller)
        raise ClientFault("Somebody threw the upload away. Nothing is stored.", Exit.AT_FAULT)
    return upload


def mapping_of(pairs: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    """What --map says; metadata may be more than one column."""
    columns: dict[str, str | list[str]] = {name: column for name, column in pairs if name != "metadata"}
    metadata = [column for name, column in pairs if name == "metadata"]
    return columns | ({"metadata": metadata} if metadata else {})


def makings_of(options: Namespace) -> dict[str, bool]:
    """What labels name that is to be made where it is missing."""
    asked = {"makes_people": options.make_people, "makes_types": options.make_error_types}
    return {name: True for name, is_asked in asked.items() if is_asked}


def told_mapping(mapping: Found) -> str:
    """Which column was taken for what, since nobody confirmed the guess: “input”, “answer” as expected (number)."""
    kind = mapping.get("expected_kind", "none")
    kinds = {"expected": "" if kind == "none" else f" ({kind.replace('_', ' ')})"}
    columns = {name: column for name, column in mapping.items() if column and isinstance(column, str)}
    columns.pop("expected_kind", None)
    parts = [
        f"“{column}”{'' if column == name else f' as {name}'}{kinds.get(name, '')}" for name, column in columns.items()
    ]
    metadata = ", ".join(f"“{column}”" for column in mapping.get("metadata", []))
    return ", ".join(parts) + (f"; {metadata} as metadata" if metadata else "")


def tell_errors(upload: Found, teller: Teller) -> None:
    for error in upload["errors"][:LINES_TOLD]:
        teller.warn(error["sentence"])
    more = upload["rows_bad"] - len(upload["errors"][:LINES_TOLD])
    if more > 0:
        teller.warn(f"And {more:,} more.")
    for beginning, option in CURES.items():
        if any(kind.startswith(beginning) for kind in upload["error_counts"]):
            teller.warn(f"To have those that are missing made, add {option}.")
    good = upload["rows_good"]
    cure = f" Correct them, or add --leave-out-bad-rows to import the {counted(good, 'good one')}." if good else ""
    rows, have = counted(upload["rows_bad"] + good, "row"), "has" if upload["rows_bad"] == 1 else "have"
    teller.warn(f"Nothing is stored: {upload['rows_bad']:,} of {rows} {have} errors.{cure}")


async def store(server: Server, checked: Found, options: Namespace, teller: Teller) -> Found:
    path = f"/uploads/{checked['id']}"
    body = {"leave_out_bad_rows": options.leave_out_bad_rows, "publish": options.publish}
    page = f"{server.url}{checked['page']}"
    teller.goes_on = f"Whether the import has begun shows at {page}"
    await server.post(f"{path}/confirm", body)
    teller.goes_on = f"The import goes on at the server: {page}"
    async for upload in looks(server, path):
        if upload["state"] != "importing":
            break
        teller.progress(f"Importing: {upload['rows_done']:,} of {upload['rows_good']:,} rows")
    if upload["state"] != "done":
        teller.result({"upload": upload})
        raise ClientFault(upload["refusal"] or "Somebody threw the upload away.", Exit.AT_FAULT)
    return upload


async def tell_done(server: Server, upload: Found, teller: Teller) -> None:
    left_out = (
        f"; {upload['rows_bad']:,} with errors {'is' if upload['rows_bad'] == 1 else 'are'} left out"
        if upload["rows_bad"]
        else ""
    )
    if version := upload["version"]:
        name, what = f"{version['eval_set_name']} v{version['number']}", version["state"]
        teller.say(f"{name}: {counted(version['example_count'], 'example')}, {what}{left_out}.")
        teller.say(f"{server.url}{version['page']}")
    elif upload["run"]:
        run = await server.get(f"/runs/{upload['run']}")
        teller.say(f"Run {run['id']}: {counted(run['stored'], 'output')} of {run['candidate_name']}{left_out}.")
        teller.say(f"{server.url}{run['page']}")
    elif made := upload["round"]:
        labels, items = counted(upload["rows_good"], "label"), counted(made["items"], "item")
        teller.say(f"“{made['name']}”: {labels}{left_out}; {made['contested']:,} of {items} contested.")
        teller.say(f"{server.url}{made['page']}")
    else:
        teller.say(f"{counted(upload['rows_good'], 'production sample')}{left_out}.")
    teller.result({"upload": upload})
