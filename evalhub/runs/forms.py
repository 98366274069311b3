"""What people fill in about runs."""

from __future__ import annotations

from decimal import Decimal
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
from evalhub.runs.narrowing import SHOWN
from evalhub.runs.starting import MOST_REPEATS, StartingError, refuse_unknown_cost

REPEATS_WANTED = f"Choose a number from 1 to {MOST_REPEATS}."
MONEY_WANTED = "Write an amount of US$ that is more than nothing, such as 2.50."


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


class CandidateBoxes(forms.CheckboxSelectMultiple):
    """A box for each candidate; those without prices are marked, so that the page asks for consent at once."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        if not option["value"].instance.has_prices:
            option["attrs"]["data-unpriced"] = True
        return option


class BudgetField(forms.DecimalField):
    """US$, more than nothing, as exact as runs keep it."""

    def __init__(self, **options: Any) -> None:
        faults = dict.fromkeys(("required", "invalid", "min_value", "max_digits", "max_whole_digits"), MONEY_WANTED)
        faults["max_decimal_places"] = "Write at most six places after the point."
        super().__init__(
            min_value=Decimal("0.000001"), max_digits=14, decimal_places=6, error_messages=faults, **options
        )
        self.widget.attrs |= {"step": "any", "inputmode": "decimal"}


class StartForm(forms.Form):
    """Which candidates are to be run on which version, how often, and what it may cost.

    ``looks_ahead``: an estimate is asked for, so nobody needs to have agreed to anything yet.
    """

    version = VersionField(
        queryset=EvalSetVersion.objects.none(),
        label="Eval set version",
        empty_label="Choose one",
        error_messages={"required": "Choose a version."},
    )
    candidates = CandidatesField(
        queryset=Candidate.objects.none(),
        widget=CandidateBoxes,
        error_messages={"required": "Choose at least one candidate."},
    )
    repeats = forms.IntegerField(
        min_value=1,
        max_value=MOST_REPEATS,
        initial=1,
        help_text="How often each example is asked. More than once shows how steady the answers are.",
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), REPEATS_WANTED),
    )
    budget = BudgetField(
        required=False,
        label="Budget of each run, US$",
        help_text="No call begins that could exceed it: the run pauses, and goes on when somebody raises the budget.",
    )
    reuses_outputs = forms.BooleanField(
        required=False,
        label="Reuse outputs of earlier runs where the call is identical",
        help_text=(
            "Identical: same endpoint, model, parameters, messages and repeat. "
            "Reused outputs cost nothing and are marked."
        ),
    )
    accepts_unknown_cost = forms.BooleanField(
        required=False,
        label="Run it although the cost is not known",
        help_text="A chosen candidate has no prices. Enter them at the candidate to see and limit what a run costs.",
    )

    def __init__(self, project: Project, data: Any = None, initial: Any = None, looks_ahead: bool = False) -> None:
        super().__init__(data, initial=initial)
        self.looks_ahead = looks_ahead
        candidates: Any = self.fields["candidates"]
        candidates.queryset = Candidate.objects.in_project(project).active().exclude(endpoint=None)
        version: Any = self.fields["version"]
        version.queryset = published_versions(project)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "candidates" not in data or "budget" not in data:
            return data
        budget, accepts = data["budget"], data["accepts_unknown_cost"] or self.looks_ahead
        try:
            refuse_unknown_cost(list(data["candidates"]), budget, accepts)
        except StartingError as error:
            self.add_error("budget" if budget is not None else "accepts_unknown_cost", str(error))
        return data

    def faults_in_what_was_typed(self) -> list[str]:
        """What cannot be meant, beside what was only not chosen yet."""
        typed = {name: self.errors[name] for name in ("repeats", "budget") if name in self.errors}
        return [f"{self.fields[name].label or name.capitalize()}: {error}" for name in typed for error in typed[name]]


class RaiseForm(forms.Form):
    """What a paused run may cost from now on, all in all."""

    budget = BudgetField(label="Raise the budget to, US$")


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
            *SHOWN.items(),
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
