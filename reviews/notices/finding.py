"""Who is to be told of what, found from the state of the rounds; sending is ``sending``'s.

One row for each round, person, occasion and way: found twice, or by two sweeps at once, it is there once.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from evalhub.candidates.keys import Key
from evalhub.projects.models import Project, Role, User
from reviews.models import Notice, NoticeChoice, Occasion
from reviews.notices.signing import keep_secret, renew_secret

OCCASIONS_OF_LEADS = (Occasion.CONTESTED, Occasion.DONE)
BEFORE_THE_CHOICE = "This was so before you chose to be told."

# Everyone who chose to be told of the occasion, by each way, and has no notice of it yet.
WANTING = """
SELECT round.id AS round_id, member.user_id, way.way, round.created_by_id, member.role, round.item_count
FROM reviews_round AS round
JOIN projects_member AS member ON member.project_id = round.project_id
JOIN projects_user AS person ON person.id = member.user_id AND person.is_active
JOIN reviews_noticechoice AS choice ON choice.project_id = round.project_id AND choice.person_id = member.user_id
CROSS JOIN (VALUES ('email'), ('webhook')) AS way (way)
WHERE round.filled_at IS NOT NULL AND NOT round.is_practice AND round.item_count > 0
    AND %(occasion)s = ANY (CASE way.way WHEN 'email' THEN choice.by_email ELSE choice.by_webhook END)
    AND (%(person)s::bigint IS NULL OR (member.user_id = %(person)s AND round.project_id = %(project)s))
    AND way.way = ANY (%(ways)s)
    AND NOT EXISTS (
        SELECT FROM reviews_notice AS notice
        WHERE notice.round_id = round.id AND notice.person_id = member.user_id
            AND notice.occasion = %(occasion)s AND notice.way = way.way)
"""
# A round waits for whoever may label in it and has an item there, and for whom an item of it is given to by name: see
# progress.gives_items_to_some, without which all items of large rounds would be looked at twice a minute.
ASSIGNED = """
waiting_round AS (
    SELECT round.id, round.selection ? 'assigned' AS gives_to_some,
        EXISTS (SELECT FROM reviews_round_reviewers WHERE round_id = round.id) AS names_people,
        EXISTS (SELECT FROM reviews_reviewitem
                WHERE round_id = round.id AND status IN ('waiting', 'in_review') AND assigned_to = '{}') AS is_for_all
    FROM reviews_round AS round WHERE round.id IN (SELECT round_id FROM wanting) AND round.closed_at IS NULL
),
given AS (
    SELECT DISTINCT item.round_id, unnest(item.assigned_to) AS user_id FROM reviews_reviewitem AS item
    WHERE item.round_id IN (SELECT id FROM waiting_round WHERE gives_to_some)
        AND item.status IN ('waiting', 'in_review') AND item.assigned_to <> '{}'
),
found AS (
    SELECT wanting.* FROM wanting JOIN waiting_round ON waiting_round.id = wanting.round_id
    WHERE wanting.user_id <> wanting.created_by_id AND (
        EXISTS (SELECT FROM given WHERE given.round_id = wanting.round_id AND given.user_id = wanting.user_id)
        OR (waiting_round.is_for_all AND (NOT waiting_round.names_people OR EXISTS (
            SELECT FROM reviews_round_reviewers AS named
            WHERE named.round_id = wanting.round_id AND named.user_id = wanting.user_id))))
)
"""
CONTESTED = """
found AS (
    SELECT * FROM wanting WHERE role <> 'reviewer' AND round_id IN (
        SELECT round.id FROM reviews_round AS round
        WHERE round.id IN (SELECT round_id FROM wanting) AND round.closed_at IS NULL
            AND EXISTS (SELECT FROM reviews_reviewitem WHERE round_id = round.id AND status = 'contested'))
)
"""
# Known items are not waited for: they want a label of everybody, and settle nothing.
DONE = """
found AS (
    SELECT * FROM wanting WHERE role <> 'reviewer' AND round_id IN (
        SELECT round.id FROM reviews_round AS round
        WHERE round.id IN (SELECT round_id FROM wanting)
            AND EXISTS (SELECT FROM reviews_reviewitem WHERE round_id = round.id AND status = 'settled')
            AND NOT EXISTS (SELECT FROM reviews_reviewitem WHERE round_id = round.id AND status = 'contested')
            AND NOT EXISTS (
                SELECT FROM reviews_reviewitem
                WHERE round_id = round.id AND status IN ('waiting', 'in_review') AND NOT is_known))
)
"""
STORE = """
INSERT INTO reviews_notice (round_id, person_id, occasion, way, attempts, not_before, error, created_at, gave_up_at)
SELECT round_id, user_id, %(occasion)s, way, 0, now(), %(error)s, now(),
    CASE WHEN %(error)s = '' THEN NULL ELSE now() END
