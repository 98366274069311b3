"""What a lead fills in to import labels."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from evalhub.evalsets.forms import FileForm
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from reviews.models import Round


class RunsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, run: Run) -> str:
        return f"{run.candidate.name} (run {run.pk})"


class LabelsFileForm(FileForm):
    """A file of labels, the runs whose outputs they are of, and the round that they go to."""

    round = forms.ModelChoiceField(
        Round.objects.none(),
        required=False,
        empty_label="a new one, named below",
        label="Round",
        help_text="In a round that is there, only its own items take labels.",
    )
    round_name = forms.CharField(
        max_length=100,
        required=False,
        label="Name of a new round",
        help_text="It gets an item for each output in the file, which wants as many labels as the file has of it.",
    )
    runs = RunsField(
        queryset=Run.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Runs whose outputs were labelled",
        help_text="For a new round; one that is there has its runs.",
    )
    field_order = ("round", "round_name", "runs", "file")

    def __init__(self, project: Project, version: EvalSetVersion | None, request: HttpRequest, **initial: Any) -> None:
        super().__init__(request)
        self.initial = initial
        rounds: Any = self.fields["round"]
        rounds.queryset = Round.objects.in_project(project).open()
        runs: Any = self.fields["runs"]
        runs.queryset = (
            Run.objects.in_project(project)
            .filter(version=version)
            .exclude(state=Run.State.CANCELLED)
            .select_related("candidate")
            .order_by("candidate__name", "pk")
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("round"):
            if data.get("round_name"):
                self.add_error("round_name", "Leave this empty, or choose no round above: it cannot be both.")
            return data
        if "round" in data and not data.get("round_name") and "round_name" not in self.errors:
            self.add_error("round_name", "Name the new round, or choose one that is there.")
        if "runs" in data and not data["runs"]:
            self.add_error("runs", "Choose the runs whose outputs were labelled.")
        return data

    def target(self) -> dict[str, Any]:
        """Where the rows go, in the words of ``importing.LabelsImport``."""
        data = self.cleaned_data
        if data["round"]:
            return {"round": data["round"].pk}
        return {"round_name": data["round_name"], "runs": [run.pk for run in data["runs"]]}
