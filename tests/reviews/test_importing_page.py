"""The page on which a lead begins to import labels."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.mapping import mapping_from_json
from evalhub.evalsets.models import Upload
from tests.making import make_run, make_version


@pytest.fixture
def run(project, lead, reviewer):
    return make_run(make_version(project, 4))


def test_a_lead_starts_it_from_its_page(project, run, lead, client_of):
    client = client_of(lead)
    url = reverse("reviews:import_labels", args=[project.slug])
    file = SimpleUploadedFile("labels.csv", b"example_id,reviewer,outcome\nexample-1,Lea,pass\n")

    refused = client.post(url, {"round_name": "", "file": file})
    assert refused.status_code == 422
    assert "Name the new round, or choose one that is there." in refused.content.decode()
    file.seek(0)
    answer = client.post(url, {"round_name": "Elsewhere", "runs": [run.pk], "file": file})

    upload = Upload.objects.get()
    assert answer.url == reverse("evalsets:upload", args=[project.slug, upload.pk])
    assert (upload.purpose, upload.target) == ("labels", {"round_name": "Elsewhere", "runs": [run.pk]})
    page = client.get(answer.url).content.decode()
    assert "Make people for reviewers who are no members" in page
    assert "Make the error types that are missing" in page


def test_a_mapping_needs_an_output_and_something_said(project):
    mapping = mapping_from_json({"purpose": "labels", "reviewer": "who"})

    assert mapping.problems(["who"]) == [
        "Neither “Output id” nor “Example id” has a column. Choose at least one.",
        "Neither “Outcome” nor “Error types” has a column. Choose at least one.",
    ]
    with pytest.raises(UploadError):
        mapping_from_json({"purpose": "labels", "makes_people": "yes"})
