"""What a lead asks of a round: what is read, and how."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import QuerySet

from evalhub.checks.disagreements import MEASURES
from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project, User
from evalhub.runs.models import Run
from reviews.making.pools import ASKED_FOR, Selection, tags_of
from reviews.models import KnownAnswer, Reason

MOST_OF_EACH = 100_000
MOST_LABELS = 9
COUNT_WANTED = f"Write a number from 1 to {MOST_OF_EACH:,}, or leave it empty for all of them."
MEASURE_NAMES = {"length": "length", "latency": "time taken", "tool_calls": "number of tool calls"}
# What a lead gets who changes nothing: ticked or not, and how many of each run.
DEFAULTS: dict[Reason, tuple[bool, int | None]] = {
    Reason.FAILED_CHECK: (True, 30),
    Reason.DIFFERS: (False, 15),
    Reason.CONTRADICTS: (False, 15),
    Reason.OUTLIER: (False, 10),
    Reason.TAG: (False, 10),
    Reason.AUDIT: (True, 10),
}


def whole_number(least: int, most: int, sentence: str = "", **options: Any) -> forms.IntegerField:
    """A number within bounds, with one sentence for whatever else was typed."""
    sentence = sentence or f"Write a number from {least} to {most:,}."
    faults = dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence)
    return forms.IntegerField(min_value=least, max_value=most, error_messages=faults, **options)


class RunsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.candidate.name} (run {obj.pk})"


class PeopleField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class WorkForm(forms.Form):
    """How a round is worked on: by whom, by how many, and what they see."""

    name = forms.CharField(max_length=100, error_messages={"required": "Give the round a name."})
    labels_wanted = whole_number(
        1,
        MOST_LABELS,
        label="Reviewers for each item",
        initial=1,
        help_text="With two or more, differences become visible.",
    )
    shared_percent = whole_number(
        1,
        100,
        required=False,
        label="For this share of the items, %",
        initial=100,
        help_text="Drawn at random; the others get one reviewer. 20 to 50 shared items show how well people agree.",
    )
    reviewers = PeopleField(
        User.objects.none(),
        required=False,
        label="Who reviews",
        widget=forms.CheckboxSelectMultiple,
        help_text="Nobody ticked: everybody in the project.",
    )
    is_blind = forms.BooleanField(
        label="Hide the candidates' names from reviewers",
        required=False,
        initial=True,
        help_text="Whoever knows the model judges it by its name.",
    )
    hides_types = forms.BooleanField(
        label="Open coding: pass or fail and a note, no error types",
        required=False,
        help_text="For the first 30 to 50 items of a project, so that no list leads the reader.",
    )
    contests_types = forms.BooleanField(
        label="Different error types contest an item too",
        required=False,
        initial=True,
        help_text="Otherwise an item is contested only where one says pass and another fail.",
    )
    guidelines = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Shown to every reviewer beside the item: what counts as a pass here.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        members = User.objects.filter(memberships__project=project, is_active=True).order_by("name", "pk")
        self.rows_of("reviewers", members)

    def rows_of(self, name: str, rows: QuerySet[Any]) -> None:
        field: Any = self.fields[name]
        field.queryset = rows

    def clean_shared_percent(self) -> int:
        return self.cleaned_data["shared_percent"] or 100

    def people(self) -> int:
        """How many may label: those ticked, or everybody."""
        field: Any = self.fields["reviewers"]
        return len(self.cleaned_data.get("reviewers") or ()) or field.queryset.count()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        wanted, people = data.get("labels_wanted"), self.people()
        if wanted and "reviewers" in data and wanted > people:
            chosen = "are ticked below" if data["reviewers"] else "may review in this project"
            verb = chosen if people != 1 else chosen.replace("are", "is")
            self.add_error(
                "labels_wanted",
                f"Only {people} {'person' if people == 1 else 'people'} {verb}, so no item can get {wanted} reviewers. "
                "Lower the number, or add people.",
            )
        return data

    def work(self) -> dict[str, Any]:
        """The part of ``plan_round``'s arguments that says how people work."""
        names = ("guidelines", "is_blind", "hides_types", "contests_types", "labels_wanted", "shared_percent")
        return {name: self.cleaned_data[name] for name in (*names, "reviewers")}

    def faults(self) -> list[str]:
        """Everything that cannot be meant, each with the name of its field."""
        return [
            f"{self[name].label}: {fault}" if name in self.fields else str(fault)
            for name, found in self.errors.items()
            for fault in found
        ]

    def in_page_order(self) -> Iterator[str]:
        yield from self.fields

    def focus_first_fault(self) -> None:
        """Put the person at the first field that was refused: the form is longer than a screen."""
        for name in self.in_page_order():
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                break


