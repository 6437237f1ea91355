"""Tenants that an earlier release opened get the API's scopes that this one knows in addition (`0007_api_scopes`)."""

import importlib

from django.db import migrations

complete = importlib.import_module("tokens.migrations.0007_api_scopes").complete


class Migration(migrations.Migration):
    dependencies = [("tokens", "0012_scope_of_sharing")]

    operations = [migrations.RunPython(complete, migrations.RunPython.noop)]
