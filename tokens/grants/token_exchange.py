"""RFC 8693: "this agent, for Alice, right now". What is returned is never wider, longer or deeper than what came.

An agent may narrow what it holds. Another agent gets a part of it, as a delegation below the one that was presented:
where the person's consent or the tenant's policy names it, and at another resource only along an edge that an admin
drew. What may be exchanged follows from where the token comes from, not from what the caller sends beside it.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from agents import directory as agents_directory
from agents.models import Client
from delegations import parts
from delegations.errors import DelegationError, DelegationWidened, NoWayThere
from delegations.models import Delegation
from delegations.rules import Handing, Part, attenuate, still_stands
from kit.oauth import (
    BadAssertion,
    GrantType,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    TokenType,
    UnauthorizedClient,
)
from kit.uris import canonical_resource
from tenants import directory
from tenants.directory import Protected
from tenants.models import Tenant
from tokens import subjects
from tokens.across import issuing
from tokens.subjects import Subject
from tokens.values import Derivation, Proof, TokenRequest

GRANT_TYPE = GrantType.TOKEN_EXCHANGE
PARAMETERS = ("subject_token", "subject_token_type")


def refusal(request: TokenRequest) -> type[OAuthError]:
    """A bad subject token is a malformed request (RFC 8693 §2.2.2); in an ID-JAG request a bad grant (its §4.3.3)."""
    return BadAssertion if _crosses(request) else InvalidRequest


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what the subject token lets this client's agent do; raises OAuthError."""
    if _crosses(request):
        return issuing.prove(tenant, client, request)
    if client.is_public or client.agent is None:
        raise UnauthorizedClient("only a confidential client of an agent exchanges tokens")
    if request.one("requested_token_type") not in {"", TokenType.ACCESS_TOKEN}:
        raise InvalidRequest(f"requested_token_type {request.one('requested_token_type')[:80]!r}")
    subjects.check_actor(tenant, client, request)
    subject = subjects.read(tenant, client, request)
    for each in subject.delegations:
        _check_words(tenant, each)
    if subject.delegations[0].client_id == client.pk:
        return _narrowed(tenant, client, subject, request)
    return _handed_on(tenant, client, subject, request)


def _crosses(request: TokenRequest) -> bool:
    return request.one("requested_token_type") == TokenType.ID_JAG


def _check_words(tenant: Tenant, held: Delegation) -> None:
    """Check that nobody took back a word by which something that a delegation hangs on was handed on."""
    for place, (part, parent) in enumerate(pairwise(held.line), start=1):
        parent.line = held.line[place:]
        is_named = part.agent_id in agents_directory.helpers(parent.agent_id or "")
        edge = directory.downstream(parent.audience, part.audience)
        if not still_stands(part, parent, tenant, is_named=is_named, edge=edge):
            raise InvalidRequest(f"{part.pk}: the word by which it was handed on was taken back")


def _narrowed(tenant: Tenant, client: Client, subject: Subject, request: TokenRequest) -> Proof:
    """Return what the client holds itself, within the token that it brought."""
    target = _target(request)
    chosen = tuple(held for held in subject.delegations if target in {"", held.audience})
    if not chosen:
        about = subject.delegations[0].subject
        raise InvalidTarget(f"{target[:200]!r} is not what the token is for", about=about)
    return _proof(tenant, client, subject, chosen, subject.scopes)


def _handed_on(tenant: Tenant, client: Client, subject: Subject, request: TokenRequest) -> Proof:
    """Return the part of another agent's delegation: the one that is there, or the one to make."""
    (held,) = subject.delegations
    protected = _protected(held, request)
    found = parts.part_of(held, client, protected.server.identifier)
    part = _part(tenant, client, subject, request, protected=protected, found=found)
    if found is not None and part.scopes <= found.scope_set and not found.is_over(request.now):
        return _proof(tenant, client, subject, (found,), part.scopes)
    return _proof(tenant, client, subject, (parts.planned(part),), part.scopes, part=part)


def _protected(held: Delegation, request: TokenRequest) -> Protected:
    """Return the resource server that a part is asked for at."""
    identifier = _target(request) or held.audience
    protected = directory.resource_server(identifier)
    if protected is None:
        raise InvalidTarget(f"{identifier[:200]!r} is not registered")
    return protected


def _part(
    tenant: Tenant,
    client: Client,
    subject: Subject,
    request: TokenRequest,
    *,
    protected: Protected,
    found: Delegation | None,
) -> Part:
    (held,) = subject.delegations
    identifier = protected.server.identifier
    handing = Handing(
        parent=held,
        to=client,
        server=protected.server,
        held=subject.scopes,
        asked=request.scopes,
        edge=directory.downstream(held.audience, identifier),
        is_named=client.agent_id in agents_directory.helpers(held.agent_id or ""),
        is_called=client.resource_server is not None and client.resource_server.identifier == held.audience,
        kept_here=directory.kept_scopes(held.audience),
        kept_there=protected.kept_scopes,
        taken=parts.taken_from(held, client, identifier, found),
    )
    try:
        return attenuate(handing, tenant, now=request.now)
    except NoWayThere as error:
        raise InvalidTarget(str(error)) from error
    except DelegationWidened as error:
        raise InvalidScope(str(error)) from error
    except DelegationError as error:
        raise InvalidRequest(f"{type(error).__name__}: {error}") from error


def _target(request: TokenRequest) -> str:
    """Return the one resource that `resource` and `audience` name together, or "" (RFC 8693 §2.1)."""
    named = {*request.resources, *(canonical_resource(each) for each in request.form.get("audience", ()))}
    if len(named) > 1:
        raise InvalidTarget("a token has one audience")
    return next(iter(named), "")


def _proof(
    tenant: Tenant,
    client: Client,
    subject: Subject,
    delegations: tuple[Delegation, ...],
    scopes: frozenset[str],
    *,
    part: Part | None = None,
) -> Proof:
    about, row = delegations[0].subject, subject.row
    is_silent = client.exchange_actor == Client.ExchangeActor.NONE or client.agent_id == about
    return Proof(
        tenant=tenant,
        subject=about,
        actor=None if is_silent else client.agent,
        client=client,
        scopes=scopes,
        delegations=delegations,
        may_infer_audience=True,
        consumes=Derivation(row.pk if row else None, row.family_id if row else None, part),
        not_after=min([subject.expires_at, *_ends_above(delegations)]),
        issued_type=TokenType.ACCESS_TOKEN,
    )


def _ends_above(delegations: tuple[Delegation, ...]) -> Iterator[datetime]:
    """Yield when whatever the delegations hang on ends: the calendar of a parent may have changed since."""
    for delegation in delegations:
        yield from (above.expires_at for above in delegation.line[1:] if above.expires_at is not None)
