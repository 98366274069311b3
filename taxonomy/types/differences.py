"""What is different between two versions of the taxonomy, for people to read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from taxonomy.models import Severity
from taxonomy.tree import Tree, TreeType

TEXTS = {"definition": "Definition", "not_this_if": "Not this if"}


@dataclass(frozen=True)
class Difference:
    """One thing that is different about one error type. ``was`` and ``now`` where it is a text of several words;
    ``about``: the definition of a type that is new.
    """

    key: int
    sentence: str
    was: str = ""
    now: str = ""
    about: str = ""


def differences(
    old: Tree, new: Tree, people: Mapping[int, str] | None = None, only: Collection[int] | None = None
) -> list[Difference]:
    """In the order of the newer tree. ``people``: names of owners by key; ``only``: of these types alone."""
    names = people or {}
    found = [
        difference
        for key, each in ordered(new)
        if only is None or key in only
        for difference in of_type(old, new, key, each, names)
    ]
    found += [
        Difference(key, f"“{each.name}” is not there any more.")
        for key, each in ordered(old)
        if key not in new.types and (only is None or key in only)
    ]
    if only is None and orders(old, new) != orders(new, old):
        found.append(Difference(0, "The order is another one."))
    return found


def ordered(tree: Tree) -> Iterator[tuple[int, TreeType]]:
    shown = [each.pk for each, _ in tree.rows]
    yield from ((key, tree.types[key]) for key in [*shown, *(key for key in tree.types if key not in set(shown))])


def of_type(old: Tree, new: Tree, key: int, now: TreeType, people: Mapping[int, str]) -> Iterator[Difference]:
    was = old.types.get(key)
    if was is None:
        state = ", already retired" if now.is_retired else ""
        yield Difference(key, f"Added “{now.name}”{place_of(new, now)}{state}.", about=now.definition)
        return
    if was.name != now.name:
        yield Difference(key, f"Renamed “{was.name}” to “{now.name}”.")
    for field, title in TEXTS.items():
        if getattr(was, field) != getattr(now, field):
            yield Difference(key, f"{title} of “{now.name}”.", getattr(was, field), getattr(now, field))
    if was.severity != now.severity:
        yield Difference(
            key, f"Severity of “{now.name}” from {severity_name(was.severity)} to {severity_name(now.severity)}."
        )
    if was.owner != now.owner:
        owners = [people.get(owner, "somebody") if owner else "nobody" for owner in (was.owner, now.owner)]
        yield Difference(key, f"Owner of “{now.name}” from {owners[0]} to {owners[1]}.")
    if was.parent != now.parent:
        place = place_of(new, now) or " to the top"
        yield Difference(key, f"Moved “{now.name}”{place}.")
    yield from of_state(old, new, key, was, now)


def of_state(old: Tree, new: Tree, key: int, was: TreeType, now: TreeType) -> Iterator[Difference]:
    if was.merged_into != now.merged_into:
        if now.merged_into is not None:
            yield Difference(key, f"Merged “{now.name}” into “{name_in(new, now.merged_into)}”.")
        else:
            kept = ", but it is retired" if now.is_retired else ""
            yield Difference(key, f"“{now.name}” is no longer merged into “{name_in(old, was.merged_into)}”{kept}.")
    elif was.is_retired != now.is_retired:
        yield Difference(key, f"{'Retired' if now.is_retired else 'Restored'} “{now.name}”.")


def place_of(tree: Tree, each: TreeType) -> str:
    return f" below “{name_in(tree, each.parent)}”" if each.parent is not None else ""


def name_in(tree: Tree, key: int | None) -> str:
    return tree.types[key].name if key in tree.types else "a type that this version does not have"


def severity_name(value: str) -> str:
    return Severity(value).label.lower() if value in Severity else value


def orders(tree: Tree, other: Tree) -> list[int]:
    """The rows that stand at the same place in both trees, in the order of this one."""
    places = {each.pk: each.parent for each, _ in other.rows}
    return [each.pk for each, _ in tree.rows if each.pk in places and places[each.pk] == each.parent]
