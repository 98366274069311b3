from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from evalhub.projects.models import ApiKey, Project, Role, User


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": "E-mail and password do not match. Both count every letter.",
        "inactive": "E-mail and password do not match. Both count every letter.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs |= {"autocomplete": "username", "inputmode": "email"}


class ProjectForm(forms.ModelForm[Project]):
    class Meta:
        model = Project
        fields = ["name", "description"]
        help_texts = {"name": "The LLM feature under evaluation, for instance “Support inbox triage”."}


class InvitationForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)
    note = forms.CharField(
        label="For whom", max_length=100, required=False, help_text="So that you know the link later."
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class ApiKeyForm(forms.ModelForm[ApiKey]):
    class Meta:
        model = ApiKey
        fields = ["name", "role"]
        help_texts = {
            "name": "Where it will be used, for instance “Nightly comparison”.",
            "role": "The least that does: leads start runs, admins upload production samples.",
        }


class NewUserForm(forms.ModelForm[User]):
    """A person who opens an invitation and has no account yet."""

    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text="At least 10 characters, not a common password.",
    )

    class Meta:
        model = User
        fields = ["name", "email"]

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exists():
            raise ValidationError("There is an account with this address. Sign in with it, then open the link again.")
        return email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "password" in data:
            try:
                validate_password(data["password"], User(email=data.get("email", ""), name=data.get("name", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return data
