"""All verdicts so far are people's; the tree as it is becomes version 1 of each project's taxonomy."""

from django.db import migrations

FINDINGS = "UPDATE taxonomy_finding SET source = 'people'"
SETS = """
INSERT INTO taxonomy_findingset (people, checks)
SELECT DISTINCT ARRAY(SELECT error_type_id FROM taxonomy_finding WHERE verdict_id = verdict.id ORDER BY 1), '{}'::bigint[]
FROM taxonomy_verdict AS verdict
"""
VERDICTS = """
UPDATE taxonomy_verdict AS verdict
SET source = 'people', example_id = output.example_id, repeat = output.repeat, found_id = (
    SELECT id FROM taxonomy_findingset WHERE checks = '{}' AND people = ARRAY(
        SELECT error_type_id FROM taxonomy_finding WHERE verdict_id = verdict.id ORDER BY 1))
FROM runs_output AS output WHERE output.id = verdict.output_id
"""
VERSIONS = """
INSERT INTO taxonomy_taxonomyversion (project_id, number, tree, change, why, made_at)
SELECT project_id, 1, jsonb_agg(jsonb_build_object(
    'id', id, 'parent', parent_id, 'code', code, 'name', name, 'definition', definition, 'not_this_if', not_this_if,
    'severity', severity, 'owner', owner_id, 'position', position, 'is_retired', retired_at IS NOT NULL,
    'merged_into', merged_into_id) ORDER BY position, id), 'The taxonomy as it was when versions began.', '', now()
FROM taxonomy_errortype GROUP BY project_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('taxonomy', '0003_living_taxonomy'),
    ]

    operations = [
        migrations.RunSQL([FINDINGS, SETS, VERDICTS, VERSIONS], migrations.RunSQL.noop),
    ]
