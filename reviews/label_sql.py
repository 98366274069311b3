"""The statements by which labels are given and what follows from them is kept. All are for an item whose row is locked,
by ``LOCKED``."""

from __future__ import annotations

from reviews.models import ReviewItem, Round
from reviews.rows import Columns

# What decides about a label, read after the item's row was locked: a row for each label, one without where there is
# none. The claim tells when the person first saw the item, and whether they hold it still.
STANDING = """
SELECT label.id, label.reviewer_id, label.changed_at, label.outcome,
    ARRAY(SELECT errortype_id FROM reviews_label_error_types WHERE label_id = label.id),
    EXISTS (SELECT FROM reviews_decision WHERE item_id = item.id),
    extract(epoch FROM now() - claim.began_at)::float8, claim.until > now(),
    (SELECT count(*) FROM reviews_claim WHERE item_id = item.id AND until > now() AND reviewer_id <> %(me)s)
FROM reviews_reviewitem AS item
LEFT JOIN reviews_label AS label ON label.item_id = item.id
LEFT JOIN reviews_claim AS claim ON claim.item_id = item.id AND claim.reviewer_id = %(me)s
WHERE item.id = %(item)s ORDER BY label.id
"""
# Everything that a label changes but the verdict. Claim, draft and deferral end with it.
WRITE = """
WITH label AS (
    INSERT INTO reviews_label (item_id, reviewer_id, outcome, severity, fault, failing_step, note, taxonomy_version,
        seconds, is_imported, created_at, changed_at)
    VALUES (%(item)s, %(me)s, %(outcome)s, %(severity)s, %(fault)s, %(failing_step)s, %(note)s,
        coalesce(%(version)s::int, (SELECT max(number) FROM taxonomy_taxonomyversion WHERE project_id = %(project)s)),
        %(seconds)s, %(imported)s, %(at)s, %(at)s)
    ON CONFLICT (item_id, reviewer_id) DO UPDATE SET outcome = excluded.outcome, severity = excluded.severity,
        fault = excluded.fault, failing_step = excluded.failing_step, note = excluded.note,
        taxonomy_version = excluded.taxonomy_version, changed_at = excluded.changed_at
    RETURNING id
), untied AS (
    DELETE FROM reviews_label_error_types WHERE label_id = %(before)s AND errortype_id <> ALL (%(types)s::bigint[])
), tied AS (
    INSERT INTO reviews_label_error_types (label_id, errortype_id)
    SELECT id, unnest(%(types)s::bigint[]) FROM label ON CONFLICT DO NOTHING
), claim AS (DELETE FROM reviews_claim WHERE item_id = %(item)s AND reviewer_id = %(me)s
), draft AS (DELETE FROM reviews_draft WHERE item_id = %(item)s AND reviewer_id = %(me)s
), deferral AS (DELETE FROM reviews_deferral WHERE item_id = %(item)s AND reviewer_id = %(me)s
), seat AS (
    INSERT INTO reviews_seat (round_id, reviewer_id, labels, position)
    SELECT %(round)s, %(me)s, 1, -1 WHERE %(before)s IS NULL
    ON CONFLICT (round_id, reviewer_id) DO UPDATE SET labels = reviews_seat.labels + 1
), event AS (
    INSERT INTO reviews_itemevent (item_id, action, actor_id, reviewer_id, said, note, at)
    VALUES (%(item)s, %(action)s, %(me)s, %(me)s, %(said)s, '', %(at)s)
), settled AS (
    UPDATE reviews_reviewitem SET status = %(status)s, label_count = %(count)s WHERE id = %(item)s
)
SELECT id FROM label
"""
COUNT_LESS = "UPDATE reviews_seat SET labels = labels - 1 WHERE round_id = %s AND reviewer_id = %s"
# One row without a label where there is none, for the decision's sake.
SAID = """
SELECT label.outcome, ARRAY(SELECT errortype_id FROM reviews_label_error_types WHERE label_id = label.id),
    EXISTS (SELECT FROM reviews_decision WHERE item_id = item.id)
FROM reviews_reviewitem AS item LEFT JOIN reviews_label AS label ON label.item_id = item.id
WHERE item.id = %s ORDER BY label.id
"""
SETTLE = "UPDATE reviews_reviewitem SET status = %s, label_count = %s WHERE id = %s"
NOTE_EVENT = """
INSERT INTO reviews_itemevent (item_id, action, actor_id, reviewer_id, said, note, at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
ITEM, ROUND = Columns(ReviewItem, "item"), Columns(Round, "round")
LOCKED = f"""
SELECT {ITEM.sql}, {ROUND.sql} FROM reviews_reviewitem AS item JOIN reviews_round AS round ON round.id = item.round_id
WHERE item.id = %(item)s FOR UPDATE OF item
"""  # noqa: S608 -- made of names of our own columns
