"""Room 4: every limit on one screen. Tenant, audience, scopes, delegation, life; never wider than what was proved."""

from datetime import timedelta

from delegations.models import Delegation
from kit.oauth import IDENTITY_SCOPES, ForOthers, InvalidGrant, InvalidScope, InvalidTarget
from tenants import directory
from tenants.models import Tenant
from tokens.formats import id_jag
from tokens.values import Authorization, Proof, TokenRequest


def narrow(proof: Proof, request: TokenRequest) -> Authorization:
    """Return what may be minted of what was proved; raises InvalidTarget, InvalidScope or InvalidGrant."""
    if proof.tenant.status != Tenant.Status.ACTIVE:
        raise InvalidGrant("tenant is not active")
    delegation = _delegation(proof, request) if proof.destination is None else proof.delegations[0]
    if delegation.is_over(request.now):
        raise InvalidGrant(f"{delegation.pk} is over")
    _check_person(proof, delegation)
    scopes = _scopes(proof, request, delegation) if proof.destination is None else _across(proof, request)
    life = timedelta(seconds=_seconds(proof, delegation, scopes))
    approved_until = proof.client.agent.approved_until if proof.client.agent is not None else None
    limits = (delegation.expires_at, proof.not_after, approved_until)
    ends = [request.now + life, *(end for end in limits if end is not None)]
    if (min(ends) - request.now) < timedelta(seconds=1):
        raise InvalidGrant(f"{delegation.pk} ends this second")
    return Authorization(
        tenant=proof.tenant,
        subject=proof.subject,
        actor=proof.actor,
        client=proof.client,
        scopes=scopes,
        audience=proof.destination.audience.issuer if proof.destination else delegation.audience,
        expires_at=min(ends),
        delegation=delegation,
        grant_type=request.one("grant_type"),
        proof=proof,
        now=request.now,
        deferral=request.deferral,
        evidence=request.evidence,
    )


def _delegation(proof: Proof, request: TokenRequest) -> Delegation:
    """Choose the one audience of the token (RFC 8707 §2.2: one of what was allowed)."""
    by_audience = {delegation.audience: delegation for delegation in proof.delegations}
    if len(request.resources) > 1:
        raise InvalidTarget("a token has one audience")
    if request.resources:
        chosen = by_audience.get(request.resources[0])
        if chosen is None:
            raise InvalidTarget(f"{request.resources[0][:200]!r} is not allowed here", about=proof.subject)
        return chosen
    if proof.may_infer_audience and len(by_audience) == 1:
        return proof.delegations[0]
    chosen = by_audience.get(proof.tenant.default_resource)
    if chosen is None:
        raise InvalidTarget("the resource parameter is missing")
    return chosen


def _seconds(proof: Proof, delegation: Delegation, scopes: frozenset[str]) -> int:
    """Return how long what is minted lives, unless something else ends sooner: the gravest scope says how long."""
    if proof.destination is not None:
        return id_jag.SECONDS
    protected = directory.resource_server(delegation.audience)
    longest = protected.longest(scopes) if protected else None
    return min(proof.tenant.access_token_seconds, longest or proof.tenant.access_token_seconds)


def _check_person(proof: Proof, delegation: Delegation) -> None:
    """Check that the agent was approved for the person: who is in a group is asked of the database each time."""
    agent = proof.client.agent
    if agent is None or agent.people is None or delegation.member is None or agent.may_act_for(delegation.member):
        return
    raise ForOthers(f"{agent.pk} was approved for other people than {delegation.subject}")


def _scopes(proof: Proof, request: TokenRequest, delegation: Delegation) -> frozenset[str]:
    wider = request.scopes - proof.scopes
    if wider and not proof.is_cut:
        words = f"not allowed: {' '.join(sorted(wider))[:200]}"
        raise InvalidScope(words, about=proof.subject, at=delegation.audience)
    wanted = request.scopes & proof.scopes if request.scopes else proof.scopes
    if delegation.audience == proof.tenant.issuer:
        return _identity(wanted, delegation)
    protected = directory.resource_server(delegation.audience)
    if protected is None:
        raise InvalidTarget(f"{delegation.audience} is not registered any more")
    if not request.scopes and not proof.may_infer_audience:
        wanted = (protected.default_scopes & delegation.scope_set) or delegation.scope_set
    granted = wanted & delegation.scope_set & protected.scopes.keys()
    if delegation.depth:
        granted -= protected.kept_scopes
    if proof.client.agent is not None:
        granted = proof.client.agent.under_ceiling(delegation.audience, granted)
    if not granted:
        words = "nothing of what was asked is allowed at this resource"
        raise InvalidScope(words, about=proof.subject, at=delegation.audience)
    return granted


def _across(proof: Proof, request: TokenRequest) -> frozenset[str]:
    """Return what an admin lets pass of what was asked: the grant says what came of it (ID-JAG §4.3.3)."""
    granted = request.scopes & proof.scopes if request.scopes else proof.scopes
    if proof.destination is not None and proof.client.agent is not None:
        granted = proof.client.agent.under_ceiling(proof.destination.resource, granted)
    if not granted:
        raise InvalidScope("nothing of what was asked may be asked there")
    return granted


def _identity(wanted: frozenset[str], delegation: Delegation) -> frozenset[str]:
    granted = wanted & delegation.scope_set & IDENTITY_SCOPES
    if not granted:
        raise InvalidScope("openid was not allowed")
    return granted
