"""The form of what a check means: for each of its causes an error type, or none."""

from __future__ import annotations

from typing import Any

from django import forms

from evalhub.projects.models import Project
from taxonomy.meanings.changing import Wanted
from taxonomy.meanings.reading import CauseMeaning, CheckMeanings, plain_cause, title_of
from taxonomy.models import ErrorType
from taxonomy.tree import in_tree_order

NONE = "None: people say what it is"


class MeaningsForm(forms.Form):
    """A field for each cause. ``rows`` pairs each with its cause, for the template."""

    def __init__(self, data: Any, meant: CheckMeanings, project: Project) -> None:
        super().__init__(data)
        self.meant = meant
        types = offered_types(project)
        for place, cause in enumerate(meant.causes):
            # The cause itself, since which ones there are may change between showing and sending.
            self.fields[f"cause-{cause.cause}"] = forms.ChoiceField(
                label=cause.title,
                required=False,
                choices=[("", without(meant, cause)), *types, *own_choice(cause, types)],
                initial=str(cause.own.pk) if cause.own else "",
                widget=forms.Select(attrs={"id": f"cause-{place}"}),
            )

    @property
    def rows(self) -> list[tuple[CauseMeaning, forms.BoundField]]:
        return [(cause, self[f"cause-{cause.cause}"]) for cause in self.meant.causes]

    @property
    def wanted(self) -> Wanted:
        """What was chosen; once the form is valid. A cause that the page did not show is not named."""
        return {
            name.removeprefix("cause-"): int(value) if value else None
            for name, value in self.cleaned_data.items()
            if name in self.data
        }


def offered_types(project: Project) -> list[tuple[str, str]]:
    """The active error types in tree order, with their place in it."""
    active = {each.pk: each for each in ErrorType.objects.in_project(project).active()}
    rows = in_tree_order({key: each.parent_id for key, each in active.items()}, active)
    return [(str(key), f"{'– ' * depth}{active[key].name}") for key, depth in rows]


def own_choice(cause: CauseMeaning, types: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The type that it has now, where that is not offered any more."""
    if cause.own is None or str(cause.own.pk) in dict(types):
        return []
    merged = cause.own.merged_into
    return [(str(cause.own.pk), f"{cause.own.name} ({f'now “{merged}”' if merged else 'retired'})")]


def without(meant: CheckMeanings, cause: CauseMeaning) -> str:
    """What it means to choose nothing."""
    if cause.above is None:
        return NONE
    return f"As “{title_of(meant.check, plain_cause(cause.above))}”"
