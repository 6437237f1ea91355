"""DTR: a deferral code, once, by the client that was told to wait, after whoever had to decide did.

It proves nothing by itself. The request that waited is opened and goes through the rooms as if it were asked now; what
was decided meanwhile can only have made less of it.
"""

from dataclasses import replace

from agents.models import Approval, Client
from kit import jose
from kit.oauth import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    GrantType,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    UnauthorizedClient,
)
from tenants.models import Tenant
from tokens import deferrals
from tokens.across import workloads
from tokens.models import Deferral
from tokens.needs import Question
from tokens.values import TokenRequest

GRANT_TYPE = GrantType.DEFERRED
PARAMETERS = ("deferral_code",)


def resume(tenant: Tenant, client: Client, request: TokenRequest) -> TokenRequest:
    """Return the request that waited, once it may be judged; raises InvalidGrant, or why it still waits or is over."""
    deferral = deferrals.found(request.one("deferral_code"), client)
    decided = deferral.approval.status if deferral.approval is not None else ""
    if deferral.status == Deferral.Status.DENIED or decided == Approval.Status.DENIED:
        raise AccessDenied(f"{deferral.pk} was denied")
    if deferral.expires <= request.now:
        raise ExpiredToken(f"{deferral.pk} is over")
    frozen = deferrals.opened(deferral, now=request.now, evidence=request.evidence)
    if "assertion" in frozen.form and request.one("assertion"):
        frozen = _with(frozen, request.one("assertion"))
    if decided == Approval.Status.WAITING:
        raise deferrals.not_yet(deferral, now=request.now)
    if deferral.member_id is not None and deferral.status == Deferral.Status.WAITING:
        raise deferrals.not_yet(deferral, now=request.now, tenant=tenant)
    return frozen


def client_of(tenant: Tenant, request: TokenRequest) -> Client | None:
    """Return the client that stands for a platform's agents: they prove themselves anew each time they ask."""
    return workloads.client_of(tenant, request) if request.one("assertion") else None


def verdict(
    refusal: OAuthError, tenant: Tenant, client: Client, waited: TokenRequest, question: Question | None
) -> OAuthError:
    """Return what a request that waited is told now: to wait on, or why it is refused (its own code would mislead)."""
    if question is not None:
        return deferrals.ask_anew(tenant, waited, client, question)
    if isinstance(refusal, AuthorizationPending | AccessDenied | ExpiredToken):
        return refusal
    if isinstance(refusal, InvalidScope | InvalidTarget | UnauthorizedClient):
        return AccessDenied(refusal.reason)
    return InvalidGrant(refusal.reason)


def _with(frozen: TokenRequest, fresh: str) -> TokenRequest:
    """Put a newer assertion in the place of one that ran out: by the same issuer, about the same subject."""
    if _about(fresh) != _about(frozen.one("assertion")):
        raise InvalidGrant("the assertion is not about whom it was when the request began to wait")
    form = {**frozen.form, "assertion": (fresh,)}
    return replace(frozen, form=form)


def _about(unverified: str) -> tuple[object, ...]:
    try:
        header, claims = jose.unverified(unverified)
    except jose.BadToken as error:
        raise InvalidGrant(f"assertion: {error}") from error
    return header.get("typ"), claims.get("iss"), claims.get("sub")
