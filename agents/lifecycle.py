"""Ending an agent and bringing it back: thirty days it is only switched off, then the clock takes its credentials.

Nothing is told to anybody: every room asks for an agent's status. Its rows stay, for whoever asks later what it did.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from agents import admission, directory, owners
from agents.errors import NotActive, Unusable
from agents.models import Agent, Client, CredentialStory, FederatedCredential
from agents.rules import LIVING, RESTORABLE, check_answered_for
from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM, Principal
from tenants.errors import Stale

BATCH = 100
OVER = "nobody restored it in thirty days"


@transaction.atomic
def retire_agent(agent: Agent, *, by: Principal, reason: str, version: int | None = None) -> None:
    """End an agent; for thirty days it may be restored. Raises Unusable, NotActive or Stale."""
    if not reason.strip():
        raise Unusable(_("Whoever ends an agent says why."))
    living = Agent.objects.filter(pk=agent.pk, status__in=LIVING)
    ended = {"status": Agent.Status.RETIRED, "retired_from": F("status"), "retired_at": timezone.now()}
    move(agent, living, version, **ended)
    admission.close(agent)
    record(Event.AGENT_RETIRED, by=by, about=agent, reason=reason)


@transaction.atomic
def restore_agent(agent: Agent, *, by: Principal, reason: str = "", version: int | None = None) -> None:
    """Bring an ended agent back as it was: active, paused or waiting. Raises NotActive, Ownerless."""
    status = _back(Agent.objects.get(pk=agent.pk))
    if status == Agent.Status.ACTIVE:
        check_answered_for(owners.answering(agent), by=by)
    ended = Agent.objects.filter(
        pk=agent.pk, status=Agent.Status.RETIRED, ended_at=None, retired_at__gt=timezone.now() - RESTORABLE
    )
    move(agent, ended, version, status=status, retired_at=None, retired_from="")
    if status == Agent.Status.PENDING:
        admission.ask_about(Agent.objects.get(pk=agent.pk), agent.clients.order_by("pk").first())
    record(Event.AGENT_RESTORED, by=by, about=agent, reason=reason, detail={"status": status})


def move(agent: Agent, found: "QuerySet[Agent]", version: int | None, **fields: object) -> None:
    """Change an agent if it is among those found, and as its caller read it; raises NotActive or Stale."""
    if version is not None and Agent.objects.filter(pk=agent.pk).exclude(version=version).exists():
        raise Stale(agent)
    if version is not None:
        found = found.filter(version=version)
    if not found.update(version=F("version") + 1, **fields):
        raise NotActive(agent.pk)
    transaction.on_commit(directory.forget_all)


def over_due(now: datetime) -> "QuerySet[Agent]":
    """Return ended agents whose thirty days are over."""
    ended = Agent.objects.filter(status=Agent.Status.RETIRED, ended_at=None, retired_at__lte=now - RESTORABLE)
    return ended.order_by("retired_at", "pk")


@transaction.atomic
def end_for_good(agent: Agent, *, now: datetime) -> bool:
    """Take an ended agent's credentials, once; its rows stay. Say whether this call did."""
    admission.hold_agent(agent.pk)
    if not over_due(now).filter(pk=agent.pk).order_by().update(ended_at=now, version=F("version") + 1):
        return False
    FederatedCredential.objects.filter(client__agent=agent).delete()
    CredentialStory.objects.filter(client__agent=agent).delete()
    Client.objects.filter(agent=agent).update(
        status=Client.Status.DISABLED,
        client_secret="",
        further_secrets=[],
        registration_digest="",
        jwks={},
        jwks_uri="",
        jwks_fetched_at=None,
        version=F("version") + 1,
    )
    record(Event.AGENT_ENDED_FOR_GOOD, by=SYSTEM, about=agent, reason=OVER)
    transaction.on_commit(directory.forget_all)
    return True


def _back(agent: Agent) -> Agent.Status:
    if agent.retired_from == Agent.Status.PENDING or admission.goes_on(agent) == Agent.Status.PENDING:
        return Agent.Status.PENDING
    return Agent.Status.SUSPENDED if agent.retired_from == Agent.Status.SUSPENDED else Agent.Status.ACTIVE
