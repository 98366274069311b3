"""The page on which a taxonomy comes in from a file, and goes out as one."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from taxonomy.models import ErrorType
from taxonomy.types.editing import types_of
from taxonomy.versions import newest_number

FILE = """format: evalhub taxonomy 1
types:
- code: wrong_value
  name: Wrong value
  severity: critical
  owner: nobody@example.org
  types:
  - name: Wrong sum
    severity: critical
"""


def address(project, name="import", *args):
    return reverse(f"taxonomy:{name}", args=[project.slug, *args])


def test_a_file_is_shown_before_anything_changes_and_taken_over_when_confirmed(client_of, project, lead):
    client = client_of(lead)
    form = {"file": SimpleUploadedFile("types.yaml", FILE.encode()), "rest": "keep", "preview": "1"}

    looked = client.post(address(project), form)

    page = looked.content.decode()
    assert looked.status_code == 200
    assert "nobody@example.org is no member of this project" in page
    assert "added “Wrong sum”, changed 1 error type." in page
    assert newest_number(project) == 1
    preview = looked.context["preview"]
    sent = {"text": looked.context["text"], "rest": "keep", "confirm": "1", "why": "From the handbook."}
    assert client.post(address(project), sent | {"token": preview.token, "seen": preview.seen}).status_code == 302
    made = ErrorType.objects.get(project=project, code="wrong_sum")
    assert (made.parent.code, made.parent.severity, made.severity) == ("wrong_value", "critical", "critical")


def test_what_the_file_does_not_have_is_retired_when_asked(client_of, project, lead):
    client = client_of(lead)
    form = {"text": FILE, "rest": "retire"}
    preview = client.post(address(project), form | {"preview": "1"}).context["preview"]

    client.post(address(project), form | {"confirm": "1", "token": preview.token, "seen": preview.seen})

    assert [each.code for each in types_of(project).values() if not each.is_retired] == ["wrong_value", "wrong_sum"]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"rest": "keep"}, "Choose a file, or paste its text."),
        ({"text": "hello", "rest": "keep"}, "This is no taxonomy"),
        (
            {"text": FILE.replace("critical", "awful"), "rest": "keep"},
            "Line 5, types[0].severity: “awful” is no severity.",
        ),
        ({"text": FILE.replace("Wrong value", "Wrong action"), "rest": "keep"}, "There is an error type of this name"),
        ({"text": "x" * 300_000, "rest": "keep"}, "at most 262144"),
    ],
)
def test_a_fault_is_told_and_nothing_changes(client_of, project, lead, form, sentence):
    answer = client_of(lead).post(address(project), form | {"preview": "1"})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert newest_number(project) == 1


def test_a_file_of_another_kind_or_too_large_is_refused(client_of, project, lead):
    client = client_of(lead)
    for file, sentence in (
        (SimpleUploadedFile("types.exe", b"MZ"), "Choose a file in YAML or JSON."),
        (SimpleUploadedFile("types.yaml", b"a" * 300_000), "The file has 300 kB, and a taxonomy has at most 256 kB."),
        (SimpleUploadedFile("types.yaml", b"\xff\xfe"), "Line 1 is not in UTF-8."),
    ):
        answer = client.post(address(project), {"file": file, "rest": "keep", "preview": "1"})
        assert answer.status_code == 422
        assert sentence in answer.content.decode()


@pytest.mark.parametrize("format", ["yaml", "json"])
def test_an_export_comes_in_again_and_changes_nothing(client_of, project, lead, format):
    client = client_of(lead)
    file = client.get(address(project, "export", format))
    assert file.headers["Content-Disposition"] == f'attachment; filename="error-types-support-inbox.{format}"'

    answer = client.post(address(project), {"text": file.content.decode(), "rest": "retire", "preview": "1"})

    assert answer.context["preview"].changes_nothing
    assert "Nothing would change" in answer.content.decode()


def test_the_empty_page_complains_of_nothing(client_of, project, lead):
    page = client_of(lead).get(address(project)).content.decode()

    assert "errorlist" not in page


def test_there_are_no_other_formats(client_of, project, lead):
    assert client_of(lead).get(address(project, "export", "xml")).status_code == 404
