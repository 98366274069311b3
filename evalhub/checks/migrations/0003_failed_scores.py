from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("checks", "0002_complete_scoring")]

    operations = [
        migrations.AddIndex(
            model_name="score",
            index=models.Index(
                fields=["run", "by"],
                include=["output"],
                condition=models.Q(outcome="failed"),
                name="failed_by_run_and_check",
            ),
        ),
    ]
