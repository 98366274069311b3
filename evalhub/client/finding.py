"""Names that people say, as the ids that the server knows."""

from __future__ import annotations

from typing import Any

from evalhub.client.outcomes import ClientFault, Exit
from evalhub.client.server import Server

Found = dict[str, Any]


def split_name(text: str) -> tuple[str, int | None]:
    """“Inbox@3” is version 3 of Inbox; “Inbox” names no version."""
    name, at, number = text.rpartition("@")
    return (name, int(number)) if at and name and number.isascii() and number.isdecimal() else (text, None)


async def find_eval_set(server: Server, name: str) -> Found | None:
    found = (await server.get("/eval-sets", name=name))["items"]
    return dict(found[0]) if found else None


async def eval_set_of(server: Server, name: str) -> Found:
    found = await find_eval_set(server, name)
    if found is None:
        others = await server.get("/eval-sets", limit=10)
        raise ClientFault(f"There is no eval set “{name}”. {listed('eval set', others)}", Exit.REFUSED)
    return found


async def published_version_of(server: Server, text: str) -> Found:
    """The version that “NAME@N” names, or the newest published one of “NAME”."""
    name, number = split_name(text)
    eval_set = await eval_set_of(server, name)
    if number is None:
        if eval_set["latest_published"] is None:
            raise ClientFault(f"“{name}” has no published version. Upload examples with --publish.", Exit.REFUSED)
        return dict(eval_set["latest_published"])
    return await version_of(server, eval_set, number)


async def version_of(server: Server, eval_set: Found, number: int) -> Found:
    found = (await server.get(f"/eval-sets/{eval_set['id']}/versions", number=number))["items"]
    if not found:
        raise ClientFault(f"“{eval_set['name']}” has no version {number}.", Exit.REFUSED)
    return dict(found[0])


async def candidate_of(server: Server, name: str) -> Found:
    found = (await server.get("/candidates", name=name))["items"]
    if not found:
        others = await server.get("/candidates", limit=10)
        raise ClientFault(f"There is no candidate “{name}”. {listed('candidate', others)}", Exit.REFUSED)
    return dict(found[0])


def listed(what: str, page: Found) -> str:
    names = ", ".join(f"“{item['name']}”" for item in page["items"])
    if not names:
        return f"The project has no {what} yet."
    return f"There {'are' if len(page['items']) > 1 else 'is'} {names}{' and more' if page['next'] else ''}."
