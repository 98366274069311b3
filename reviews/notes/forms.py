"""What a lead says of a group of notes: its name, and the error type that it becomes."""

from __future__ import annotations

from typing import Any

from django import forms

from evalhub.projects.models import Project
from reviews.models import NoteGroup
from taxonomy.models import ErrorType, Severity
from taxonomy.types.editing import types_of
from taxonomy.types.forms import PlaceField, places


class GroupForm(forms.ModelForm[NoteGroup]):
    class Meta:
        model = NoteGroup
        fields = ["name", "definition", "severity"]
        help_texts = {
            "name": "After what broke: “Wrong refund amount”, not “Refund problem”.",
            "definition": "One sentence by which two people would decide alike.",
        }
        widgets = {"definition": forms.Textarea(attrs={"rows": 2})}

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())

    def validate_constraints(self) -> None:
        """Whether the name is free is asked where the groups are locked."""


class TurnForm(forms.Form):
    """An error type of the project's, or what makes a new one."""

    into = forms.ModelChoiceField(
        ErrorType.objects.none(), required=False, label="Error type", empty_label="a new one, as written below"
    )
    name = forms.CharField(
        max_length=80,
        help_text=GroupForm.Meta.help_texts["name"],
        error_messages={"required": "Name the new error type, or choose one that is there."},
    )
    definition = forms.CharField(
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One sentence by which two people would decide alike. Reviewers see it beside the name.",
    )
    not_this_if = forms.CharField(
        max_length=1000,
        required=False,
        label="Not this if",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="When it is another error type, or none.",
    )
    severity = forms.ChoiceField(choices=Severity.choices, help_text="How much one such output costs.")
    parent = PlaceField(label="Below", help_text="An output with this type also counts for the one above.")

    def __init__(self, data: Any, *, group: NoteGroup) -> None:
        start = {"name": group.name, "definition": group.definition, "severity": group.severity}
        # What a new one needs is not asked for where one that is there is chosen, so no browser may insist on it.
        super().__init__(data, initial=start | {"into": twin_of(group)}, use_required_attribute=False)
        self.group = group
        if data and data.get("into"):
            self.fields["name"].required = self.fields["severity"].required = False
        into, parent = self.fields["into"], self.fields["parent"]
        assert isinstance(into, forms.ModelChoiceField) and isinstance(parent, PlaceField)
        into.queryset = ErrorType.objects.in_project(group.project).active()
        parent.choices = places(types_of(group.project))

    def error_type(self) -> ErrorType:
        """What was chosen, or a new one that is not stored yet. The form must be valid."""
        said = self.cleaned_data
        if said["into"]:
            return said["into"]
        return ErrorType(
            project=self.group.project,
            name=" ".join(said["name"].split()),
            definition=said["definition"],
            not_this_if=said["not_this_if"],
            severity=said["severity"],
            parent_id=said["parent"],
        )


def twin_of(group: NoteGroup) -> ErrorType | None:
    """The error type of the group's name, if there is one: what it was turned into before, perhaps."""
    found: Project = group.project
    return ErrorType.objects.in_project(found).active().filter(name__iexact=group.name).first()
