"""What each database role may do, and that none of those who run can rewrite what happened."""

import os

import psycopg
import pytest
from django.db import ProgrammingError, connections

from kit import context
from tenants.scoping import scoped_models

pytestmark = pytest.mark.postgresql
TABLES = sorted(model._meta.db_table for model in scoped_models())


@pytest.mark.parametrize("alias", ["default", "operator"])
def test_nobody_who_runs_is_superuser_owner_or_above_row_level_security(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False, False)
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relname = ANY(%s) AND pg_has_role(relowner, 'MEMBER')", [TABLES]
        )
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT has_schema_privilege('public', 'CREATE')")
        assert cursor.fetchone() == (False,)


@pytest.mark.parametrize("alias", ["default", "operator"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET reason = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_seal SET digest = 'x'",
        "DELETE FROM audit_seal",
        "TRUNCATE audit_seal",
        "ALTER TABLE audit_entry DISABLE ROW LEVEL SECURITY",
        "DELETE FROM django_migrations",
        "CREATE TABLE mine (id int)",
    ],
)
def test_nobody_who_runs_can_rewrite_the_ledger(world, alias, statement):
    with context.use(world.tenant), connections[alias].cursor() as cursor, pytest.raises(ProgrammingError) as refused:
        cursor.execute(statement)
    assert refused.value.__cause__.sqlstate == "42501"


def test_the_operator_sees_every_tenant(world, elsewhere):
    with connections["operator"].cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM tenants_membership")
        seen = {tenant for (tenant,) in cursor.fetchall()}
    assert {world.tenant.pk, elsewhere.tenant.pk} <= seen


def test_the_owner_of_the_tables_sees_no_row_either(world):
    with psycopg.connect(os.environ["REMIT_DATABASE_OWNER_URL"]) as owner:
        for table in TABLES:
            assert owner.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (0,)
