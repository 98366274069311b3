"""Who sees which page, what odd addresses get, that queries do not grow, and that no text becomes markup."""

import re

import pytest
from django.urls import reverse

from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example, ProductionSample, Upload
from tests.evalsets.uploading import (
    act,
    checked,
    example_row,
    imported,
    jsonl,
    make_eval_set,
    pool_of,
    received,
    sample_row,
    version_of,
)

HOSTILE = "<img src=x onerror=alert(1)>\"'\u202e\x1b[31m{{7*7}}</textarea><div hx-get=/ hx-trigger=load>"
VISIBLE = "&lt;img src=x onerror=alert(1)&gt;"


@pytest.fixture
def client(client_of, admin):
    return client_of(admin)


@pytest.fixture
def everything(client, project):
    """A pool, an eval set with two versions and a draft, and uploads in every state of waiting; all addresses."""
    pool_of(project, [sample_row(n) for n in (1, 2)])
    eval_set = make_eval_set(project)
    published = version_of(eval_set, [example_row(1), example_row(2)])
    draft = version_of(eval_set, [example_row(1)], publish=False)
    samples_upload = received(client, project, jsonl([sample_row(3)]))
    examples_upload = checked(client, project, jsonl([example_row(3)]), eval_set=eval_set)
    return {
        "samples": [],
        "upload_samples": [],
        "sample": [ProductionSample.objects.latest("pk").pk],
        "list": [],
        "new": [],
        "summary": [],
        "show": [eval_set.pk],
        "edit": [eval_set.pk],
        "upload_examples": [eval_set.pk],
        "draw": [eval_set.pk],
        "compare": [eval_set.pk],
        "version": [published.pk],
        "download": [published.pk],
        "example": [published.examples.first().pk],
        "upload": [examples_upload.pk],
        "publish": [draft.pk],
        "delete": [draft.pk],
        "map": [samples_upload.pk],
        "map_again": [examples_upload.pk],
        "confirm": [examples_upload.pk],
        "cancel": [examples_upload.pk],
    }


POSTS = {"publish", "delete", "map", "map_again", "confirm", "cancel"}
ADMINS_ONLY = {"upload_samples", "map"}  # the upload to be mapped is one of production samples


def ask(client, slug, name, arguments):
    url = reverse(f"evalsets:{name}", args=[slug, *arguments])
    query = "?old=1&new=2" if name == "compare" else ""
    return client.post(url) if name in POSTS else client.get(url + query)


def state_of_everything():
    return [
        list(Upload.objects.order_by("pk").values_list("pk", "state")),
        list(EvalSetVersion.objects.order_by("pk").values_list("pk", "state", "published_by")),
        EvalSet.objects.count(),
    ]


def test_leads_open_every_page_and_admins_alone_bring_in_samples(everything, client_of, lead, admin, project):
    for name, arguments in everything.items():
        if name not in POSTS:
            assert ask(client_of(lead), project.slug, name, arguments).status_code == (
                403 if name in ADMINS_ONLY else 200
            ), name
            assert ask(client_of(admin), project.slug, name, arguments).status_code == 200, name


def test_reviewers_may_not(everything, client_of, reviewer, project):
    before = state_of_everything()

    for name, arguments in everything.items():
        assert ask(client_of(reviewer), project.slug, name, arguments).status_code == 403, name

    assert state_of_everything() == before


def test_a_lead_does_not_touch_an_upload_of_production_samples(everything, client_of, lead, project):
    before = state_of_everything()
    [pk] = everything["map"]

    for name in ("upload", "map", "map_again", "confirm", "cancel"):
        assert ask(client_of(lead), project.slug, name, [pk]).status_code == 403, name

    assert state_of_everything() == before


def test_what_belongs_to_another_project_is_not_there(everything, client_of, stranger, project):
    elsewhere = stranger.memberships.get().project
    before = state_of_everything()

    for name, arguments in everything.items():
        assert ask(client_of(stranger), project.slug, name, arguments).status_code == 404, name
        if arguments:
            assert ask(client_of(stranger), elsewhere.slug, name, arguments).status_code == 404, name
            assert ask(client_of(stranger), elsewhere.slug, name, [10**9]).status_code == 404, name

    assert state_of_everything() == before


def test_nobody_signed_out_sees_anything(everything, project):
    from django.test import Client

    for name, arguments in everything.items():
        answer = ask(Client(), project.slug, name, arguments)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, "/sign-in/"), name


def test_a_get_changes_nothing(everything, client, project):
    before = state_of_everything()

    for name in POSTS:
        assert client.get(reverse(f"evalsets:{name}", args=[project.slug, *everything[name]])).status_code == 405, name

    assert state_of_everything() == before


