from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0012_last_edit'),
        ('tenants', '0021_paused'),
    ]

    operations = [
        migrations.AddField(
            model_name='approval',
            name='assigned_to',
            field=models.ForeignKey(help_text='Who is to decide on it.', null=True, on_delete=models.deletion.PROTECT, related_name='+', to='tenants.membership'),
        ),
    ]
