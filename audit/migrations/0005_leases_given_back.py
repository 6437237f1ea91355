from django.db import migrations


class Migration(migrations.Migration):
    """From here on a lease that is given back has no holder: those that were given back before had one."""

    dependencies = [
        ('audit', '0004_refused'),
    ]

    operations = [
        migrations.RunSQL("UPDATE audit_lease SET holder = ''", migrations.RunSQL.noop),
    ]
