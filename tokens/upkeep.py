"""What the clock does for clients that came by themselves: ends those that nobody ever used, keeps documents fresh.

Both go in bounded batches: a flood of registrations is worked off, and never in one transaction.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from agents import managing
from agents.errors import NotActive
from agents.models import Agent, Approval, Client
from agents.registration import document
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit.fetch import Unfetchable
from kit.oauth import OAuthError
from tenants.directory import current
from tenants.models import Tenant
from tokens import stops
from tokens.models import AuthorizationRequest, DeviceGrant

IDLE_BATCH = 200
DOCUMENTS_BATCH = 50
AHEAD = timedelta(minutes=10)
"""How long before a document is stale the clock looks at it."""
AGAIN = timedelta(minutes=5)
IDLE = "nobody ever used it"
_DECIDED = (Approval.Status.APPROVED, Approval.Status.DENIED)
_log = structlog.get_logger("tokens.upkeep")


def retire_idle(now: datetime) -> int:
    """End clients that came by themselves and that nobody ever let do anything; return how many."""
    return sum(_retire(client) for client in _idle(now)[:IDLE_BATCH])


def refresh_documents(now: datetime) -> int:
    """Fetch documents that will soon be stale, of clients that act for somebody now; return how many were good."""
    if current().documents == Tenant.Registration.OFF:
        return 0
    return sum(_refresh(client, now) for client in _stale(now)[:DOCUMENTS_BATCH])


def _idle(now: datetime) -> "QuerySet[Client]":
    """Clients that came by themselves and that nobody let do anything; with a document, that nobody decided on either.

    Nobody looked at such a document for a week: whoever opens a request of its client has it fetched first.
    """
    came = Client.objects.filter(
        status=Client.Status.ACTIVE, created__lt=now - timedelta(days=settings.IDLE_REGISTRATION_DAYS)
    )
    undecided = Q(
        ~Exists(Approval.unscoped.filter(agent=OuterRef("agent"), status__in=_DECIDED)),
        ~Exists(AuthorizationRequest.unscoped.filter(client=OuterRef("pk"))),
        ~Exists(DeviceGrant.unscoped.filter(client=OuterRef("pk"))),
        registration_source=Client.RegistrationSource.CIMD,
        agent__status__in=(Agent.Status.PENDING, Agent.Status.ACTIVE),
        cimd_expires_at__lt=now - document.LAST_GOOD,
    )
    used = Delegation.unscoped.filter(client=OuterRef("pk"))
    asked = AuthorizationRequest.unscoped.filter(client=OuterRef("pk"), expires__gt=now)
    by_itself = Q(registration_source=Client.RegistrationSource.DCR) | undecided
    found = came.filter(by_itself, ~Exists(used), ~Exists(asked))
    return found.select_related("agent").order_by("created", "pk")


def _retire(client: Client) -> bool:
    if client.is_document:
        return managing.forget_arrival(client, by=SYSTEM, reason=IDLE)
    try:
        stops.unregister(client, by=SYSTEM, reason=IDLE)
    except NotActive:
        return False
    return True


def _stale(now: datetime) -> "QuerySet[Client]":
    acting = Delegation.unscoped.filter(
        Q(expires_at=None) | Q(expires_at__gt=now), client=OuterRef("pk"), ended_at=None
    )
    due = Client.objects.filter(
        registration_source=Client.RegistrationSource.CIMD,
        status=Client.Status.ACTIVE,
        cimd_expires_at__lte=now + AHEAD,
    )
    # Those that were tried longest ago come first: documents that fail do not stand in the way of others.
    return due.filter(_untried(now), Exists(acting)).order_by("document_tried_at", "cimd_expires_at", "pk")


def _untried(now: datetime) -> Q:
    return Q(document_tried_at=None) | Q(document_tried_at__lte=now - AGAIN)


def _refresh(client: Client, now: datetime) -> bool:
    if not Client.objects.filter(_untried(now), pk=client.pk).update(document_tried_at=now):
        return False
    try:
        document.renew(client.client_id, now)
    except (Unfetchable, OAuthError) as error:
        _log.info("no document", client=client.client_id[:200], reason=str(error))
        return False
    return True
