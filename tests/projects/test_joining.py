import threading

import pytest
from django.db import connection

from evalhub.projects.joining import (
    JoiningError,
    accept_invitation,
    change_role,
    found_project,
    invite,
    remove_member,
)
from evalhub.projects.models import Event, Invitation, Member, Role
from tests.people import make_member, make_user


def test_a_founder_is_admin_and_finds_error_types_to_start_with(admin):
    project = found_project(admin, "Support inbox")

    assert Member.objects.get(project=project, user=admin).role == Role.ADMIN
    assert 5 <= project.error_types.count() <= 10
    assert all(error_type.definition for error_type in project.error_types.all())


def test_two_projects_of_one_name_have_two_addresses(admin):
    slugs = [found_project(admin, "Support inbox").slug for _ in range(3)]

    assert slugs == ["support-inbox", "support-inbox-2", "support-inbox-3"]


def test_a_name_without_latin_letters_has_an_address_too(admin):
    assert found_project(admin, "支持").slug == "project"


def test_an_invitation_works_once(project, admin):
    token = invite(project, Role.LEAD, admin)
    first, second = make_user("Una"), make_user("Duo")

    accept_invitation(token, first)
    with pytest.raises(JoiningError, match="used up"):
        accept_invitation(token, second)

    assert Member.objects.get(project=project, user=first).role == Role.LEAD
    assert not Member.objects.filter(project=project, user=second).exists()


def test_the_token_of_an_invitation_is_stored_nowhere(project, admin):
    token = invite(project, Role.LEAD, admin)

    assert token not in str(list(Invitation.objects.values())) + str(list(Event.objects.values()))


def test_an_old_invitation_is_refused(project, admin, time_machine):
    time_machine.move_to("2026-11-01T12:00:00Z")
    token = invite(project, Role.LEAD, admin)

    time_machine.shift(8 * 24 * 3600)

    with pytest.raises(JoiningError):
        accept_invitation(token, make_user("Una"))


def test_the_last_admin_stays(project, admin):
    member = Member.objects.get(project=project, user=admin)

    with pytest.raises(JoiningError, match="no admin"):
        change_role(member, Role.REVIEWER, admin)
    with pytest.raises(JoiningError, match="no admin"):
        remove_member(member, admin)

    assert Member.objects.get(pk=member.pk).role == Role.ADMIN


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_step_down_at_once_leave_one(project, admin):
    other = make_member(project, "Bea", Role.ADMIN)
    members = [Member.objects.get(project=project, user=user) for user in (admin, other)]
    start = threading.Barrier(2)

    def step_down(member):
        start.wait()
        try:
            change_role(member, Role.REVIEWER, member.user)
        except JoiningError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=step_down, args=[member]) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Member.objects.filter(project=project, role=Role.ADMIN).count() == 1
