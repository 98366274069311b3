"""The page on which people choose what they are told, and what they were told by it."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from reviews.models import Notice, NoticeChoice
from reviews.notices.finding import choose_notices, find_notices
from tests.making import make_round, make_run, make_version


@pytest.fixture(autouse=True)
def some_mail_server(settings):
    """So that e-mail can be chosen; nobody answers there."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1


@pytest.fixture
def run(project):
    return make_run(make_version(project, 3))


def told():
    rows = Notice.objects.order_by("person__name", "occasion", "way")
    return list(rows.values_list("person__name", "occasion", "way"))


def test_the_page_keeps_what_is_chosen(client_of, project, reviewer, mail_box, receiver):
    url = reverse("reviews:notices", args=[project.slug])
    client = client_of(reviewer)

    client.post(url, {"by_email": ["assigned"], "by_webhook": ["assigned"], "webhook_url": f"{receiver.url}?key=a%20b"})
    page = client.get(url).content.decode()

    choice = NoticeChoice.objects.get()
    assert (choice.by_email, choice.by_webhook) == (["assigned"], ["assigned"])
    assert choice.webhook_url == f"{receiver.url}?key=a%20b"
    assert page.count(" checked></td>") == 2
    assert "an item is contested" not in page  # that is told to leads


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"by_webhook": ["assigned"]}, "Write the address that notices are sent to"),
        ({"webhook_url": "ftp://example.org/x"}, "This is not a plain address"),
        ({"webhook_url": "http://user@example.org/x"}, "This is not a plain address"),
        ({"webhook_url": "https://example.org/x?a=ä"}, "Percent-encode them"),
        ({"webhook_url": "http://169.254.169.254/latest"}, "is never called"),
        ({"by_email": ["contested"]}, ""),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(client_of, project, reviewer, mail_box, data, said):
    answer = client_of(reviewer).post(reverse("reviews:notices", args=[project.slug]), data)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not NoticeChoice.objects.exists()


def test_without_a_mail_server_the_choice_is_off_and_the_page_says_so(client_of, project, reviewer, settings):
    settings.EMAIL_HOST = ""
    url = reverse("reviews:notices", args=[project.slug])
    client = client_of(reviewer)

    client.post(url, {"by_email": ["assigned"]})

    assert "E-mail is not set up on this server" in client.get(url).content.decode()
    assert NoticeChoice.objects.get().by_email == []


def test_without_a_mail_server_nothing_is_kept_for_the_day_on_which_there_is_one(project, run, reviewer, settings):
    choose_notices(project, reviewer, ["assigned"], ["assigned"], "http://127.0.0.1:1/nobody")
    settings.EMAIL_HOST = ""
    make_round(run)

    find_notices()

    assert told() == [("Rob", "assigned", "webhook")]


def test_a_test_goes_to_the_webhook_and_says_how_it_went(client_of, project, reviewer, receiver):
    choose_notices(project, reviewer, [], ["assigned"], f"{receiver.url}?key=a%20b")
    url = reverse("reviews:test_notice", args=[project.slug])
    client = client_of(reviewer)

    good = client.post(url, {"way": "webhook"}, follow=True).content.decode()
    receiver.status = 404
    bad = client.post(url, {"way": "webhook"}, follow=True).content.decode()

    assert "The test went out to" in good
    assert "The test did not arrive. The webhook answered 404." in bad
    assert receiver.paths == ["/hook?key=a%20b"] * 2
    assert json.loads(receiver.bodies[0])["occasion"] == "test"


def test_a_test_goes_out_by_mail(client_of, project, reviewer, mail_box):
    url = reverse("reviews:test_notice", args=[project.slug])

    page = client_of(reviewer).post(url, {"way": "email"}, follow=True).content.decode()

    assert "The test went out to rob@example.org." in page
    assert mail_box.recipients == ["rob@example.org"]


def test_the_page_shows_what_was_sent_and_what_was_given_up(client_of, project, run, reviewer):
    made = make_round(run, name="Look <here>")
    now = timezone.now()
    Notice.objects.create(round=made, person=reviewer, occasion="assigned", way="email", attempts=1, sent_at=now)
    Notice.objects.create(
        round=made, person=reviewer, occasion="assigned", way="webhook", attempts=6, gave_up_at=now, error="It <fell>."
    )

    page = client_of(reviewer).get(reverse("reviews:notices", args=[project.slug])).content.decode()

    assert "given up after 6 tries" in page
    assert "It &lt;fell&gt;." in page
    assert "Look &lt;here&gt;" in page
