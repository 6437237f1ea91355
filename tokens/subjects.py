"""Whom an exchange is about and who acts: reading the tokens that it presents (RFC 8693 §2.1).

Possession is not enough. A subject token counts where it was issued here, in this tenant, everything that it hangs on
is alive, and the caller is its client, is the server that it was sent to, or was named as the next actor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from agents import assertions, directory
from agents.models import Client
from delegations.models import Delegation
from delegations.rules import may_receive
from kit import jose
from kit.oauth import InvalidClient, InvalidRequest, TokenType
from tenants.models import Tenant
from tokens import reading, status
from tokens.formats import id_token
from tokens.models import AccessToken
from tokens.values import TokenRequest


@dataclass(frozen=True, slots=True)
class Subject:
    """What a subject token stands for; `row` is its own, where it is an access token."""

    delegations: tuple[Delegation, ...]
    scopes: frozenset[str]
    expires_at: datetime
    row: AccessToken | None = None


def read(tenant: Tenant, client: Client, request: TokenRequest) -> Subject:
    """Return the subject of a request whose client may use it; raises InvalidRequest (RFC 8693 §2.2.2)."""
    kind = request.one("subject_token_type")
    if kind not in _READERS:
        raise InvalidRequest(f"subject_token_type {kind[:80]!r}")
    try:
        return _READERS[kind](request.one("subject_token"), tenant, client, request.now)
    except jose.BadToken as error:
        raise InvalidRequest(f"subject token: {error}") from error


def check_actor(tenant: Tenant, client: Client, request: TokenRequest) -> None:
    """Check that an actor token, where there is one, proves that the client's own agent acts; raises InvalidRequest."""
    token, kind = request.one("actor_token"), request.one("actor_token_type")
    if bool(token) != bool(kind):
        raise InvalidRequest("actor_token and actor_token_type come together")
    if not token:
        if client.exchange_actor == Client.ExchangeActor.TOKEN:
            raise InvalidRequest("this client proves its actor each time")
        return
    if client.exchange_actor == Client.ExchangeActor.NONE:
        raise InvalidRequest("this client appears as the subject: it has no actor to prove")
    if kind not in _ACTORS:
        raise InvalidRequest(f"actor_token_type {kind[:80]!r}")
    try:
        _ACTORS[kind](token, tenant, client, request)
    except (jose.BadToken, InvalidClient) as error:
        raise InvalidRequest(f"actor token: {error}") from error


def _access_token(token: str, tenant: Tenant, client: Client, now: datetime) -> Subject:
    read = reading.live(token, tenant, now=now)
    if "cnf" in read.claims:
        raise jose.BadToken("bound to a key, and no key was proved")
    row = read.row
    if not _may_use(row, tenant, client):
        raise jose.BadToken(f"{row.pk}: neither its client nor its audience nor its next actor asks")
    # What the token itself says, in whole seconds: what is made of it is over no later.
    return Subject((row.delegation,), frozenset(row.scope.split()), _moment(read.claims["exp"]), row)


def _may_use(row: AccessToken, tenant: Tenant, client: Client) -> bool:
    if client.pk == row.client_id or _serves(client, row.audience):
        return True
    agent_id, holder = client.agent_id, row.delegation.agent_id
    if agent_id is None or holder is None:
        return False
    return agent_id in may_receive(row.delegation, tenant, directory.helpers(holder) & {agent_id})


def _serves(client: Client, audience: str) -> bool:
    return client.resource_server is not None and client.resource_server.identifier == audience


def _id_token(token: str, tenant: Tenant, client: Client, now: datetime) -> Subject:
    """An ID token says who signed in; what its client may do is what that person lets it do now."""
    claims = id_token.verify(token, tenant, audience=client.client_id, now=now)
    if status.live_family(claims["sid"], now=now) is None:
        raise jose.BadToken("the sign-in that it tells of is over")
    live = Delegation.objects.live(now).filter(subject=claims["sub"], client=client, parent=None)
    # What leads to another domain is no authority here, and what an issuer said here it says by its own assertions.
    held = tuple(live.filter(elsewhere=None, issuer=None))
    if not held:
        raise jose.BadToken(f"{claims['sub'][:64]} lets this client do nothing")
    scopes = frozenset().union(*(delegation.scope_set for delegation in held))
    return Subject(held, scopes, _moment(claims["exp"]))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _own_access_token(token: str, tenant: Tenant, client: Client, request: TokenRequest) -> None:
    row = reading.live(token, tenant, now=request.now).row
    if row.actor:
        raise jose.BadToken("an actor that acts for somebody itself")
    if row.client_id != client.pk or row.subject != client.agent_id:
        raise jose.BadToken("of another agent than the client's")


def _signed_by_the_client(token: str, tenant: Tenant, client: Client, request: TokenRequest) -> None:
    assertions.check_actor(client, token, evidence=request.evidence, now=request.now)


_READERS: dict[str, Callable[[str, Tenant, Client, datetime], Subject]] = {
    TokenType.ACCESS_TOKEN: _access_token,
    TokenType.ID_TOKEN: _id_token,
}
_ACTORS: dict[str, Callable[[str, Tenant, Client, TokenRequest], None]] = {
    TokenType.ACCESS_TOKEN: _own_access_token,
    TokenType.JWT: _signed_by_the_client,
}
