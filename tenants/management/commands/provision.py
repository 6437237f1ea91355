"""`manage.py provision`: make the database ready. Idempotent; run it before every start of a new version.

On PostgreSQL: makes the application's and the operator's role if the owner may, migrates as the owner, puts row-level
security on every tenant-scoped table, and grants each role what it needs and no more. On SQLite it migrates.

Requests may be served meanwhile. A step that waits for a table's lock has every later request wait behind it, so it
waits for seconds, gives way, and comes again; and a table is never seen without its policy.
"""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper

from audit.models import DeadLetter, Entry, Inspection, Seal
from tenants.scoping import policies, scoped_models

PATIENCE = "3s"
"""For a lock: as long as requests may wait behind us."""
TRIES = 20
_GAVE_WAY = frozenset({"55P03", "40P01"})  # A lock was not to be had in time; a deadlock ended by us.


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
            cursor.execute(f"SET lock_timeout = '{PATIENCE}'")
        # Each migration is one transaction: what gave way is as if it had not begun.
        insist(partial(call_command, "migrate", database=owner, verbosity=0))
        for step in _steps(application, operator):
            insist(partial(_together, owner, step))
        self.stdout.write(f"provisioned: {application} and {operator} on {settings.DATABASES[owner]['NAME']}")

    def _password(self, role: str) -> str:
        mine = [config for config in settings.DATABASES.values() if config.get("USER") == role]
        return str(mine[0].get("PASSWORD", ""))


def insist(step: Callable[[], object]) -> None:
    """Take a step that may have to give way to requests; raises OperationalError where it never gets its turn."""
    for left in reversed(range(TRIES)):
        try:
            step()
            return
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in _GAVE_WAY or not left:
                raise
        time.sleep(random.uniform(0.2, 1))  # noqa: S311 - It keeps no secret.


def _together(owner: str, statements: Sequence[str]) -> None:
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _make_role(cursor: CursorWrapper, role: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if cursor.fetchone() is None:
        cursor.execute(f'CREATE ROLE "{role}" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE')
    if password:
        cursor.execute(f'ALTER ROLE "{role}" PASSWORD %s', [password])


def _steps(application: str, operator: str) -> list[list[str]]:
    """Return what is done together: the privileges, then each table's policies."""
    tables = [policies(model._meta.db_table, application=application, operator=operator) for model in scoped_models()]
    return [_privileges(application, operator), *tables]


def _privileges(application: str, operator: str) -> list[str]:
    ledger = f'"{Entry._meta.db_table}"'
    seals = f'"{Seal._meta.db_table}"'
    return [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f'GRANT USAGE ON SCHEMA public TO "{application}", "{operator}"',
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{application}", "{operator}"',
        f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "{application}", "{operator}"',
        # The ledger is append-only for everybody who runs; only the operator's clock seals it.
        f'REVOKE UPDATE, DELETE, TRUNCATE ON {ledger}, {seals} FROM "{application}", "{operator}"',
        f'REVOKE INSERT ON {seals} FROM "{application}"',
        # Only the clock says what of it holds.
        f'REVOKE INSERT, UPDATE, DELETE ON "{Inspection._meta.db_table}" FROM "{application}"',
        # What the clock could not do is for operators.
        f'REVOKE ALL ON "{DeadLetter._meta.db_table}" FROM "{application}"',
        f'REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM "{application}", "{operator}"',
    ]
