"""The statements by which many items are changed. All of them are for rows that ``LOCK`` has locked before."""

from __future__ import annotations

LOCK = "SELECT id FROM reviews_reviewitem WHERE id = ANY(%s) ORDER BY id FOR UPDATE"

# How many of these people could still give a label of the item.
COULD_STILL = """(
    SELECT count(*) FROM unnest({people}) AS person(id)
    WHERE NOT EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = person.id)
)"""

# Each judges all of the items, changes those with nothing against it, and answers with (why not, number, outputs).
ASSIGN = f"""
WITH judged AS (
    SELECT item.id, CASE
        WHEN item.status NOT IN ('waiting', 'in_review') THEN 'no label is wanted any more'
        WHEN cardinality(%(people)s::int[]) > 0
            AND item.labels_wanted - item.label_count > {COULD_STILL.format(people="%(people)s::int[]")}
            THEN 'more labels are wanted than these people can still give'
        ELSE '' END AS why
    FROM reviews_reviewitem AS item WHERE item.id = ANY(%(ids)s)
), changed AS (
    UPDATE reviews_reviewitem AS item SET assigned_to = %(people)s::int[] FROM judged
    WHERE judged.id = item.id AND judged.why = ''
), freed AS (
    DELETE FROM reviews_claim USING judged
    WHERE reviews_claim.item_id = judged.id AND judged.why = '' AND cardinality(%(people)s::int[]) > 0
        AND NOT reviewer_id = ANY(%(people)s::int[])
)
SELECT why, count(*), NULL FROM judged GROUP BY why
"""  # noqa: S608 -- only constants of this module are put in
NOTE_ASSIGNED = """UPDATE reviews_round SET selection = selection || '{"assigned": true}' WHERE id = %s"""
# The statuses below are those of status.item_status where these changes are allowed: nothing of it is decided.
OPEN_STATUS = "CASE WHEN item.label_count > 0 THEN 'in_review' ELSE 'waiting' END"
# Those to whom an item is assigned and who left meanwhile can give no label. The outputs that were settled by the
# labels come back too: their verdicts wait.
ADD = f"""
WITH judged AS (
    SELECT item.id, item.output_id, item.label_count <= item.labels_wanted AS waits,
        item.status = 'settled' AND NOT item.is_known AND item.label_count <= item.labels_wanted AS was_settled, CASE
        WHEN EXISTS (SELECT FROM reviews_decision WHERE item_id = item.id) THEN 'decided'
        WHEN item.closed_at IS NOT NULL THEN 'closed'
        WHEN item.label_count + {COULD_STILL.format(people="%(people)s::int[]")} <= item.labels_wanted
            THEN 'everyone labelled it or is asked to'
        WHEN item.assigned_to <> '{{}}'
            AND item.label_count + {COULD_STILL.format(people="item.assigned_to")} <= item.labels_wanted
            THEN 'assigned to too few people for one more'
        ELSE '' END AS why
    FROM reviews_reviewitem AS item WHERE item.id = ANY(%(ids)s)
), changed AS (
    UPDATE reviews_reviewitem AS item SET labels_wanted = labels_wanted + 1,
        status = CASE WHEN judged.waits THEN {OPEN_STATUS} ELSE item.status END
    FROM judged WHERE judged.id = item.id AND judged.why = ''
)
SELECT why, count(*), array_agg(output_id) FILTER (WHERE why = '' AND was_settled) FROM judged GROUP BY why
"""  # noqa: S608 -- only constants of this module are put in
CLOSE = """
WITH judged AS (
    SELECT id, CASE WHEN status IN ('waiting', 'in_review') THEN '' ELSE 'no label is wanted any more' END AS why
    FROM reviews_reviewitem WHERE id = ANY(%(ids)s)
), changed AS (
    UPDATE reviews_reviewitem AS item SET closed_at = now(), status = 'closed' FROM judged
    WHERE judged.id = item.id AND judged.why = ''
)
SELECT why, count(*), NULL FROM judged GROUP BY why
"""
OPEN = f"""
WITH judged AS (
    SELECT id, CASE WHEN closed_at IS NULL THEN 'not closed' ELSE '' END AS why
    FROM reviews_reviewitem WHERE id = ANY(%(ids)s)
), changed AS (
    UPDATE reviews_reviewitem AS item SET closed_at = NULL,
        status = CASE WHEN item.status = 'closed' THEN {OPEN_STATUS} ELSE item.status END
    FROM judged WHERE judged.id = item.id AND judged.why = ''
)
SELECT why, count(*), NULL FROM judged GROUP BY why
"""  # noqa: S608 -- only constants of this module are put in

