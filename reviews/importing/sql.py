"""Statements by which labels from a file are stored and taken out again. See ``importing.labels``."""

# In an order that looks like chance and is the same whenever it is done again.
ADD_ITEMS = """
INSERT INTO reviews_reviewitem (
    round_id, output_id, reasons, inclusion_probability, "order", status, labels_wanted, label_count, assigned_to,
    is_known
)
SELECT %s, output, '{added}', 1, ('x' || left(md5(output::text), 13))::bit(52)::bigint / 2.0 ^ 52, 'waiting', 1, 0,
    '{}', false
FROM unnest(%s::bigint[]) AS output ORDER BY output
ON CONFLICT (round_id, output_id) DO NOTHING
"""
# In the order of their keys, as everything that takes more than one.
LOCK_ITEMS = "SELECT FROM reviews_reviewitem WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
# With the taxonomy's newest version, as labels given at the desk; error types made for these rows are in it.
ADD_LABELS = """
INSERT INTO reviews_label (
    item_id, reviewer_id, outcome, severity, fault, failing_step, note, taxonomy_version, is_imported, created_at,
    changed_at
)
SELECT item, person, outcome, severity, fault, step, note,
    (SELECT max(number) FROM taxonomy_taxonomyversion WHERE project_id = %s), true, now(), now()
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[], %s::text[])
    AS said (item, person, outcome, severity, fault, step, note)
ON CONFLICT (item_id, reviewer_id) DO NOTHING
RETURNING id, item_id, reviewer_id
"""
ADD_TYPES = """
INSERT INTO reviews_label_error_types (label_id, errortype_id)
SELECT label, error_type FROM unnest(%s::bigint[], %s::bigint[]) AS tie (label, error_type)
"""
# What Saying.as_said gives.
ADD_EVENTS = """
INSERT INTO reviews_itemevent (item_id, action, actor_id, reviewer_id, said, note, at)
SELECT item_id, 'labelled', %s, reviewer_id, jsonb_build_object(
    'outcome', outcome,
    'error_types', coalesce((
        SELECT jsonb_agg(errortype_id ORDER BY errortype_id) FROM reviews_label_error_types WHERE label_id = label.id
    ), '[]'),
    'severity', severity, 'fault', fault, 'failing_step', failing_step, 'note', note
), %s, now()
FROM reviews_label AS label WHERE id = ANY(%s) ORDER BY id
"""
END_WORK = tuple(
    f"DELETE FROM {table} AS work USING reviews_label AS label "  # noqa: S608 -- only constants are put in
    "WHERE label.id = ANY(%s) AND work.item_id = label.item_id AND work.reviewer_id = label.reviewer_id"
    for table in ("reviews_claim", "reviews_draft", "reviews_deferral")
)
ADD_SEATS = """
INSERT INTO reviews_seat (round_id, reviewer_id, labels, position)
SELECT %s, person, 0, -1 FROM unnest(%s::bigint[]) AS person ORDER BY person
ON CONFLICT (round_id, reviewer_id) DO NOTHING
"""
LOCK_SEATS = "SELECT FROM reviews_seat WHERE round_id = %s ORDER BY id FOR UPDATE"
COUNT_SEATS = """
UPDATE reviews_seat AS seat SET labels = seat.labels + given.number
FROM (SELECT %s::bigint AS round) AS here, unnest(%s::bigint[], %s::int[]) AS given (person, number)
WHERE seat.round_id = here.round AND seat.reviewer_id = given.person
"""
# As many labels as there are; and the chance of being in the file, as if its outputs had been drawn at random.
WANT_WHAT_IS_THERE = """
WITH said AS (
    SELECT item.id, output.run_id, count(*) AS labels
    FROM reviews_reviewitem AS item
    JOIN runs_output AS output ON output.id = item.output_id
    JOIN reviews_label AS label ON label.item_id = item.id
    WHERE item.round_id = %(round)s GROUP BY item.id, output.run_id
), shares AS (
    SELECT run_id, count(*)::float8 / (SELECT count(*) FROM runs_output WHERE run_id = said.run_id) AS share
    FROM said GROUP BY run_id
)
UPDATE reviews_reviewitem AS item SET labels_wanted = said.labels, inclusion_probability = shares.share
FROM said JOIN shares USING (run_id) WHERE item.id = said.id
"""
MOST_LABELS = """
SELECT max(labels_wanted), round(100.0 * count(*) FILTER (WHERE labels_wanted > 1) / greatest(count(*), 1))::int
FROM reviews_reviewitem WHERE round_id = %s
"""
# Those that the upload's events name, and the events themselves.
ERASE_LABELS = """
WITH named AS (
    SELECT event.id, event.item_id, event.reviewer_id
    FROM reviews_itemevent AS event JOIN reviews_reviewitem AS item ON item.id = event.item_id
    WHERE item.round_id = %(round)s AND event.action = 'labelled' AND event.note = %(note)s
    ORDER BY event.id LIMIT %(most)s
), gone AS (
    DELETE FROM reviews_label AS label USING named
    WHERE label.item_id = named.item_id AND label.reviewer_id = named.reviewer_id AND label.is_imported
    RETURNING label.id, label.item_id, label.reviewer_id
), forgotten AS (
    DELETE FROM reviews_itemevent WHERE id IN (SELECT id FROM named)
), untied AS (
    DELETE FROM reviews_label_error_types WHERE label_id IN (SELECT id FROM gone)
), ungrouped AS (
    DELETE FROM reviews_groupednote WHERE label_id IN (SELECT id FROM gone)
), counted AS (
    UPDATE reviews_seat AS seat SET labels = seat.labels - given.number
    FROM (SELECT reviewer_id, count(*) AS number FROM gone GROUP BY reviewer_id) AS given
    WHERE seat.round_id = %(round)s AND seat.reviewer_id = given.reviewer_id
)
SELECT DISTINCT item_id FROM named
"""
ERASE_ROUND = (
    "DELETE FROM reviews_seat WHERE round_id = %s",
    "DELETE FROM reviews_reviewitem WHERE round_id = %s",
)
