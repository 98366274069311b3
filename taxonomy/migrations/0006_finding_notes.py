import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0005_budgets_lost_calls_and_outages'),
        ('taxonomy', '0005_strict'),
    ]

    operations = [
        migrations.CreateModel(
            name='FindingNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('meanings', models.CharField(help_text="A digest of the meanings of the eval set's active checks.", max_length=32)),
                ('finished_at', models.DateTimeField(help_text="The run's; none while outputs or scores may still come.", null=True)),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='runs.run')),
            ],
        ),
    ]
