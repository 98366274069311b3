"""The entries of the side menu. Pages are named by their addresses, so this imports no app above."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from evalhub.projects.models import Member, Role

# name, address, the least role, group
ENTRIES = (
    ("Overview", "projects:overview", Role.REVIEWER, 0),
    ("Production samples", "evalsets:samples", Role.LEAD, 1),
    ("Eval sets", "evalsets:list", Role.LEAD, 1),
    ("Candidates", "candidates:list", Role.LEAD, 1),
    ("Runs", "runs:list", Role.LEAD, 1),
    ("Review", "reviews:home", Role.REVIEWER, 2),
    ("Error types", "taxonomy:error_types", Role.REVIEWER, 2),
    ("Breakdown", "taxonomy:breakdown", Role.LEAD, 2),
    ("Exports", "exports:list", Role.LEAD, 2),
    ("People", "projects:people", Role.ADMIN, 3),
    ("API keys", "projects:keys", Role.ADMIN, 3),
    ("History", "projects:history", Role.ADMIN, 3),
)


@dataclass(frozen=True)
class Entry:
    name: str
    url: str
    is_here: bool
    is_exact: bool


def navigation_for(member: Member, path: str) -> list[list[Entry]]:
    """The menu's groups of entries for this member; the entry whose address begins the current one is marked."""
    groups: dict[int, list[Entry]] = {}
    home = reverse("projects:overview", args=[member.project.slug])
    for name, address, needed, group in ENTRIES:
        if member.may(needed):
            url = reverse(address, args=[member.project.slug])
            is_here = path == url or (url != home and path.startswith(url))
            groups.setdefault(group, []).append(Entry(name, url, is_here, path == url))
    return list(groups.values())
