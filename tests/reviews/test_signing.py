"""Signed webhooks: what a receiver needs to know a message as ours, and that nobody else learns the secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import logging
import re
import time
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from evalhub.candidates.keys import KeyTextError
from reviews.models import Notice, NoticeChoice
from reviews.notices.finding import choose_notices, find_notices, make_secret
from reviews.notices.sending import send_due
from reviews.notices.signing import secret_of, signature_of
from tests.making import make_round, make_run, make_version

SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{48}")


@pytest.fixture
def run(project):
    return make_run(make_version(project, 1))


def is_ours(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As the page tells a receiver to check it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(headers["webhook-signature"], wanted)


def choose(project, person, url):
    return choose_notices(project, person, [], ["assigned"], url)


def save(client, project, url):
    """Save the address on the page; the secret that it shows then, or nothing."""
    path = reverse("reviews:notices", args=[project.slug])
    page = client.post(path, {"by_webhook": ["assigned"], "webhook_url": url}, follow=True).content.decode()
    return next(iter(SECRET.findall(page)), "")


def test_the_signature_is_that_of_the_specification():
    signed = signature_of(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_what_it_gets_with_the_secret_of_the_page(client_of, project, run, reviewer, receiver):
    secret = save(client_of(reviewer), project, receiver.url)
    make_round(run)
    find_notices()

    assert send_due() == 1

    (headers,), (body,) = receiver.headers, receiver.bodies
    assert SECRET.fullmatch(secret)
    assert is_ours(secret, headers, body)
    assert not is_ours(secret, headers, body.replace(b"1", b"2"))
    assert not is_ours(secret, headers | {"webhook-timestamp": "1"}, body)
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60
    assert "." not in headers["webhook-id"]


def test_the_python_on_the_page_checks_what_arrives(client_of, project, reviewer, receiver):
    secret = choose(project, reviewer, receiver.url).secret
    client = client_of(reviewer)
    page = client.get(reverse("reviews:notices", args=[project.slug])).content.decode()
    client.post(reverse("reviews:test_notice", args=[project.slug]), {"way": "webhook"})
    program = html.unescape(page.partition('<pre class="text">')[2].partition("</pre>")[0])
    headers = {name.title(): value for name, value in receiver.headers[0].items()}
    checked = []

    for body, told in [
        (receiver.bodies[0], headers),
        (b"{}", headers),
        (receiver.bodies[0], headers | {"Webhook-Timestamp": "1614265330"}),
    ]:
        names = {"base64": base64, "hmac": hmac, "time": time, "secret": secret, "headers": told, "body": body}
        exec(program, names)  # noqa: S102 -- what our own page shows
        checked.append((names["is_ours"], names["is_new"]))

    assert checked == [(True, True), (False, True), (False, False)]


def test_a_message_that_is_tried_again_keeps_its_id_and_is_signed_anew(project, run, reviewer, receiver):
    receiver.status = 500
    secret = choose(project, reviewer, receiver.url).secret
    make_round(run)
    make_round(run, name="Second")
    find_notices()
    for _ in range(2):
        Notice.objects.update(not_before=timezone.now())
        send_due()

    ids = [headers["webhook-id"] for headers in receiver.headers]
    assert len(set(ids[:2])) == 2
    assert sorted(ids[:2]) == sorted(ids[2:])
    assert all(is_ours(secret, headers, body) for headers, body in zip(receiver.headers, receiver.bodies, strict=True))


def test_a_test_is_signed_too(client_of, project, reviewer, receiver):
    secret = choose(project, reviewer, receiver.url).secret

    for _ in range(2):
        client_of(reviewer).post(reverse("reviews:test_notice", args=[project.slug]), {"way": "webhook"})

    assert is_ours(secret, receiver.headers[0], receiver.bodies[0])
    assert receiver.headers[0]["webhook-id"] != receiver.headers[1]["webhook-id"]


def test_the_secret_is_shown_once_and_kept_encrypted(client_of, project, run, reviewer, receiver, caplog):
    client = client_of(reviewer)
    caplog.set_level(logging.DEBUG)
    secret = save(client, project, receiver.url)
    make_round(run)
    find_notices()
    send_due()

    again = client.get(reverse("reviews:notices", args=[project.slug])).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT choice::text, convert_from(webhook_secret, 'LATIN1') FROM reviews_noticechoice choice")
        row = "".join(cursor.fetchone())

    assert secret
    for place in (again, row, caplog.text, repr(secret_of(NoticeChoice.objects.get()))):
        assert secret not in place
        assert secret.removeprefix("whsec_") not in place
    assert f"ends in <code>…{secret[-4:]}</code>" in again


def test_saving_again_keeps_the_secret_and_another_place_gets_another(client_of, project, reviewer, receiver):
    client = client_of(reviewer)
    first = save(client, project, receiver.url)

    assert save(client, project, f"{receiver.url}?key=1") == ""
    assert secret_of(NoticeChoice.objects.get()) == first
    second = save(client, project, "https://hooks.example/evalhub")

    assert SECRET.fullmatch(second)
    assert second != first
    assert secret_of(NoticeChoice.objects.get()) == second
    client.post(reverse("reviews:notices", args=[project.slug]), {"webhook_url": ""})
    choice = NoticeChoice.objects.get()
    assert (choice.webhook_secret, choice.webhook_secret_ending) == (None, "")


def test_a_new_secret_takes_the_place_of_the_old_one(client_of, project, reviewer, receiver):
    client = client_of(reviewer)
    first = save(client, project, receiver.url)

    page = client.post(reverse("reviews:new_webhook_secret", args=[project.slug])).content.decode()
    client.post(reverse("reviews:test_notice", args=[project.slug]), {"way": "webhook"})

    (second,) = SECRET.findall(page)
    assert is_ours(second, receiver.headers[0], receiver.bodies[0])
    assert not is_ours(first, receiver.headers[0], receiver.bodies[0])


def test_a_secret_is_ones_own(client_of, project, reviewer, lead, receiver):
    secrets = {person: choose(project, person, receiver.url).secret for person in (reviewer, lead)}

    client_of(lead).post(reverse("reviews:new_webhook_secret", args=[project.slug]))

    assert secret_of(NoticeChoice.objects.get(person=reviewer)) == secrets[reviewer]
    assert secret_of(NoticeChoice.objects.get(person=lead)) != secrets[lead]
    assert secrets[lead] != secrets[reviewer]


def test_without_a_webhook_there_is_nothing_to_sign(client_of, project, reviewer):
    choose_notices(project, reviewer, [], [], "")

    page = client_of(reviewer).post(reverse("reviews:new_webhook_secret", args=[project.slug]), follow=True)

    assert "Save the address of the webhook first." in page.content.decode()
    assert make_secret(project, reviewer) is None
    assert NoticeChoice.objects.get().webhook_secret is None


def test_a_webhook_from_before_is_sent_unsigned_and_its_page_offers_a_secret(client_of, project, reviewer, receiver):
    choose(project, reviewer, receiver.url)
    NoticeChoice.objects.update(webhook_secret=None, webhook_secret_ending="")
    client = client_of(reviewer)

    client.post(reverse("reviews:test_notice", args=[project.slug]), {"way": "webhook"})
    page = client.get(reverse("reviews:notices", args=[project.slug])).content.decode()

    assert "webhook-signature" not in receiver.headers[0]
    assert "webhook-id" in receiver.headers[0]
    assert "Messages to this webhook are not signed" in page
    assert "Make a secret" in page


def test_a_secret_that_cannot_be_read_is_told_and_nothing_goes_out_unsigned(project, run, reviewer, receiver, settings):
    choose(project, reviewer, receiver.url)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    make_round(run)
    find_notices()

    send_due()

    assert receiver.bodies == []
    assert Notice.objects.get().error.startswith("The webhook's secret cannot be decrypted: EVALHUB_ENCRYPTION_KEYS")
    with pytest.raises(KeyTextError):
        secret_of(NoticeChoice.objects.get())


def test_rotation_takes_secrets_along_and_names_those_that_it_cannot_read(project, reviewer, lead, receiver, settings):
    old = settings.ENCRYPTION_KEYS[0]
    secret = choose(project, reviewer, receiver.url).secret
    newest = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [newest, old]
    out = StringIO()

    call_command("rotate_keys", stdout=out)

    settings.ENCRYPTION_KEYS = [newest]
    assert secret_of(NoticeChoice.objects.get()) == secret
    assert out.getvalue() == "1 key encrypted with the newest encryption key.\n"
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    choose(project, lead, receiver.url)
    with pytest.raises(CommandError, match="No encryption key fits the webhook of Rob in Support inbox"):
        call_command("rotate_keys", stdout=out)
