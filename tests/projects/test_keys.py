import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evalhub.projects.joining import remove_member
from evalhub.projects.keys import KeyRefused, holder_of, make_key, note_use, revoke_key
from evalhub.projects.models import ApiKey, Event, Member, Role, User

TOKEN = re.compile(r"evh_[A-Za-z0-9_-]{43}")


@pytest.fixture
def admin_member(admin, project):
    return Member.objects.select_related("project", "user").get(user=admin, project=project)


def test_a_new_key_is_shown_once_and_stored_nowhere(client_of, admin, project):
    client, url = client_of(admin), reverse("projects:keys", args=[project.slug])

    answer = client.post(url, {"name": "Nightly", "role": "lead", "project": "99", "revoked_at": "2020-01-01"})

    token = TOKEN.search(answer.content.decode()).group()
    later = client.get(url).content.decode()
    assert token not in later
    assert f"…{token[-4:]}" in later
    key = ApiKey.objects.get()
    assert (key.project, key.user, key.role, key.revoked_at) == (project, admin, Role.LEAD, None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT projects_apikey::text FROM projects_apikey")
        assert token not in cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(projects_event::text, ' ') FROM projects_event")
        assert token not in cursor.fetchone()[0]


def test_making_and_revoking_are_in_the_history(client_of, admin, project):
    client = client_of(admin)
    client.post(reverse("projects:keys", args=[project.slug]), {"name": "Nightly", "role": "lead"})
    key = ApiKey.objects.get()

    client.post(reverse("projects:revoke_key", args=[project.slug, key.pk]))

    lines = list(Event.objects.filter(project=project).values_list("action", "subject")[:2])
    assert lines == [("revoked the API key", str(key)), ("made an API key as lead:", str(key))]


def test_a_key_stands_for_its_maker(admin_member):
    token = make_key(admin_member, "Nightly", Role.LEAD)

    holder = holder_of(token)

    assert (holder.member, holder.role) == (admin_member, Role.LEAD)


def test_a_key_never_may_more_than_its_maker_at_present(admin_member):
    token = make_key(admin_member, "Nightly", Role.ADMIN)

    Member.objects.filter(pk=admin_member.pk).update(role=Role.REVIEWER)

    assert holder_of(token).role == Role.REVIEWER


def test_nobody_makes_a_key_that_may_more_than_they(project, lead):
    member = Member.objects.get(user=lead, project=project)

    with pytest.raises(KeyRefused, match="Choose Lead or less"):
        make_key(member, "Nightly", Role.ADMIN)


@pytest.mark.parametrize("end", ["revoked", "disabled", "removed"])
def test_a_key_that_ended_opens_nothing(admin_member, stranger, end):
    member = Member.objects.create(project=admin_member.project, user=stranger, role=Role.ADMIN)
    token = make_key(member, "Nightly", Role.LEAD)
    if end == "revoked":
        revoke_key(ApiKey.objects.get(), admin_member.user)
    elif end == "disabled":
        User.objects.filter(pk=stranger.pk).update(is_active=False)
    else:
        remove_member(member, admin_member.user)

    assert holder_of(token) is None


def test_a_key_of_somebody_removed_stays_dead_when_they_come_back(admin_member, stranger):
    project = admin_member.project
    member = Member.objects.create(project=project, user=stranger, role=Role.ADMIN)
    token = make_key(member, "Nightly", Role.LEAD)

    remove_member(member, admin_member.user)
    Member.objects.create(project=project, user=stranger, role=Role.ADMIN)

    assert holder_of(token) is None


@pytest.mark.parametrize(
    "text", ["", "evh_", "evh_" + "a" * 43, "x" * 100_000, "evh_" + "ä" * 43, "evh_\x00", "\ud800"]
)
def test_what_is_no_key_opens_nothing(admin_member, text):
    make_key(admin_member, "Nightly", Role.LEAD)

    assert holder_of(text) is None


def test_a_use_is_noted_once_a_minute(admin_member):
    make_key(admin_member, "Nightly", Role.LEAD)
    note_use(ApiKey.objects.get())
    key = ApiKey.objects.get()

    with CaptureQueriesContext(connection) as queries:
        note_use(key)
    assert len(queries) == 0
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    note_use(ApiKey.objects.get())

    assert timezone.now() - ApiKey.objects.get().last_used_at < timedelta(minutes=1)


def test_the_list_of_keys_asks_the_database_as_often_with_thirty_as_with_one(client_of, admin, admin_member, project):
    client, url = client_of(admin), reverse("projects:keys", args=[project.slug])
    counts = []
    for more in (1, 29):
        for number in range(more):
            make_key(admin_member, f"Key {number}", Role.LEAD)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        counts.append(len(queries))

    assert counts[0] == counts[1]
