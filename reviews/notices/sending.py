"""Notices on their way: by e-mail and by webhook, tried again when that fails, and given up after some tries."""

from __future__ import annotations

import asyncio
import json
import re
import smtplib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from evalhub.candidates.calling import open_session
from evalhub.candidates.guarding import AddressError, check_url
from evalhub.candidates.keys import KeyTextError
from evalhub.projects.models import Member, Project, User
from reviews.models import Notice, NoticeChoice, Occasion, ReviewItem
from reviews.notices.signing import headers_for, message_id_of, secret_of

if TYPE_CHECKING:
    import aiohttp

# After the first try, the second, and so on; then it is given up.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (60, 300, 1800, 7200, 21_600))
# A sweep ends before the next one begins; what is left waits for that.
SECONDS_OF_A_SWEEP = 20
WEBHOOKS_AT_ONCE = 10
WEBHOOK_SECONDS = 10
QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", re.ASCII)
Way = Notice.Way


@dataclass(frozen=True)
class Message:
    """What is said. ``items``: how many wait, are contested, or are settled."""

    project: str
    round: str
    occasion: str
    text: str
    url: str
    items: int


@dataclass(frozen=True)
class Post:
    """A message on its way to somebody's webhook. ``id``: the same each time that it is tried."""

    choice: NoticeChoice
    message: Message
    id: str


def send_due() -> int:
    """Send what is due, for some seconds; returns how many were sent. Safe to run twice at once: each row is locked."""
    deadline = time.monotonic() + SECONDS_OF_A_SWEEP
    sent = 0
    for way, at_once in ((Way.EMAIL, 1), (Way.WEBHOOK, WEBHOOKS_AT_ONCE)):
        while time.monotonic() < deadline and (tried := send_some(way, at_once)):
            sent += tried[1]
    return sent


@transaction.atomic
def send_some(way: Way, at_once: int) -> tuple[int, int] | None:
    """Lock some rows that are due, and send them. Returns how many were tried and sent, or None when none is due.

    The rows stay locked while they are sent: a lost worker's transaction ends, and they are due again.
    """
    due = Notice.objects.filter(way=way, sent_at=None, gave_up_at=None, not_before__lte=timezone.now())
    locked = due.select_for_update(skip_locked=True, of=("self",)).select_related("round__project", "person")
    notices = list(locked.order_by("not_before", "pk")[:at_once])
    if not notices:
        return None
    wanted = [(notice, choice) for notice in notices if (choice := choice_behind(notice))]
    if way == Way.EMAIL:
        faults = [mail_fault(notice.person, message_of(notice)) for notice, _ in wanted]
    else:
        posts = [Post(choice, message_of(notice), message_id_of(notice)) for notice, choice in wanted]
        faults = asyncio.run(post_all(posts)) if posts else []
    for (notice, _), fault in zip(wanted, faults, strict=True):
        note_try(notice, fault)
    return len(notices), faults.count("")


def choice_behind(notice: Notice) -> NoticeChoice | None:
    """What the person wants now. Who does not want the notice any more, or has left, is not told: it is removed."""
    project = notice.round.project_id
    choice = NoticeChoice.objects.filter(project=project, person=notice.person_id).first()
    chosen = (choice.by_email if notice.way == Way.EMAIL else choice.by_webhook) if choice else []
    is_member = Member.objects.filter(project=project, user=notice.person_id, user__is_active=True).exists()
    if choice and is_member and notice.occasion in chosen:
        return choice
    notice.delete()
    return None


def note_try(notice: Notice, fault: str) -> None:
    """Sent, or due again after a while, or given up with the fault kept."""
    notice.attempts += 1
    notice.error = fault[:500]
    if not fault:
        notice.sent_at = timezone.now()
    elif notice.attempts > len(PAUSES):
        notice.gave_up_at = timezone.now()
    else:
        notice.not_before = timezone.now() + PAUSES[notice.attempts - 1]
    notice.save(update_fields=["attempts", "error", "sent_at", "gave_up_at", "not_before"])


