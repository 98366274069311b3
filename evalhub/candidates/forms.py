from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import model_to_dict

from evalhub.candidates.api_objects import (
    JSON_OBJECT,
    JSON_SCHEMA,
    TEXT,
    ApiObjectError,
    kind_of,
    read_response_format,
    read_tools,
    schema_text_of,
    written,
)
from evalhub.candidates.guarding import AddressError, check_url_and_name
from evalhub.candidates.keys import SENDABLE
from evalhub.candidates.models import Candidate, Endpoint
from evalhub.candidates.prompting import LONGEST_PROMPT, TemplateError, check_template
from evalhub.evalsets.models import Example
from evalhub.projects.models import Project
from evalhub.web.templatetags.ui import visible

LONGEST_JSON = 200_000
AS_TYPED = {"spellcheck": "false", "autocomplete": "off"}
FORMATS = [(TEXT, "Text"), (JSON_OBJECT, "JSON object"), (JSON_SCHEMA, "JSON by a schema")]


class EndpointForm(forms.ModelForm[Endpoint]):
    """An endpoint of one project. The key is only ever typed in: no answer of the server holds it."""

    key = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )

    class Meta:
        model = Endpoint
        fields = [
            "name",
            "base_url",
            "streams",
            "max_in_flight",
            "timeout_seconds",
            "requests_per_minute",
            "tokens_per_minute",
        ]
        labels = {
            "max_in_flight": "Calls at once",
            "timeout_seconds": "Time limit of a call, in seconds",
            "requests_per_minute": "Calls a minute",
            "tokens_per_minute": "Tokens a minute",
            "streams": "Stream the answers, which measures the time to the first token",
        }
        help_texts = {
            "base_url": "Where the OpenAI chat API is served, mostly ending in /v1: https://api.openai.com/v1.",
            "timeout_seconds": "From the first byte sent to the last byte read.",
        }
        widgets = {"base_url": forms.TextInput(attrs={"inputmode": "url", **AS_TYPED})}

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        self.former_url = self.instance.base_url
        if self.instance.key_encrypted is not None:
            ending = f", ends in …{self.instance.key_ending}" if self.instance.key_ending else ""
            self.fields["key"].help_text = f"A key is saved{ending}. Type a new one to replace it."
        else:
            self.fields["key"].help_text = "Stored encrypted and never shown again. Leave it empty if none is wanted."

    def clean_name(self) -> str:
        return free_name(self.cleaned_data["name"], Endpoint.objects.in_project(self.project), self.instance.pk)

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"]).rstrip("/").removesuffix("/chat/completions")
        try:
            check_url_and_name(url)
        except AddressError as error:
            raise ValidationError(str(error)) from None
        return url

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"]).strip()
        if key and not SENDABLE.fullmatch(key):
            raise ValidationError("A key has no spaces, line breaks or letters outside ASCII. Copy it again.")
        return key


