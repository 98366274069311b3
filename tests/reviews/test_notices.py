"""Notices: who is told of what, by a real mail server and a real receiver of webhooks."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.projects.models import Member, Role
from reviews.labelling import decide, record_label
from reviews.models import Notice, NoticeChoice, ReviewItem, Round
from reviews.notices.finding import choose_notices, find_notices
from reviews.notices.sending import PAUSES, send_due
from reviews.rounds.closing import close_round
from reviews.tasks import sweep_notices_task
from tests.making import assessed, make_round, make_run, make_version
from tests.people import make_member
from tests.reviews.mail import webhook_receiver

ALL = ["assigned", "contested", "done"]


@pytest.fixture(autouse=True)
def some_mail_server(settings):
    """So that e-mail can be chosen; nobody answers there."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1


@pytest.fixture
def run(project):
    return make_run(make_version(project, 3))


def assign(made, person):
    """As a lead's bulk action does."""
    made.items.update(assigned_to=[person.pk])
    Round.objects.filter(pk=made.pk).update(selection={**made.selection, "assigned": True})


def told():
    rows = Notice.objects.order_by("person__name", "occasion", "way")
    return list(rows.values_list("person__name", "occasion", "way"))


def test_a_named_reviewer_is_told_by_mail_that_a_round_waits(project, run, reviewer, lead, mail_box):
    for person in (reviewer, lead):
        choose_notices(project, person, ["assigned"], [], "")
    made = make_round(run, name="First\nlook")
    made.reviewers.set([reviewer])

    sweep_notices_task()

    assert mail_box.recipients == ["rob@example.org"]
    (message,) = mail_box.messages
    assert message["Subject"].strip() == "Support inbox: The review round “First look” waits for you: 3 items."
    assert message["From"] == "EvalHub <evalhub@127.0.0.1>"
    assert f"https://evalhub.example/p/{project.slug}/review/rounds/{made.pk}/desk/" in message.get_content()
    assert "small-model" not in message.get_content()
    assert Notice.objects.get().sent_at


def test_everybody_is_told_of_a_round_that_names_nobody_but_its_maker(project, run, reviewer, lead):
    for person in (reviewer, lead, run.started_by):
        choose_notices(project, person, ["assigned"], [], "")
    make_round(run)

    find_notices()

    assert told() == [("Lea", "assigned", "email"), ("Rob", "assigned", "email")]


def test_who_gets_items_by_name_is_told_though_the_round_names_others(project, run, reviewer, lead):
    choose_notices(project, reviewer, ["assigned"], [], "")
    made = make_round(run)
    made.reviewers.set([lead])
    find_notices()
    assert told() == []

    assign(made, reviewer)
    find_notices()

    assert told() == [("Rob", "assigned", "email")]


def test_nobody_is_told_of_a_round_whose_items_are_all_given_to_others(project, run, reviewer, lead):
    choose_notices(project, reviewer, ["assigned"], [], "")
    made = make_round(run)
    assign(made, lead)

    find_notices()

    assert told() == []


@pytest.mark.parametrize("change", [{"filled_at": None}, {"is_practice": True}, {"closed_at": timezone.now()}])
def test_nobody_is_told_of_a_round_that_does_not_wait_for_labels(project, run, reviewer, change):
    choose_notices(project, reviewer, ["assigned"], [], "")
    Round.objects.filter(pk=make_round(run).pk).update(**change)

    find_notices()

    assert told() == []


def test_a_notice_is_found_and_sent_once(project, run, reviewer, mail_box):
    choose_notices(project, reviewer, ["assigned"], [], "")
    make_round(run)

    sweep_notices_task()
    sweep_notices_task()

    assert len(mail_box.messages) == 1


def test_leads_are_told_when_people_differ_and_when_a_round_is_done(project, run, reviewer, lead, receiver):
    for person in (reviewer, lead):
        choose_notices(project, person, [], ALL, receiver.url)
    made = make_round(run, labels_wanted=2)
    first, *others = made.items.order_by("order")
    for person, outcome in ((reviewer, "pass"), (lead, "fail")):
        record_label(first, person, assessed(outcome, note="n"))
    Notice.objects.filter(occasion="assigned").delete()
    NoticeChoice.objects.update(by_webhook=["contested", "done"])

    sweep_notices_task()
    assert told() == [("Lea", "contested", "webhook")]
    decide(first, lead, assessed("fail", note="n"))
    for item in others:
        for person in (reviewer, lead):
            record_label(item, person, assessed("pass"))
    sweep_notices_task()

    assert told() == [("Lea", "contested", "webhook"), ("Lea", "done", "webhook")]
    page = f"https://evalhub.example/p/{project.slug}/review/rounds/{made.pk}/"
    assert [json.loads(body) for body in receiver.bodies] == [
        {
            "project": "Support inbox",
            "round": "Disagreements",
            "occasion": "contested",
            "text": "People differ in the review round “Disagreements”: 1 item contested so far.",
            "url": f"{page}?status=contested",
            "items": 1,
        },
        {
            "project": "Support inbox",
            "round": "Disagreements",
            "occasion": "done",
            "text": "The review round “Disagreements” is done: 3 items settled.",
            "url": page,
            "items": 3,
        },
    ]
    assert receiver.types == ["application/json"] * 2


def test_known_items_that_still_want_labels_do_not_hold_a_round_open(project, run, reviewer, lead):
    choose_notices(project, lead, ["done"], [], "")
    made = make_round(run)
    known, *others = made.items.order_by("order")
    ReviewItem.objects.filter(pk=known.pk).update(is_known=True, labels_wanted=9)
    for item in others[:1]:
        record_label(item, reviewer, assessed("pass"))
    find_notices()
    assert told() == []

    record_label(others[1], reviewer, assessed("pass"))
    find_notices()

    assert told() == [("Lea", "done", "email")]


