"""`/token` (RFC 6749 §3.2): the six rooms, one line each."""

from collections.abc import Mapping
from types import ModuleType

from django.utils import timezone

from agents import directory as agents_directory
from agents import uses
from agents.authentication import authenticate, proves_nobody
from agents.models import Client
from kit import context
from kit.oauth import ForOthers, InvalidGrant, OAuthError, Replayed, Unadmitted, UnauthorizedClient
from tenants.models import Tenant
from tokens import approved, callbacks, deferrals, grants, issuer, needs
from tokens.endpoints.door import Received, Visit, read_form
from tokens.grants import deferred
from tokens.rules import narrow
from tokens.values import TokenRequest

_BROUGHT = context.Proof("assertion")
"""How a client is known that brought an issuer's word in the place of its own proof."""


def room(request: Received, visit: Visit) -> Mapping[str, object]:
    """Return a token set; raises OAuthError, or Stale when something read from a cache has changed."""
    visit.form = read_form(request)
    asked = TokenRequest(visit.form, timezone.now(), visit.evidence, request.has_key_proof)
    grant = grants.chosen(asked)
    visit.grant, visit.refusal = grant.GRANT_TYPE.value, grants.refusal(grant, asked)
    callbacks.check(asked)
    visit.room = "client"
    client = visit.client = _client(grant, request, asked)
    if grant is deferred:
        return _resumed(request.tenant, visit, asked)
    try:
        return _minted(grant, request.tenant, visit, asked)
    except OAuthError as refusal:
        if asked.may_wait and refusal.about:
            client = agents_directory.client_now(client.client_id) or client  # What is asked is not a cache's to say.
        question = needs.behind(refusal, request.tenant, client, asked)
        if question is None:
            is_plain = isinstance(refusal, InvalidGrant) and not isinstance(refusal, Replayed | ForOthers)
            raise (visit.refusal(refusal.reason) if is_plain else refusal) from refusal.__cause__
        if asked.may_wait and (waiting := deferrals.wait(request.tenant, client, asked, question)):
            raise waiting from refusal
        refusal.page = f"{request.tenant.issuer}/who-decides"
        raise


def _resumed(tenant: Tenant, visit: Visit, asked: TokenRequest) -> Mapping[str, object]:
    """Judge a request that waited as if it were asked now."""
    assert visit.client is not None
    visit.room, visit.refusal = "proof", InvalidGrant
    # Nobody waits for a cache on top of it.
    client = visit.client = agents_directory.client_now(visit.client.client_id) or visit.client
    waited = deferred.resume(tenant, client, asked)
    visit.form = waited.form
    try:
        return _minted(grants.chosen(waited), tenant, visit, waited)
    except OAuthError as refusal:
        question = needs.behind(refusal, tenant, client, waited)
        raise deferred.verdict(refusal, tenant, client, waited, question) from refusal


def _minted(grant: ModuleType, tenant: Tenant, visit: Visit, asked: TokenRequest) -> Mapping[str, object]:
    """Prove, narrow and mint; an agent that nobody approved gets nothing, and may wait with what is good."""
    client = visit.client
    assert client is not None
    visit.room = "agent"
    waits = client.agent is not None and client.agent.waits(asked.now)
    if waits and not asked.may_wait:
        raise _unadmitted(client)
    visit.room = "grant"
    if not client.allows_grant_type(grant.GRANT_TYPE):
        raise UnauthorizedClient(f"{client.client_id} registered no {grant.GRANT_TYPE}")
    visit.room = "proof"
    agreed = approved.agreed(tenant, client, asked) if asked.deferral else None
    proof = agreed or grant.prove(tenant, client, asked)
    visit.subject = proof.subject
    if waits:
        raise _unadmitted(client)
    answer = issuer.issue(narrow(proof, asked)).as_json()
    uses.note(client, asked.evidence, now=asked.now)
    return answer


def _unadmitted(client: Client) -> Unadmitted:
    return Unadmitted(f"{client.agent_id} waits for an admin", about=client.agent_id or "")


def _client(grant: ModuleType, request: Received, asked: TokenRequest) -> Client:
    """Return the client that authenticates; or, where a grant can do without one, the one that stands for its kind."""
    if hasattr(grant, "client_of") and proves_nobody(request.authorization, asked.form):
        client: Client | None = grant.client_of(request.tenant, asked)
        if client is not None:
            context.proved(_BROUGHT)
            return client
    return authenticate(request.authorization, asked.form, evidence=asked.evidence)
