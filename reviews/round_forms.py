"""What a lead asks of a new round."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from reviews.models import Reason


class RunsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.candidate.name} (run {obj.pk})"


# Those that a person can ask for; others an item gets otherwise.
ASKED_FOR = (Reason.FAILED_CHECK, Reason.DIFFERS, Reason.AUDIT)


class RoundForm(forms.Form):
    """Which outputs of the runs over one version are read, and how."""

    name = forms.CharField(max_length=100)
    runs = RunsField(queryset=Run.objects.none(), widget=forms.CheckboxSelectMultiple)
    guidelines = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Shown to every reviewer beside the item: what counts as a pass here.",
    )
    labels_wanted = forms.IntegerField(
        label="Reviewers for each item",
        min_value=1,
        max_value=9,
        initial=1,
        help_text="With two or more, differences become visible.",
    )
    is_blind = forms.BooleanField(label="Hide the candidates' names from reviewers", required=False, initial=True)
    seed = forms.CharField(
        max_length=40, required=False, help_text="The same outputs and seed give the same choice. Empty: one is made."
    )

    def __init__(self, *args: Any, project: Project, version: EvalSetVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        runs = self.fields["runs"]
        assert isinstance(runs, forms.ModelMultipleChoiceField)
        runs.queryset = (
            Run.objects.in_project(project)
            .filter(version=version)
            .exclude(state=Run.State.CANCELLED)
            .select_related("candidate")
        )
        has_baseline = runs.queryset.filter(candidate__is_baseline=True).exists()
        defaults = {Reason.FAILED_CHECK: (True, 30), Reason.DIFFERS: (has_baseline, 15), Reason.AUDIT: (True, 10)}
        for reason, (is_on, count) in defaults.items():
            self.fields[f"use_{reason}"] = forms.BooleanField(label=reason.label, required=False, initial=is_on)
            self.fields[f"count_{reason}"] = forms.IntegerField(
                label="of each run", required=False, min_value=1, max_value=100_000, initial=count
            )

    def reason_fields(self) -> list[tuple[Any, Any]]:
        return [(self[f"use_{reason}"], self[f"count_{reason}"]) for reason in ASKED_FOR]

    def clean_seed(self) -> str:
        return str(self.cleaned_data["seed"]) or secrets.token_hex(4)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["wanted"] = {reason: data.get(f"count_{reason}") for reason in ASKED_FOR if data.get(f"use_{reason}")}
        if not data["wanted"]:
            raise forms.ValidationError("Choose at least one reason for which outputs are read.")
        return data