@pytest.mark.parametrize(
    "address",
    [
        "samples/?sort=project__name",
        "samples/?metadata__x__regex=.",
        "samples/?model=a&model=b",
        "samples/?since=yesterday",
        "samples/?until=2026-02-30",
        "samples/?tag=%00",
        "samples/?text=" + "x" * 201,
        "evalsets/versions/{version}/?owner=1",
        "evalsets/versions/{version}/?key=%00",
        "evalsets/{show}/draw/?order_by=pk",
    ],
)
def test_odd_parameters_are_answered_by_400(address, everything, client, project):
    path = address.format(version=everything["version"][0], show=everything["show"][0])

    answer = client.get(f"/p/{project.slug}/{path}")

    assert answer.status_code == 400
    assert "This request was not understood" in answer.content.decode()


def test_fields_of_a_form_that_are_not_in_it_change_nothing(everything, client, project, stranger):
    eval_set = EvalSet.objects.get()
    elsewhere = stranger.memberships.get().project
    data = {"name": "New name", "description": "", "project": elsewhere.pk, "id": 999, "created_at": "2001-01-01"}

    client.post(reverse("evalsets:edit", args=[project.slug, eval_set.pk]), data)

    after = EvalSet.objects.get()
    assert (after.pk, after.name, after.project, after.created_at) == (
        eval_set.pk,
        "New name",
        project,
        eval_set.created_at,
    )


def test_two_eval_sets_of_one_name_are_refused(everything, client, project):
    answer = client.post(reverse("evalsets:new", args=[project.slug]), {"name": "Inbox"})

    assert answer.status_code == 422
    assert "There is an eval set of this name already." in answer.content.decode()
    assert EvalSet.objects.count() == 1


def test_a_lead_makes_an_eval_set(client_of, lead, project):
    client_of(lead).post(reverse("evalsets:new", args=[project.slug]), {"name": "Refunds", "description": "Money"})

    eval_set = EvalSet.objects.get()
    assert (eval_set.project, eval_set.name, eval_set.description) == (project, "Refunds", "Money")
    assert project.events.filter(action="made the eval set", subject="Refunds", actor=lead).exists()


def test_the_pool_is_shown_in_part(client, project):
    rows = [
        sample_row(1, model="m-1", tags=["a"], time="2026-05-01T23:30:00Z", region="north east"),
        sample_row(2, model="m-1", tags=["b"], time="2026-05-02T00:30:00Z", region="south"),
        sample_row(3, model="m-2", tags=["a", "b"], time="2026-05-03T12:00:00Z"),
    ]
    pool_of(project, rows)

    def shown(query):
        page = client.get(f"/p/{project.slug}/samples/?{query}")
        assert page.status_code == 200
        return [sample.key for sample in page.context["page"].rows]

    assert shown("") == ["s3", "s2", "s1"]
    assert shown("model=m-1") == ["s2", "s1"]
    assert shown("tag=a") == ["s3", "s1"]
    assert shown("field=region") == ["s2", "s1"]
    assert shown("field=region&text=EAST") == ["s1"]
    assert shown("field=region' OR 1=1 --&text=x") == []
    assert shown("since=2026-05-02") == ["s3", "s2"]
    assert shown("until=2026-05-01") == ["s1"]
    assert shown("model=m-1&tag=b&since=2026-05-02&until=2026-05-02") == ["s2"]


def test_a_text_without_its_field_is_asked_back(client, project):
    pool_of(project, [sample_row(1)])

    answer = client.get(f"/p/{project.slug}/samples/?text=x")

    assert answer.status_code == 422
    assert "Say in which field the text is to stand." in answer.content.decode()


def test_examples_are_shown_in_part(client, project):
    version = version_of(
        make_eval_set(project), [example_row(1, tags=["a"]), example_row(11, tags=["b"]), example_row(2)]
    )

    def shown(query):
        return [
            e.key for e in client.get(f"/p/{project.slug}/evalsets/versions/{version.pk}/?{query}").context["page"].rows
        ]

    assert shown("") == ["e1", "e11", "e2"]
    assert shown("tag=b") == ["e11"]
    assert shown("key=E1") == ["e1", "e11"]
    assert shown("key=1&tag=a") == ["e1"]


def test_lists_are_paged_by_key(client, project, monkeypatch):
    version = version_of(make_eval_set(project), [example_row(n) for n in range(120)])
    url = f"/p/{project.slug}/evalsets/versions/{version.pk}/"

    first = client.get(url).context["page"]
    second = client.get(f"{url}?after={first.after}").context["page"]
    back = client.get(f"{url}?before={second.before}").context["page"]

    assert [e.key for e in first.rows] == [f"e{n}" for n in range(50)]
    assert [e.key for e in second.rows] == [f"e{n}" for n in range(50, 100)]
    assert [e.key for e in back.rows] == [e.key for e in first.rows]


