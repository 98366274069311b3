from types import SimpleNamespace

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from reviews.saying_forms import SayingForm, said_in, saying_context
from taxonomy.models import ErrorType


def form_of(project, query, **options):
    return SayingForm(QueryDict(query), project=project, **options)


def fields_of(*arguments, **options):
    return render_to_string("reviews/_saying_fields.html", saying_context(*arguments, **options))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Press Pass or Fail."),
        ("outcome=maybe", "Press Pass or Fail."),
        ("outcome=fail", "Say what went wrong: tick an error type, or write a note."),
        ("outcome=fail&note=+", "Say what went wrong: tick an error type, or write a note."),
        (
            "outcome=pass&severity=major",
            "You chose a severity, and pressed Pass. Under More, set that back, or press Fail.",
        ),
        (
            "outcome=pass&failing_step=2&fault=model",
            "You chose a step that went wrong and whose fault it is, and pressed Pass. "
            "Under More, set that back, or press Fail.",
        ),
        ("outcome=fail&error_types=999999999", "An error type you ticked is not there any more. Tick another one."),
    ],
)
def test_what_does_not_go_together_is_said_in_a_sentence(project, query, sentence):
    form = form_of(project, query)

    assert [fault for faults in form.errors.values() for fault in faults][:1] == [sentence]


def test_a_pass_may_say_that_the_expected_answer_is_wrong(project):
    form = form_of(project, "outcome=pass&fault=expected&correction=42")

    assert form.is_valid()
    assert form.cleaned_data["correction"] == "42"


def test_a_correction_counts_only_with_its_fault(project):
    form = form_of(project, "outcome=fail&note=n&fault=check&correction=42")

    assert form.is_valid()
    assert form.cleaned_data["correction"] == ""


def test_open_coding_asks_for_the_note_and_takes_no_error_types(project):
    error_type = ErrorType.objects.filter(project=project).first()

    assert form_of(project, "outcome=fail", hides_types=True).errors["__all__"] == [
        "Say what went wrong: write a note."
    ]
    assert not form_of(project, f"outcome=fail&error_types={error_type.pk}", hides_types=True).is_valid()
    assert form_of(project, "outcome=fail&note=odd", hides_types=True).is_valid()


def test_what_was_posted_is_read_as_it_is_and_oddities_are_passed_over():
    said = said_in(QueryDict("outcome=fail&error_types=3&error_types=1&error_types=x&failing_step=2&note=n&severity="))

    assert said == {"outcome": "fail", "error_types": [1, 3], "failing_step": 2, "note": "n"}
    assert said_in(QueryDict("failing_step=99999999999999999999&error_types=²")) == {}


def test_the_fields_show_what_was_said_and_open_more_only_then(project):
    error_type = ErrorType.objects.filter(project=project).first()
    said = {"error_types": [error_type.pk], "note": "my <words>", "failing_step": 2}

    page = fields_of(project, said, steps=[(1, "User: hello"), (2, "Assistant: bye")])

    assert f'value="{error_type.pk}" checked' in page
    assert "my &lt;words&gt;" in page
    assert '<option value="2" selected>2: Assistant: bye</option>' in page
    assert 'id="say-more" open' in page
    assert 'id="say-more">' in fields_of(project, {"note": "n"})


def test_a_retired_error_type_is_there_only_where_it_was_said(project):
    error_type = ErrorType.objects.filter(project=project).first()
    ErrorType.objects.filter(pk=error_type.pk).update(retired_at=timezone.now())

    assert f'value="{error_type.pk}"' not in fields_of(project)
    assert f'value="{error_type.pk}" checked' in fields_of(project, {"error_types": [error_type.pk]})


def test_a_step_that_is_not_numbered_any_more_is_kept(project):
    page = fields_of(project, {"failing_step": 7}, steps=[(1, "User: hello")])

    assert '<option value="7" selected>' in page


def test_open_coding_shows_the_note_alone(project):
    page = fields_of(project, hides_types=True)

    assert 'name="note"' in page
    assert not any(f'name="{name}"' in page for name in ("error_types", "severity", "fault", "failing_step"))


def test_a_refused_form_shows_what_was_sent_with_the_fault(project):
    form = form_of(project, "outcome=fail&severity=major&note=+")
    assert not form.is_valid()

    page = fields_of(project, SimpleNamespace(), form)

    assert "Say what went wrong: tick an error type, or write a note." in page
    assert '<option value="major" selected>' in page
    assert page.count("autofocus") == 1
