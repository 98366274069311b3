"""Starter taxonomies: files of the same form as exports, written by us, to be edited from the first label on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evalhub.projects.models import Project
from taxonomy.types.editing import types_of, write
from taxonomy.types.files import TaxonomyFile, read_taxonomy, wanted_from
from taxonomy.types.taking_in import TakeIn
from taxonomy.versions import record_change

FOLDER = Path(__file__).with_name("starter_files")
GENERAL = "general"
NAMES = (
    GENERAL,
    "chat_assistant",
    "extraction",
    "classification",
    "summaries",
    "tool_calling",
    "security_review",
)


@dataclass(frozen=True)
class Starter:
    name: str
    file: TaxonomyFile

    @property
    def change(self) -> TakeIn:
        """Adds what a project does not have, by code; what is there stays as it is."""
        wanted, _ = wanted_from(self.file, {})
        return TakeIn(f"the starter “{self.file.title}”", wanted)


@cache
def starters() -> tuple[Starter, ...]:
    return tuple(Starter(name, read_taxonomy((FOLDER / f"{name}.yaml").read_bytes())) for name in NAMES)


def starter(name: str) -> Starter | None:
    return next((found for found in starters() if found.name == name), None)


def add_starter_taxonomy(project: Project) -> None:
    """Give a new project its first error types; one that has some keeps them as they are."""
    types = types_of(project)
    general = starter(GENERAL)
    if types or general is None:
        return
    write(project, types, general.change.applied(types))
    record_change(project, "The starter taxonomy.", None)
