"""Making an agent together with the client by which it comes in, by an admin's hand: both, or neither."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from agents import clients, owners
from agents.models import Client
from audit.principals import Principal
from tenants.models import Membership


@transaction.atomic
def enrol(
    name: str,
    document: Mapping[str, Any],
    *,
    by: Principal,
    owner: Membership,
    ceiling: Mapping[str, Iterable[str]] | None = None,
    purpose: str = "",
) -> tuple[Client, str]:
    """Make an agent and its client from the words of a registration (RFC 7591 §2); return the client and its secret,
    shown this once, or "". Raises Unusable.
    """
    agent = owners.create_agent(name, by=by, owner=owner, ceiling=ceiling, purpose=purpose)
    return clients.add_client(agent, document, by=by)
