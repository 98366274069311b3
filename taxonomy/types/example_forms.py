"""An output as an example of an error type, as forms."""

from __future__ import annotations

from typing import Any

from django import forms

from evalhub.projects.models import Project
from taxonomy.models import ErrorType

KINDS = (("yes", "It has the error: an example"), ("no", "It only looks as if: an example of what is not"))


class KindForm(forms.Form):
    included = forms.ChoiceField(choices=KINDS, initial="yes", widget=forms.RadioSelect, label="What it shows")
    note = forms.CharField(max_length=500, required=False, help_text="What to look at. Reviewers read it.")

    @property
    def is_included(self) -> bool:
        return bool(self.cleaned_data["included"] == "yes")


class ExampleForm(KindForm):
    """An output as an example of the error type whose page it is."""

    output = forms.CharField(max_length=500, label="Output", help_text="Its number, or the address of its page.")
    field_order = ("output", "included", "note")


class AsExampleForm(KindForm):
    """An error type as that of which the output whose page it is becomes an example."""

    error_type = forms.ModelChoiceField(ErrorType.objects.none(), empty_label=None, label="Of")
    field_order = ("error_type", "included", "note")

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        error_type = self.fields["error_type"]
        assert isinstance(error_type, forms.ModelChoiceField)
        error_type.queryset = ErrorType.objects.in_project(project).active()