MAY_BE_RETURNED = """
SELECT item.id, CASE
    WHEN NOT EXISTS (
        SELECT FROM reviews_label
        WHERE item_id = item.id AND (%(person)s::int IS NULL OR reviewer_id = %(person)s::int)
    ) THEN CASE WHEN %(person)s::int IS NULL THEN 'no label to return' ELSE 'no label of this person' END
    WHEN EXISTS (SELECT FROM reviews_decision WHERE item_id = item.id) THEN 'decided'
    WHEN item.closed_at IS NOT NULL THEN 'closed'
    ELSE '' END
FROM reviews_reviewitem AS item WHERE item.id = ANY(%(ids)s)
"""
# As Saying.as_said and labelling.take_label_away have it.
SAID = """jsonb_build_object(
    'outcome', label.outcome, 'severity', label.severity, 'fault', label.fault, 'failing_step', label.failing_step,
    'note', label.note, 'error_types', (
        SELECT coalesce(jsonb_agg(errortype_id ORDER BY errortype_id), '[]') FROM reviews_label_error_types
        WHERE label_id = label.id))"""
LABELS = """reviews_label AS label
    WHERE label.item_id = ANY(%(ids)s) AND (%(person)s::int IS NULL OR label.reviewer_id = %(person)s::int)"""
DRAFTS = f"""
INSERT INTO reviews_draft (item_id, reviewer_id, said, saved_at)
SELECT label.item_id, label.reviewer_id, {SAID}, now() FROM {LABELS}
ON CONFLICT (item_id, reviewer_id) DO UPDATE SET said = excluded.said, saved_at = excluded.saved_at
"""  # noqa: S608 -- only constants of this module are put in
EVENTS = f"""
INSERT INTO reviews_itemevent (item_id, action, actor_id, reviewer_id, said, note, at)
SELECT label.item_id, 'returned', %(actor)s, label.reviewer_id, {SAID}, %(note)s, now() FROM {LABELS} ORDER BY label.id
"""  # noqa: S608 -- only constants of this module are put in
# The seats in the order of their keys, as everything that takes more than one.
LOCK_SEATS = "SELECT FROM reviews_seat WHERE round_id = %(round)s ORDER BY id FOR UPDATE"
COUNT = f"""
UPDATE reviews_seat AS seat SET labels = seat.labels - given.number
FROM (SELECT label.reviewer_id, count(*) AS number FROM {LABELS} GROUP BY label.reviewer_id) AS given
WHERE seat.round_id = %(round)s AND seat.reviewer_id = given.reviewer_id
"""  # noqa: S608 -- only constants of this module are put in
FORGET_TYPES = f"""
DELETE FROM reviews_label_error_types WHERE label_id IN (SELECT label.id FROM {LABELS})
"""  # noqa: S608 -- only constants of this module are put in
FORGET_GROUPS = f"""
DELETE FROM reviews_groupednote WHERE label_id IN (SELECT label.id FROM {LABELS})
"""  # noqa: S608 -- only constants of this module are put in
FORGET = f"DELETE FROM {LABELS}"  # noqa: S608 -- only constants of this module are put in
RETURN = (DRAFTS, EVENTS, LOCK_SEATS, COUNT, FORGET_TYPES, FORGET_GROUPS, FORGET)
# Of items that are neither closed nor decided, those with fewer labels than they want now; the others stay as they are.
REOPEN = """
WITH now AS (
    SELECT item.id, item.status = 'settled' AND NOT item.is_known AS was_settled,
        (SELECT count(*) FROM reviews_label WHERE item_id = item.id) AS labels
    FROM reviews_reviewitem AS item WHERE item.id = ANY(%(ids)s)
)
UPDATE reviews_reviewitem AS item SET label_count = now.labels,
    status = CASE WHEN now.labels > 0 THEN 'in_review' ELSE 'waiting' END
FROM now WHERE item.id = now.id AND now.labels < item.labels_wanted
RETURNING item.id, item.output_id, now.was_settled
"""
