"""What people say of outputs, as a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from evalhub.projects.models import Project
from reviews.assessment import Assessment
from reviews.models import Fault, Saying
from reviews.rows import Columns, all_rows
from taxonomy.models import ErrorType, Severity, Verdict
from taxonomy.tree import in_tree_order

MOST_DIGITS = 18  # a number of so many fits into the database's
TYPE = Columns(ErrorType, "type")
TYPES_OFFERED = f"""
SELECT {TYPE.sql} FROM taxonomy_errortype AS type
WHERE project_id = %(project)s AND (retired_at IS NULL OR id = ANY (%(chosen)s::bigint[])) ORDER BY position, id
"""  # noqa: S608 -- made of names of our own columns
# What only a failure has: with a pass it is a slip of the finger, and one of the two is not meant.
OF_FAILURES = {"error_types": "an error type", "severity": "a severity", "failing_step": "a step that went wrong"}
FAULTS_OF_FAILURES = {Fault.MODEL, Fault.INFRASTRUCTURE}

# The digits, then the row of letters below them; none of these letters is a key of the desk.
TYPE_KEYS = "1234567890qwerty"


@dataclass(frozen=True)
class TypeChoice:
    """An error type on the desk: a heading when others stand below it, else a control with a key if any is left."""

    error_type: ErrorType
    depth: int
    is_heading: bool
    key: str


def type_choices(types: Sequence[ErrorType]) -> list[TypeChoice]:
    """The active error types in tree order. ``types`` come in the order that the lead gave them."""
    by_key = {error_type.pk: error_type for error_type in types}
    parents = {key: error_type.parent_id for key, error_type in by_key.items()}
    # A retired type stands here only because it is ticked; what is above it may be ticked all the same.
    headings = {error_type.parent_id for error_type in types if error_type.retired_at is None}
    keys = iter(TYPE_KEYS)
    return [
        TypeChoice(by_key[key], depth, key in headings, "" if key in headings else next(keys, ""))
        for key, depth in in_tree_order(parents, by_key)
    ]


class TypesField(forms.ModelMultipleChoiceField):
    """Error types ticked. Where none is, nothing is asked of the database."""

    def clean(self, value: Any) -> Any:
        return super().clean(value) if value else []


class SayingForm(forms.Form):
    """What somebody says of an output: a label, a decision or a known answer. The outcome is the button pressed.

    ``hides_types``: open coding, where there are no error types and a failure needs its note. ``correction`` is the
    expected answer as it should be; it counts only when the fault is that the expected answer is wrong.
    """

    outcome = forms.ChoiceField(
        choices=Verdict.Outcome.choices,
        error_messages={"required": "Press Pass or Fail.", "invalid_choice": "Press Pass or Fail."},
    )
    error_types = TypesField(
        queryset=ErrorType.objects.none(),
        required=False,
        error_messages={
            "invalid_choice": "An error type you ticked is not there any more. Tick another one.",
            "invalid_pk_value": "An error type you ticked is not there any more. Tick another one.",
        },
    )
    severity = forms.ChoiceField(choices=[("", "as the error types say"), *Severity.choices], required=False)
    fault = forms.ChoiceField(choices=[("", "not said"), *Fault.choices], required=False)
    failing_step = forms.IntegerField(min_value=1, max_value=10_000, required=False)
    note = forms.CharField(
        required=False,
        max_length=10_000,
        error_messages={"max_length": "The note has more than 10,000 characters. Shorten it."},
    )
    correction = forms.CharField(required=False, max_length=100_000, strip=False)

    def __init__(self, data: QueryDict | None = None, *, project: Project, hides_types: bool = False) -> None:
        super().__init__(data)
        self.hides_types = hides_types
        types = self.fields["error_types"]
        assert isinstance(types, TypesField)
        types.queryset = ErrorType.objects.none() if hides_types else ErrorType.objects.in_project(project)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        outcome = data.get("outcome")
        if outcome == Verdict.Outcome.PASS:
            self.refuse_failure_in_pass(data)
        if outcome == Verdict.Outcome.FAIL and not data.get("error_types") and not data.get("note", "").strip():
            if self.hides_types:
                raise forms.ValidationError("Say what went wrong: write a note.", code="too_little")
            raise forms.ValidationError("Say what went wrong: tick an error type, or write a note.", code="too_little")
        if data.get("fault") != Fault.EXPECTED:
            data["correction"] = ""
        return data

    def refuse_failure_in_pass(self, data: Mapping[str, Any]) -> None:
        said = [words for name, words in OF_FAILURES.items() if data.get(name)]
        if data.get("error_types"):
            raise forms.ValidationError("You ticked an error type and pressed Pass. Untick it, or press Fail.")
        if data.get("fault") in FAULTS_OF_FAILURES:
            said.append("whose fault it is")
        if said:
            raise forms.ValidationError(
                f"You chose {' and '.join(said)}, and pressed Pass. Under More, set that back, or press Fail."
            )

    @property
    def assessment(self) -> Assessment:
        """What was said, of a form that is valid; the correction is besides."""
        data = self.cleaned_data
        return Assessment(
            outcome=data["outcome"],
            error_types=frozenset(error_type.pk for error_type in data["error_types"]),
            note=data["note"],
            severity=data["severity"],
            fault=data["fault"],
            failing_step=data["failing_step"],
        )

    @property
    def asks_for_note(self) -> bool:
        return self.is_bound and self.has_error("__all__", code="too_little")


def said_in(data: QueryDict) -> dict[str, Any]:
    """What was posted, as ``Saying.as_said`` with “correction” besides; what is not said is left out.

    Nothing is refused here: half-said things are what drafts are made of, and what a refused form shows again.
    """
    said: dict[str, Any] = {name: data[name][:limit] for name, limit in LENGTHS.items() if data.get(name, "").strip()}
    if types := sorted({key for text in data.getlist("error_types") if (key := whole_or_none(text)) is not None}):
        said["error_types"] = types
    if (step := whole_or_none(data.get("failing_step", ""))) is not None:
        said["failing_step"] = step
    return said


LENGTHS = {"outcome": 4, "severity": 10, "fault": 15, "note": 10_000, "correction": 100_000}


def whole_or_none(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def types_to_tick(project: Project, chosen: frozenset[int]) -> SafeString:
    """The project's active error types as controls, those that are ``chosen`` ticked, though they be retired."""
    rows = tuple(all_rows(TYPES_OFFERED, {"project": project.pk, "chosen": list(chosen)}))
    return (types_as_html.__wrapped__ if settings.DEBUG else types_as_html)(rows, chosen)


