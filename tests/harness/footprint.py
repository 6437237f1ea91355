"""What a request leaves behind in a tenant: every row of it but the ledger's, and the events in the ledger."""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection, models

from audit.models import Entry
from kit import context
from tenants.scoping import TenantScoped, scoped_models
from tests.harness.world import World


def rows(world: World) -> list[tuple[str, str, str]]:
    """Return every tenant-scoped row with all its columns as the database writes them: its table, its key, its text."""
    statement, tables = _statement(connection.vendor)
    with context.use(world.tenant), connection.cursor() as cursor:
        cursor.execute(statement, [world.tenant.pk] * tables)
        return sorted(cursor.fetchall())


@functools.cache
def _statement(vendor: str) -> tuple[str, int]:
    """Return one statement over all tables, and how many there are: a question per table costs a hundred times more."""
    found = kept()
    each = 'SELECT \'{0}\', CAST(t."{1}" AS text), {2} FROM "{0}" AS t WHERE t.tenant_id = %s'
    selects = [each.format(table, model._meta.pk.column, _text(vendor, model)) for table, model in found.items()]
    return " UNION ALL ".join(selects), len(found)


@functools.cache
def kept() -> Mapping[str, type[TenantScoped]]:
    """Return the tables whose rows are a tenant's, without the ledger's."""
    return {model._meta.db_table: model for model in scoped_models() if issubclass(model, TenantScoped)}


def _text(vendor: str, model: type[models.Model]) -> str:
    if vendor == "postgresql":
        return "t::text"
    return " || ', ' || ".join(f'quote(t."{field.column}")' for field in model._meta.concrete_fields)


def events(world: World) -> list[str]:
    """Return the names of what the ledger holds, oldest first."""
    with context.use(world.tenant):
        return list(Entry.objects.order_by("at").values_list("event", flat=True))


@contextmanager
def leaves_only(world: World, *expected: str) -> Iterator[None]:
    """Assert that the block changes no row, and that the ledger gains exactly these events."""
    before, told = rows(world), events(world)
    yield
    assert rows(world) == before
    assert events(world)[len(told) :] == list(expected)
