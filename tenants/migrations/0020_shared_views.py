from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0019_tests_of_resources'),
    ]

    operations = [
        migrations.AddField(
            model_name='savedview',
            name='shared_at',
            field=models.DateTimeField(help_text='Since when everybody of the tenant finds it; empty: nobody else does.', null=True),
        ),
    ]
