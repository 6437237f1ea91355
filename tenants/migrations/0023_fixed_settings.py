from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0022_roles_until'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='fixed',
            field=models.JSONField(default=list, help_text='Settings that whoever runs the installation fixed: no admin of the tenant changes them.'),
        ),
    ]
