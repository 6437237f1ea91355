"""`private_key_jwt` (RFC 7523 §2.2, 7523bis §3): a client proves that it holds its key.

The audience is our issuer and nothing else, as a string or a list of one: an assertion that names an endpoint may have
been asked for by another server that calls our endpoint its own. Each assertion is good once; its `jti` is stored
after the signature was checked, under tenant, purpose and client, so that nobody can burn another's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from agents import keys
from agents.models import Client, UsedAssertion
from kit import jose, opaque
from kit.oauth import InvalidClient
from tenants import directory
from tenants.models import Tenant

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYP = "client-authentication+jwt"
PURPOSE = "client"
LONGEST = 300
LONGEST_COMPATIBLE = 3600
LEEWAY = 60
MAX_JTI = 255


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


def check(client: Client, assertion: str, *, spent: set[str], now: datetime) -> None:
    """Accept an assertion once, or again where this request spent it itself; raises InvalidClient."""
    try:
        claims = _verified(directory.current(), client, assertion, now=now)
    except jose.BadToken as error:
        raise InvalidClient(f"assertion of {client.client_id[:80]!r}: {error}") from error
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise InvalidClient("assertion: iss and sub must be the client id")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise InvalidClient("assertion: jti")
    if opaque.digest(jti) not in spent:
        _use_once(client, jti, claims)
        spent.add(opaque.digest(jti))


def _verified(tenant: Tenant, client: Client, assertion: str, *, now: datetime) -> Mapping[str, Any]:
    header, _ = jose.unverified(assertion)
    expected = jose.Expected(
        typ=TYP,
        issuer=client.client_id,
        audience=None,
        leeway=LEEWAY,
        may_be_untyped=True,
        may_lack_kid=True,
        longest=LONGEST_COMPATIBLE if client.accepts_endpoint_audience else LONGEST,
    )
    claims = jose.verify(assertion, keys.of(client, kid=header.get("kid"), now=now), expected, now=int(now.timestamp()))
    audiences = {tenant.issuer, *((f"{tenant.issuer}/token",) if client.accepts_endpoint_audience else ())}
    if jose.sole_audience(claims) not in audiences:
        raise jose.BadToken("aud")
    return claims


def _use_once(client: Client, jti: str, claims: Mapping[str, Any]) -> None:
    until = datetime.fromtimestamp(claims["exp"], tz=UTC) + timedelta(seconds=LEEWAY)
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(purpose=PURPOSE, client=client, jti=opaque.digest(jti), expires_at=until)
    except IntegrityError as error:
        raise InvalidClient(f"assertion of {client.client_id[:80]!r} came again") from error
