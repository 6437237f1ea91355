"""Software statements (RFC 7591 §2.3): what a trusted issuer signed about software wins over what it says itself.

A statement belongs to software and not to one registration: it may live for years and come again. `exp` and `nbf`
hold where they are there, and so does `aud`: a token that was made for somebody else is no statement for us. Whether
the metadata is any good is judged before the signature: for that the issuer's keys may have to be fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.registration import metadata
from agents.registration.metadata import ClientMetadata
from kit import jose
from kit.oauth import AuthMethod, InvalidSoftwareStatement, UnapprovedSoftwareStatement
from tenants.models import Tenant
from trust import directory, keys
from trust.models import TrustedIssuer

LEEWAY = 60
LONGEST = 16 * 1024
_EXCLUSIVE = (
    frozenset({"jwks", "jwks_uri"}),
    frozenset({"token_endpoint_auth_method", "token_endpoint_auth_methods_supported"}),
)


@dataclass(frozen=True, slots=True)
class Vouched:
    """Metadata with a statement's claims in it, and whose statement it was; without one there is no issuer."""

    metadata: ClientMetadata
    statement: str = ""
    issuer: TrustedIssuer | None = None


def read(document: Mapping[str, Any], tenant: Tenant, *, now: datetime) -> Vouched:
    """Return what a registration says; raises one of the four refusals of RFC 7591 §3.2.2."""
    statement = document.get("software_statement")
    if statement is None:
        return Vouched(metadata.parse(document))
    claims, issuer = _claimed(statement)
    if issuer is None:
        raise UnapprovedSoftwareStatement(f"issuer {str(claims.get('iss'))[:120]!r} is not trusted for software")
    described = metadata.parse(_merged(document, claims))
    _check(statement, issuer, tenant, now=now)
    return Vouched(described, statement, issuer)


def read_public(document: Mapping[str, Any], tenant: Tenant, *, now: datetime) -> Vouched:
    """Return what a metadata document says; raises as `read` does, but for an issuer that this tenant does not know.

    A document is written once for all servers. That somebody vouches for it whom nobody here believes makes it neither
    better nor worse (CIMD §4.3).
    """
    statement = document.get("software_statement")
    claims, issuer = _claimed(statement) if statement is not None else ({}, None)
    described = metadata.parse(
        _merged(document, claims if issuer else {}), default_method=AuthMethod.NONE, is_public=True
    )
    if issuer is None or statement is None:
        return Vouched(described)
    _check(statement, issuer, tenant, now=now)
    return Vouched(described, statement, issuer)


def _claimed(statement: object) -> tuple[Mapping[str, Any], TrustedIssuer | None]:
    """Return what a statement says, unproven, and the trusted issuer that it names, where there is one."""
    if not isinstance(statement, str) or len(statement) > LONGEST:
        raise InvalidSoftwareStatement("software_statement is not a short string")
    try:
        _, claims = jose.unverified(statement)
    except jose.BadToken as error:
        raise InvalidSoftwareStatement(f"software statement: {error}") from error
    return claims, directory.issuer(claims.get("iss"), TrustedIssuer.Purpose.SOFTWARE)


def _check(statement: str, issuer: TrustedIssuer, tenant: Tenant, *, now: datetime) -> None:
    expected = jose.Expected(typ="jwt", issuer=issuer.issuer, audience=None, leeway=LEEWAY, may_be_untyped=True)
    header, claims = parsed = jose.unverified(statement)
    try:
        jose.signed(statement, keys.of(issuer, kid=header.get("kid"), now=now), expected, parsed=parsed)
        jose.check_times({"exp": int(now.timestamp()) + 1, **claims}, now=int(now.timestamp()), expected=expected)
    except jose.BadToken as error:
        raise InvalidSoftwareStatement(f"software statement: {error}") from error
    if "aud" in claims and claims["aud"] not in (tenant.issuer, [tenant.issuer]):
        raise InvalidSoftwareStatement("software statement: it is for somebody else")
    if "cnf" in claims:
        raise InvalidSoftwareStatement("software statement: it is bound to a key, and none can be proved here")
    if missed := issuer.misses(claims):
        raise InvalidSoftwareStatement(f"software statement: {missed} is not what the registration demands")


def _merged(document: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in claims.items() if name in metadata.MEMBERS and value is not None}
    overruled = frozenset().union(*(pair for pair in _EXCLUSIVE if pair & said.keys()))
    return {name: value for name, value in document.items() if name not in overruled} | said
