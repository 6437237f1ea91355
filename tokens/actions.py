"""The verbs of tokens: hold and decide authorization requests, end access, revoke."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents.models import Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from delegations import actions as delegation_actions
from delegations.actions import Agreement
from delegations.errors import AlreadyDecided, DelegationOver
from delegations.models import Delegation
from kit import jose, opaque
from tenants import clock
from tenants.directory import current
from tenants.models import Membership, Tenant
from tokens import families, forgetting, installations, receipts
from tokens.across import recall
from tokens.asking import Asked, helpers_to_name
from tokens.formats import access_token
from tokens.models import AccessToken, AuthorizationCode, AuthorizationRequest, RefreshToken
from tokens.receipts import Receipt

REQUEST_LIFE = timedelta(minutes=10)
BY_THE_PERSON = installations.BY_THE_PERSON
"""The reason where people end their own and say none."""


@transaction.atomic
def hold_request(
    asked: Asked, *, member: Membership, shown: Mapping[str, Any], now: datetime, life: timedelta = REQUEST_LIFE
) -> str:
    """Keep a validated request while somebody decides; return the handle for the page."""
    handle = opaque.make()
    AuthorizationRequest.objects.create(
        handle=opaque.digest(handle),
        member=member,
        client=asked.client,
        parameters={name: list(values) for name, values in asked.form.items()},
        shown=shown,
        expires=now + life,
    )
    return handle


@transaction.atomic
def allow(
    held: AuthorizationRequest, asked: Asked, agreement: Agreement, *, by: Principal, signed_in_at: datetime
) -> str:
    """Turn a decision into consent, delegations and a code; return the code. Raises AlreadyDecided."""
    _decide(held)
    consent, delegations = delegation_actions.approve(agreement, by=by)
    AuthorizationRequest.objects.filter(pk=held.pk).update(consent=consent)
    scopes = frozenset().union(*(allowed.scopes for allowed in agreement.allowed)) | asked.identity
    return _code(asked, agreement.member, delegations, scopes, signed_in_at=signed_in_at)


@transaction.atomic
def refuse(held: AuthorizationRequest, *, by: Principal) -> None:
    """Write down that the person said no. Raises AlreadyDecided."""
    _decide(held)
    record(Event.DELEGATION_REFUSED, by=by, about=held.client, on_behalf_of=held.member_id)


@transaction.atomic
def allow_remembered(asked: Asked, member: Membership, delegations: list[Delegation], *, signed_in_at: datetime) -> str:
    """Return a code for what the person allowed before and still allows."""
    return _code(asked, member, delegations, asked.scopes, signed_in_at=signed_in_at)


def remembered(asked: Asked, member: Membership, *, now: datetime) -> list[Delegation] | None:
    """Return the live delegations that cover a request, or None where the person must be asked.

    Keyed by person, client, redirect host, resource, scopes (of the resource, and of identity) and the client's
    metadata digest, and by nothing that the client sends. An app scheme is asked every time: any app can claim it
    (RFC 8252 §8.1).
    """
    if asked.returns_to_app:
        return None
    named = helpers_to_name(current(), asked.client)
    covering = []
    for target in asked.targets:
        found = (
            Delegation.objects.live(now)
            .filter(
                subject=member.pk,
                client=asked.client,
                audience=target.audience,
                parent=None,
                consent__redirect_host=asked.redirect_host,
                consent__client_digest=asked.client.digest,
            )
            .select_related("consent")
            .first()
        )
        if found is None or found.consent is None or not target.scopes <= found.scope_set:
            return None
        if not asked.identity <= frozenset(found.consent.identity):
            return None
        if _a_place_was_ended(asked, found, found.consent.created_at):
            return None
        if not named <= frozenset(found.helpers):
            return None
        covering.append(found)
    return covering


@transaction.atomic
def end_delegation(delegation: Delegation, *, by: Principal, reason: str) -> Receipt:
    """End one access, everything below it, and what stands on it in other tenants; raises DelegationOver.

    From the commit on refresh is refused and introspection inactive.
    """
    written: list[Receipt] = []

    def account() -> Mapping[str, Any]:
        written.append(receipts.write(delegation, now=timezone.now()))
        return {"receipt": written[0].as_json()}

    ended = delegation_actions.revoke(delegation, by=by, reason=reason, account=account)
    recall.withdraw([ended])
    return written[0]


@transaction.atomic
def end_all(member: Membership, *, by: Principal, reason: str) -> list[Receipt]:
    """End every access of a person at once."""
    ended = []
    for delegation in Delegation.objects.of(member).live(timezone.now()).filter(parent=None).order_by("pk"):
        try:
            ended.append(end_delegation(delegation, by=by, reason=reason))
        except DelegationOver:
            continue
    return ended


@transaction.atomic
def revoke_family(family_id: str, *, by: Principal, reason: str) -> bool:
    """Kill a token family: its refresh token, and by introspection every access token that it bought."""
    changed = RefreshToken.objects.filter(pk=family_id, revoked=None).update(revoked=timezone.now())
    family = RefreshToken.objects.filter(pk=family_id).first()
    if changed and family is not None:
        record(Event.FAMILY_REVOKED, by=by, about=family, on_behalf_of=family.subject, reason=reason)
    return bool(changed)


def revoke_token(token: str, tenant: Tenant, caller: Client, *, by: Principal, now: datetime) -> None:
    """Revoke a token of the caller's (RFC 7009 §2.1); anything else is left alone, and the answer is the same.

    Whatever its hint says, any token of a family ends the family.
    """
    if parsed := families.parse(token):
        family = RefreshToken.objects.filter(pk=parsed.family_id, client=caller).first()
        if family is not None and families.walk(parsed, family) is not None:
            revoke_family(family.pk, by=by, reason="revoked by the client")
        return
    row = _own_row(token, tenant, caller, now=now)
    if row is None:
        return
    if row.family_id and row.parent_id is None:
        revoke_family(row.family_id, by=by, reason="an access token was revoked by the client")
        return
    _revoke_alone(row, by=by, now=now)


def forget_requests(now: datetime) -> int:
    """Remove authorization requests that nobody can decide any more."""
    return clock.forget(forgetting.requests(now))


def _own_row(token: str, tenant: Tenant, caller: Client, *, now: datetime) -> AccessToken | None:
    """Return the row of an unexpired access token of the caller's, alive or not."""
    if parsed := access_token.parse_opaque(token):
        token_id, secret = parsed
        row = AccessToken.objects.filter(pk=token_id, client=caller, expires__gt=now).exclude(digest="").first()
        return row if row is not None and opaque.same(opaque.digest(secret), row.digest) else None
    try:
        claims = access_token.verify(token, tenant, audience=None, now=now)
    except jose.BadToken:
        return None
    return AccessToken.objects.filter(pk=claims["jti"], client=caller).first()