class CandidateForm(forms.ModelForm[Candidate]):
    """A candidate of one project; the API's objects are typed as JSON."""

    answer_format = forms.ChoiceField(label="Answers as", choices=FORMATS, initial=TEXT, widget=forms.RadioSelect)
    answer_schema = forms.CharField(
        label="Schema of the answers",
        required=False,
        max_length=LONGEST_JSON,
        widget=forms.Textarea(attrs={"class": "code", "rows": 6, "spellcheck": "false"}),
        help_text='A JSON Schema, or {"name": …, "schema": …, "strict": true} as the API has it.',
    )
    tools_text = forms.CharField(
        label="Tools",
        required=False,
        max_length=LONGEST_JSON,
        widget=forms.Textarea(attrs={"class": "code", "rows": 6, "spellcheck": "false"}),
        help_text="A JSON list of tools as the chat API has it. They replace those of the example; [] offers none.",
    )
    system_prompt = forms.CharField(
        required=False,
        max_length=LONGEST_PROMPT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Replaces the system message with which an example begins. Empty: that one is used.",
    )
    template = forms.CharField(
        required=False,
        max_length=LONGEST_PROMPT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Replaces the last user message; {{input}} stands for its text. Empty: the message stays as it is.",
    )

    class Meta:
        model = Candidate
        fields = [
            "name",
            "endpoint",
            "model",
            "system_prompt",
            "template",
            "temperature",
            "max_tokens",
            "input_price",
            "output_price",
        ]
        labels = {"input_price": "A million input tokens, US$", "output_price": "A million output tokens, US$"}
        widgets = {"model": forms.TextInput(attrs=AS_TYPED)}
        help_texts = {
            "endpoint": "Without one, the outputs of this candidate are recorded elsewhere and uploaded.",
            "model": "As the endpoint knows it: gpt-4o-mini.",
            "temperature": "Empty: the endpoint's default.",
            "max_tokens": "Empty: the endpoint's default.",
        }

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        endpoint = cast(forms.ModelChoiceField, self.fields["endpoint"])
        endpoint.queryset = Endpoint.objects.in_project(project).order_by("name")
        endpoint.empty_label = "None: outputs are recorded elsewhere"
        for name, value in api_texts(self.instance).items():
            self.initial.setdefault(name, value)
        for name in ("input_price", "output_price"):
            if isinstance(price := self.initial.get(name), Decimal):
                self.initial[name] = f"{price.normalize():f}"  # 0.15, not 0.150000

    def clean_name(self) -> str:
        return free_name(self.cleaned_data["name"], Candidate.objects.in_project(self.project), self.instance.pk)

    def clean_template(self) -> str:
        template = str(self.cleaned_data["template"])
        try:
            check_template(template)
        except TemplateError as error:
            raise ValidationError(str(error)) from None
        return template

    def clean_tools_text(self) -> str:
        try:
            self.instance.tools = read_tools(self.cleaned_data["tools_text"])
        except ApiObjectError as error:
            raise ValidationError(str(error)) from None
        return str(self.cleaned_data["tools_text"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("endpoint") and not data.get("model") and "model" not in self.errors:
            self.add_error("model", "Enter the name under which the endpoint knows the model.")
        prices = data.get("input_price"), data.get("output_price")
        if (prices[0] is None) != (prices[1] is None) and not {"input_price", "output_price"} & set(self.errors):
            missing = "input_price" if prices[0] is None else "output_price"
            self.add_error(missing, "Enter both prices, or none. What costs nothing has the price 0.")
        if "answer_format" in data and "answer_schema" in data:
            try:
                self.instance.response_format = read_response_format(data["answer_format"], data["answer_schema"])
            except ApiObjectError as error:
                self.add_error("answer_schema", str(error))
        return data


class TryForm(forms.Form):
    """What to send: one of the first examples of a published version, or a text."""

    example = forms.ChoiceField(required=False)
    text = forms.CharField(
        label="Or a text of your own",
        required=False,
        max_length=LONGEST_PROMPT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Sent as one user message, in place of the example.",
    )

    def __init__(self, *args: Any, examples: Sequence[Example], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.requests = {str(example.pk): example.request for example in examples}
        cast(forms.ChoiceField, self.fields["example"]).choices = [
            (str(example.pk), label_of_example(example)) for example in examples
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("example") and not str(data.get("text", "")).strip():
            raise ValidationError("Choose an example, or type a text.")
        return data

    def request_to_send(self) -> dict[str, Any]:
        """The request of what was chosen. A typed text wins over the example."""
        text = self.cleaned_data["text"]
        if text.strip():
            return {"messages": [{"role": "user", "content": text}]}
        return dict(self.requests[self.cleaned_data["example"]])


def label_of_example(example: Example) -> str:
    """Its id and how its last message begins."""
    last = example.request["messages"][-1].get("content") if example.request.get("messages") else ""
    start = " ".join(last[:200].split())[:60] if isinstance(last, str) else ""
    return visible(f"{example.key} · {start}" if start else example.key)


def api_texts(candidate: Candidate) -> dict[str, str]:
    """The form's texts for the API objects that the candidate holds."""
    return {
        "answer_format": kind_of(candidate.response_format),
        "answer_schema": schema_text_of(candidate.response_format),
        "tools_text": written(candidate.tools),
    }


def copy_of(candidate: Candidate) -> dict[str, Any]:
    """What a form for a copy begins with."""
    values = model_to_dict(candidate, fields=CandidateForm.Meta.fields)
    return values | api_texts(candidate) | {"name": f"{candidate.name[:90]} (copy)"}


def free_name(name: str, others: QuerySet[Any], own_pk: int | None) -> str:
    if others.filter(name=name).exclude(pk=own_pk).exists():
        raise ValidationError(f"“{name}” is taken in this project. Choose another name.")
    return name
