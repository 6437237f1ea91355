"""Where an agent runs: each sign-in that it keeps is a place of its own, and can be ended without the others.

An installation is a token family that still has a refresh token, seen from the person's side (docs/decisions/0019).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from agents.models import Agent
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from delegations.models import Delegation
from kit import uris
from tokens import receipts
from tokens.errors import InstallationOver
from tokens.models import RefreshToken
from tokens.receipts import Receipt

MAX_LABEL = RefreshToken._meta.get_field("label").max_length or 0
BY_THE_PERSON, BY_AN_ADMIN = "ended by the person", "ended by an admin"
"""Why one ends, where nobody says it: the same whichever door they came through."""
MOST = 20
"""How many of a delegation are shown; the one that was seen last comes first."""


class Place(StrEnum):
    """What is known of where it runs: only where its code was sent."""

    COMPUTER = "computer"
    SITE = "site"
    APP = "app"
    DEVICE = "device"


def place(installation: RefreshToken) -> Place:
    """Say what kind of place an installation is in."""
    host = installation.redirect_host
    if not host:
        return Place.DEVICE
    if uris.is_app_scheme(host):
        return Place.APP
    return Place.COMPUTER if uris.is_loopback(host) else Place.SITE


def of(delegations: Sequence[Delegation], *, now: datetime) -> Mapping[str, list[RefreshToken]]:
    """Return the living installations of live delegations, by the delegation's id; one statement for all of them."""
    found: dict[str, list[RefreshToken]] = {delegation.pk: [] for delegation in delegations}
    if not delegations:
        return found
    wanted = {delegation.pk for delegation in delegations}
    clients = {delegation.client_id for delegation in delegations}
    subjects = {delegation.subject for delegation in delegations}
    for family in _living(now).filter(client__in=clients, subject__in=subjects).order_by("-rotated_at", "-pk"):
        for delegation_id in wanted.intersection(family.delegations):
            found[delegation_id].append(family)
    return found


def of_one(delegation: Delegation, *, now: datetime) -> "QuerySet[RefreshToken]":
    """Return the living installations of one live delegation, to be listed a page at a time."""
    return RefreshToken.objects.filter(pk__in=[family.pk for family in of([delegation], now=now)[delegation.pk]])


def of_agent(agent: Agent, *, now: datetime) -> "QuerySet[RefreshToken]":
    """Return the living installations of all of an agent's clients, whoever they are for."""
    return _living(now).filter(client__agent=agent)


def delegation_of(installation: RefreshToken) -> Delegation | None:
    """Return what an installation hangs on: of several, the one that lives, or ended last."""
    held = Delegation.objects.filter(pk__in=installation.delegations).select_related("agent", "client")
    return held.order_by(F("ended_at").desc(nulls_first=True), "pk").first()


def find(delegation: Delegation, installation_id: str) -> RefreshToken | None:
    """Return one installation of a delegation, in whatever state."""
    of_client = RefreshToken.objects.filter(client=delegation.client_id, subject=delegation.subject)
    family = of_client.filter(pk=installation_id).exclude(digest="").first()
    return family if family is not None and delegation.pk in family.delegations else None


@transaction.atomic
def end(installation: RefreshToken, delegation: Delegation, *, by: Principal, reason: str) -> Receipt:
    """End one installation and leave the others alone; raises InstallationOver where it was ended before.

    Its refresh token is refused from the commit on, and what it bought is inactive; a refresh in flight holds the row,
    and goes before the end or not at all. The person is asked again before this agent gets a code unseen.
    """
    now = timezone.now()
    if not RefreshToken.objects.filter(pk=installation.pk, revoked=None).update(revoked=now, ended_by=by.id):
        raise InstallationOver(installation.pk)
    receipt = receipts.of_family(installation, delegation, now=now)
    record(
        Event.INSTALLATION_ENDED,
        by=by,
        about=installation,
        on_behalf_of=installation.subject,
        through=delegation.agent_id or "",
        reason=reason,
        detail=_facts(installation, receipt=receipt.as_json()),
    )
    return receipt


@transaction.atomic
def name(installation: RefreshToken, label: str, *, by: Principal) -> None:
    """Let the person call a place something, or nothing again; raises InstallationOver."""
    said = " ".join("".join(each if each.isprintable() else " " for each in label).split())[:MAX_LABEL]
    if not RefreshToken.objects.filter(pk=installation.pk, revoked=None).update(label=said):
        raise InstallationOver(installation.pk)
    installation.label = said
    record(
        Event.INSTALLATION_NAMED,
        by=by,
        about=installation,
        on_behalf_of=installation.subject,
        detail=_facts(installation),
    )


def was_ended_since(moment: datetime, *, subject: str, client_id: str, redirect_host: str) -> bool:
    """Say whether somebody ended an installation of a client there, after a moment."""
    ended = RefreshToken.objects.filter(client=client_id, subject=subject, redirect_host=redirect_host)
    return ended.filter(revoked__gt=moment).exclude(ended_by="").exists()


def _living(now: datetime) -> "QuerySet[RefreshToken]":
    idle = now - timedelta(days=settings.REFRESH_IDLE_DAYS)
    in_time = Q(expires=None) | Q(expires__gt=now)
    return RefreshToken.objects.filter(in_time, revoked=None, rotated_at__gte=idle).exclude(digest="")


def _facts(installation: RefreshToken, **further: Any) -> Mapping[str, Any]:
    return {
        "label": installation.label,
        "redirect_host": installation.redirect_host,
        "delegations": list(installation.delegations),
        **further,
    }
