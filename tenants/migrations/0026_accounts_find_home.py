"""Accounts without a password were made by a tenant's provider: each belongs to the tenant of its oldest place.

Places elsewhere, which were taken by invitation, go to an account of the person's own, without password and factors:
whether the one with the factors was planted before the invitation was taken cannot be told (0042). Row-level security
is lifted for the owner inside the migration's transaction, as in `tokens.migrations.0007_api_scopes`.
"""

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.db import migrations

TABLE = "tenants_membership"


def find_home(apps, schema_editor):
    connection = schema_editor.connection
    is_forced = _is_forced(connection)
    if is_forced:
        connection.cursor().execute(f'ALTER TABLE "{TABLE}" NO FORCE ROW LEVEL SECURITY')
    _move(apps, connection.alias)
    if is_forced:
        # No table is altered while the checks of its rows are still to come.
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
        connection.cursor().execute(f'ALTER TABLE "{TABLE}" FORCE ROW LEVEL SECURITY')


def _is_forced(connection):
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = %s", [TABLE])
        return bool((cursor.fetchone() or (False,))[0])


def _move(apps, alias):
    users = apps.get_model("tenants", "User").objects.using(alias)
    memberships = apps.get_model("tenants", "Membership").unscoped.using(alias)
    without = users.filter(home=None, password__startswith=UNUSABLE_PASSWORD_PREFIX).order_by("pk")
    for user in list(without):
        places = list(memberships.filter(user_id=user.pk).order_by("created_at", "pk"))
        if not places:
            continue
        users.filter(pk=user.pk).update(home_id=places[0].tenant_id)
        if others := [each.pk for each in places[1:]]:
            said = {name: getattr(user, name) for name in ("email", "name", "is_active", "language", "browser_language")}
            own = users.create(password=make_password(None), **said)
            memberships.filter(pk__in=others).update(user_id=own.pk)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0025_accounts_at_home")]

    operations = [migrations.RunPython(find_home, migrations.RunPython.noop)]
