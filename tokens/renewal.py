"""Renewing what a person allowed before: a new consent to the same, by the rules of the first one.

What can be renewed is one consent with all that lives of it. Nothing wider is asked for, and what is above today's
ceiling is not asked for at all.
"""

from django.db import transaction
from django.utils import timezone

from agents.models import Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from delegations import actions as delegation_actions
from delegations.actions import Agreement
from delegations.errors import AlreadyDecided
from delegations.models import Consent, Delegation
from kit import opaque
from kit.oauth import IDENTITY_SCOPES
from tenants import directory
from tenants.models import Membership
from tokens.asking import Asked, Target
from tokens.models import AuthorizationRequest


def live(member: Membership, delegation_id: str) -> list[Delegation]:
    """Return what lives of a person's consent, if this delegation is part of it and lives; otherwise nothing."""
    mine = Delegation.objects.live(timezone.now()).filter(member=member, origin=Delegation.Origin.CONSENT, parent=None)
    one = mine.filter(pk=delegation_id).first()
    if one is None or one.consent_id is None:
        return []
    same = mine.filter(consent=one.consent_id).select_related("resource_server", "consent", "client")
    return list(same.order_by("audience"))


def asked(delegations: list[Delegation], client: Client) -> Asked | None:
    """Return the request for the same again, under today's ceilings; None where nothing of it may be had."""
    targets = tuple(target for each in delegations if (target := _target(each, client)).scopes)
    if not targets:
        return None
    consent = _consent(delegations)
    return Asked(
        client=client,
        redirect_uri="",
        targets=targets,
        identity=frozenset(consent.identity) & IDENTITY_SCOPES,
        state="",
        nonce="",
        code_challenge="",
        prompts=frozenset(),
        max_age=None,
        form={"renews": tuple(each.pk for each in delegations)},
    )


def held(handle: str, *, member: Membership) -> AuthorizationRequest | None:
    """Return the request for renewal that this person was shown under this handle, decided or not."""
    mine = AuthorizationRequest.objects.select_related("client__agent").filter(member=member)
    found = mine.filter(handle=opaque.digest(handle)).first() if handle else None
    return found if found is not None and "renews" in found.parameters else None


@transaction.atomic
def renew(request: AuthorizationRequest, agreement: Agreement, *, by: Principal) -> None:
    """Turn a decision into a consent that extends what lives. Raises AlreadyDecided."""
    _decide(request)
    consent, _ = delegation_actions.approve(agreement, by=by)
    AuthorizationRequest.objects.filter(pk=request.pk).update(consent=consent)


@transaction.atomic
def leave(request: AuthorizationRequest, *, by: Principal) -> None:
    """Write down that the person did not renew: what lives ends when it said. Raises AlreadyDecided."""
    _decide(request)
    record(Event.DELEGATION_REFUSED, by=by, about=request.client, on_behalf_of=request.member_id, reason="not renewed")


def _target(delegation: Delegation, client: Client) -> Target:
    server, held = delegation.resource_server, delegation.scope_set
    if server is None:
        return Target(delegation.audience, held)
    protected = directory.resource_server(delegation.audience)
    known = held & protected.scopes.keys() if protected is not None else frozenset()
    allowed = client.agent.under_ceiling(delegation.audience, known) if client.agent is not None else known
    return Target(delegation.audience, allowed, server)


def _consent(delegations: list[Delegation]) -> Consent:
    consent = delegations[0].consent
    assert consent is not None
    return consent


def _decide(request: AuthorizationRequest) -> None:
    mine = AuthorizationRequest.objects.filter(pk=request.pk, decided_at=None)
    if not mine.update(decided_at=timezone.now()):
        raise AlreadyDecided(request.pk)
