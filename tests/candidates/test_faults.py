import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from evalhub.candidates.faults import fault_of_status, retry_after

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30),
        (format_datetime(NOW, usegmt=True), 0),
        (format_datetime(NOW - timedelta(seconds=1), usegmt=True), None),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), None),
        ("1.5", 1.5),
        ("", None),
        (None, None),
        ("inf", None),
        ("Mon, 99 Foo 2026", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_in_both_forms_by_the_clock_of_the_answer(value, seconds):
    assert retry_after(value, format_datetime(NOW, usegmt=True)) == seconds


def test_a_date_without_a_clock_in_the_answer_is_measured_by_ours():
    assert 25 < retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)) <= 30


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        ({"error": {"message": "No such model.", "code": "x"}}, "“No such model”"),
        ({"error": "model is required"}, "“model is required”"),
        ({"message": "bad", "object": "error"}, "“bad”"),
        ({"detail": "Not Found"}, "“Not Found”"),
        ([{"error": {"message": "Gemini says no"}}], "“Gemini says no”"),
        ({"error": {"message": "two\n\n lines\t"}}, "“two lines”"),
    ],
)
def test_the_endpoint_is_quoted_whatever_shape_its_error_has(body, quoted):
    assert quoted in fault_of_status(400, json.dumps(body).encode()).error


def test_a_quotation_is_capped_and_a_page_is_not_quoted():
    long = fault_of_status(500, b"x" * 10_000).error
    page = fault_of_status(500, b"<!DOCTYPE html><p>Oops").error

    assert len(long) < 400
    assert page == "The endpoint failed (500). It may work later."


def test_without_a_key_the_sentence_says_that_one_is_wanted():
    assert fault_of_status(401, b"", has_key=False).error == (
        "The endpoint wants a key, and none is saved (401). Enter a valid key at the endpoint."
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"7", b'{"error": null}', b'{"error": {"message": {"a": 1}}}', b"\xff\xfe", b"[" * 9000],
)
def test_no_body_of_an_error_raises(body):
    assert fault_of_status(418, body).cause == "bad_request"
