"""`private_key_jwt` (RFC 7523 §2.2, 7523bis §3): a client proves that it holds its key.

The audience is our issuer and nothing else, as a string or a list of one: an assertion that names an endpoint may have
been asked for by another server that calls our endpoint its own. Each assertion is good once; its `jti` is stored
after the signature was checked, under tenant, purpose and client, so that nobody can burn another's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from jwcrypto import jwk

from agents import keys
from agents.models import Client, UsedAssertion
from kit import context, identifiers, jose, opaque, statements
from kit.oauth import InvalidClient
from tenants import directory
from tenants.models import Tenant

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYP = "client-authentication+jwt"
LONGEST = 300
LONGEST_COMPATIBLE = 3600
LEEWAY = 60
MAX_JTI = 255
_USE_ONCE = (
    f"INSERT INTO {UsedAssertion._meta.db_table} (id, tenant_id, purpose, client_id, jti, expires_at) "
    "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


def claimed_client_id(assertion: str) -> str:
    """Return the client id that an assertion claims, unverified; raises InvalidClient where it claims none."""
    try:
        _, claims = jose.unverified(assertion)
    except jose.BadToken as error:
        raise InvalidClient(f"assertion: {error}") from error
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or subject != claims.get("iss") or "\x00" in subject:
        raise InvalidClient("assertion: iss and sub must be the client id")
    return subject


def is_of_another_issuer(assertion: str) -> bool:
    """Say whether an assertion claims to be somebody's word about another, as a platform's tokens are."""
    try:
        _, claims = jose.unverified(assertion)
    except jose.BadToken:
        return False
    return claims.get("iss") != claims.get("sub")


@dataclass(slots=True)
class Evidence:
    """What a request showed of its client while it is judged, which may be twice.

    `spent` are digests of assertions that this very request spent, `key` the one that its client proved itself with,
    and `credential` the id of the secret or of the platform's word with which it did.
    """

    spent: set[str] = field(default_factory=set)
    key: jwk.JWK | None = None
    credential: str = ""

    @property
    def thumbprint(self) -> str:
        """The key's thumbprint (RFC 7638), or "" where the client proved itself by no key."""
        return str(self.key.thumbprint()) if self.key is not None else ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One use of a client's signature: which `typ` it has, what is remembered of it, and whom it is about."""

    typ: str
    purpose: str
    subject: str


def check(client: Client, assertion: str, *, evidence: Evidence, now: datetime) -> None:
    """Accept an assertion once, or again where this request spent it itself; raises InvalidClient."""
    kind = _Kind(TYP, "client", client.client_id)
    evidence.key = _accept(client, assertion, kind, spent=evidence.spent, now=now)


def check_actor(client: Client, token: str, *, evidence: Evidence, now: datetime) -> None:
    """Accept a JWT by which a client says that its own agent acts (RFC 8693 §2.1): `sub` is the agent.

    So no client assertion is good as one, nor the other way about. Raises InvalidClient.
    """
    _accept(client, token, _Kind("jwt", "actor", client.agent_id or ""), spent=evidence.spent, now=now)


def _accept(client: Client, assertion: str, kind: _Kind, *, spent: set[str], now: datetime) -> jwk.JWK:
    try:
        claims, signer = _verified(directory.current(), client, assertion, kind, now=now)
    except jose.BadToken as error:
        raise InvalidClient(f"assertion of {client.client_id[:80]!r}: {error}") from error
    if claims.get("iss") != client.client_id or claims.get("sub") != kind.subject or not kind.subject:
        raise InvalidClient(f"assertion: iss must be the client id, sub {kind.subject[:80]!r}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise InvalidClient("assertion: jti")
    key = f"{kind.purpose} {opaque.digest(jti)}"
    if key not in spent:
        _use_once(client, kind, jti, claims)
        spent.add(key)
    return signer


def _verified(
    tenant: Tenant, client: Client, assertion: str, kind: _Kind, *, now: datetime
) -> tuple[Mapping[str, Any], jwk.JWK]:
    header, _ = jose.unverified(assertion)
    expected = jose.Expected(
        typ=kind.typ,
        issuer=client.client_id,
        audience=None,
        leeway=LEEWAY,
        may_be_untyped=True,
        may_lack_kid=True,
        longest=LONGEST_COMPATIBLE if client.accepts_endpoint_audience else LONGEST,
    )
    held = keys.of(client, kid=header.get("kid"), now=now)
    claims, signer = jose.verify_and_name(assertion, held, expected, now=int(now.timestamp()))
    audiences = {tenant.issuer, *((f"{tenant.issuer}/token",) if client.accepts_endpoint_audience else ())}
    if jose.sole_audience(claims) not in audiences:
        raise jose.BadToken("aud")
    return claims, signer


def _use_once(client: Client, kind: _Kind, jti: str, claims: Mapping[str, Any]) -> None:
    until = datetime.fromtimestamp(claims["exp"], tz=UTC) + timedelta(seconds=LEEWAY)
    values = [identifiers.make("jti"), context.require_id(), kind.purpose, client.pk, opaque.digest(jti)]
    if not statements.changed(_USE_ONCE, [*values, statements.written_moment(until)]):
        raise InvalidClient(f"assertion of {client.client_id[:80]!r} came again")
