"""What people fill in about runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from evalhub.candidates.models import Candidate
from evalhub.evalsets.forms import FileForm
from evalhub.evalsets.models import EvalSet, EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.causes import name_of_cause
from evalhub.runs.models import Run
from evalhub.runs.starting import MOST_REPEATS


def published_versions(project: Project) -> QuerySet[EvalSetVersion]:
    versions = EvalSetVersion.objects.in_project(project).published().select_related("eval_set")
    return versions.order_by("eval_set__name", "-number")


class VersionField(forms.ModelChoiceField):
    def label_from_instance(self, version: Any) -> str:
        count = version.example_count
        return f"{version}, {count:,} example{'' if count == 1 else 's'}"


class CandidatesField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, candidate: Any) -> str:
        about = [candidate.model, "baseline" if candidate.is_baseline else ""]
        return " · ".join(filter(None, [candidate.name, *about]))


class StartForm(forms.Form):
    """Which candidates are to be run on which version, how often."""

    version = VersionField(
        queryset=EvalSetVersion.objects.none(),
        label="Eval set version",
        empty_label="Choose one",
        error_messages={"required": "Choose a version."},
    )
    candidates = CandidatesField(
        queryset=Candidate.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one candidate."},
    )
    repeats = forms.IntegerField(
        min_value=1,
        max_value=MOST_REPEATS,
        initial=1,
        help_text="How often each example is asked. More than once shows how steady the answers are.",
    )

    def __init__(self, project: Project, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        candidates: Any = self.fields["candidates"]
        candidates.queryset = Candidate.objects.in_project(project).active().exclude(endpoint=None)
        version: Any = self.fields["version"]
        version.queryset = published_versions(project)


class RunFilterForm(forms.Form):
    """Which runs the list shows; every value may be missing or wrong."""

    eval_set = forms.ModelChoiceField(EvalSet.objects.none(), required=False, empty_label="any")
    candidate = forms.ModelChoiceField(Candidate.objects.none(), required=False, empty_label="any")
    state = forms.ChoiceField(choices=[("", "any"), *Run.State.choices], required=False)

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data)
        for name, rows in (
            ("eval_set", EvalSet.objects.in_project(project)),
            ("candidate", Candidate.objects.in_project(project)),
        ):
            field: Any = self.fields[name]
            field.queryset = rows

    def narrow(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        self.is_valid()
        wanted = {
            "version__eval_set": self.cleaned_data.get("eval_set"),
            "candidate": self.cleaned_data.get("candidate"),
            "state": self.cleaned_data.get("state"),
        }
        return runs.filter(**{name: value for name, value in wanted.items() if value})


class OutputFilterForm(forms.Form):
    """Which outputs of a run are listed."""

    show = forms.ChoiceField(required=False)

    def __init__(self, causes: list[str], data: Any = None) -> None:
        super().__init__(data)
        show: Any = self.fields["show"]
        show.choices = [
            ("", "all"),
            ("answered", "answered"),
            ("failed", "failed"),
            *((f"cause:{cause}", f"failed: {name_of_cause(cause).lower()}") for cause in causes),
        ]


class OutputsFileForm(FileForm):
    """A file of recorded outputs, whose they are and of which examples."""

    version = VersionField(
        queryset=EvalSetVersion.objects.none(),
        label="Eval set version",
        empty_label="Choose one",
        error_messages={"required": "Choose a version."},
    )
    candidate = forms.ModelChoiceField(
        Candidate.objects.none(), required=False, empty_label="a new one, named below", label="Candidate"
    )
    candidate_name = forms.CharField(
        max_length=100,
        required=False,
        label="Name of a new candidate",
        help_text="For a model that EvalHub does not call itself.",
    )
    field_order = ("version", "candidate", "candidate_name", "file")

    def __init__(self, project: Project, request: HttpRequest) -> None:
        super().__init__(request)
        self.project = project
        version: Any = self.fields["version"]
        version.queryset = published_versions(project)
        candidate: Any = self.fields["candidate"]
        candidate.queryset = Candidate.objects.in_project(project).active()

    def clean_candidate_name(self) -> str:
        name = str(self.cleaned_data["candidate_name"])
        if name and Candidate.objects.in_project(self.project).filter(name=name).exists():
            raise ValidationError(f"There is a candidate named “{name}” already. Choose it in the list above.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "candidate_name" in data and not data.get("candidate") and not data["candidate_name"]:
            self.add_error("candidate", "Choose whose outputs these are, or name a new candidate.")
        if data.get("candidate") and data.get("candidate_name"):
            self.add_error("candidate_name", "Leave this empty, or choose no candidate above: it cannot be both.")
        return data

    def target(self) -> dict[str, Any]:
        """Where the rows go, in the words of ``importing.OutputsImport``."""
        candidate = self.cleaned_data["candidate"]
        whose = {"candidate": candidate.pk} if candidate else {"candidate_name": self.cleaned_data["candidate_name"]}
        return {"version": self.cleaned_data["version"].pk, **whose}
