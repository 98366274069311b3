"""Outputs that show what an error type is, or what it is not."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from evalhub.errors import EvalHubError
from evalhub.projects.models import Project, Role, User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Output
from taxonomy.models import ErrorType, TypeExample
from taxonomy.tree import Tree

MOST_EXAMPLES = 20
"""Of one error type: more are not read."""


class ExampleError(EvalHubError):
    """This output cannot be an example of the error type."""


def output_meant(project: Project, text: str) -> Output:
    """The output that an id or the address of its page names. Raises ExampleError."""
    found = re.search(r"/outputs/(\d{1,18})/", text) or re.fullmatch(r"\s*(\d{1,18})\s*", text)
    if not found:
        raise ExampleError("Give the number of an output, or paste the address of its page.")
    output = Output.objects.in_project(project).filter(pk=int(found.group(1))).first()
    if output is None:
        raise ExampleError(f"There is no output {found.group(1)} in this project. Copy the address of its page.")
    return output


@transaction.atomic
def add_example(error_type: ErrorType, output: Output, is_included: bool, note: str, actor: User) -> TypeExample:
    """Show the output with the error type; one that is there is changed. Raises ExampleError at too many."""
    ErrorType.objects.select_for_update(no_key=True).get(pk=error_type.pk)
    others = TypeExample.objects.filter(error_type=error_type).exclude(output=output)
    if others.count() >= MOST_EXAMPLES:
        raise ExampleError(
            f"“{error_type}” has {MOST_EXAMPLES} examples, which is as many as anybody reads. Remove one first."
        )
    example, _ = TypeExample.objects.update_or_create(
        error_type=error_type,
        output=output,
        defaults={"is_included": is_included, "note": note},
        create_defaults={"is_included": is_included, "note": note, "added_by": actor},
    )
    what = "an example of" if is_included else "an example of what is not"
    record_event(error_type.project, actor, f"added {what}", f"{error_type}: output {output.pk}")
    return example


def remove_example(example: TypeExample, actor: User) -> None:
    example.delete()
    record_event(
        example.error_type.project, actor, "removed an example of", f"{example.error_type}: output {example.output_id}"
    )


def examples_of(tree: Tree, error_type: ErrorType, person: User, role: Role) -> tuple[list[TypeExample], int]:
    """What is shown to a person, with those of types merged into it; and how many wait for the person's own word.

    A reviewer who has yet to label an output must not read here what others say of it.
    """
    keys = [key for key in tree.types if tree.resolve(key) == error_type.pk] or [error_type.pk]
    found = list(
        TypeExample.objects.filter(error_type__in=keys)
        .select_related("output__example", "output__run__candidate", "error_type", "added_by")
        .order_by("-is_included", "pk")
    )
    hidden = unsaid_by(person, {example.output_id for example in found}) if role == Role.REVIEWER else set()
    shown = [example for example in found if example.output_id not in hidden]
    return shown, len(found) - len(shown)


def unsaid_by(person: User, outputs: Collection[int]) -> set[int]:
    """Which of these outputs the person has yet to label. Known above this package."""
    found: set[int] = import_string(settings.OUTPUTS_UNSAID)(person, outputs)
    return found
