from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0011_retired"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="last_edit",
            field=models.JSONField(
                help_text=(
                    "What an admin last changed of it: what it said before, by whom, when, and the version that it "
                    "made."
                ),
                null=True,
            ),
        ),
    ]
