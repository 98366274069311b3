"""A change as a person looks at it before it is made, and the token by which they confirm just that."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from evalhub.projects.models import Project
from taxonomy.types.changes import Change
from taxonomy.types.differences import Difference, differences
from taxonomy.types.editing import types_of
from taxonomy.types.effects import Effects, effects_of
from taxonomy.types.history import names_of_people
from taxonomy.types.planning import tree_from
from taxonomy.versions import newest_number


@dataclass(frozen=True)
class Preview:
    """``seen``: the version that was looked at; ``token``: names the change, whatever else the form says by now."""

    sentence: str
    effects: Effects
    seen: int
    token: str
    changes_nothing: bool
    differences: Sequence[Difference]


def preview_of(project: Project, change: Change) -> Preview:
    """Look ahead. Raises TaxonomyError where the change cannot be made."""
    # The number first: a change in between makes the preview older than it says, and it is refused then.
    seen = newest_number(project)
    types = types_of(project)
    after = change.applied(types)
    old, new = tree_from(types, seen), tree_from(after, seen + 1)
    return Preview(
        sentence=change.in_words(types),
        effects=effects_of(project, types, after),
        seen=seen,
        token=token_of(change),
        changes_nothing=after == types,
        differences=differences(old, new, names_of_people((old, new))),
    )


def token_of(change: Change) -> str:
    return hashlib.sha256(repr(change).encode()).hexdigest()[:32]
