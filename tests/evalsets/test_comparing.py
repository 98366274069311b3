import pytest
from django.urls import reverse

from evalhub.evalsets.comparing import Counts, changed_in, count_changes, differences, only_in
from tests.evalsets.uploading import example_row, make_eval_set, version_of


@pytest.fixture
def client(client_of, admin):
    return client_of(admin)


@pytest.fixture
def eval_set(project):
    return make_eval_set(project)


@pytest.fixture
def versions(client, eval_set):
    old = version_of(eval_set, [example_row(n, tags=["x"]) for n in (1, 2, 3)])
    changed = {"id": "e2", "input": "What is 2 plus 2?", "expected": 5, "tags": ["x", "y"]}
    new = version_of(eval_set, [example_row(4, tags=["x"]), changed, example_row(1, tags=["x"])])
    return old, new


def test_examples_are_matched_by_id_wherever_they_stand(versions):
    old, new = versions

    assert count_changes(old, new) == Counts(added=1, removed=1, changed=1, same=1)
    assert [example.key for example in only_in(new, old)] == ["e4"]
    assert [example.key for example in only_in(old, new)] == ["e3"]
    assert [example.key for example in changed_in(new, old)] == ["e2"]
    assert count_changes(new, new) == Counts(added=0, removed=0, changed=0, same=3)


def test_a_changed_example_shows_only_the_parts_that_changed(versions):
    old, new = versions

    [found] = differences(list(changed_in(new, old)), old)

    assert found.example.key == "e2"
    assert found.parts == [
        ("Request", [("same", "User:\nWhat is 2 "), ("old", "+"), ("new", "plus"), ("same", " 2?")]),
        ("Expected", [("same", "number: "), ("old", "4"), ("new", "5")]),
        ("Tags", [("same", "x"), ("new", ", y")]),
    ]


def address(project, eval_set, **query):
    url = reverse("evalsets:compare", args=[project.slug, eval_set.pk])
    return url + "?" + "&".join(f"{name}={value}" for name, value in query.items())


def test_the_page_shows_each_change(client, project, eval_set, versions):
    changed = client.get(address(project, eval_set, old=1, new=2)).content.decode()
    added = client.get(address(project, eval_set, old=1, new=2, show="added")).content.decode()
    removed = client.get(address(project, eval_set, old=1, new=2, show="removed")).content.decode()

    assert "<del>+</del><ins>plus</ins>" in changed
    assert ">e4<" in added
    assert ">e3<" not in added
    assert ">e3<" in removed


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"old": 1, "new": 9}, 404),
        ({"old": 1}, 400),
        ({"old": "x", "new": 2}, 400),
        ({"old": 1, "new": 2, "show": "same"}, 400),
        ({"old": 1, "new": 2, "sort": "key"}, 400),
    ],
)
def test_odd_addresses_are_not_answered(query, status, client, project, eval_set, versions):
    assert client.get(address(project, eval_set, **query)).status_code == status


def test_queries_do_not_grow_with_the_changes(client, project, eval_set, django_assert_num_queries):
    rows = [example_row(n) for n in range(30)]
    version_of(eval_set, rows)
    version_of(eval_set, [{**row, "expected": -1} for row in rows[:1]] + rows[1:])
    version_of(eval_set, [{**row, "expected": -1} for row in rows])

    for new in (2, 3):
        with django_assert_num_queries(9):
            client.get(address(project, eval_set, old=1, new=new))
