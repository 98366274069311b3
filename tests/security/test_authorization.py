"""Every address x method x kind of person x own, foreign and missing object. An address that is not listed fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from evalhub.projects.joining import found_project
from evalhub.projects.keys import make_key, revoke_key
from evalhub.projects.models import ApiKey, Member, Project, Role, User
from tests.people import make_member, make_user
from tests.security.addresses import ADDRESSES, API, Address
from tests.security.world import World, make_world

pytestmark = pytest.mark.django_db
MISSING = 999_999_999


def patterns(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
        elif isinstance(entry, URLPattern):
            assert entry.name, f"{entry.pattern} has no name"
            yield namespace + entry.name


def test_every_address_is_listed():
    assert sorted(patterns(get_resolver())) == sorted(ADDRESSES | API)


@dataclass
class Kinds:
    """The kinds of people, each signed in."""

    own: World
    foreign: World
    clients: dict[str, Client]
    keys: dict[str, Client]
    """The kinds of API keys, without a session."""


@pytest.fixture(scope="module")
def kinds(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Kinds]:
    """Made once, since every request of these tests is rolled back; gone with the last of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_kinds()
        transaction.set_rollback(True)


def make_kinds() -> Kinds:
    admin, stranger = make_user("Ada", may_create_projects=True), make_user("Sam")
    project = found_project(admin, "Support inbox")
    own, foreign = make_world(project), make_world(found_project(stranger, "Elsewhere"))
    disabled = make_member(project, "Dee", Role.ADMIN)
    people: dict[str, User | None] = {
        "nobody": None,
        "stranger": stranger,
        "outsider": make_user("Olu"),
        "reviewer": make_member(project, "Rob", Role.REVIEWER),
        "lead": make_member(project, "Lea", Role.LEAD),
        "admin": admin,
        "disabled": disabled,
    }
    clients = {name: Client() for name in people}
    for name, user in people.items():
        if user:
            clients[name].force_login(user)
    keys = make_keys(project, people)
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    return Kinds(own, foreign, clients | {"key": keys["admin"], "revoked key": keys["revoked"]}, keys)


def make_keys(project: Project, people: dict[str, User | None]) -> dict[str, Client]:
    """A key of each member, one of somebody else in their own project, and one that is revoked."""
    admin = people["admin"]
    tokens = {name: token_of(project, people[name]) for name in ("reviewer", "lead", "admin", "disabled")}
    tokens |= {"stranger": token_of(Project.objects.get(name="Elsewhere"), people["stranger"])}
    tokens |= {"revoked": token_of(project, admin)}
    revoke_key(ApiKey.objects.latest("pk"), admin)
    return {name: Client(headers={"Authorization": f"Bearer {token}"}) for name, token in tokens.items()}


def token_of(project: Project, user: User | None) -> str:
    member = Member.objects.select_related("project", "user").get(project=project, user=user)
    return make_key(member, "a key", Role(member.role))


WRITES = ("INSERT", "UPDATE", "DELETE", "COPY", "TRUNCATE")


def ask(client: Client, method: str, path: str, **body: object) -> tuple[int, list[str]]:
    """The answer's status and what the request wrote, but sessions and uses of keys; all of it is rolled back."""
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            status = getattr(client, method.lower())(path, **body).status_code
        transaction.set_rollback(True)
    written = [query["sql"] for query in queries if query["sql"].lstrip().upper().startswith(WRITES)]
    return status, [sql for sql in written if "django_session" not in sql and "last_used_at" not in sql]


def path_of(name: str, address: Address, slug: str, world: World, missing: bool = False) -> str:
    def value(field: str) -> object:
        found = getattr(world, field)
        return MISSING if missing and isinstance(found, int) else found

    arguments = {key: value(field) for key, field in address.objects.items()} | address.fixed
    query = urlencode({key: value(field) for key, field in address.query.items()})
    path = reverse(name, kwargs=({"slug": slug} if address.in_project else {}) | arguments)
    return f"{path}?{query}" if query else path


IN_PROJECT = {name: address for name, address in ADDRESSES.items() if address.in_project}


