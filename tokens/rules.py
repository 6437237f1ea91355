"""Room 4: every limit on one screen. Tenant, audience, scopes, delegation, life; never wider than what was proved."""

from datetime import timedelta

from delegations.models import Delegation
from kit.oauth import IDENTITY_SCOPES, InvalidGrant, InvalidScope, InvalidTarget
from tenants import directory
from tenants.models import Tenant
from tokens.values import Authorization, Proof, TokenRequest


def narrow(proof: Proof, request: TokenRequest) -> Authorization:
    """Return what may be minted of what was proved; raises InvalidTarget, InvalidScope or InvalidGrant."""
    if proof.tenant.status != Tenant.Status.ACTIVE:
        raise InvalidGrant("tenant is not active")
    delegation = _delegation(proof, request)
    if delegation.is_over(request.now):
        raise InvalidGrant(f"{delegation.pk} is over")
    scopes = _scopes(proof, request, delegation)
    life = timedelta(seconds=proof.tenant.access_token_seconds)
    ends = [request.now + life, *(end for end in (delegation.expires_at, proof.not_after) if end is not None)]
    if (min(ends) - request.now) < timedelta(seconds=1):
        raise InvalidGrant(f"{delegation.pk} ends this second")
    return Authorization(
        tenant=proof.tenant,
        subject=proof.subject,
        actor=proof.actor,
        client=proof.client,
        scopes=scopes,
        audience=delegation.audience,
        expires_at=min(ends),
        delegation=delegation,
        grant_type=request.one("grant_type"),
        proof=proof,
        now=request.now,
    )


def _delegation(proof: Proof, request: TokenRequest) -> Delegation:
    """Choose the one audience of the token (RFC 8707 §2.2: one of what was allowed)."""
    by_audience = {delegation.audience: delegation for delegation in proof.delegations}
    if len(request.resources) > 1:
        raise InvalidTarget("a token has one audience")
    if request.resources:
        chosen = by_audience.get(request.resources[0])
        if chosen is None:
            raise InvalidTarget(f"{request.resources[0][:200]!r} is not allowed here")
        return chosen
    if proof.may_infer_audience and len(by_audience) == 1:
        return proof.delegations[0]
    chosen = by_audience.get(proof.tenant.default_resource)
    if chosen is None:
        raise InvalidTarget("the resource parameter is missing")
    return chosen


def _scopes(proof: Proof, request: TokenRequest, delegation: Delegation) -> frozenset[str]:
    if wider := request.scopes - proof.scopes:
        raise InvalidScope(f"not allowed: {' '.join(sorted(wider))[:200]}")
    wanted = request.scopes or proof.scopes
    if delegation.audience == proof.tenant.issuer:
        return _identity(wanted, delegation)
    protected = directory.resource_server(delegation.audience)
    if protected is None:
        raise InvalidTarget(f"{delegation.audience} is not registered any more")
    if not request.scopes and not proof.may_infer_audience:
        wanted = (protected.default_scopes & delegation.scope_set) or delegation.scope_set
    granted = wanted & delegation.scope_set & protected.scopes.keys()
    if proof.client.agent is not None:
        granted = proof.client.agent.under_ceiling(delegation.audience, granted)
    if not granted:
        raise InvalidScope("nothing of what was asked is allowed at this resource")
    return granted


def _identity(wanted: frozenset[str], delegation: Delegation) -> frozenset[str]:
    granted = wanted & delegation.scope_set & IDENTITY_SCOPES
    if not granted:
        raise InvalidScope("openid was not allowed")
    return granted
