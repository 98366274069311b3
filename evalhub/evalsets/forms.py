"""What people fill in about eval sets, uploads and draws."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from evalhub.evalsets.drawing import Plan
from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.limits import spell_size
from evalhub.evalsets.files.mapping import (
    KIND_CHOICES,
    ExampleMapping,
    LabelMapping,
    Mapping,
    WithRequest,
    mapping_class,
    mapping_from_json,
)
from evalhub.evalsets.models import EvalSet, Upload
from evalhub.evalsets.pool import PoolFacts, PoolFilter
from evalhub.evalsets.upload_handler import refusal_of
from evalhub.projects.models import Project
from evalhub.web.templatetags.ui import visible

NO_COLUMN = ("", "no column")
MOST_DRAWN = 100_000
MAKES = {
    "makes_people": (
        "Make people for reviewers who are no members",
        "They cannot sign in, and stand for whoever labelled elsewhere.",
    ),
    "makes_types": ("Make the error types that are missing", "Their definitions are empty until you write them."),
}
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class EvalSetForm(forms.ModelForm[EvalSet]):
    class Meta:
        model = EvalSet
        fields = ["name", "description"]
        help_texts = {"name": "What the examples are about, for instance “Refund requests”."}

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.project = project

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = EvalSet.objects.in_project(self.instance.project).exclude(pk=self.instance.pk)
        if others.filter(name=name).exists():
            raise ValidationError("There is an eval set of this name already. Choose another name.")
        return name


class FileForm(forms.Form):
    """A file to upload. Made from the request, so that a file which was not even received is explained as well."""

    file = forms.FileField(label="File", allow_empty_file=True, max_length=None)

    def __init__(self, request: HttpRequest) -> None:
        is_post = request.method == "POST"
        super().__init__(request.POST if is_post else None, request.FILES if is_post else None)
        limit = settings.UPLOAD_LIMIT_BYTES
        file = self.fields["file"]
        file.help_text = f"CSV, JSON, JSONL or Parquet, plain or gzip, at most {spell_size(limit)}."
        # A refused file is missing from the request; the reason is known to the handler alone.
        file.error_messages["required"] = refusal_of(request) or "Choose a file first."
        file.widget.attrs |= {
            "accept": ".csv,.tsv,.json,.jsonl,.ndjson,.parquet,.gz",
            "data-most-bytes": str(limit),
            "data-too-large": f"The file is larger than {spell_size(limit)}. Compress it with gzip, or split it.",
        }


class MappingForm(forms.Form):
    """One select for each thing that a column can be, and check boxes for the columns kept as metadata.

    Columns are sent by their place in the file: a name may hold line ends, which browsers change on the way.
    """

    def __init__(self, upload: Upload, data: Any = None) -> None:
        super().__init__(data)
        self.kind: type[Mapping] = mapping_class(upload.purpose)
        self.columns: list[str] = upload.preview["columns"]
        guess: dict[str, Any] = upload.mapping
        places = {column: str(place) for place, column in enumerate(self.columns)}
        choices = [(place, clipped(column)) for column, place in places.items()]
        for field in self.kind.FIELDS:
            self.fields[field.name] = forms.ChoiceField(
                label=field.label,
                help_text=field.help,
                required=field.is_required,
                error_messages={"required": f"“{field.label}” has no column. Choose the one that holds it."},
                choices=[NO_COLUMN, *choices],
                initial=places.get(guess.get(field.name, ""), ""),
            )
        if issubclass(self.kind, ExampleMapping):
            self.fields["expected_kind"] = forms.ChoiceField(
                label="What it holds", choices=list(KIND_CHOICES.items()), initial=guess.get("expected_kind")
            )
            names = [field.name for field in self.kind.FIELDS]
            self.order_fields([*names[: names.index("expected") + 1], "expected_kind"])
        if issubclass(self.kind, LabelMapping):
            for name, (label, hint) in MAKES.items():
                self.fields[name] = forms.BooleanField(
                    label=label, help_text=hint, required=False, initial=guess.get(name, False)
                )
        if issubclass(self.kind, WithRequest):
            self.fields["metadata"] = forms.MultipleChoiceField(
                label="Columns kept as metadata",
                required=False,
                choices=choices,
                widget=forms.CheckboxSelectMultiple,
                initial=[places[column] for column in guess.get("metadata", []) if column in places],
            )
            self.fields["metadata_rest"] = forms.BooleanField(
                label="Also keep every column that is not named here, wherever in the file it first occurs",
                required=False,
                initial=guess.get("metadata_rest", False),
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        try:
            self.mapping = mapping_from_json({"purpose": self.kind.purpose} | self._spelled(data))
        except UploadError as error:
            raise ValidationError(str(error)) from error
        problems = self.mapping.problems(self.columns)
        if problems:
            raise ValidationError([ValidationError(problem) for problem in problems])
        return data

    def _spelled(self, data: dict[str, Any]) -> dict[str, Any]:
        spelled: dict[str, Any] = {}
        for name, value in data.items():
            if isinstance(value, list):
                spelled[name] = [self.columns[int(place)] for place in value]
            elif isinstance(value, bool) or name == "expected_kind":
                spelled[name] = value
            else:
                spelled[name] = self.columns[int(value)] if value else ""
        return spelled


class ConfirmForm(forms.Form):
    """The last question before rows are stored."""

    publish = forms.BooleanField(label="Publish when imported, which freezes the version", required=False, initial=True)
    leave_out_bad = forms.BooleanField(label="Leave the rows with errors out", required=False)

    def __init__(self, upload: Upload, data: Any = None) -> None:
        super().__init__(data)
        if upload.purpose != Upload.Purpose.EXAMPLES:
            del self.fields["publish"]
        if not upload.rows_bad:
            del self.fields["leave_out_bad"]


class PoolForm(forms.Form):
    """A part of the production samples, as it stands in a link."""

    model = forms.CharField(required=False, max_length=200)
    tag = forms.CharField(required=False, max_length=200)
    field = forms.CharField(label="Metadata field", required=False, max_length=200, strip=False)
    text = forms.CharField(label="contains", required=False, max_length=200)
    since = forms.DateField(label="From", required=False, widget=DAY)
    until = forms.DateField(label="To", required=False, widget=DAY)

    def __init__(self, facts: PoolFacts, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.facts = facts
        for name, values in (("model", "models"), ("tag", "tags"), ("field", "fields")):
            # The browser proposes what the page lists under this id; any other value may be typed.
            self.fields[name].widget.attrs |= {"list": f"known-{values}", "autocomplete": "off"}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("text") and not data.get("field"):
            self.add_error("field", "Say in which field the text is to stand.")
        return data

    @property
    def part_is_set(self) -> bool:
        """Whether any condition is filled in, by the person or by the link that led here."""
        return any(self[name].value() for name in PoolForm.base_fields)

    def part(self) -> PoolFilter:
        return PoolFilter(**{name: self.cleaned_data[name] for name in PoolFilter.__dataclass_fields__})


class DrawForm(PoolForm):
    """How an eval set is drawn from production samples; ``plan`` is what it says."""

    size = forms.IntegerField(label="Examples", min_value=1, max_value=MOST_DRAWN, initial=200)
    by = forms.ChoiceField(label="How", help_text="Stratified: each value of the field gets its share.")
    allocation = forms.ChoiceField(
        label="Shares",
        choices=[("proportional", "as large as in the pool"), ("equal", "the same for each value")],
        required=False,
    )
    seed = forms.CharField(
        max_length=40, help_text="The same seed and pool give the same draw. Keep it to repeat this one."
    )
    only_new = forms.BooleanField(label="Only requests that are not in this eval set yet", required=False)
    answers_as_expected = forms.BooleanField(
        label="Take what production answered as expected",
        required=False,
        help_text="Nobody has reviewed it: checks then say where a candidate differs from production.",
    )

    def __init__(self, facts: PoolFacts, data: Any = None, **options: Any) -> None:
        super().__init__(facts, data, **options)
        fields = [(f"metadata:{name}", f"stratified by “{clipped(name)}” (metadata)") for name in facts.known_fields]
        by: Any = self.fields["by"]
        by.choices = [
            ("", "at random"),
            ("model", "stratified by model"),
            ("tag", "stratified by first tag"),
            ("cluster", "stratified by conversation or customer"),
            *fields,
        ]
        by.required = False
        self.fields["seed"].initial = str(secrets.randbelow(10**9))

    def plan(self) -> Plan:
        by, _, metadata_field = self.cleaned_data["by"].partition(":")
        names = ("size", "seed", "only_new", "answers_as_expected")
        return Plan(
            **{name: self.cleaned_data[name] for name in names},
            by=by,
            metadata_field=metadata_field,
            allocation=self.cleaned_data["allocation"] or "proportional",
            part=self.part(),
        )


def clipped(name: str, longest: int = 60) -> str:
    shown = visible(name).replace("\n", "␊")
    return shown[:longest] + "…" if len(shown) > longest else shown