class RoundForm(WorkForm):
    """Which outputs of the runs over one version are read, and how.

    ``looks_ahead``: only a preview is asked for, so the round needs no name yet.
    """

    runs = RunsField(
        queryset=Run.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one run."},
    )
    checks = forms.ModelMultipleChoiceField(
        Check.objects.none(), required=False, label="Which checks", widget=forms.CheckboxSelectMultiple
    )
    measures = forms.MultipleChoiceField(
        required=False,
        label="Unusual in",
        choices=[(name, MEASURE_NAMES[name]) for name in MEASURES],
        initial=list(MEASURES),
        widget=forms.CheckboxSelectMultiple,
    )
    tags = forms.MultipleChoiceField(required=False, label="Which tags", widget=forms.CheckboxSelectMultiple)
    seed = forms.CharField(
        max_length=40, required=False, help_text="The same outputs and seed give the same choice. Empty: one is made."
    )

    def __init__(self, *args: Any, version: EvalSetVersion, looks_ahead: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        runs = Run.objects.in_project(self.project).filter(version=version).exclude(state=Run.State.CANCELLED)
        self.rows_of("runs", runs.select_related("candidate"))
        self.rows_of("checks", Check.objects.active().filter(eval_set=version.eval_set_id))
        self.fields["name"].required = not looks_ahead
        tags = tags_of(version)
        tags_field: Any = self.fields["tags"]
        tags_field.choices = [(tag, f"{tag} ({count:,})") for tag, count in tags]
        self.reasons = [reason for reason in ASKED_FOR if reason != Reason.TAG or tags]
        has_baseline = runs.filter(candidate__is_baseline=True).exists()
        for reason in self.reasons:
            is_on, count = DEFAULTS[reason]
            is_on = is_on or (reason == Reason.DIFFERS and has_baseline)
            self.fields[f"use_{reason}"] = forms.BooleanField(label=reason.label, required=False, initial=is_on)
            self.fields[f"count_{reason}"] = whole_number(
                1, MOST_OF_EACH, COUNT_WANTED, label=reason.label, required=False, initial=count
            )
            self.fields[f"count_{reason}"].widget.attrs["placeholder"] = "all"
        self.known_there = KnownAnswer.objects.filter(project=self.project).count()
        if self.known_there:
            self.fields["known"] = whole_number(
                0,
                self.known_there,
                f"Write a number from 0 to {self.known_there:,}: so many known items there are.",
                required=False,
                label="Known items mixed in",
                initial=0,
                help_text=f"Of {self.known_there:,}. Everybody gets each of them, and nobody can tell which they are.",
            )

    def in_page_order(self) -> Iterator[str]:
        yield from ("name", "runs")
        for reason in self.reason_fields():
            yield reason["count"].name
            yield from [reason["narrows"].name] if reason["narrows"] else []
        yield from super().in_page_order()

    def reason_fields(self) -> Iterator[dict[str, Any]]:
        """For each reason its box, its number, and the fields that narrow it."""
        narrowing = {Reason.FAILED_CHECK: "checks", Reason.OUTLIER: "measures", Reason.TAG: "tags"}
        for reason in self.reasons:
            narrows = self[narrowing[reason]] if reason in narrowing else None
            yield {
                "use": self[f"use_{reason}"],
                "count": self[f"count_{reason}"],
                "narrows": narrows,
                "hint": HINTS.get(reason, ""),
                "of_each": "of each run and tag" if reason == Reason.TAG else "of each run",
            }

    def clean_seed(self) -> str:
        return str(self.cleaned_data["seed"]) or secrets.token_hex(4)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        data["wanted"] = {reason: data.get(f"count_{reason}") for reason in self.reasons if data.get(f"use_{reason}")}
        if not data["wanted"]:
            raise forms.ValidationError("Choose at least one reason for which outputs are read.")
        if Reason.TAG in data["wanted"] and not data.get("tags") and "tags" not in self.errors:
            self.add_error("tags", "Tick at least one tag, or take the tick from “Carries a tag”.")
        if Reason.OUTLIER in data["wanted"] and not data.get("measures") and "measures" not in self.errors:
            self.add_error("measures", "Tick at least one, or take the tick from the reason.")
        return data

    def selection(self) -> Selection:
        """What is drawn; what narrows a reason that is not asked for is left out."""
        data, wanted = self.cleaned_data, self.cleaned_data["wanted"]
        every_measure = len(data["measures"]) == len(MEASURES)
        return Selection(
            {str(reason): count for reason, count in wanted.items()},
            data["seed"],
            checks=tuple(check.pk for check in data["checks"]) if Reason.FAILED_CHECK in wanted else (),
            tags=tuple(data["tags"]) if Reason.TAG in wanted else (),
            measures=tuple(data["measures"]) if Reason.OUTLIER in wanted and not every_measure else (),
            known=data.get("known") or 0,
        )


HINTS = {
    Reason.FAILED_CHECK: "None ticked: all of them.",
    Reason.DIFFERS: "Compared with the newest finished run of the baseline over this version.",
    Reason.CONTRADICTS: "One check passed the output and another one failed it.",
    Reason.OUTLIER: (
        "Unusual: more than 1.5 interquartile ranges above the third quartile of the run's answers. "
        "Missing answers are none."
    ),
    Reason.TAG: "Each tag is drawn from by itself, so that rare ones are read too.",
    Reason.AUDIT: "Keep this part: without it the checks' own mistakes stay invisible.",
}