FROM found ORDER BY round_id, user_id, way
ON CONFLICT DO NOTHING
"""
STATEMENTS = {Occasion.ASSIGNED: ASSIGNED, Occasion.CONTESTED: CONTESTED, Occasion.DONE: DONE}


def find_notices() -> int:
    """Write down a notice for everybody who wants to be told of what is so now; returns how many are new."""
    # Where no mail server is set up, nothing is kept for the day on which there is one.
    ways = [Notice.Way.EMAIL, Notice.Way.WEBHOOK] if settings.EMAIL_HOST else [Notice.Way.WEBHOOK]
    return sum(store_found(occasion, ways) for occasion in STATEMENTS)


def store_found(
    occasion: Occasion, ways: Collection[str], person: User | None = None, project: Project | None = None
) -> int:
    """Of all people, or for one person in one project as passed over: never sent."""
    statement = f"WITH wanting AS ({WANTING}), {STATEMENTS[occasion]} {STORE}"
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "occasion": str(occasion),
                "person": person.pk if person else None,
                "project": project.pk if project else None,
                "ways": [str(way) for way in ways],
                "error": BEFORE_THE_CHOICE if person else "",
            },
        )
        return int(cursor.rowcount)


def occasions_for(role: Role | str) -> list[Occasion]:
    """Of what somebody with this role may be told."""
    return [occasion for occasion in Occasion if Role(role).may(Role.LEAD) or occasion not in OCCASIONS_OF_LEADS]


class Chosen(NamedTuple):
    """What was kept; and the webhook's secret, if it was made now: it is shown only this once."""

    choice: NoticeChoice
    secret: Key | None


@transaction.atomic
def choose_notices(
    project: Project, person: User, by_email: Collection[str], by_webhook: Collection[str], webhook_url: str
) -> Chosen:
    """Keep what the person wants. Of what is so already they are not told: only of what comes from now on."""
    choice, _ = NoticeChoice.objects.select_for_update().get_or_create(project=project, person=person)
    new = {
        "email": set(by_email) - set(choice.by_email),
        "webhook": set(by_webhook) - set(choice.by_webhook),
    }
    former_url = choice.webhook_url
    choice.by_email, choice.by_webhook, choice.webhook_url = sorted(by_email), sorted(by_webhook), webhook_url
    secret = keep_secret(choice, former_url)
    choice.save()
    for way, occasions in new.items():
        for occasion in sorted(occasions):
            store_found(Occasion(occasion), [way], person, project)
    return Chosen(choice, secret)


@transaction.atomic
def make_secret(project: Project, person: User) -> Key | None:
    """A new secret for the person's webhook, in place of the old one at once; None if they have no webhook."""
    choices = NoticeChoice.objects.select_for_update().filter(project=project, person=person)
    choice = choices.exclude(webhook_url="").first()
    if choice is None:
        return None
    secret = renew_secret(choice)
    choice.save(update_fields=["webhook_secret", "webhook_secret_ending"])
    return secret
