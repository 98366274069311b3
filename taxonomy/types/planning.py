"""What changes of the taxonomy come to, before anything is written. Pure: error types in, error types out.

A preview and the change itself come from the same functions, so what a page says is what then happens. Types that a
change makes have negative keys until they are written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.utils.text import slugify

from evalhub.errors import EvalHubError
from taxonomy.models import Severity
from taxonomy.tree import Tree, TreeType, in_tree_order

Types = Mapping[int, TreeType]

DEEPEST = 4
"""Levels of the tree that the reviewers' desk shows apart."""
MOST_TYPES = 500
"""Of a project, retired ones too: more than anybody can tell apart, and few enough for one page."""
LONGEST_NAME, LONGEST_TEXT, LONGEST_CODE = 80, 1000, 60


class TaxonomyError(EvalHubError):
    """The taxonomy cannot be changed so."""


class UnknownTypeError(TaxonomyError):
    """There is no such error type in the project."""


@dataclass(frozen=True)
class NewType:
    """An error type to be made. Without a code it gets one made of its name."""

    name: str
    definition: str = ""
    not_this_if: str = ""
    severity: str = Severity.MAJOR
    parent: int | None = None
    owner: int | None = None
    code: str = ""


def gravity(severity: str) -> int:
    """For comparisons: the graver, the more."""
    return list(Severity.values).index(severity)


def common_words(types: Types, keys: Collection[int]) -> dict[str, Any]:
    """What a type made of all these has unless somebody says otherwise: the gravest severity, so that no critical
    failure is lost from sight by a merge, and the place and the owner that they share.
    """
    found = [types[key] for key in keys if key in types]
    if not found:
        return {}
    parents, owners = ({each.parent for each in found}, {each.owner for each in found})
    return {
        "severity": max((each.severity for each in found), key=gravity),
        "parent": parents.pop() if len(parents) == 1 else None,
        "owner": owners.pop() if len(owners) == 1 else None,
    }


def tree_from(types: Types, number: int = 0) -> Tree:
    return Tree(number, [row_from(each) for each in types.values()])


def row_from(each: TreeType) -> dict[str, Any]:
    """As in ``TaxonomyVersion.tree``."""
    row = asdict(each)
    return {"id": row.pop("pk"), **row}


def find(types: Types, key: int) -> TreeType:
    if key not in types:
        raise UnknownTypeError("There is no such error type in this project. Choose another one.")
    return types[key]


def find_active(types: Types, key: int) -> TreeType:
    found = find(types, key)
    if found.merged_into is not None:
        into = types[found.merged_into]
        raise TaxonomyError(f"“{found.name}” was merged into “{into.name}”. Restore it first, or choose “{into.name}”.")
    if found.is_retired:
        raise TaxonomyError(f"“{found.name}” is retired. Restore it first.")
    return found


def children(types: Types, key: int | None, retired: bool = False) -> list[TreeType]:
    """Those directly below, in their order; the active ones, or those that are retired but not merged."""
    found = [
        each
        for each in types.values()
        if each.parent == key and each.is_retired == retired and each.merged_into is None and each.pk != key
    ]
    return sorted(found, key=lambda each: (each.position, each.pk))


def above(types: Types, key: int) -> list[int]:
    """The keys above, nearest first; it ends in a circle too."""
    found: list[int] = []
    here = types[key].parent
    while here is not None and here not in found and here in types:
        found.append(here)
        here = types[here].parent
    return found


def below(types: Types, key: int) -> set[int]:
    """The keys of all below, retired ones too."""
    return {each for each in types if key in above(types, each) and each != key}


