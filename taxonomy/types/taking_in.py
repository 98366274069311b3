"""Taking over the error types of a file, as a change of the taxonomy. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taxonomy.tree import TreeType
from taxonomy.types.planning import (
    NewType,
    TaxonomyError,
    Types,
    children,
    listed,
    refuse_faults,
    renumbered,
    with_changed,
    with_new,
)

MOST_NAMED = 4


@dataclass(frozen=True)
class Wanted:
    """An error type as a file has it; others are named by their codes. ``parent`` "" is the top."""

    code: str
    name: str
    definition: str
    not_this_if: str
    severity: str
    owner: int | None
    parent: str
    is_retired: bool
    merged_into: str


@dataclass(frozen=True)
class TakeIn:
    """The types of a file. By code: those that are missing are added.

    ``changes``: those that are there become as the file says, and stand in its order. ``retires``: those that the file
    does not have are retired.
    """

    source: str
    wanted: tuple[Wanted, ...]
    changes: bool = False
    retires: bool = False
    action = "took over error types from"

    def applied(self, types: Types) -> Types:
        keys = {each.code: each.pk for each in types.values()}
        after: dict[int, TreeType] = dict(types)
        for wanted in self.wanted:
            if wanted.code not in keys:
                after, keys[wanted.code] = with_new(after, NewType(wanted.name, code=wanted.code))
        fresh = {wanted.code for wanted in self.wanted} - {each.code for each in types.values()}
        taken = [wanted for wanted in self.wanted if self.changes or wanted.code in fresh]
        for wanted in taken:
            after[keys[wanted.code]] = as_wanted(after[keys[wanted.code]], wanted, keys)
        if self.retires:
            named = {wanted.code for wanted in self.wanted}
            for key, each in types.items():
                if each.code not in named and not each.is_retired:
                    after = with_changed(after, key, is_retired=True)
        if self.changes:
            after = in_order_of(after, [keys[wanted.code] for wanted in self.wanted])
        refuse_faults(after, [key for key in after if key not in types or not same_but_place(after[key], types[key])])
        self.refuse_lost(after)
        return types if is_the_same(types, after) else after

    def refuse_lost(self, after: Types) -> None:
        """Active types below a retired one, and merged types that end in no other one."""
        for each in after.values():
            if each.is_retired and each.merged_into is None and (left := children(after, each.pk)):
                raise TaxonomyError(
                    f"“{each.name}” would be retired while {listed(found.name for found in left)} stand below it. Keep "
                    "what the file does not name, or move or retire those first."
                )
            seen, here = {each.pk}, each.merged_into
            while here is not None:
                if here in seen:
                    raise TaxonomyError(f"“{each.name}” would be merged into itself. Correct “merged_into”.")
                seen.add(here)
                here = after[here].merged_into

    def subject(self, types: Types) -> str:
        return self.source

    def in_words(self, types: Types) -> str:
        after = self.applied(types)
        added = [each.name for key, each in after.items() if key not in types]
        changed = sum(not same_but_place(after[key], each) for key, each in types.items())
        parts = [f"added {listed(added)}"] if added else []
        if len(added) > MOST_NAMED:
            named = ", ".join(f"“{name}”" for name in added[:MOST_NAMED])
            parts = [f"added {len(added)} error types, {named} and others"]
        parts += [f"changed {changed} error type{'' if changed == 1 else 's'}"] if changed else []
        return f"Took over from {self.source}: {', '.join(parts) or 'another order'}."


def is_the_same(types: Types, after: Types) -> bool:
    """Whether nothing is different that anybody sees: numbers of positions are not, the order is."""
    return (
        len(types) == len(after)
        and all(same_but_place(after[key], each) for key, each in types.items())
        and renumbered(types, {}) == renumbered(after, {})
    )


def same_but_place(one: TreeType, other: TreeType) -> bool:
    return replace(one, position=other.position) == other


def as_wanted(each: TreeType, wanted: Wanted, keys: Mapping[str, int]) -> TreeType:
    """Raises TaxonomyError where the file names a code that nobody has."""
    for code in filter(None, (wanted.parent, wanted.merged_into)):
        if code not in keys:
            raise TaxonomyError(f"“{wanted.name}” names the error type “{code}”, which is not there. Add it.")
    return replace(
        each,
        name=wanted.name,
        definition=wanted.definition,
        not_this_if=wanted.not_this_if,
        severity=wanted.severity,
        owner=wanted.owner,
        parent=keys[wanted.parent] if wanted.parent else None,
        is_retired=wanted.is_retired,
        merged_into=keys[wanted.merged_into] if wanted.merged_into else None,
    )


def in_order_of(types: Types, keys: Sequence[int]) -> dict[int, TreeType]:
    """These first, as they come; the others behind them in the order that they have."""
    rest = sorted((each for each in types.values() if each.pk not in set(keys)), key=lambda each: each.position)
    order = [*keys, *(each.pk for each in rest)]
    return {key: replace(types[key], position=position) for position, key in enumerate(order, start=1)}
