"""The taxonomy as a tree. Pure: it is handed its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

Key = TypeVar("Key")


def with_ancestors(key: Key, parents: Mapping[Key, Key | None]) -> list[Key]:
    """The key and all above it, nearest first."""
    found = [key]
    while (above := parents.get(found[-1])) is not None and above not in found:
        found.append(above)
    return found


def in_tree_order(parents: Mapping[Key, Key | None], ordered: Iterable[Key]) -> list[tuple[Key, int]]:
    """(key, depth) with children behind their parent, siblings in the given order."""
    children: dict[Key | None, list[Key]] = {}
    keys = list(ordered)
    for key in keys:
        above = parents.get(key)
        children.setdefault(above if above in parents else None, []).append(key)

    def below(parent: Key | None, depth: int) -> list[tuple[Key, int]]:
        return [row for key in children.get(parent, []) for row in [(key, depth), *below(key, depth + 1)]]

    return below(None, 0)
