"""What leads ask of the taxonomy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet

from evalhub.projects.models import Project, User
from taxonomy.models import Severity, SeverityWeights
from taxonomy.tree import TreeType, in_tree_order
from taxonomy.types.planning import LONGEST_NAME, LONGEST_TEXT, NewType, Types, children
from taxonomy.types.reshaping import MOST_PARTS, Merge, Split

INDENT = "\u2003"


class PlainText(forms.CharField):
    """A text of several lines, whose line ends are those of a file."""

    def __init__(self, rows: int = 3, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n").strip()


class WhyForm(forms.Form):
    why = forms.CharField(
        max_length=500, required=False, label="Why", help_text="Kept in the history, for whoever asks in a year."
    )


class PlaceField(forms.TypedChoiceField):
    """A type, or the top of the tree (None)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, empty_value=None, required=False, **kwargs)


def places(types: Types, but: Sequence[int] = (), first: str = "nothing: at the top") -> list[tuple[Any, str]]:
    """The active types as choices, in tree order and indented."""
    active = {key: each for key, each in types.items() if not each.is_retired and key not in but}
    ordered = sorted(active.values(), key=lambda each: (each.position, each.pk))
    rows = in_tree_order({each.pk: each.parent for each in ordered}, [each.pk for each in ordered])
    return [("", first)] + [(key, f"{INDENT * depth}{active[key].name}") for key, depth in rows]


def people_of(project: Project) -> QuerySet[User]:
    return User.objects.filter(memberships__project=project).order_by("name", "pk")


class WordsForm(forms.Form):
    """What an error type is called and means."""

    name = forms.CharField(
        max_length=LONGEST_NAME, help_text="After what broke: “Wrong refund amount”, not “Refund problem”."
    )
    definition = PlainText(
        max_length=LONGEST_TEXT,
        required=False,
        help_text="One sentence by which two people would decide alike. Reviewers see it beside the name.",
    )
    not_this_if = PlainText(
        max_length=LONGEST_TEXT,
        required=False,
        rows=2,
        label="Not this if",
        help_text="When it is another type, or none.",
    )
    severity = forms.ChoiceField(
        choices=Severity.choices, initial=Severity.MAJOR, help_text="How much one such output costs you."
    )
    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, empty_label="nobody", help_text="Who is asked when it is unclear."
    )

    def __init__(self, *args: Any, project: Project, shown: TreeType | None = None, **kwargs: Any) -> None:
        if shown:
            named = ("name", "definition", "not_this_if", "severity", "owner")
            kwargs["initial"] = {name: getattr(shown, name) for name in named}
        super().__init__(*args, **kwargs)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)
        owner.queryset = people_of(project)
        if shown and shown.owner:  # somebody who has left may stay its owner
            owner.queryset = (owner.queryset | User.objects.filter(pk=shown.owner)).distinct()

    def said(self) -> dict[str, Any]:
        owner = self.cleaned_data.get("owner")
        words = {name: self.cleaned_data[name] for name in ("name", "definition", "not_this_if", "severity")}
        return words | {"owner": owner.pk if owner else None}


class EditForm(WordsForm, WhyForm):
    field_order = ("name", "definition", "not_this_if", "severity", "owner", "why")

    def fields_said(self) -> tuple[tuple[str, object], ...]:
        return tuple(self.said().items())


class NewTypeForm(WordsForm, WhyForm):
    parent = PlaceField(
        label="Below",
        help_text="An output with this type also counts for the one above, which becomes a heading for reviewers.",
    )
    field_order: tuple[str, ...] = ("name", "definition", "not_this_if", "severity", "parent", "owner", "why")

    def __init__(self, *args: Any, types: Types, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].choices = places(types)  # type: ignore[attr-defined]  # of a field of choices

    def new(self) -> NewType:
        return NewType(**self.said(), parent=self.cleaned_data["parent"])


class MoveForm(WhyForm):
    parent = PlaceField(label="Below")
    field_order = ("parent", "why")

    def __init__(self, *args: Any, types: Types, moved: TreeType, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].initial = moved.parent
        self.fields["parent"].choices = places(types, but=[moved.pk])  # type: ignore[attr-defined]  # as above


