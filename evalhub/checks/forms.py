"""A check's form, made of the typed parameters of its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from evalhub.checks.keeping import NameTakenError
from evalhub.checks.kinds.base import LONGEST_PARAMETER, Kind, Parameter, ParameterError
from evalhub.checks.kinds.json_text import JsonFault, parse_json, place_in

PREFIX = "parameter-"  # so that no parameter can be taken for the check's own name


class JsonText(forms.CharField):
    """Strict JSON, written by hand; nothing written is None."""

    widget = forms.Textarea(attrs={"rows": 12, "class": "code", "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            value = parse_json(text)
        except JsonFault as fault:
            place = f" at {place_in(text, fault.position)}" if fault.position >= 0 else ""
            raise ValidationError(f"This is not JSON: {fault.reason}{place}.") from fault
        if any("\0" in text for text in texts_in(value)):
            raise ValidationError("Leave out \\u0000: a check cannot be stored with a null character.")
        return value

    def prepare_value(self, value: Any) -> Any:
        """What was typed goes back as it is; a stored value is written out."""
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)

    def validate(self, value: Any) -> None:
        """Whether the value will do is for the kind to say."""


class Lines(forms.CharField):
    """Texts, one a line; white space around them and empty lines do not count."""

    widget = forms.Textarea(attrs={"rows": 5})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if "\0" in text:
            raise ValidationError("Leave out the null characters.")
        return [line.strip() for line in text.splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def run_validators(self, value: Any) -> None:
        """None: those of a text would be run on the list."""


class WholeOrFloat(forms.FloatField):
    """A number; 2.0 is kept as 2, as a person would write it."""

    def to_python(self, value: Any) -> Any:
        number: float | None = super().to_python(value)
        return int(number) if number is not None and number.is_integer() else number


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value, field names included. Its nesting was limited when it was read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value:
            yield from texts_in(item)
            if isinstance(value, dict):
                yield from texts_in(value[item])


def field_for(parameter: Parameter) -> forms.Field:
    common: dict[str, Any] = {"label": parameter.label, "help_text": parameter.help, "initial": parameter.default}
    match parameter.type:
        case "boolean":
            return forms.BooleanField(required=False, **common)
        case "choice":
            return forms.ChoiceField(choices=parameter.choices, **common)
        case "number":
            return WholeOrFloat(widget=forms.NumberInput(attrs={"step": "any"}), **common)
        case "list":
            return Lines(required=False, **common)
        case "json":
            return JsonText(required=False, strip=False, **common)
    # Spaces at the ends of a pattern are a part of it.
    return forms.CharField(required=False, strip=False, max_length=LONGEST_PARAMETER, **common)


class CheckForm(forms.Form):
    """The name and the parameters of a check of one kind. ``parameters`` is what was asked for, complete and typed."""

    name = forms.CharField(max_length=100)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        kind: Kind,
        taken: Sequence[str],
        name: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """``taken`` are the names of the other active checks; ``name`` and ``parameters`` stand in an unsent form."""
        given = {PREFIX + key: value for key, value in (parameters or {}).items()}
        super().__init__(data, initial={"name": name, **given})
        self.kind = kind
        self.taken = {other.casefold() for other in taken}
        for parameter in kind.parameters:
            self.fields[PREFIX + parameter.name] = field_for(parameter)

    @property
    def parameters(self) -> dict[str, Any]:
        return {parameter.name: self.cleaned_data[PREFIX + parameter.name] for parameter in self.kind.parameters}

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        return [self[PREFIX + parameter.name] for parameter in self.kind.parameters]

    def focus_first_fault(self) -> None:
        for name, field in self.fields.items():
            if name in self.errors:
                field.widget.attrs["autofocus"] = True
                break

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name.casefold() in self.taken:
            raise ValidationError(str(NameTakenError.__doc__))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if all(PREFIX + parameter.name in data for parameter in self.kind.parameters):
            try:
                self.kind.prepare(self.parameters)
            except ParameterError as error:
                self.add_error(PREFIX + error.parameter, str(error))
        return data
