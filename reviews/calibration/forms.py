"""What a lead asks of a practice round."""

from __future__ import annotations

from typing import Any

from django import forms

from evalhub.projects.models import Project
from reviews.calibration.known import known_answers
from reviews.models import KnownAnswer

MOST_CHOICES = 200


class KnownField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        types = ", ".join(error_type.name for error_type in obj.error_types.all())
        return f"{obj.output.example.key}: {obj.get_outcome_display().lower()}{f' ({types})' if types else ''}"


class PracticeForm(forms.Form):
    """Which known answers people practise with."""

    name = forms.CharField(max_length=100, initial="Practice")
    guidelines = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Shown beside every item: what counts as a pass here.",
    )
    known = KnownField(
        label="Known answers",
        queryset=KnownAnswer.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one known answer."},
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = known_answers(project).select_related("output__example").prefetch_related("error_types")
        newest = choices.order_by("-pk").values_list("pk", flat=True)[:MOST_CHOICES]
        known = self.fields["known"]
        assert isinstance(known, forms.ModelMultipleChoiceField)
        known.queryset = choices.filter(pk__in=list(newest)).order_by("pk")
        self.initial.setdefault("known", list(newest))
