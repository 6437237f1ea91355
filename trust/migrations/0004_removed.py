from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trust', '0003_identity_provider'),
    ]

    operations = [
        migrations.AddField(
            model_name='trustedissuer',
            name='removed_at',
            field=models.DateTimeField(help_text='When it was removed; it is off since then.', null=True),
        ),
        migrations.AddConstraint(
            model_name='trustedissuer',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('tenant', 'issuer'), name='one_standing_trust_in_an_issuer'),
        ),
        migrations.RemoveConstraint(
            model_name='trustedissuer',
            name='one_trust_in_an_issuer',
        ),
        migrations.AddIndex(
            model_name='trustedissuer',
            index=models.Index(condition=models.Q(('removed_at__isnull', False)), fields=['tenant', '-removed_at'], name='issuer_removed'),
        ),
    ]