@pytest.mark.parametrize("name", sorted(IN_PROJECT))
def test_who_may_not_is_refused_and_changes_nothing(kinds, name):
    address = ADDRESSES[name]
    path = path_of(name, address, kinds.own.slug, kinds.own)
    for method in ("GET", "POST"):
        for kind, client in kinds.clients.items():
            expected = expected_refusal(kind, address)
            if expected is None:
                continue
            status, written = ask(client, method, path)
            # A method that the page has not may be refused before anybody asks who it is.
            assert status == expected or (status == 405 and method not in address.methods), (method, kind)
            assert written == [], (method, kind)


def expected_refusal(kind: str, address: Address) -> int | None:
    if kind in {"nobody", "disabled", "key", "revoked key"}:
        return 302
    if kind in {"stranger", "outsider"}:
        return 404
    return None if Role(kind).may(address.role) else 403


@pytest.mark.parametrize("name", sorted(IN_PROJECT))
def test_who_may_reaches_the_page(kinds, name):
    address = ADDRESSES[name]
    path = path_of(name, address, kinds.own.slug, kinds.own)
    for method in ("GET", "POST"):
        status, _ = ask(kinds.clients[(address.reached_by or address.role).value], method, path)
        allowed = method in address.methods
        assert status not in {302, 403, 404, 405, 500} if method == "GET" and allowed else True, (method, status)
        assert status not in {403, 404, 405} and status < 500 if allowed else status == 405, (method, status)


@pytest.mark.parametrize(
    "name", sorted(name for name, address in IN_PROJECT.items() if address.objects or address.query)
)
def test_a_foreign_and_a_missing_object_answer_alike_and_change_nothing(kinds, name):
    address = ADDRESSES[name]
    foreign = path_of(name, address, kinds.own.slug, kinds.foreign)
    missing = path_of(name, address, kinds.own.slug, kinds.own, missing=True)
    for method in address.methods:
        answers = [ask(kinds.clients["admin"], method, path) for path in (foreign, missing)]
        assert answers == [(404, []), (404, [])], method


@pytest.mark.parametrize("name", sorted(name for name, address in ADDRESSES.items() if not address.in_project))
def test_pages_outside_of_projects(kinds, name):
    address = ADDRESSES[name]
    path = path_of(name, address, "", kinds.own)
    for kind in ("nobody", "disabled", "key", "revoked key"):
        status, written = ask(kinds.clients[kind], "GET", path)
        assert status == (address.for_nobody if "GET" in address.methods else status), kind
        assert written == []


def ask_api(client: Client, method: str, path: str) -> tuple[int, list[str]]:
    body = {"data": b"", "content_type": "application/json"} if method == "POST" else {}
    return ask(client, method, path, **body)


@pytest.mark.parametrize("name", sorted(API))
def test_the_api_opens_to_no_session_and_to_no_key_that_ended(kinds, name):
    path = path_of(name, API[name], "", kinds.own)
    signed_in = [client for kind, client in kinds.clients.items() if "key" not in kind]
    for method in API[name].methods:
        for client in [*signed_in, kinds.keys["revoked"], kinds.keys["disabled"]]:
            assert ask_api(client, method, path) == (401, []), method


@pytest.mark.parametrize("name", sorted(API))
def test_a_key_may_what_its_role_may(kinds, name):
    address = API[name]
    path = path_of(name, address, "", kinds.own)
    for method in address.methods:
        for role in Role:
            status, written = ask_api(kinds.keys[role.value], method, path)
            if not role.may(address.role):
                assert (status, written) == (403, []) or address.reached_by, (method, role)
            elif role == (address.reached_by or role):
                assert status not in {401, 403, 404, 405} and status < 500, (method, role, status)


@pytest.mark.parametrize("name", sorted(name for name, address in API.items() if address.objects or address.query))
def test_what_is_in_another_project_and_what_is_nowhere_answer_a_key_alike(kinds, name):
    foreign = path_of(name, API[name], "", kinds.foreign)
    missing = path_of(name, API[name], "", kinds.own, missing=True)
    for method in API[name].methods:
        assert [ask_api(kinds.keys["admin"], method, path) for path in (foreign, missing)] == [(404, [])] * 2, method
        assert ask_api(kinds.keys["stranger"], method, path_of(name, API[name], "", kinds.own)) == (404, []), method