def message_of(notice: Notice) -> Message:
    """In the words of the pages; nothing names a candidate."""
    told = notice.round
    items = ReviewItem.objects.filter(round=told)
    name, slug = f"“{told.name}”", told.project.slug
    if notice.occasion == Occasion.ASSIGNED:
        count = told.item_count
        text = f"The review round {name} waits for you: {counted(count, 'item')}."
        path = reverse("reviews:desk", args=[slug, told.pk])
    elif notice.occasion == Occasion.CONTESTED:
        count = items.filter(status=ReviewItem.Status.CONTESTED).count()
        text = f"People differ in the review round {name}: {counted(count, 'item')} contested so far."
        path = reverse("reviews:round", args=[slug, told.pk]) + "?status=contested"
    else:
        count = items.filter(status=ReviewItem.Status.SETTLED, is_known=False).count()
        text = f"The review round {name} is done: {counted(count, 'item')} settled."
        path = reverse("reviews:round", args=[slug, told.pk])
    return Message(told.project.name, told.name, notice.occasion, text, f"{settings.PUBLIC_URL}{path}", count)


def counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def trial_message(project: Project) -> Message:
    url = f"{settings.PUBLIC_URL}{reverse('reviews:notices', args=[project.slug])}"
    return Message(project.name, "", "test", "This is a test: notices of this project reach you here.", url, 0)


def trial_post(choice: NoticeChoice) -> Post:
    return Post(choice, trial_message(choice.project), str(uuid.uuid4()))


def mail_fault(person: User, message: Message) -> str:
    """Send one e-mail; returns why it did not go out, or nothing."""
    if not settings.EMAIL_HOST:
        return "E-mail is not set up on this server."
    subject = " ".join(f"{message.project}: {message.text}".split())  # a line break would be a header of its own
    body = f"{message.text}\n\n{message.url}\n\nYou chose to be told of this on the page Notices of the project.\n"
    try:
        EmailMessage(subject, body, to=[person.email], connection=get_connection()).send()
    except smtplib.SMTPResponseException as error:
        return f"The mail server answered {error.smtp_code}."
    except smtplib.SMTPRecipientsRefused:
        return f"The mail server refused the address {person.email}."
    except (OSError, smtplib.SMTPException) as error:
        return f"The mail server could not be reached ({type(error).__name__})."
    return ""


def check_webhook(url: str) -> None:
    """Raise AddressError unless the guard lets the address pass. A query may follow, as many services want one."""
    base, _, query = url.partition("?")
    if not QUERY.fullmatch(query):
        raise AddressError("What follows the question mark has characters that are not plain. Percent-encode them.")
    check_url(base)


async def post_all(posts: Sequence[Post]) -> list[str]:
    """Send all at once; returns for each why it did not arrive, or nothing."""
    async with open_session(WEBHOOKS_AT_ONCE) as session:
        return list(await asyncio.gather(*(post_fault(session, post) for post in posts)))


async def post_fault(session: aiohttp.ClientSession, post: Post) -> str:
    import aiohttp  # loaded by open_session already
    from yarl import URL  # comes with it

    url, body = post.choice.webhook_url, json.dumps(vars(post.message)).encode()
    try:
        check_webhook(url)
        headers = headers_for(secret_of(post.choice), post.id, int(time.time()), body)
        async with (
            asyncio.timeout(WEBHOOK_SECONDS),
            session.post(
                URL(url, encoded=True),
                data=body,
                headers={"Content-Type": "application/json", **headers},
                allow_redirects=False,
            ) as response,
        ):
            # What it says is not shown: whoever names an address must not read what stands there.
            return "" if 200 <= response.status < 300 else f"The webhook answered {response.status}."
    except (AddressError, KeyTextError) as error:
        return str(error)
    except TimeoutError:
        return f"The webhook did not answer within {WEBHOOK_SECONDS} seconds."
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"The webhook could not be reached ({type(error).__name__})."