@transaction.atomic
def _revoke_alone(row: AccessToken, *, by: Principal, now: datetime) -> None:
    """Revoke a token and whatever was exchanged from it.

    The first UPDATE waits for exchanges in flight, which hold the row, and stops later ones (`tokens.mint`): what is
    read after it is all there will be.
    """
    level = [row.pk] if AccessToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now) else []
    if level:
        record(Event.TOKEN_REVOKED, by=by, about=row, on_behalf_of=row.subject)
    while level:
        level = list(AccessToken.objects.filter(parent__in=level, revoked_at=None).values_list("pk", flat=True))
        AccessToken.objects.filter(pk__in=level).update(revoked_at=now)


def _a_place_was_ended(asked: Asked, delegation: Delegation, since: datetime) -> bool:
    """Say whether a place of this client was ended after its consent: it may not come back without being seen."""
    return installations.was_ended_since(
        since, subject=delegation.subject, client_id=asked.client.pk, redirect_host=asked.redirect_host
    )


def _decide(held: AuthorizationRequest) -> None:
    if not AuthorizationRequest.objects.filter(pk=held.pk, decided_at=None).update(decided_at=timezone.now()):
        raise AlreadyDecided(held.pk)


def _code(
    asked: Asked,
    member: Membership,
    delegations: list[Delegation],
    scopes: frozenset[str],
    *,
    signed_in_at: datetime,
) -> str:
    code = opaque.make()
    AuthorizationCode.objects.create(
        code=opaque.digest(code),
        client=asked.client,
        member=member,
        redirect_uri=asked.redirect_uri,
        scope=" ".join(sorted(scopes)),
        delegations=[delegation.pk for delegation in delegations],
        code_challenge=asked.code_challenge,
        code_challenge_method="S256",
        nonce=asked.nonce,
        auth_time=signed_in_at,
        expires=timezone.now() + timedelta(seconds=settings.CODE_SECONDS),
    )
    return code
