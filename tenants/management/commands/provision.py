"""`manage.py provision`: make the database ready. Idempotent; run it before every start of a new version.

On PostgreSQL: makes the application's and the operator's role if the owner may, migrates as the owner, puts row-level
security on every tenant-scoped table, and grants each role what it needs and no more. On SQLite it migrates.
"""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections
from django.db.backends.utils import CursorWrapper

from audit.models import Entry, Seal
from tenants.scoping import policies, scoped_models


class Command(BaseCommand):
    help = "Migrate, and set up roles, row-level security and privileges."

    def handle(self, *args: Any, **options: Any) -> None:
        owner = settings.OWNER_ALIAS
        if not settings.IS_POSTGRESQL:
            call_command("migrate", database=owner, verbosity=0)
            return
        application = str(settings.DATABASES["default"]["USER"])
        operator = str(settings.DATABASES[settings.OPERATOR_ALIAS]["USER"])
        with connections[owner].cursor() as cursor:
            for role in (application, operator):
                _make_role(cursor, role, self._password(role))
        call_command("migrate", database=owner, verbosity=0)
        with connections[owner].cursor() as cursor:
            for statement in _statements(application, operator):
                cursor.execute(statement)
        self.stdout.write(f"provisioned: {application} and {operator} on {settings.DATABASES[owner]['NAME']}")

    def _password(self, role: str) -> str:
        mine = [config for config in settings.DATABASES.values() if config.get("USER") == role]
        return str(mine[0].get("PASSWORD", ""))


def _make_role(cursor: CursorWrapper, role: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if cursor.fetchone() is None:
        cursor.execute(f'CREATE ROLE "{role}" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE')
    if password:
        cursor.execute(f'ALTER ROLE "{role}" PASSWORD %s', [password])


def _statements(application: str, operator: str) -> list[str]:
    ledger = f'"{Entry._meta.db_table}"'
    seals = f'"{Seal._meta.db_table}"'
    statements = [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f'GRANT USAGE ON SCHEMA public TO "{application}", "{operator}"',
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{application}", "{operator}"',
        f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "{application}", "{operator}"',
        # The ledger is append-only for everybody who runs; only the operator's clock seals it.
        f'REVOKE UPDATE, DELETE, TRUNCATE ON {ledger}, {seals} FROM "{application}", "{operator}"',
        f'REVOKE INSERT ON {seals} FROM "{application}"',
        f'REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM "{application}", "{operator}"',
    ]
    for model in scoped_models():
        statements += policies(model._meta.db_table, application=application, operator=operator)
    return statements
