"""The client with which a resource's own server asks about tokens (RFC 7662): one of each, of no agent."""

from django.db import transaction
from django.utils.translation import gettext as _

from agents.actions import change_secret, register_introspector
from agents.models import Client
from audit.principals import Principal
from tenants.directory import current
from tenants.errors import NotActive, Unusable
from tenants.models import ResourceServer


def of(server: ResourceServer) -> Client | None:
    """Return the client with which a resource's server asks, where it has one."""
    askers = Client.objects.filter(resource_server=server, agent=None, status=Client.Status.ACTIVE)
    return askers.order_by("pk").first()


@transaction.atomic
def give_secret(server: ResourceServer, *, by: Principal) -> tuple[Client, str]:
    """Return a resource's client, made where there is none, and its new secret: the one before is refused from now on.

    Raises Unusable or NotActive.
    """
    if server.identifier == current().api_identifier:
        raise Unusable(_("This is this product's own API. There is nothing to set up."))
    # Held, so that two who ask at once are given one client.
    if not ResourceServer.objects.select_for_update().filter(pk=server.pk, retired_at=None).exists():
        raise NotActive(server.pk)
    client = of(server)
    return (client, change_secret(client, by=by)) if client else register_introspector(server, by=by)
