"""The API of each tenant has the scopes that this release knows: a tenant got those of the release that opened it.

The owner of the tables is under row-level security like everybody else (FORCE). It is lifted for the two tables that
are filled, inside the migration's transaction, and put back as it was found.
"""

from django.db import migrations

FILLED = ("tenants_resourceserver", "tenants_scope")


def complete(apps, schema_editor):
    connection = schema_editor.connection
    lifted = _forced(connection)
    for table in lifted:
        connection.cursor().execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    _add_missing(apps, connection.alias)
    if lifted:
        # No table is altered while the checks of its rows are still to come.
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in lifted:
        connection.cursor().execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def _forced(connection):
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relforcerowsecurity AND relname = ANY(%s)", [list(FILLED)])
        return [name for (name,) in cursor.fetchall()]


def _add_missing(apps, alias):
    # What this release knows, and not a copy: a scope that comes later in it needs no migration of its own.
    from tokens.opening import API_SCOPES

    scopes = apps.get_model("tenants", "Scope").unscoped.using(alias)
    servers = apps.get_model("tenants", "ResourceServer").unscoped.using(alias)
    for tenant in apps.get_model("tenants", "Tenant").objects.using(alias).order_by("pk"):
        # The origin may have been another one when the tenant was opened; what follows it may not.
        for server in servers.filter(tenant_id=tenant.pk, identifier__endswith=f"/t/{tenant.slug}/api/v1"):
            known = dict(scopes.filter(resource_server_id=server.pk).values_list("name", "position"))
            last = max(known.values(), default=-1)
            missing = [words for words in API_SCOPES if words.name not in known]
            for position, words in enumerate(missing, start=last + 1):
                scopes.create(
                    tenant_id=tenant.pk,
                    resource_server_id=server.pk,
                    name=words.name,
                    title=words.title,
                    description=words.description,
                    is_writing=words.is_writing,
                    is_default=words.is_default,
                    is_needed=words.is_needed,
                    position=position,
                )


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0006_keys"),
        ("tenants", "0009_owners"),
    ]

    operations = [migrations.RunPython(complete, migrations.RunPython.noop)]
