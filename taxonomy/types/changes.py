"""The changes that a lead can make of the taxonomy, each as what it turns the error types into. Pure.

A change never touches findings: what they count as is read from the tree. So every change can be undone, and reports
as of an older version stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from taxonomy.tree import TreeType
from taxonomy.types.planning import (
    NewType,
    TaxonomyError,
    Types,
    children,
    find,
    find_active,
    listed,
    next_position,
    refuse_faults,
    renumbered,
    where,
    with_changed,
    with_new,
)


class Change(Protocol):
    """``action``: a verb in the past, for the trail. Both methods are handed the types as they are before."""

    @property
    def action(self) -> str: ...

    def applied(self, types: Types) -> Types:
        """Return the types as they are after. Raises TaxonomyError with the place and the cure where that cannot be."""
        ...

    def subject(self, types: Types) -> str:
        """Return what is changed."""
        ...

    def in_words(self, types: Types) -> str:
        """Return what is changed, in a sentence."""
        ...


@dataclass(frozen=True)
class Add:
    """A new error type behind the others."""

    new: NewType
    action = "added the error type"

    def applied(self, types: Types) -> Types:
        after, key = with_new(types, self.new)
        refuse_faults(after, [key])
        return after

    def subject(self, types: Types) -> str:
        return self.new.name.strip()

    def in_words(self, types: Types) -> str:
        below_what = f" {where(types, self.new.parent)}" if self.new.parent in types else ""
        return f"Added “{self.subject(types)}”{below_what}."


@dataclass(frozen=True)
class Edit:
    """Other words, severity or owner. The code stays: files that name it stay right."""

    key: int
    fields: tuple[tuple[str, object], ...]
    action = "changed the error type"
    NAMES = {
        "name": "name",
        "definition": "definition",
        "not_this_if": "“not this if”",
        "severity": "severity",
        "owner": "owner",
    }

    def applied(self, types: Types) -> Types:
        find(types, self.key)
        after = with_changed(types, self.key, **dict(self.fields))
        refuse_faults(after, [self.key])
        return after

    def subject(self, types: Types) -> str:
        return str(dict(self.fields).get("name", find(types, self.key).name))

    def in_words(self, types: Types) -> str:
        before = find(types, self.key)
        changed = [name for name, value in self.fields if getattr(before, name) != value]
        renamed = f"Renamed “{before.name}” to “{self.subject(types)}”" if "name" in changed else ""
        others = [self.NAMES[name] for name in changed if name != "name"]
        if not others:
            return f"{renamed}."
        said = f"the {' and the '.join([', the '.join(others[:-1]), others[-1]] if len(others) > 1 else others)}"
        return f"{renamed}, and changed {said}." if renamed else f"Changed {said} of “{before.name}”."


@dataclass(frozen=True)
class Move:
    """Another place in the tree: below ``parent``, or at the top; behind those that stand there."""

    key: int
    parent: int | None
    action = "moved the error type"

    def applied(self, types: Types) -> Types:
        moved = find_active(types, self.key)
        if moved.parent == self.parent:
            raise TaxonomyError(f"“{moved.name}” stands {where(types, self.parent)} already. Choose another place.")
        after = with_changed(types, self.key, parent=self.parent, position=next_position(types))
        refuse_faults(after, [self.key])
        return after

    def subject(self, types: Types) -> str:
        return find(types, self.key).name

    def in_words(self, types: Types) -> str:
        return f"Moved “{self.subject(types)}” {'to the top' if self.parent is None else where(types, self.parent)}."


@dataclass(frozen=True)
class Order:
    """The order of types that stand below the same one; figures do not depend on it."""

    places: tuple[tuple[int, int], ...]
    action = "put in order"

    def applied(self, types: Types) -> Types:
        for key, _ in self.places:
            find(types, key)
        before = renumbered(types, {})
        after = renumbered(types, dict(self.places))
        return types if after == before else after

    def subject(self, types: Types) -> str:
        return "the error types"

    def in_words(self, types: Types) -> str:
        return "Put the error types in another order."


@dataclass(frozen=True)
class Retire:
    """It leaves the reviewers' list. Labels and findings that carry it keep it, and it stays in the figures."""

    key: int
    action = "retired the error type"

    def applied(self, types: Types) -> Types:
        retired = find_active(types, self.key)
        if left := children(types, self.key):
            raise TaxonomyError(
                f"“{retired.name}” has error types below it: {listed(each.name for each in left)}. Retire or move "
                f"{'that' if len(left) == 1 else 'those'} first."
            )
        return with_changed(types, self.key, is_retired=True)

    def subject(self, types: Types) -> str:
        return find(types, self.key).name

    def in_words(self, types: Types) -> str:
        return f"Retired “{self.subject(types)}”."


@dataclass(frozen=True)
class Restore:
    """A retired type is back in the reviewers' list; one that was merged counts by itself again."""

    key: int
    action = "restored the error type"

    def applied(self, types: Types) -> Types:
        found = find(types, self.key)
        if not found.is_retired:
            raise TaxonomyError(f"“{found.name}” is not retired. There is nothing to restore.")
        parent = types[found.parent] if found.parent is not None else None
        if parent is not None and parent.is_retired:
            raise TaxonomyError(f"“{parent.name}”, above it, is retired. Restore that first.")
        after = with_changed(types, self.key, is_retired=False, merged_into=None)
        refuse_faults(after, [self.key])
        return after

    def subject(self, types: Types) -> str:
        return find(types, self.key).name

    def in_words(self, types: Types) -> str:
        found = find(types, self.key)
        from_where = f", which was merged into “{types[found.merged_into].name}”" if found.merged_into else ""
        return f"Restored “{found.name}”{from_where}."


@dataclass(frozen=True)
class GoBack:
    """The tree says again what it said in version ``number``. Types that it did not know are retired."""

    number: int
    then: tuple[TreeType, ...]
    is_undo: bool = False

    @property
    def action(self) -> str:
        return "undid the change" if self.is_undo else "went back to"

    def applied(self, types: Types) -> Types:
        then = {each.pk: each for each in self.then}
        return {
            key: replace(then[key], code=each.code)
            if key in then
            # Not merged into anything either: in that version its findings counted nowhere.
            else replace(each, is_retired=True, merged_into=None, parent=self.kept_parent(types, each))
            for key, each in types.items()
        }

    def kept_parent(self, types: Types, each: TreeType) -> int | None:
        """Where a type that is retired now stands: where it is, or below what its parent is merged into by then."""
        merged = {then.pk: then.merged_into for then in self.then if then.merged_into is not None}
        parent = each.parent
        while parent in merged:
            parent = merged[parent]
        return parent

    def subject(self, types: Types) -> str:
        return f"version {self.number} of the taxonomy"

    def in_words(self, types: Types) -> str:
        return f"{'Undid the last change: back' if self.is_undo else 'Went back'} to version {self.number}."