def listed(names: Iterable[str]) -> str:
    """“A”, “B” and “C”."""
    quoted = [f"“{name}”" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def where(types: Types, parent: int | None) -> str:
    return f"below “{types[parent].name}”" if parent is not None else "at the top"


def folded(name: str) -> str:
    """As names are compared: case and spaces aside."""
    return re.sub(r"\s+", " ", name).strip().casefold()


def free_code(taken: Collection[str], name: str) -> str:
    """A code for files, made of the name, that is not taken."""
    wish = slugify(name).replace("-", "_")[:50].strip("_") or "error_type"
    code, number = wish, 2
    while code in taken:
        code, number = f"{wish}_{number}", number + 1
    return code


def next_position(types: Types) -> int:
    return max((each.position for each in types.values()), default=0) + 1


def with_new(types: Types, new: NewType) -> tuple[dict[int, TreeType], int]:
    """The types with the new one behind all others, and its key."""
    key = min([0, *types]) - 1
    made = TreeType(
        pk=key,
        parent=new.parent,
        code=new.code or free_code({each.code for each in types.values()}, new.name),
        name=re.sub(r"\s+", " ", new.name).strip(),
        definition=new.definition.strip(),
        not_this_if=new.not_this_if.strip(),
        severity=str(new.severity),
        owner=new.owner,
        position=next_position(types),
        is_retired=False,
        merged_into=None,
    )
    return {**types, key: made}, key


def with_changed(types: Types, key: int, **fields: Any) -> dict[int, TreeType]:
    return {**types, key: replace(types[key], **fields)}


def refuse_faults(types: Types, changed: Iterable[int]) -> None:
    """Raise TaxonomyError where one of these types does not fit into the tree."""
    if len(types) > MOST_TYPES:
        raise TaxonomyError(f"A project has at most {MOST_TYPES} error types, retired ones too. Use fewer.")
    for key in changed:
        each = types[key]
        if not each.is_retired:
            refuse_place(types, each)
            refuse_text(each)
            refuse_twin(types, each)


def refuse_place(types: Types, each: TreeType) -> None:
    if each.parent is None:
        return
    parent = find_active(types, each.parent)
    if each.pk in (parent.pk, *above(types, parent.pk)):
        raise TaxonomyError(
            f"“{each.name}” cannot stand below itself or a type below it. Choose another place, or move those first."
        )
    lowest = max((len(above(types, key)) for key in below(types, each.pk)), default=0)
    if max(len(above(types, each.pk)), lowest) >= DEEPEST:
        raise TaxonomyError(
            f"Below “{parent.name}” the tree would have more than {DEEPEST} levels, which nobody finds their way in. "
            "Choose a place higher up."
        )


def refuse_text(each: TreeType) -> None:
    if not each.name:
        raise TaxonomyError("An error type needs a name. Name it after what broke.")
    for what, text, most in (
        ("name", each.name, LONGEST_NAME),
        ("definition", each.definition, LONGEST_TEXT),
        ("“not this if”", each.not_this_if, LONGEST_TEXT),
        ("code", each.code, LONGEST_CODE),
    ):
        if len(text) > most:
            raise TaxonomyError(f"The {what} of “{each.name[:80]}” has {len(text):,} characters. At most {most:,} fit.")


def refuse_twin(types: Types, each: TreeType) -> None:
    for twin in children(types, each.parent):
        if twin.pk != each.pk and folded(twin.name) == folded(each.name):
            raise TaxonomyError(
                f"There is an error type of this name, “{twin.name}”, {where(types, each.parent)}. Choose another "
                "name, or change that one."
            )


def renumbered(types: Types, places: Mapping[int, int]) -> dict[int, TreeType]:
    """All types numbered in tree order; among those below the same one the ``places`` go before, then the old order."""
    ordered = sorted(types.values(), key=lambda each: (places.get(each.pk, each.position), each.position, each.pk))
    order = [key for key, _ in in_tree_order({each.pk: each.parent for each in ordered}, [each.pk for each in ordered])]
    order += [each.pk for each in ordered if each.pk not in set(order)]  # in a circle of parents, if there ever was one
    return {key: replace(types[key], position=position) for position, key in enumerate(order, start=1)}
