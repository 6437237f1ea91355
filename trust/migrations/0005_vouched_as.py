"""What was there keeps its word: every row that exists is an admin's, and one that says nothing from now on is nobody's."""

from django.db import migrations, models

OF_ISSUERS = "The role whose holder answers for whose word this is: it stands for nobody who may do more."
OF_LINKS = "The role of whoever made it, or of whom the issuer's word is: it is no link to who may do more."


def _said(words: str, **there: str) -> "models.CharField[str, str]":
    return models.CharField(max_length=16, blank=True, help_text=words, default="", **there)


class Migration(migrations.Migration):
    dependencies = [("trust", "0004_removed")]

    operations = [
        migrations.AddField("trustedissuer", "vouched_as", _said(OF_ISSUERS, db_default="admin")),
        migrations.AddField("subjectlink", "vouched_as", _said(OF_LINKS, db_default="admin")),
        migrations.AlterField("trustedissuer", "vouched_as", _said(OF_ISSUERS, db_default="")),
        migrations.AlterField("subjectlink", "vouched_as", _said(OF_LINKS, db_default="")),
    ]
