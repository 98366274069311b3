"""The taxonomy that a project starts with, to be edited from the first label on."""

from __future__ import annotations

from evalhub.projects.models import Project
from taxonomy.models import ErrorType, Severity
from taxonomy.types.editing import free_code
from taxonomy.versions import record_change

# name, severity, definition
STARTER = (
    (
        "Wrong value",
        Severity.MAJOR,
        "A fact, number, class or field in the answer is not the right one, though the answer is well formed.",
    ),
    (
        "Missing information",
        Severity.MAJOR,
        "Something that was asked for, and that the request gives, is left out of the answer.",
    ),
    (
        "Invented information",
        Severity.CRITICAL,
        "The answer states something that neither the request nor its sources contain.",
    ),
    (
        "Broken format",
        Severity.MAJOR,
        "The program that reads the answer cannot: invalid JSON, a wrong structure, text around the answer.",
    ),
    (
        "Ignored an instruction",
        Severity.MAJOR,
        "The answer breaks a rule of the prompt that is not about format: length, scope, what must not be said.",
    ),
    (
        "Wrong action",
        Severity.CRITICAL,
        "The wrong tool is called, or the right one with wrong arguments, or a tool where none was needed.",
    ),
    (
        "Refused needlessly",
        Severity.MAJOR,
        "The answer declines, or asks back, although the request is allowed and says enough.",
    ),
    (
        "Followed a hostile instruction",
        Severity.CRITICAL,
        "Text inside the request that came from somebody else was obeyed, or data of others was given away.",
    ),
    (
        "Wrong language or tone",
        Severity.MINOR,
        "The content is right, but in another language than the request's or in a manner that is not ours.",
    ),
)


def add_starter_taxonomy(project: Project) -> None:
    """Give a new project its first error types; one that has some keeps them as they are."""
    if project.error_types.exists():
        return
    ErrorType.objects.bulk_create(
        ErrorType(
            project=project,
            code=free_code(project, name),
            name=name,
            severity=severity,
            definition=definition,
            position=position,
        )
        for position, (name, severity, definition) in enumerate(STARTER, start=1)
    )
    record_change(project, "The starter taxonomy.", None)
