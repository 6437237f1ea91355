"""Looking clients up, kept in process for a few seconds (see `tenants.directory`)."""

from django.conf import settings

from agents.models import Client
from kit import context
from kit.caching import TtlCache

_clients: TtlCache[tuple[str, str], Client] = TtlCache(ttl=settings.CACHE_SECONDS)


def client(client_id: str) -> Client | None:
    """Return a client of the current tenant, in whatever status, with its agent and resource server."""
    return _clients.get((context.require_id(), client_id), lambda: _load(client_id))


def client_now(client_id: str) -> Client | None:
    """Return the same as the database knows it at this moment; what was kept of it is dropped."""
    forget(client_id)
    return _load(client_id)


def forget(client_id: str) -> None:
    """Drop what this process keeps of one client of the current tenant."""
    _clients.forget((context.require_id(), client_id))


def forget_all() -> None:
    """Drop what this process keeps."""
    _clients.clear()


def _load(client_id: str) -> Client | None:
    return Client.objects.select_related("agent", "resource_server").filter(client_id=client_id).first()
