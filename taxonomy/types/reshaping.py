"""Merging error types into one, and splitting one into several, as changes of the taxonomy. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from taxonomy.tree import TreeType
from taxonomy.types.planning import (
    NewType,
    TaxonomyError,
    Types,
    below,
    children,
    find,
    find_active,
    listed,
    refuse_faults,
    with_changed,
    with_new,
)

MOST_PARTS = 8


@dataclass(frozen=True)
class Merge:
    """Several types become one, which is there or is made: their findings count as its own."""

    keys: tuple[int, ...]
    into: int | NewType
    action = "merged error types"

    def applied(self, types: Types) -> Types:
        sources = [find_active(types, key) for key in self.keys]
        if not sources:
            raise TaxonomyError("Choose the error types to merge.")
        if isinstance(self.into, NewType):
            if len(sources) < 2:
                raise TaxonomyError("Choose at least two error types to make one of, or rename the one.")
            after, into = with_new(types, self.into)
        else:
            after, into = dict(types), find_active(types, self.into).pk
            if into in self.keys:
                raise TaxonomyError(f"“{types[into].name}” cannot be merged into itself. Choose the others only.")
        for source in sources:
            self.refuse_children_left(types, source)
        for source in sources:
            for left in children(types, source.pk, retired=True):
                after = with_changed(after, left.pk, parent=into)
            after = with_changed(after, source.pk, is_retired=True, merged_into=into)
        refuse_faults(after, [into])
        return after

    def refuse_children_left(self, types: Types, source: TreeType) -> None:
        if not isinstance(self.into, NewType) and self.into in below(types, source.pk):
            into = types[self.into].name
            raise TaxonomyError(
                f"“{into}” stands below “{source.name}”, which cannot count as a part of itself. Merge “{into}” into "
                f"“{source.name}” instead, or move it first."
            )
        left = [each.name for each in children(types, source.pk) if each.pk not in self.keys]
        if left:
            them = "it" if len(left) == 1 else "them"
            raise TaxonomyError(
                f"{listed(left)} would be left without “{source.name}” above. Merge {them} too, or move {them} first."
            )

    def target_name(self, types: Types) -> str:
        return self.into.name.strip() if isinstance(self.into, NewType) else find(types, self.into).name

    def subject(self, types: Types) -> str:
        return f"{', '.join(find(types, key).name for key in self.keys)} into {self.target_name(types)}"

    def in_words(self, types: Types) -> str:
        into = f"{'the new ' if isinstance(self.into, NewType) else ''}“{self.target_name(types)}”"
        return f"Merged {listed(find(types, key).name for key in self.keys)} into {into}."


@dataclass(frozen=True)
class Split:
    """New types below one, which becomes a heading; its findings stay on it until somebody looks a second time."""

    key: int
    parts: tuple[NewType, ...]
    action = "split the error type"

    def applied(self, types: Types) -> Types:
        split = find_active(types, self.key)
        if len(self.parts) < 2 and not children(types, self.key):
            raise TaxonomyError(f"Name at least two error types into which “{split.name}” is split.")
        if not 0 < len(self.parts) <= MOST_PARTS:
            raise TaxonomyError(f"Name 1 to {MOST_PARTS} error types. Nobody tells more apart at once.")
        after, made = dict(types), []
        for part in self.parts:
            after, key = with_new(after, replace(part, parent=self.key))
            made.append(key)
        refuse_faults(after, made)
        return after

    def subject(self, types: Types) -> str:
        return find(types, self.key).name

    def in_words(self, types: Types) -> str:
        return f"Split “{self.subject(types)}” into {listed(part.name.strip() for part in self.parts)}."
