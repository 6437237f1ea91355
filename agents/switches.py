"""The switches of one client that only an admin turns: both weaken something, are off, audited and shown."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from agents import directory
from agents.clients import held_client
from agents.errors import Unusable
from agents.models import Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal


@transaction.atomic
def set_exchange_actor(
    client: Client, actor: Client.ExchangeActor, *, by: Principal, version: int | None = None
) -> Client:
    """Say who is the actor of what a client exchanges. `none` is impersonation: an admin's decision, and shown.

    Whoever says what is so already changes nothing. Raises Unusable, NotActive or Stale.
    """
    held = held_client(client, version)
    if held.is_public:
        raise Unusable(_("A client that proves nothing of itself exchanges nothing."))
    return _turn(held, Event.CLIENT_ACTOR_CHANGED, by, exchange_actor=str(actor))


@transaction.atomic
def accept_endpoint_audience(client: Client, *, by: Principal, accept: bool, version: int | None = None) -> Client:
    """Switch one client's compatibility: assertions may name the token endpoint and live for an hour.

    Whoever says what is so already changes nothing. Raises Unusable, NotActive or Stale.
    """
    held = held_client(client, version)
    if accept and not (held.jwks or held.jwks_uri):
        raise Unusable(_("This client has no key to sign an assertion with."))
    return _turn(held, Event.CLIENT_AUDIENCE_SWITCHED, by, accepts_endpoint_audience=accept)


def _turn(held: Client, event: Event, by: Principal, **switch: Any) -> Client:
    ((name, value),) = switch.items()
    if getattr(held, name) == value:
        return held
    Client.objects.filter(pk=held.pk).update(version=F("version") + 1, **switch)
    record(event, by=by, about=held, detail={name: value})
    transaction.on_commit(directory.forget_all)
    return Client.objects.select_related("agent").get(pk=held.pk)
