from __future__ import annotations

from typing import Any

from django import forms

from evalhub.projects.models import Project
from taxonomy.models import ErrorType


class ErrorTypeForm(forms.ModelForm[ErrorType]):
    class Meta:
        model = ErrorType
        fields = ["name", "definition", "severity", "parent"]
        labels = {"parent": "Below"}
        help_texts = {
            "name": "After what broke: “Wrong refund amount”, not “Refund problem”.",
            "definition": "One sentence by which two people would decide alike. Reviewers see it beside the name.",
            "severity": "How much one such output costs you.",
            "parent": "An output with this type also counts for the one above.",
        }
        widgets = {"definition": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.project = project
        # Two levels are enough for people to find their way; a type with children stays at the top.
        possible = ErrorType.objects.in_project(project).active().filter(parent=None).exclude(pk=self.instance.pk)
        has_children = self.instance.pk and self.instance.children.exists()
        parent = self.fields["parent"]
        assert isinstance(parent, forms.ModelChoiceField)
        parent.queryset = possible.none() if has_children else possible
        parent.empty_label = "nothing: it stands by itself"

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        twin = (
            ErrorType.objects.in_project(self.instance.project).filter(name__iexact=name).exclude(pk=self.instance.pk)
        )
        if twin.exists():
            raise forms.ValidationError("There is an error type of this name. Change that one, or choose another name.")
        return name
