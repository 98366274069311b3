from django.db import migrations

# What was one number of the round, or followed from rows, is now beside the items: the old rows get it here.
FILL = """
UPDATE reviews_reviewitem AS item SET labels_wanted = round.labels_wanted,
    label_count = (SELECT count(*) FROM reviews_label WHERE item_id = item.id)
FROM reviews_round AS round WHERE round.id = item.round_id;
UPDATE reviews_round AS round SET
    item_count = (SELECT count(*) FROM reviews_reviewitem WHERE round_id = round.id),
    labels_planned = (SELECT coalesce(sum(labels_wanted), 0) FROM reviews_reviewitem WHERE round_id = round.id);
INSERT INTO reviews_seat (round_id, reviewer_id, labels, position)
SELECT item.round_id, label.reviewer_id, count(*), -1
FROM reviews_label AS label JOIN reviews_reviewitem AS item ON item.id = label.item_id
GROUP BY item.round_id, label.reviewer_id;
INSERT INTO reviews_itemevent (item_id, action, actor_id, reviewer_id, said, note, at)
SELECT label.item_id, 'labelled', label.reviewer_id, label.reviewer_id, jsonb_build_object(
    'outcome', label.outcome, 'note', label.note, 'severity', '', 'fault', '', 'failing_step', NULL,
    'error_types', (
        SELECT coalesce(jsonb_agg(errortype_id ORDER BY errortype_id), '[]')
        FROM reviews_label_error_types WHERE label_id = label.id)
    ), '', label.changed_at
FROM reviews_label AS label;
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0003_seats_claims_and_decisions")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
