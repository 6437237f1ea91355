"""Agents and clients that are there get the looks of their names (`0016_looks`).

Row-level security is lifted for the owner inside the migration's transaction, as in `tokens.migrations.0007_api_scopes`.
"""

from django.db import migrations

FILLED = ("agents_agent", "agents_client")
BATCH = 1000


def fill(apps, schema_editor):
    connection = schema_editor.connection
    lifted = _forced(connection)
    for table in lifted:
        connection.cursor().execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    for model, columns in (("Agent", ["looks"]), ("Client", ["looks", "is_odd"])):
        _fill(apps.get_model("agents", model).unscoped.using(connection.alias), columns)
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


def _fill(rows, columns):
    # What this release takes for alike, and not a copy: what is asked for is what it writes.
    from kit import looks

    last = ""
    while found := list(rows.filter(pk__gt=last).only("pk", "name").order_by("pk")[:BATCH]):
        for row in found:
            row.looks, row.is_odd = looks.skeleton(row.name), looks.has_odd_letters(row.name)
        rows.bulk_update(found, columns)
        last = found[-1].pk


class Migration(migrations.Migration):
    dependencies = [("agents", "0016_looks")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
