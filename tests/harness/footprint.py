"""What a request leaves behind in a tenant: every row of it but the ledger's, and the events in the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audit.models import Entry
from kit import context
from tenants.scoping import TenantScoped, scoped_models
from tests.harness.world import World


def rows(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return every tenant-scoped row, by table."""
    with context.use(world.tenant):
        return {
            model._meta.db_table: list(model.objects.order_by("pk").values())
            for model in scoped_models()
            if issubclass(model, TenantScoped)
        }


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
