"""Every address of the app, with every kind of user, on one's own objects and on another project's."""

import pytest
from django.urls import reverse

from evalhub.candidates.models import Candidate, Endpoint
from evalhub.candidates.urls import urlpatterns
from tests.candidates.making import make_candidate, make_endpoint
from tests.people import without_token

# name: who may (the least role), methods, what the number in the address is
RULES = {
    "list": ("lead", {"GET"}, None),
    "new": ("lead", {"GET", "POST"}, None),
    "prices": ("lead", {"GET"}, None),
    "edit": ("lead", {"GET", "POST"}, "candidate"),
    "try": ("lead", {"GET", "POST"}, "candidate"),
    "make_baseline": ("lead", {"POST"}, "candidate"),
    "archive": ("lead", {"POST"}, "candidate"),
    "restore": ("lead", {"POST"}, "candidate"),
    "endpoints": ("lead", {"GET"}, None),
    "new_endpoint": ("admin", {"GET", "POST"}, None),
    "edit_endpoint": ("admin", {"GET", "POST"}, "endpoint"),
    "remove_key": ("admin", {"POST"}, "endpoint"),
    "delete_endpoint": ("admin", {"POST"}, "endpoint"),
}
MAY = {"nobody": set(), "stranger": set(), "reviewer": set(), "lead": {"lead"}, "admin": {"lead", "admin"}}
ALL = [(name, method) for name in RULES for method in ("GET", "POST")]


@pytest.fixture
def things(project):
    endpoint = make_endpoint(project, key="sk-abcdefghijkl", base_url="http://127.0.0.1:9/v1")
    return {"endpoint": endpoint, "candidate": make_candidate(project, endpoint=endpoint)}


def state():
    return list(Candidate.objects.order_by("pk").values()), list(Endpoint.objects.order_by("pk").values())


def test_every_address_has_a_rule():
    assert {pattern.name for pattern in urlpatterns} == set(RULES)


@pytest.mark.parametrize("kind", MAY)
@pytest.mark.parametrize(("name", "method"), ALL)
def test_who_may(name, method, kind, request, client_of, client, project, things):
    user = None if kind == "nobody" else request.getfixturevalue(kind)
    least, methods, thing = RULES[name]
    path = reverse(f"candidates:{name}", args=[project.slug, *([things[thing].pk] if thing else [])])
    before = state()

    answer = getattr(client_of(user) if user else client, method.lower())(path)

    if method not in methods:
        assert answer.status_code in ({302, 405} if kind == "nobody" else {405})
    elif kind == "nobody":
        assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("projects:sign_in"))
    elif kind == "stranger":
        assert answer.status_code == 404
    elif least not in MAY[kind]:
        assert answer.status_code == 403
    else:
        assert answer.status_code in {200, 302, 422}
    if method == "GET" or method not in methods or least not in MAY[kind]:
        assert state() == before


@pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name, method in ALL if RULES[name][2] and method in RULES[name][1]]
)
def test_anothers_object_answers_as_a_missing_one(name, method, client_of, project, things, stranger):
    own = stranger.memberships.get().project
    before = state()
    client = client_of(stranger)

    answers = [
        getattr(client, method.lower())(reverse(f"candidates:{name}", args=[own.slug, pk]))
        for pk in (things[RULES[name][2]].pk, 999_999_999, 2**62)
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({without_token(answer) for answer in answers}) == 1
    assert state() == before
