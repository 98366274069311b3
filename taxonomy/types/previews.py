"""A change as a person looks at it before it is made, and the token by which they confirm just that."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from evalhub.projects.models import Project
from taxonomy.types.changes import Change
from taxonomy.types.editing import types_of
from taxonomy.types.effects import Effects, effects_of
from taxonomy.versions import newest_number


@dataclass(frozen=True)
class Preview:
    """``seen``: the version that was looked at; ``token``: names the change, whatever else the form says by now."""

    sentence: str
    effects: Effects
    seen: int
    token: str
    changes_nothing: bool


def preview_of(project: Project, change: Change) -> Preview:
    """Look ahead. Raises TaxonomyError where the change cannot be made."""
    # The number first: a change in between makes the preview older than it says, and it is refused then.
    seen = newest_number(project)
    types = types_of(project)
    after = change.applied(types)
    return Preview(change.in_words(types), effects_of(project, types, after), seen, token_of(change), after == types)


def token_of(change: Change) -> str:
    return hashlib.sha256(repr(change).encode()).hexdigest()[:32]
