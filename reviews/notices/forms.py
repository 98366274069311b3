"""Of what a person wants to be told, and how."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from evalhub.candidates.guarding import AddressError
from evalhub.projects.models import Role
from reviews.models import NoticeChoice
from reviews.notices.finding import occasions_for
from reviews.notices.sending import check_webhook


class NoticeForm(forms.Form):
    """Occasions by e-mail and by webhook, those that this role has; and the webhook's address."""

    by_email = forms.MultipleChoiceField(required=False)
    by_webhook = forms.MultipleChoiceField(required=False)
    webhook_url = forms.CharField(
        label="Address of the webhook",
        required=False,
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://hooks.example/evalhub", "autocomplete": "off"}),
        help_text="Gets a POST with JSON: project, round, occasion, text, url and items. Each is signed, with a secret "
        "that EvalHub makes and shows once, when you save a new address.",
    )

    def __init__(self, *args: Any, role: Role | str, choice: NoticeChoice | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.occasions = occasions_for(role)
        for name in ("by_email", "by_webhook", "webhook_url"):
            self.initial.setdefault(name, getattr(choice, name, ""))
        for name in ("by_email", "by_webhook"):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = [(occasion.value, occasion.label) for occasion in self.occasions]
        self.fields["by_email"].disabled = not settings.EMAIL_HOST

    def rows(self) -> list[tuple[str, str, bool, bool]]:
        """For each occasion: its value and words, and whether it is chosen by e-mail and by webhook."""
        by_email, by_webhook = (self[name].value() or [] for name in ("by_email", "by_webhook"))
        return [(each.value, each.label, each in by_email, each in by_webhook) for each in self.occasions]

    def clean_webhook_url(self) -> str:
        url = str(self.cleaned_data["webhook_url"]).strip()
        if url:
            try:
                check_webhook(url)
            except AddressError as error:
                raise forms.ValidationError(str(error)) from None
        return url

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("by_webhook") and not data.get("webhook_url") and "webhook_url" not in self.errors:
            self.add_error("webhook_url", "Write the address that notices are sent to, or untick the webhook.")
        return data