@lru_cache(maxsize=64)
def types_as_html(rows: tuple[tuple[Any, ...], ...], chosen: frozenset[int]) -> SafeString:
    """Kept, for every item has the same ones below it. ``rows`` hold all that the template shows of an error type."""
    types = [found for row in rows if (found := TYPE.take(iter(row)))]
    return render_to_string("reviews/_saying_types.html", {"choices": type_choices(types), "chosen": chosen})


def saying_context(
    project: Project,
    said: Mapping[str, Any] | Saying | None = None,
    form: SayingForm | None = None,
    steps: Sequence[tuple[int, str]] = (),
    hides_types: bool = False,
) -> dict[str, Any]:
    """What ``reviews/_saying_fields.html`` shows: what a refused ``form`` was sent, else what was ``said`` before.

    ``steps``: the number and words of each step that may be the first that went wrong. Error types that are retired
    by now are offered only where they were said.
    """
    if form is not None and isinstance(form.data, QueryDict):
        shown = said_in(form.data)
    else:
        shown = dict(said.as_said() if isinstance(said, Saying) else said or {})
    chosen = frozenset(shown.get("error_types", ()))
    step = shown.get("failing_step")
    steps = list(steps)
    if step is not None and step not in {number for number, _ in steps}:
        steps.append((step, "a step that this page does not number"))
    return {
        "form": form,
        "said": shown,
        "types": "" if hides_types else types_to_tick(project, chosen),
        "steps": steps,
        "hides_types": hides_types,
        "severities": Severity.choices,
        "faults": Fault.choices,
        "says_more": any(shown.get(name) for name in ("severity", "fault", "failing_step", "correction")),
    }