class MergeForm(NewTypeForm):
    """Which types, and into which one; a new one is described in the same form."""

    types = forms.TypedMultipleChoiceField(
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        label="Merge",
        error_messages={"required": "Choose the error types to merge."},
    )
    into = PlaceField(label="Into")

    def __init__(self, *args: Any, types: Types, **kwargs: Any) -> None:
        super().__init__(*args, types=types, **kwargs)
        self.fields["types"].choices = places(types)[1:]  # type: ignore[attr-defined]  # as above
        self.fields["into"].choices = places(types, first="a new error type, described below")  # type: ignore[attr-defined]  # as above
        for name in NewTypeForm.base_fields:
            self.fields[name].required = False
        # Not for the browser to ask: the field may be out of sight.
        self.use_required_attribute = False
        self.fields["name"].required = self.fields["severity"].required = not self.data.get("into")
        self.fields["name"].error_messages["required"] = "Name the new error type, or choose one to merge into."
        self.fields["parent"].help_text = ""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["severity"] = data.get("severity") or Severity.MAJOR
        if data.get("into") is not None:
            # What was typed for a new type does not matter then.
            for name in [name for name in self.errors if name in WordsForm.base_fields or name == "parent"]:
                del self.errors[name]
        return data

    def change(self) -> Merge:
        into = self.cleaned_data["into"]
        return Merge(tuple(self.cleaned_data["types"]), self.new() if into is None else into)


class PartForm(WordsForm):
    """One of the types into which another one is split. Left empty it is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = ""
        self.fields["definition"].help_text = ""
        self.fields["not_this_if"].help_text = ""
        self.fields["severity"].help_text = ""
        self.fields["owner"].help_text = ""
        self.fields["definition"].widget.attrs["rows"] = 2


PartFormSet = forms.formset_factory(PartForm, extra=0, max_num=MOST_PARTS, absolute_max=MOST_PARTS)


class SplitForm(WhyForm):
    """The parts stand in a formset of their own; together they are valid, or not."""

    def __init__(self, *args: Any, project: Project, split: TreeType, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        empty = [{"severity": split.severity, "owner": split.owner}]
        parts = (args[0] if args else None) or None
        self.split = split
        self.parts = PartFormSet(parts, prefix="parts", initial=empty * 3, form_kwargs={"project": project})
        for form in self.parts.forms:
            form.empty_permitted, form.use_required_attribute = True, False

    def is_valid(self) -> bool:
        return super().is_valid() and self.parts.is_valid()

    def change(self) -> Split:
        filled = [form for form in self.parts.forms if form.cleaned_data.get("name")]
        return Split(self.split.pk, tuple(NewType(**form.said()) for form in filled))


class OrderForm(WhyForm):
    """A number for each type among those beside it."""

    def __init__(self, *args: Any, types: Types, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ordered = sorted(types.values(), key=lambda each: (each.position, each.pk))
        active = {each.pk: each for each in ordered if not each.is_retired}
        self.rows: list[tuple[TreeType, int, str]] = []
        for key, depth in in_tree_order({key: each.parent for key, each in active.items()}, active):
            beside = [each.pk for each in children(types, active[key].parent)]
            number = forms.IntegerField(min_value=1, max_value=9_999, initial=beside.index(key) + 1, required=False)
            number.label = f"Place of {active[key].name}"
            self.fields[f"place_{key}"] = number
            self.rows.append((active[key], depth, f"place_{key}"))

    def shown_rows(self) -> list[tuple[TreeType, int, forms.BoundField]]:
        return [(each, depth, self[name]) for each, depth, name in self.rows]

    def order(self) -> tuple[tuple[int, int], ...]:
        """Keys with numbers to sort by. A type that is given the place of another one comes before it on its way up,
        and behind it on its way down.
        """
        found = []
        for each, _, name in self.rows:
            was = self.fields[name].initial
            wish = self.cleaned_data.get(name) or was
            found.append((each.pk, 2 * wish + (wish > was) - (wish < was)))
        return tuple(found)


class WeightsForm(forms.ModelForm[SeverityWeights]):
    class Meta:
        model = SeverityWeights
        fields = ["critical", "major", "minor"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.validators = [MinValueValidator(0.0), MaxValueValidator(1_000.0)]
            field.widget.attrs |= {"min": 0, "max": 1000, "step": "any"}
            field.label = f"{Severity(name).label} counts"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"minor", "major", "critical"} <= data.keys():
            if not data["critical"] >= data["major"] >= data["minor"]:
                raise forms.ValidationError("A graver error type must not count less than a lesser one.")
            if not data["critical"]:
                raise forms.ValidationError("With no weight at all there is no figure. Let critical ones count.")
        return data
