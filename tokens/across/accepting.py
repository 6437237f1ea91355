"""Accepting identity assertion grants (ID-JAG §4.4; MCP Enterprise-Managed Authorization §5.1, §7).

The assertion says who, through whom, where and how much; the registration of its issuer says how much of that is
believed; the client proves that it is the one that the assertion names.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from agents.models import Client
from agents.models.agent import earliest
from delegations import standing
from delegations.errors import StaysEnded
from delegations.models import Delegation
from delegations.standing import Standing
from kit.oauth import BadAssertion, InvalidScope, InvalidTarget, UnauthorizedClient
from kit.uris import canonical_resource
from tenants import directory
from tenants.directory import Protected
from tenants.models import Membership, Tenant
from tokens import trust
from tokens.across import actors, people
from tokens.formats import id_jag
from tokens.trust import Believed, Wanted
from tokens.values import Proof, TokenRequest
from trust.models import TrustedIssuer


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what an assertion of a trusted issuer lets this client's agent do for a person; raises OAuthError."""
    if client.is_public:
        raise UnauthorizedClient("only a confidential client presents assertions about people")
    wanted = Wanted(TrustedIssuer.Purpose.ID_JAG, id_jag.TYP, frozenset({tenant.issuer}))
    believed = trust.believe(request.one("assertion"), wanted, now=request.now)
    check_client(client, believed)
    protected = resource_of(believed, request)
    scopes = scopes_of(believed, protected, request)
    foreign = actors.carried(believed.claims, deepest=tenant.deepest_chain)
    member, linked_at, arrival = people.find(believed.issuer, believed.claims, now=request.now)
    word = _word(tenant, client, protected, scopes, member, linked_at, believed, foreign, request)
    there = standing.found(word)
    word = _left(word, there, request.now)
    is_there = there is not None and standing.covers(there, word, request.now) and arrival is None
    if not is_there:
        _check_may_stand(word)
    return Proof(
        tenant=tenant,
        subject=member.pk,
        actor=client.agent,
        client=client,
        scopes=word.scopes,
        delegations=(there if there is not None and is_there else standing.planned(word),),
        may_infer_audience=True,
        consumes=believed.use,
        standing=None if is_there else word,
        arrival=arrival,
        is_cut=True,
    )


def check_client(client: Client, believed: Believed) -> None:
    """Raise BadAssertion where the assertion is not about this client, or it may not present it."""
    if believed.claims.get("client_id") != client.client_id:
        raise BadAssertion("client_id is not the client that authenticated")
    if not believed.issuer.any_client and client.client_id not in believed.issuer.clients:
        raise BadAssertion(f"{client.client_id[:80]!r} may not present assertions of this issuer")


def resource_of(believed: Believed, request: TokenRequest) -> Protected:
    """Return the one resource: the claim decides, and the request may choose among what it names."""
    claimed = believed.claims.get("resource")
    named = [claimed] if isinstance(claimed, str) else claimed
    if named is None:
        named = list(believed.issuer.resources)
        if len(named) != 1:
            raise InvalidTarget("the assertion names no resource, and its issuer may open several")
    if not isinstance(named, list) or not named or not all(isinstance(each, str) for each in named):
        raise BadAssertion("resource")
    among = {canonical_resource(each) for each in named}
    wanted = set(request.resources) or among
    if len(wanted) > 1 or not wanted <= among:
        raise InvalidTarget("one resource is needed, among those that the assertion names")
    (identifier,) = wanted
    protected = directory.resource_server(identifier)
    if protected is None or not believed.issuer.opens(identifier):
        raise BadAssertion(f"{identifier[:200]!r} is not a resource that this issuer's word opens")
    return protected


def scopes_of(believed: Believed, protected: Protected, request: TokenRequest) -> frozenset[str]:
    """Return assertion ∩ ceiling ∩ asked. An assertion that names no scope opens what changes nothing, and no more."""
    claimed = believed.claims.get("scope")
    if claimed is not None and not isinstance(claimed, str):
        raise BadAssertion("scope")
    usual = {name for name in protected.default_scopes if not protected.scopes[name].is_writing}
    asserted = frozenset(claimed.split()) if claimed is not None else frozenset(usual)
    known = asserted & believed.issuer.opens(protected.server.identifier) & protected.scopes.keys()
    granted = known & request.scopes if request.scopes else known
    if not granted:
        raise InvalidScope("nothing of what was asked is in the assertion and under its issuer's ceiling")
    return granted


def _word(
    tenant: Tenant,
    client: Client,
    protected: Protected,
    scopes: frozenset[str],
    member: Membership,
    linked_at: datetime,
    believed: Believed,
    foreign: Mapping[str, Any] | None,
    request: TokenRequest,
) -> Standing:
    own = client.agent.latest_end(request.now) if client.agent is not None else None
    longest = request.now + timedelta(days=tenant.longest_delegation_days)
    return Standing(
        subject=member.pk,
        member=member,
        client=client,
        agent=client.agent,
        audience=protected.server.identifier,
        scopes=scopes,
        expires_at=earliest(longest, believed.stands_until, own),
        origin=Delegation.Origin.ID_JAG,
        said_at=linked_at,
        resource_server=protected.server,
        issuer=believed.issuer,
        foreign_act=foreign,
        foreign_delegation=believed.foreign_delegation,
    )


def _check_may_stand(word: Standing) -> None:
    try:
        standing.check_stays_ended(word)
    except StaysEnded as error:
        raise BadAssertion(str(error)) from error


def _left(word: Standing, there: Delegation | None, now: datetime) -> Standing:
    try:
        return standing.bounded(word, there, now)
    except StaysEnded as error:
        raise BadAssertion(str(error)) from error
