import re

import pytest
from django.test import Client
from django.urls import reverse

from evalhub.projects.joining import invite
from evalhub.projects.models import Event, Member, Role, User
from tests.people import PASSWORD, make_member, make_user


def test_a_person_signs_in_with_the_address_in_any_case(client, lead, project):
    answer = client.post(
        reverse("projects:sign_in"), {"username": "LEA@example.org", "password": PASSWORD}, follow=True
    )

    assert answer.redirect_chain[-1][0] == reverse("projects:overview", args=[project.slug])


def test_a_wrong_password_and_an_unknown_address_are_told_alike(client, lead):
    answers = [
        client.post(reverse("projects:sign_in"), {"username": email, "password": "wrong"}).content.decode()
        for email in ("lea@example.org", "nobody@example.org")
    ]

    sentences = [re.search(r"E-mail and password do not match[^<]*", answer).group() for answer in answers]
    assert sentences[0] == sentences[1]


def test_next_stays_on_this_host(client, lead):
    url = reverse("projects:sign_in") + "?next=https://evil.example/"

    answer = client.post(url, {"username": lead.email, "password": PASSWORD, "next": "https://evil.example/"})

    assert answer["Location"] == reverse("projects:list")


def test_a_disabled_user_is_out_at_the_next_request(client_of, lead, project):
    client = client_of(lead)
    assert client.get(reverse("projects:overview", args=[project.slug])).status_code == 200

    User.objects.filter(pk=lead.pk).update(is_active=False)

    answer = client.get(reverse("projects:overview", args=[project.slug]))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("projects:sign_in"))


def test_a_password_change_ends_other_sessions(client_of, lead):
    here, there = client_of(lead), client_of(lead)

    here.post(
        reverse("projects:account"),
        {"old_password": PASSWORD, "new_password1": "new battery staple", "new_password2": "new battery staple"},
    )

    assert here.get(reverse("projects:account")).status_code == 200
    assert there.get(reverse("projects:account")).status_code == 302


def test_an_expired_session_in_an_htmx_request_opens_the_sign_in_page(client, project):
    answer = client.get(reverse("projects:overview", args=[project.slug]), headers={"HX-Request": "true"})

    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith(reverse("projects:sign_in"))


def test_somebody_without_an_account_joins_by_the_link(client, project, admin):
    token = invite(project, Role.REVIEWER, admin)
    form = {"name": "Nia", "email": "Nia@Example.org", "password": "a good long one", "role": "admin", "is_active": ""}

    answer = client.post(reverse("projects:join", args=[token]), form)

    assert answer["Location"] == reverse("projects:overview", args=[project.slug])
    nia = User.objects.get(email="nia@example.org")
    assert Member.objects.get(user=nia).role == Role.REVIEWER
    assert nia.is_active
    assert not nia.may_create_projects


def test_a_link_that_was_used_says_so(client, project, admin):
    token = invite(project, Role.REVIEWER, admin)
    Client().post(
        reverse("projects:join", args=[token]), {"name": "N", "email": "n@example.org", "password": "a good long one"}
    )

    answer = client.get(reverse("projects:join", args=[token]))

    assert answer.status_code == 404
    assert b"no longer works" in answer.content


def test_the_link_of_an_invitation_is_shown_once(client_of, project, admin):
    client = client_of(admin)

    made = client.post(reverse("projects:people", args=[project.slug]), {"role": "lead", "note": "Kim"})
    link = re.search(r"http://testserver(/join/[^<]+/)</code>", made.content.decode()).group(1)

    assert link not in client.get(reverse("projects:people", args=[project.slug])).content.decode()
    assert Client().get(link).status_code == 200


def test_an_admin_changes_roles_and_the_trail_says_so(client_of, project, admin, reviewer):
    member = Member.objects.get(user=reviewer)

    client_of(admin).post(reverse("projects:set_role", args=[project.slug, member.pk]), {"role": "lead"})

    assert Member.objects.get(pk=member.pk).role == Role.LEAD
    event = Event.objects.filter(project=project).first()
    assert (event.actor, event.action, event.subject) == (admin, "made a lead of", "Rob")


def test_only_who_may_founds_projects(client_of, admin, lead):
    form = {"name": "Another", "description": ""}

    assert client_of(lead).post(reverse("projects:new"), form).status_code == 403
    assert client_of(admin).post(reverse("projects:new"), form)["Location"] == "/p/another/"


@pytest.mark.parametrize("members", [1, 30])
def test_the_list_of_people_takes_the_same_queries_for_any_number(
    client_of, project, admin, members, django_assert_num_queries
):
    for number in range(members):
        make_member(project, f"Person{number}", Role.REVIEWER)
    client = client_of(admin)

    with django_assert_num_queries(5):  # session, user, member with project, members, invitations
        client.get(reverse("projects:people", args=[project.slug]))


def test_every_page_forbids_caching_and_foreign_content(client_of, project, lead):
    answer = client_of(lead).get(reverse("projects:overview", args=[project.slug]))

    assert answer["Cache-Control"] == "no-store"
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_a_stranger_and_a_missing_project_get_the_same_answer(client_of, project, stranger):
    client = client_of(stranger)

    foreign = client.get(reverse("projects:overview", args=[project.slug]))
    missing = client.get(reverse("projects:overview", args=["no-such-project"]))

    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


def test_a_twin_address_is_refused_kindly(client, project, admin):
    token = invite(project, Role.REVIEWER, admin)
    make_user("Una")

    answer = client.post(
        reverse("projects:join", args=[token]), {"name": "U", "email": "UNA@example.org", "password": "a good long one"}
    )

    assert answer.status_code == 422
    assert b"Sign in with it" in answer.content