def test_queries_do_not_grow_with_the_rows(client, project, django_assert_num_queries):
    lists = {"samples/": 6, "evalsets/": 5, "evalsets/summary/": 7}
    seen = {}
    for count in (1, 30):
        pool_of(project, [sample_row(n + 1000 * count) for n in range(count)])
        for number in range(count):
            eval_set = make_eval_set(project, f"Set {count} {number}")
        version = version_of(eval_set, [example_row(n) for n in range(count)])
        for _ in range(min(count, 3)):
            version_of(eval_set, [example_row(0)])
        addresses = lists | {f"evalsets/{eval_set.pk}/": 9, f"evalsets/versions/{version.pk}/": 6}
        for address, queries in addresses.items():
            with django_assert_num_queries(queries, info=address):
                assert client.get(f"/p/{project.slug}/{address}").status_code == 200
            seen.setdefault(address, queries)


def test_no_text_from_outside_becomes_markup(client, project):
    """File name, columns, ids, tags, clusters, models, metadata, names, descriptions: in every page that shows them."""
    eval_set = EvalSet.objects.create(project=project, name=HOSTILE[:100], description=HOSTILE)
    common = {"tags": [HOSTILE], "cluster": HOSTILE, "metadata": {HOSTILE: HOSTILE}, HOSTILE: HOSTILE}
    sample = {"id": HOSTILE, "input": HOSTILE, "answer": HOSTILE, "model": HOSTILE, **common}
    example = {"id": HOSTILE, "input": HOSTILE, "expected": {HOSTILE: HOSTILE}, **common}
    name = HOSTILE.replace("/", "") + ".jsonl"
    imported(client, project, jsonl([sample]), name)
    version = imported(client, project, jsonl([example]), name, eval_set, publish="on").version
    imported(client, project, jsonl([example | {"expected": {HOSTILE: "x"}}]), name, eval_set, publish="on")
    mapping = received(client, project, jsonl([sample, {"id": [HOSTILE]}]), name)
    faults = checked(client, project, jsonl([example, {"id": HOSTILE, "input": HOSTILE}]), name, eval_set)
    addresses = [
        "samples/",
        f"samples/{ProductionSample.objects.get().pk}/",
        "evalsets/",
        "evalsets/summary/",
        f"evalsets/{eval_set.pk}/",
        f"evalsets/{eval_set.pk}/edit/",
        f"evalsets/{eval_set.pk}/upload/",
        f"evalsets/{eval_set.pk}/draw/",
        f"evalsets/{eval_set.pk}/compare/?old=1&new=2",
        f"evalsets/versions/{version.pk}/",
        f"evalsets/examples/{Example.objects.first().pk}/",
        f"uploads/{mapping.pk}/",
        f"uploads/{faults.pk}/",
    ]

    for address in addresses:
        html = client.get(f"/p/{project.slug}/{address}").content.decode()

        assert VISIBLE in html, address
        assert "<img" not in html, address
        assert "<div hx-get=/" not in html, address
        shown = re.sub('value="[^"]*"', "", html)  # a form gives back exactly what it was given
        assert not set(shown) & {"\x1b", "\u202e"}, address


def test_an_upload_page_tells_its_columns_by_place(client, project):
    """A name with a line end would come back from a browser with another one."""
    upload = received(client, project, jsonl([{"a\r\nb": "Question", "c": "d"}]))

    act(client, upload, "map", input="0", metadata=["0"])

    assert Upload.objects.get().mapping["input"] == upload.preview["columns"][0]
    assert act(client, upload, "map", input="7").status_code == 302  # the check is under way already


def test_waiting_uploads_stand_where_they_belong(everything, client_of, lead, admin, project):
    samples, examples = (f"/p/{project.slug}/uploads/{everything[name][0]}/" for name in ("map", "confirm"))
    eval_set = everything["show"][0]

    assert samples in client_of(admin).get(f"/p/{project.slug}/samples/").content.decode()
    assert samples not in client_of(lead).get(f"/p/{project.slug}/samples/").content.decode()
    assert examples in client_of(lead).get(f"/p/{project.slug}/evalsets/{eval_set}/").content.decode()


def test_empty_pages_say_what_to_do_next(client_of, lead, admin, project):
    assert "Upload samples" in client_of(admin).get(f"/p/{project.slug}/samples/").content.decode()
    assert (
        "An admin of the project can upload them" in client_of(lead).get(f"/p/{project.slug}/samples/").content.decode()
    )
    assert "New eval set" in client_of(lead).get(f"/p/{project.slug}/evalsets/").content.decode()
    assert "Make an eval set" in client_of(lead).get(f"/p/{project.slug}/evalsets/summary/").content.decode()
    eval_set = make_eval_set(project)
    page = client_of(lead).get(f"/p/{project.slug}/evalsets/{eval_set.pk}/").content.decode()
    assert "There is no version yet" in page
