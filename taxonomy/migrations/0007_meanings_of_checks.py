"""The checks that are there mean what new ones mean by default. A sweep brings the verdicts of their runs in line."""

from django.db import migrations

from taxonomy.meanings.defaults import codes_of


def mean(apps, schema_editor):
    # Types were neither merged nor given meanings before this, so the code of an active type is all there is to ask.
    types = {}
    for key, project, code in apps.get_model('taxonomy', 'ErrorType').objects.filter(
        retired_at=None
    ).values_list('pk', 'project_id', 'code'):
        types[project, code] = key
    CheckMeaning = apps.get_model('taxonomy', 'CheckMeaning')
    checks = apps.get_model('checks', 'Check').objects.filter(retired_at=None)
    rows = []
    for key, project, kind, name, parameters in checks.values_list(
        'pk', 'eval_set__project_id', 'kind', 'name', 'parameters'
    ):
        for cause, code in codes_of(kind, name, parameters).items():
            if (project, code) in types:
                rows.append(CheckMeaning(by_id=key, cause=cause, error_type_id=types[project, code]))
    CheckMeaning.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ('checks', '0002_complete_scoring'),
        ('taxonomy', '0006_finding_notes'),
    ]

    operations = [
        migrations.RunPython(mean, migrations.RunPython.noop),
    ]
