"""Issuing identity assertion grants (ID-JAG §4.3): the company decides which agent reaches which app for whom.

An admin's table says which servers and resources there are, under which name each client is known there, and for which
people; what the table does not say is refused. The person is whoever signed in to this very client, and the actor is
the client's own agent: nothing of either is taken from the request.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agents import directory
from agents.models import AssertionRule, Client
from agents.models.agent import earliest
from delegations import standing
from delegations.errors import StaysEnded
from delegations.models import Delegation
from delegations.standing import Standing
from kit import jose
from kit.oauth import (
    AccessDenied,
    BadAssertion,
    InvalidGrant,
    InvalidRequest,
    InvalidTarget,
    TokenType,
    UnauthorizedClient,
)
from tenants.models import Membership, Tenant
from tokens import families, rows, subjects
from tokens.formats import id_token
from tokens.models import RefreshToken
from tokens.values import Derivation, Destination, Proof, SignIn, TokenRequest
from trust import directory as trust_directory


@dataclass(frozen=True, slots=True)
class _Person:
    """Who signed in, when, and the token family of that sign-in, which every grant hangs on."""

    member: Membership
    email: str
    family_id: str
    signed_in_at: datetime


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what an admin lets this client say elsewhere for whoever signed in to it; raises OAuthError."""
    if client.is_public or client.agent is None:
        raise UnauthorizedClient("only a confidential client of an agent crosses domains")
    if request.has_key_proof:
        raise InvalidRequest("a key was proved, and no grant is bound to one here")
    subjects.check_actor(tenant, client, request)
    destination, rule = _destination(client, request)
    person = _person(tenant, client, request)
    if not rule.names(person.member):
        raise AccessDenied(f"{person.member.pk} is not among those whom the rule for {rule.resource[:120]} names")
    word = _word(tenant, client, destination, rule, person, request)
    there = standing.found(word)
    word = _left(word, there, request.now)
    is_there = there is not None and standing.covers(there, word, request.now)
    if not is_there:
        _check_may_stand(word)
    email = person.email if destination.audience.shares_email else ""
    is_silent = client.exchange_actor == Client.ExchangeActor.NONE
    held = there if there is not None and is_there else standing.planned(word)
    withheld = there.withheld_set if there is not None else frozenset()
    return Proof(
        tenant=tenant,
        subject=person.member.pk,
        actor=None if is_silent else client.agent,
        client=client,
        scopes=destination.scopes - withheld,
        delegations=(held,),
        may_infer_audience=False,
        consumes=Derivation(None, person.family_id, None),
        sign_in=SignIn(person.signed_in_at),
        issued_type=TokenType.ID_JAG,
        standing=None if is_there else word,
        destination=replace(destination, email=email),
    )


def _destination(client: Client, request: TokenRequest) -> tuple[Destination, AssertionRule]:
    """Return where the grant leads, and the rule that lets it; raises InvalidTarget or AccessDenied."""
    named = request.form.get("audience", ())
    audience = trust_directory.audience(named[0]) if len(named) == 1 else None
    if audience is None:
        raise InvalidTarget(f"audience {' '.join(named)[:200]!r} is not one that grants are made for")
    across = directory.across(client, audience)
    if len(request.resources) > 1 or (not request.resources and len(audience.resources) != 1):
        raise InvalidTarget("a grant is for one resource")
    resource = request.resources[0] if request.resources else next(iter(audience.resources))
    if resource not in audience.resources:
        raise InvalidTarget(f"{resource[:200]!r} is not behind {audience.issuer[:200]!r}")
    rule = across.rules.get(resource)
    if rule is None or not across.client_id_there:
        raise AccessDenied(f"{client.client_id[:80]!r} has no rule or no name for {resource[:200]!r}")
    scopes = frozenset(rule.scopes) & frozenset(audience.resources[resource])
    if client.agent is not None:
        scopes = client.agent.under_ceiling(resource, scopes)
    return Destination(audience, across.client_id_there, resource, scopes), rule


def _person(tenant: Tenant, client: Client, request: TokenRequest) -> _Person:
    """Return who signed in to this client, by its ID token or its refresh token; raises InvalidGrant."""
    kind, token = request.one("subject_token_type"), request.one("subject_token")
    if kind == TokenType.ID_TOKEN:
        family = _family_of_id_token(token, tenant, client, request.now)
    elif kind == TokenType.REFRESH_TOKEN:
        family = _family_of_refresh_token(token, client, request.now)
    else:
        raise InvalidRequest(f"subject_token_type {kind[:80]!r}")
    found = rows.signed_in(family, now=request.now)
    is_over = family.revoked is not None or families.is_over(family, now=request.now)
    if found is None or is_over or family.auth_time is None:
        raise BadAssertion(f"{family.pk}: the sign-in is over")
    member, email = found
    return _Person(member, email, family.pk, family.auth_time)


def _family_of_id_token(token: str, tenant: Tenant, client: Client, now: datetime) -> RefreshToken:
    try:
        claims = id_token.verify(token, tenant, audience=client.client_id, now=now)
    except jose.BadToken as error:
        raise BadAssertion(f"ID token: {error}") from error
    family = _own(rows.family(claims["sid"]), client)
    if family.subject != claims["sub"]:
        raise BadAssertion("ID token: sub")
    return family


def _family_of_refresh_token(token: str, client: Client, now: datetime) -> RefreshToken:
    """Judge it as a refresh does, without moving the family: the answer could not carry a successor (ID-JAG §4.3.3)."""
    parsed = families.parse(token)
    family = _own(rows.family(parsed.family_id) if parsed else None, client)
    assert parsed is not None
    families.judge(parsed, family, now=now)
    return family


def _own(family: RefreshToken | None, client: Client) -> RefreshToken:
    if family is None or family.client_id != client.pk:
        raise InvalidGrant("the subject token is not one of this client's sign-ins")
    return family


def _word(
    tenant: Tenant,
    client: Client,
    destination: Destination,
    rule: AssertionRule,
    person: _Person,
    request: TokenRequest,
) -> Standing:
    granted = request.scopes & destination.scopes if request.scopes else destination.scopes
    return Standing(
        subject=person.member.pk,
        member=person.member,
        client=client,
        agent=client.agent,
        audience=destination.resource,
        scopes=granted,
        expires_at=earliest(
            request.now + timedelta(days=tenant.longest_delegation_days),
            client.agent.latest_end(request.now) if client.agent is not None else None,
        ),
        origin=Delegation.Origin.ID_JAG,
        said_at=rule.changed_at,
        elsewhere=destination.audience,
    )


def _check_may_stand(word: Standing) -> None:
    try:
        standing.check_stays_ended(word)
    except StaysEnded as error:
        raise AccessDenied(str(error)) from error


def _left(word: Standing, there: Delegation | None, now: datetime) -> Standing:
    try:
        return standing.bounded(word, there, now)
    except StaysEnded as error:
        raise AccessDenied(str(error)) from error
