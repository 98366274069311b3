"""What people say of outputs, as a form."""

from __future__ import annotations

from typing import Any

from django import forms

from evalhub.projects.models import Project
from reviews.models import Fault
from taxonomy.models import ErrorType, Severity, Verdict


class SayingForm(forms.Form):
    """What somebody says of an output: a label, a decision or a known answer. The outcome is the button pressed."""

    outcome = forms.ChoiceField(choices=Verdict.Outcome.choices)
    error_types = forms.ModelMultipleChoiceField(queryset=ErrorType.objects.none(), required=False)
    severity = forms.ChoiceField(choices=[("", "as the error types say"), *Severity.choices], required=False)
    fault = forms.ChoiceField(choices=[("", "not said"), *Fault.choices], required=False)
    failing_step = forms.IntegerField(min_value=1, max_value=10_000, required=False)
    note = forms.CharField(required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = self.fields["error_types"]
        assert isinstance(types, forms.ModelMultipleChoiceField)
        types.queryset = ErrorType.objects.in_project(project)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        outcome, types, note = data.get("outcome"), data.get("error_types"), data.get("note", "")
        if outcome == Verdict.Outcome.PASS and types:
            raise forms.ValidationError("You ticked an error type and pressed Pass. Untick it, or press Fail.")
        if outcome == Verdict.Outcome.FAIL and not types and not note.strip():
            raise forms.ValidationError("Say what went wrong: tick an error type, or write a note.")
        return data
