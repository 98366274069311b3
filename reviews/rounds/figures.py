"""How a round goes: by person, by reason, how quickly, and how much is left.

Each figure is one statement over the round's rows. They are asked for by a part of the page that comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.db import connection

from reviews.models import Reason, Round

# A person's pace is the median time of so many labels, the latest ones; nobody is held to what was long ago.
LATEST = 200

PEOPLE = """
SELECT person.id, person.name, coalesce(seat.labels, 0), coalesce(fails.number, 0), coalesce(put_off.number, 0),
    latest.seconds, latest.last
FROM (
    SELECT reviewer_id AS id FROM reviews_seat WHERE round_id = %(round)s
    UNION SELECT user_id FROM reviews_round_reviewers WHERE round_id = %(round)s
    UNION SELECT deferral.reviewer_id FROM reviews_deferral AS deferral
        JOIN reviews_reviewitem AS item ON item.id = deferral.item_id WHERE item.round_id = %(round)s
) AS here
JOIN projects_user AS person ON person.id = here.id
LEFT JOIN reviews_seat AS seat ON seat.round_id = %(round)s AND seat.reviewer_id = here.id
LEFT JOIN (
    SELECT label.reviewer_id, count(*) AS number FROM reviews_label AS label
    JOIN reviews_reviewitem AS item ON item.id = label.item_id
    WHERE item.round_id = %(round)s AND label.outcome = 'fail' GROUP BY label.reviewer_id
) AS fails ON fails.reviewer_id = here.id
LEFT JOIN (
    SELECT deferral.reviewer_id, count(*) AS number FROM reviews_deferral AS deferral
    JOIN reviews_reviewitem AS item ON item.id = deferral.item_id
    WHERE item.round_id = %(round)s GROUP BY deferral.reviewer_id
) AS put_off ON put_off.reviewer_id = here.id
LEFT JOIN LATERAL (
    SELECT array_agg(seconds) FILTER (WHERE seconds IS NOT NULL) AS seconds, max(changed_at) AS last FROM (
        SELECT label.seconds, label.changed_at FROM reviews_label AS label
        JOIN reviews_reviewitem AS item ON item.id = label.item_id
        WHERE label.reviewer_id = here.id AND item.round_id = %(round)s
        ORDER BY label.changed_at DESC LIMIT %(latest)s
    ) AS label
) AS latest ON true
WHERE seat.labels > 0 OR put_off.number > 0
    OR EXISTS (SELECT FROM reviews_round_reviewers WHERE round_id = %(round)s AND user_id = here.id)
ORDER BY 3 DESC, person.name, person.id
"""
# Fails are counted among settled items that are not known: how those were found says something, these do not.
# Few sets of reasons stand for many items, so their reasons are told apart at the end.
REASONS = """
WITH counted AS (
    SELECT item.reasons, count(*) AS items, count(*) FILTER (WHERE item.status = 'settled') AS done,
        count(*) FILTER (WHERE item.status = 'contested') AS contested,
        count(*) FILTER (WHERE item.status = 'settled' AND NOT item.is_known) AS judged,
        count(*) FILTER (WHERE item.status = 'settled' AND NOT item.is_known
            AND (decision.outcome = 'fail' OR decision.id IS NULL AND failed.item_id IS NOT NULL)) AS fails
    FROM reviews_reviewitem AS item
    LEFT JOIN reviews_decision AS decision ON decision.item_id = item.id
    LEFT JOIN (
        SELECT DISTINCT label.item_id FROM reviews_label AS label
        JOIN reviews_reviewitem AS item ON item.id = label.item_id
        WHERE item.round_id = %(round)s AND item.status = 'settled' AND label.outcome = 'fail'
    ) AS failed ON failed.item_id = item.id
    WHERE item.round_id = %(round)s GROUP BY item.reasons
)
SELECT reason, sum(items)::bigint, sum(done)::bigint, sum(contested)::bigint, sum(judged)::bigint, sum(fails)::bigint
FROM counted CROSS JOIN unnest(reasons) AS reason GROUP BY reason
"""
LEFT = """
SELECT coalesce(sum(labels_wanted - label_count), 0) FROM reviews_reviewitem
WHERE round_id = %(round)s AND status IN ('waiting', 'in_review')
"""
# A label is never changed before it was given: the index by the time of the last change finds all of that time.
RATE = """
SELECT count(*) FILTER (WHERE label.created_at > now() - interval '1 hour'), count(*)
FROM reviews_label AS label JOIN reviews_reviewitem AS item ON item.id = label.item_id
WHERE item.round_id = %(round)s AND NOT label.is_imported
    AND label.reviewer_id IN (SELECT reviewer_id FROM reviews_seat WHERE round_id = %(round)s)
    AND label.changed_at > now() - interval '24 hours' AND label.created_at > now() - interval '24 hours'
"""


@dataclass(frozen=True)
class PersonFigures:
    """One person in a round. ``seconds``: the median time of their latest labels; None where no time is known."""

    key: int
    name: str
    labels: int
    fails: int
    deferred: int
    seconds: float | None
    last: datetime | None

    @property
    def an_hour(self) -> int | None:
        return an_hour(self.seconds)

    @property
    def fail_share(self) -> float | None:
        return self.fails / self.labels if self.labels else None


@dataclass(frozen=True)
class ReasonFigures:
    """One reason: ``fails`` of ``judged`` are its settled items that are not known ones."""

    reason: Reason
    items: int
    done: int
    contested: int
    judged: int
    fails: int

    @property
    def reasons(self) -> list[Reason]:
        """The reason as an item has it: in a list."""
        return [self.reason]


@dataclass(frozen=True)
class RoundFigures:
    """All of it. ``timed``: on how many labels ``seconds``, their median time, rests. Times left are in seconds."""

    people: Sequence[PersonFigures]
    reasons: Sequence[ReasonFigures]
    left: int
    last_hour: int
    last_day: int
    seconds: float | None
    timed: int
    timed_people: int

    @property
    def work_left(self) -> float | None:
        """Seconds of one person's work."""
        return None if self.seconds is None else self.left * self.seconds

    @property
    def time_left(self) -> float | None:
        """Seconds from now at the rate of the last hour, or else of the last 24; None when nobody works."""
        if self.last_hour:
            return self.left / self.last_hour * 3600
        return self.left / self.last_day * 86400 if self.last_day else None


def an_hour(seconds: float | None) -> int | None:
    """Labels that fit into an hour at so many seconds each; None when no time is known."""
    return round(3600 / seconds) if seconds else None


def figures_of(shown: Round) -> RoundFigures:
    rows = asked(PEOPLE, shown)
    times = [seconds for row in rows for seconds in row[5] or ()]
    ((left,),) = asked(LEFT, shown)
    ((last_hour, last_day),) = asked(RATE, shown)
    reasons = {row[0]: row[1:] for row in asked(REASONS, shown)}
    return RoundFigures(
        people=[person_figures(row) for row in rows],
        reasons=[ReasonFigures(reason, *reasons[reason]) for reason in Reason if reason in reasons],
        left=left,
        last_hour=last_hour,
        last_day=last_day,
        seconds=median(times) if times else None,
        timed=len(times),
        timed_people=sum(bool(row[5]) for row in rows),
    )


def asked(statement: str, shown: Round) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"round": shown.pk, "latest": LATEST})
        return cursor.fetchall()


def person_figures(row: tuple[Any, ...]) -> PersonFigures:
    key, name, labels, fails, deferred, seconds, last = row
    return PersonFigures(key, name, labels, fails, deferred, median(seconds) if seconds else None, last)
