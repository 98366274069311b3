"""A taxonomy that comes in as a file, as a form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import FileExtensionValidator

from taxonomy.types.documents import MOST_BYTES
from taxonomy.types.forms import PlainText, WhyForm


class ImportForm(WhyForm):
    """A file, or its text; after the preview the text comes back hidden."""

    file = forms.FileField(
        required=False,
        validators=[FileExtensionValidator(["yaml", "yml", "json", "txt"], "Choose a file in YAML or JSON.")],
        widget=forms.FileInput(
            attrs={
                "accept": ".yaml,.yml,.json,.txt",
                "data-most-bytes": MOST_BYTES,
                "data-too-large": f"A taxonomy has at most {MOST_BYTES // 1024} kB. Choose the right file.",
            }
        ),
        help_text="In YAML or JSON, as it is exported here.",
    )
    text = PlainText(rows=8, required=False, label="Or its text", max_length=MOST_BYTES)
    rest = forms.ChoiceField(
        choices=(("keep", "keep them as they are"), ("retire", "retire them")),
        widget=forms.RadioSelect,
        initial="keep",
        label="Error types that the file does not have",
    )
    field_order = ("file", "text", "rest", "why")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("file") and not data.get("text"):
            raise forms.ValidationError("Choose a file, or paste its text.")
        if data.get("file") and data["file"].size > MOST_BYTES:
            raise forms.ValidationError(
                f"The file has {data['file'].size / 1000:,.0f} kB, and a taxonomy has at most {MOST_BYTES // 1024} kB. "
                "Choose the right file."
            )
        return data

    def content(self) -> bytes:
        file = self.cleaned_data.get("file")
        return file.read() if file else self.cleaned_data["text"].encode()
