import re

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from evalhub.candidates.keys import key_of
from evalhub.candidates.models import Endpoint
from evalhub.projects.models import Event
from tests.candidates.asking import KEY
from tests.candidates.making import make_candidate, make_endpoint

GOOD = {
    "name": "OpenAI",
    "base_url": "http://127.0.0.1:9/v1",
    "key": KEY,
    "streams": "on",
    "max_in_flight": "8",
    "timeout_seconds": "30",
    "requests_per_minute": "",
    "tokens_per_minute": "",
}


def url(name, project, *more):
    return reverse(f"candidates:{name}", args=[project.slug, *more])


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_an_admin_adds_an_endpoint_and_the_key_is_in_no_answer(client_of, admin, project):
    client = client_of(admin)

    saved = client.post(url("new_endpoint", project), GOOD, follow=True)

    endpoint = Endpoint.objects.get()
    assert (endpoint.project, endpoint.name, endpoint.max_in_flight, endpoint.streams) == (project, "OpenAI", 8, True)
    assert key_of(endpoint) == KEY
    pages = [saved, client.get(url("edit_endpoint", project, endpoint.pk)), client.get(url("endpoints", project))]
    for page in pages:
        assert KEY not in page.content.decode()
        assert page["Cache-Control"] == "no-store"
    assert "ends in …ABCD. Type a new one to replace it." in pages[1].content.decode()
    assert Event.objects.latest("pk").action == "added the endpoint"


def test_a_form_with_faults_does_not_send_the_key_back(client_of, admin, project):
    answer = client_of(admin).post(url("new_endpoint", project), GOOD | {"base_url": "ftp://x"})

    assert answer.status_code == 422
    assert KEY not in answer.content.decode()
    assert "This is not a plain address." in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"base_url": "http://10.0.0.1/v1"}, "10.0.0.1 is a private address."),
        ({"base_url": "http://169.254.169.254/v1"}, "is never called"),
        ({"base_url": "http://0x7f000001/v1"}, "as four decimal numbers"),
        ({"key": "two words"}, "A key has no spaces"),
        ({"name": "Taken"}, "“Taken” is taken in this project."),
        ({"name": ""}, "This field is required."),
        ({"max_in_flight": "0"}, "greater than or equal to 1"),
        ({"timeout_seconds": "3601"}, "less than or equal to 3600"),
        ({"requests_per_minute": "9" * 30}, "less than or equal to"),
        ({"name": "x" * 101}, "at most 100 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(client_of, admin, project, change, sentence):
    make_endpoint(project, "Taken")

    answer = client_of(admin).post(url("new_endpoint", project), GOOD | change)

    assert answer.status_code == 422
    assert sentence in answer.content.decode().replace("&quot;", '"').replace("&#x27;", "'")
    assert Endpoint.objects.count() == 1


def test_a_base_url_is_tidied(client_of, admin, project):
    client_of(admin).post(
        url("new_endpoint", project), GOOD | {"base_url": " http://127.0.0.1:9/v1/chat/completions/ "}
    )

    assert Endpoint.objects.get().base_url == "http://127.0.0.1:9/v1"


def test_saving_without_a_key_keeps_the_one_there_is(client_of, admin, project):
    endpoint = make_endpoint(project, key=KEY)

    client_of(admin).post(
        url("edit_endpoint", project, endpoint.pk), GOOD | {"key": "", "base_url": "http://127.0.0.1:9/v2"}
    )

    endpoint.refresh_from_db()
    assert (key_of(endpoint), endpoint.base_url) == (KEY, "http://127.0.0.1:9/v2")


def test_another_host_clears_the_key_and_says_so(client_of, admin, project):
    endpoint = make_endpoint(project, key=KEY)

    answer = client_of(admin).post(
        url("edit_endpoint", project, endpoint.pk), GOOD | {"key": "", "base_url": "http://127.0.0.1:10/v1"}
    )

    endpoint.refresh_from_db()
    assert (key_of(endpoint), endpoint.key_ending) == (None, "")
    assert told(answer) == ["Saved. The address is another one, so the key was removed. Enter the new one."]


def test_a_refused_change_of_the_address_leaves_address_and_key(client_of, admin, project):
    endpoint = make_endpoint(project, key=KEY)

    client_of(admin).post(
        url("edit_endpoint", project, endpoint.pk), GOOD | {"key": "", "base_url": "http://10.0.0.1/"}
    )

    endpoint.refresh_from_db()
    assert (key_of(endpoint), endpoint.base_url) == (KEY, "http://127.0.0.1:9/v1")


def test_the_key_is_removed_by_a_button_that_changes_nothing_else(client_of, admin, project):
    endpoint = make_endpoint(project, key=KEY)

    client_of(admin).post(
        url("remove_key", project, endpoint.pk), GOOD | {"name": "Other", "base_url": "http://127.0.0.1:1/"}
    )

    endpoint.refresh_from_db()
    assert (endpoint.key_encrypted, endpoint.key_ending, endpoint.name, endpoint.base_url) == (
        None,
        "",
        "OpenAI",
        "http://127.0.0.1:9/v1",
    )


def test_leads_see_endpoints_without_the_endings_of_keys(client_of, lead, project):
    make_endpoint(project, key=KEY)

    page = client_of(lead).get(url("endpoints", project)).content.decode()

    assert "OpenAI" in page
    assert "ABCD" not in page
    assert url("new_endpoint", project) not in page


def test_an_endpoint_in_use_stays_with_a_sentence_and_an_unused_one_goes(client_of, admin, project):
    used, unused = make_endpoint(project, "Used"), make_endpoint(project, "Unused")
    make_candidate(project, "Small", used)
    client = client_of(admin)

    refused = client.post(url("delete_endpoint", project, used.pk))
    client.post(url("delete_endpoint", project, unused.pk))

    assert told(refused) == [
        "“Used” cannot be deleted: “Small” uses it. Choose another endpoint there first; archived candidates count."
    ]
    assert [endpoint.name for endpoint in Endpoint.objects.all()] == ["Used"]


def test_extra_fields_change_nothing(client_of, admin, project, stranger):
    endpoint = make_endpoint(project, key=KEY)
    other = stranger.memberships.get().project
    extra = {
        "project": other.pk,
        "project_id": other.pk,
        "id": 999,
        "pk": 999,
        "key_encrypted": "x",
        "key_ending": "EVIL",
        "created_at": "2000-01-01",
    }

    client_of(admin).post(url("edit_endpoint", project, endpoint.pk), GOOD | {"key": "", "name": "New"} | extra)

    changed = Endpoint.objects.get()
    assert (changed.pk, changed.project, changed.name, changed.key_ending) == (endpoint.pk, project, "New", "ABCD")
    assert (changed.created_at, key_of(changed)) == (endpoint.created_at, KEY)


def test_the_list_asks_as_often_for_thirty_as_for_one(client_of, admin, project, django_assert_num_queries):
    client = client_of(admin)
    make_endpoint(project, "0")
    client.get(url("endpoints", project))
    with django_assert_num_queries(4):
        client.get(url("endpoints", project))
    for number in range(1, 30):
        make_candidate(project, str(number), make_endpoint(project, str(number), key=KEY))

    with django_assert_num_queries(4):
        page = client.get(url("endpoints", project))

    assert len(re.findall("<tr>", page.content.decode())) == 31
