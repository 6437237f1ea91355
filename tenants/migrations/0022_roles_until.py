from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0021_paused'),
    ]

    operations = [
        migrations.AddField(
            model_name='membership',
            name='role_until',
            field=models.DateTimeField(help_text='When the role ends: a member is left. Empty: it has no end.', null=True),
        ),
        migrations.AddIndex(
            model_name='membership',
            index=models.Index(condition=models.Q(('role_until__isnull', False)), fields=['tenant', 'role_until'], name='roles_that_end'),
        ),
    ]
