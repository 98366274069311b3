"""Adding and changing error types."""

from django.urls import reverse

from evalhub.projects.models import Event
from taxonomy.models import ErrorType


def test_a_lead_adds_and_changes_error_types_and_the_trail_says_so(client_of, project, lead):
    client = client_of(lead)
    form = {"name": "Wrong amount", "definition": "Too much.", "severity": "critical", "parent": "", "code": "x"}

    client.post(reverse("taxonomy:new_error_type", args=[project.slug]), form)
    added = ErrorType.objects.get(project=project, name="Wrong amount")
    client.post(reverse("taxonomy:edit_error_type", args=[project.slug, added.pk]), form | {"name": "Amount"})

    added.refresh_from_db()
    assert (added.name, added.code, added.severity) == ("Amount", "wrong_amount", "critical")
    actions = Event.objects.filter(project=project).values_list("action", "subject")[:2]
    assert list(actions) == [("changed the error type", "Amount"), ("added the error type", "Wrong amount")]


def test_two_types_of_one_name_are_refused(client_of, project, lead):
    name = ErrorType.objects.filter(project=project).first().name.upper()

    answer = client_of(lead).post(
        reverse("taxonomy:new_error_type", args=[project.slug]), {"name": name, "severity": "major"}
    )

    assert answer.status_code == 422
    assert "There is an error type of this name" in answer.content.decode()


def test_a_parent_of_another_project_is_refused(client_of, project, lead, stranger):
    foreign = ErrorType.objects.exclude(project=project).first()

    answer = client_of(lead).post(
        reverse("taxonomy:new_error_type", args=[project.slug]),
        {"name": "New", "severity": "major", "parent": foreign.pk},
    )

    assert answer.status_code == 422
