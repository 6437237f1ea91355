from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delegations', '0005_put_back'),
    ]

    operations = [
        migrations.AddField(
            model_name='delegation',
            name='renewal_asked_at',
            field=models.DateTimeField(help_text='When its person was last asked to renew it.', null=True),
        ),
    ]
