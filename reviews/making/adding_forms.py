"""What a lead asks when items come into a round later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms

from evalhub.projects.models import Project
from reviews.making.forms import MOST_OF_EACH, WorkForm, whole_number
from reviews.making.pools import Selection
from reviews.models import Reason, Round


class MoreForm(forms.Form):
    """How many more of each run, for the reasons that the round was made for."""

    had = forms.CharField(max_length=60, widget=forms.HiddenInput)

    def __init__(self, *args: Any, shown: Round, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.selection = Selection.of(shown.selection)
        for reason, count in self.selection.wanted.items():
            if count is None:
                continue
            self.fields[reason] = whole_number(
                1,
                MOST_OF_EACH,
                f"Write a number from 1 to {MOST_OF_EACH:,}, or leave it empty.",
                label=Reason(reason).label,
                required=False,
            )

    def rows(self) -> Iterator[dict[str, Any]]:
        """For each reason its label, how many of each run were asked for so far (None: all), and its field if any."""
        for reason, count in self.selection.wanted.items():
            of_each = "of each run and tag" if reason == Reason.TAG else "of each run"
            yield {"label": Reason(reason).label, "count": count, "of_each": of_each} | (
                {"field": self[reason]} if reason in self.fields else {}
            )

    def more(self) -> dict[str, int]:
        return {reason: count for reason in self.selection.wanted if (count := self.cleaned_data.get(reason))}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        takes_all = any(count is None for count in self.selection.wanted.values())
        if not self.errors and not takes_all and not self.more():
            raise forms.ValidationError("Say for at least one reason how many more are wanted.")
        return data


class OpenRoundField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.item_count:,} item{'' if obj.item_count == 1 else 's'})"


class OutputsForm(WorkForm):
    """Where the outputs of a filter go: into an open round, or into a new one, of which all else is asked."""

    into = OpenRoundField(Round.objects.none(), required=False, label="Into", empty_label="a new round")
    field_order = ("into",)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, project=project, **kwargs)
        self.rows_of("into", Round.objects.in_project(project).open().filter(is_practice=False))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("into"):
            # What was typed for a new round does not matter then.
            for name in [name for name in self.errors if name != "into"]:
                del self.errors[name]
        return data