def test_of_what_was_so_before_the_choice_nobody_is_told(project, run, reviewer, mail_box):
    make_round(run)
    choose_notices(project, reviewer, ["assigned"], [], "")

    sweep_notices_task()
    make_round(run, name="Second")
    sweep_notices_task()

    assert [message["Subject"].strip() for message in mail_box.messages] == [
        "Support inbox: The review round “Second” waits for you: 3 items."
    ]


def test_a_choice_that_is_saved_again_passes_over_nothing(project, run, reviewer, mail_box):
    choose_notices(project, reviewer, ["assigned"], [], "")
    make_round(run)
    choose_notices(project, reviewer, ["assigned"], [], "")

    sweep_notices_task()

    assert len(mail_box.messages) == 1


def test_a_webhook_that_fails_is_tried_again_later_and_given_up_at_last(project, run, reviewer, receiver):
    receiver.status = 500
    choose_notices(project, reviewer, [], ["assigned"], receiver.url)
    make_round(run)
    sweep_notices_task()
    first = Notice.objects.get()
    assert (first.attempts, first.error, first.sent_at) == (1, "The webhook answered 500.", None)
    assert timedelta(0) < first.not_before - timezone.now() <= PAUSES[0]

    assert send_due() == 0
    assert len(receiver.bodies) == 1
    for _ in PAUSES:
        Notice.objects.update(not_before=timezone.now())
        send_due()

    last = Notice.objects.get()
    assert (last.attempts, last.error) == (6, "The webhook answered 500.")
    assert last.gave_up_at
    Notice.objects.update(not_before=timezone.now())
    send_due()
    assert len(receiver.bodies) == 6


def test_a_webhook_that_comes_back_gets_the_notice(project, run, reviewer, receiver):
    receiver.status = 503
    choose_notices(project, reviewer, [], ["assigned"], receiver.url)
    make_round(run)
    sweep_notices_task()
    receiver.status = 204
    Notice.objects.update(not_before=timezone.now())

    assert send_due() == 1

    notice = Notice.objects.get()
    assert (notice.attempts, notice.error) == (2, "")
    assert notice.sent_at


def test_a_redirect_is_not_followed(project, run, reviewer, receiver):
    with webhook_receiver() as elsewhere:
        receiver.status, receiver.location = 307, elsewhere.url
        choose_notices(project, reviewer, [], ["assigned"], receiver.url)
        make_round(run)
        sweep_notices_task()

    assert Notice.objects.get().error == "The webhook answered 307."
    assert elsewhere.bodies == []


def test_a_private_address_is_refused_when_it_is_saved_and_when_it_is_sent(
    client_of, project, run, reviewer, receiver, settings
):
    choose_notices(project, reviewer, [], ["assigned"], receiver.url)
    make_round(run)
    settings.PRIVATE_ENDPOINTS = []

    sweep_notices_task()
    answer = client_of(reviewer).post(
        reverse("reviews:notices", args=[project.slug]), {"by_webhook": ["assigned"], "webhook_url": receiver.url}
    )

    assert receiver.bodies == []
    assert "is a private address" in Notice.objects.get().error
    assert answer.status_code == 422
    assert "is a private address" in answer.content.decode()


def test_a_refused_recipient_is_kept_as_the_error(project, run, reviewer, mail_box):
    mail_box.refuses = 550
    choose_notices(project, reviewer, ["assigned"], [], "")
    make_round(run)

    sweep_notices_task()

    assert Notice.objects.get().error == "The mail server refused the address rob@example.org."


def test_a_mail_server_that_is_down_is_said(project, run, reviewer, mail_box, settings):
    settings.EMAIL_PORT = 1
    choose_notices(project, reviewer, ["assigned"], [], "")
    make_round(run)

    sweep_notices_task()

    assert Notice.objects.get().error == "The mail server could not be reached (ConnectionRefusedError)."


@pytest.mark.parametrize("leave", [Member.objects.filter, NoticeChoice.objects.filter])
def test_who_leaves_or_changes_their_mind_before_it_is_sent_is_not_told(project, run, reviewer, mail_box, leave):
    choose_notices(project, reviewer, ["assigned"], [], "")
    make_round(run)
    find_notices()
    leave(**{"user" if leave == Member.objects.filter else "person": reviewer}).delete()

    send_due()

    assert mail_box.messages == []
    assert not Notice.objects.exists()


def test_a_notice_that_another_process_sends_is_left_to_it(project, run, reviewer, mail_box, other_connection):
    choose_notices(project, reviewer, ["assigned"], [], "")
    make_round(run)
    find_notices()

    with other_connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM reviews_notice FOR UPDATE")
        assert send_due() == 0
        cursor.execute("ROLLBACK")

    assert send_due() == 1


@pytest.fixture
def other_connection(transactional_db):
    from django.db import connection

    other = connection.copy()
    yield other
    other.close()


def test_many_webhooks_are_sent_with_one_that_never_answers(project, run, receiver, settings):
    people = [make_member(project, f"P{number}", Role.REVIEWER) for number in range(12)]
    for person in people:
        choose_notices(project, person, [], ["assigned"], receiver.url)
    NoticeChoice.objects.filter(person=people[0]).update(webhook_url="http://127.0.0.1:1/nobody")
    make_round(run)

    sweep_notices_task()

    assert len(receiver.bodies) == 11
    assert Notice.objects.get(sent_at=None).error == "The webhook could not be reached (ClientConnectorError)."


def test_a_round_that_a_lead_closed_early_is_not_done(project, run, lead):
    choose_notices(project, lead, ["done"], [], "")
    close_round(make_round(run), lead)

    find_notices()

    assert told() == []
