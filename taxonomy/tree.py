"""The taxonomy as a tree. Pure: it is handed its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

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


@dataclass(frozen=True, slots=True)
class TreeType:
    """An error type as one version of the taxonomy has it; ``pk`` and ``parent`` are keys of ErrorType rows."""

    pk: int
    parent: int | None
    code: str
    name: str
    definition: str
    not_this_if: str
    severity: str
    owner: int | None
    position: int
    is_retired: bool
    merged_into: int | None


class Tree:
    """The error types of a project as one version of its taxonomy has them."""

    def __init__(self, number: int, rows: Iterable[Mapping[str, Any]]) -> None:
        """``number`` of the version; ``rows`` as in ``TaxonomyVersion.tree``."""
        self.number = number
        self.types = {
            row["id"]: TreeType(row["id"], *(row[name] for name in TreeType.__slots__ if name != "pk")) for row in rows
        }

    @cached_property
    def parents(self) -> dict[int, int | None]:
        """Of the types that are not merged into others."""
        return {key: each.parent for key, each in self.types.items() if each.merged_into is None}

    @cached_property
    def rows(self) -> list[tuple[TreeType, int]]:
        """(type, depth) in tree order, without those that are merged into others."""
        return [(self.types[key], depth) for key, depth in in_tree_order(self.parents, self.parents)]

    def resolve(self, key: int) -> int | None:
        """The type as which findings of ``key`` count; None where this version knows no such type."""
        seen: set[int] = set()
        while (found := self.types.get(key)) is not None and found.merged_into is not None and key not in seen:
            seen.add(key)
            key = found.merged_into
        return key if found is not None else None

    def counts_in(self, key: int) -> Sequence[int]:
        """The rows in which a finding of ``key`` counts, its own first, then all above; none if it is not known."""
        own = self.resolve(key)
        return [] if own is None else with_ancestors(own, self.parents)

    def carriers(self, key: int) -> set[int]:
        """All types whose findings count in the row of ``key``."""
        return {each for each in self.types if key in self.counts_in(each)}
