"""The controls by which a lead chooses items of a round, and says what to do with all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from evalhub.projects.models import User
from reviews.models import Reason, ReviewItem
from reviews.rounds.narrowing import OUTCOMES, YES_NO

Named = Iterable[tuple[Any, str]]

ANY = ("", "any")
# Those that stand behind “More”.
MORE = ("deferred", "returned", "assigned", "known", "tag", "text")


class ItemFilterForm(forms.Form):
    """The filters of the page as controls. What they mean, and which values can be, is for ``narrowing`` to say."""

    status = forms.ChoiceField(choices=[ANY, *ReviewItem.Status.choices], required=False)
    reason = forms.ChoiceField(choices=[ANY, *Reason.choices], required=False)
    candidate = forms.ChoiceField(required=False)
    person = forms.ChoiceField(label="Labelled by", required=False)
    outcome = forms.ChoiceField(choices=[ANY, *OUTCOMES.items()], required=False)
    error_type = forms.ChoiceField(required=False)
    deferred = forms.ChoiceField(label="Put off by", required=False)
    returned = forms.ChoiceField(label="Returned to", required=False)
    assigned = forms.ChoiceField(label="Assigned to", required=False)
    known = forms.ChoiceField(label="Known item", choices=[ANY, *YES_NO.items()], required=False)
    tag = forms.CharField(required=False, max_length=200)
    text = forms.CharField(label="Text in a note", required=False, max_length=500)

    def __init__(self, data: Mapping[str, str], candidates: Named, people: Named, types: Named) -> None:
        super().__init__(data)
        people, anyone, nobody = list(people), ("anyone", "anyone"), ("nobody", "nobody")
        for name, choices in (
            ("candidate", [ANY, *candidates]),
            ("person", [ANY, *people]),
            ("error_type", [ANY, *types]),
            ("deferred", [ANY, anyone, nobody, *people]),
            ("returned", [ANY, anyone, *people]),
            ("assigned", [ANY, anyone, nobody, *people]),
        ):
            field: Any = self.fields[name]
            field.choices = choices


class BulkForm(forms.Form):
    """What shall happen to all items that fit."""

    # action -> the verb of its sentence
    ACTIONS = {"assign": "assigned", "return": "returned", "add": "given one more", "close": "closed", "open": "opened"}

    action = forms.ChoiceField(choices=list(ACTIONS.items()))
    people = forms.ModelMultipleChoiceField(User.objects.none(), required=False)
    note = forms.CharField(required=False, max_length=500)
    planned = forms.IntegerField(required=False)
    sure = forms.BooleanField(required=False)

    def __init__(self, data: Any, people: Iterable[User]) -> None:
        super().__init__(data)
        field: Any = self.fields["people"]
        field.queryset = User.objects.filter(pk__in=[person.pk for person in people]).order_by("name", "pk")

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("action") == "return" and not said.get("note"):
            self.add_error("note", "Say in a few words why you return them: their reviewers read it.")
        return said
