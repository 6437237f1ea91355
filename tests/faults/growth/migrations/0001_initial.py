from django.db import migrations

_TABLES = ("audit_entry", "tokens_accesstoken", "tokens_refreshtoken", "delegations_delegation")


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD COLUMN growth text NOT NULL DEFAULT ''", f"ALTER TABLE {table} DROP COLUMN growth"
        )
        for table in _TABLES
    ]
