"""Platforms' tokens in the place of a client's secret: a CI job, a container, a queue worker (RFC 7521 §4.2).

They are no client assertions of RFC 7523: their subject is whatever the platform calls the workload. An admin says
which subject of which issuer, with which further claims, is which client; the client names itself, and the audience is
ours alone. They may come again until they expire: a platform hands a job one token, which serves for all its requests.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from agents.models import Client, FederatedCredential
from kit import jose
from kit.oauth import InvalidClient
from tenants import directory
from trust import directory as trust_directory
from trust import keys
from trust.models import TrustedIssuer

LEEWAY = 60


def check(client: Client, token: str, *, now: datetime) -> FederatedCredential:
    """Accept a platform's token about a subject that is this client; return whose word it is. Raises InvalidClient."""
    try:
        header, unverified = jose.unverified(token)
        issuer = trust_directory.issuer(unverified.get("iss"), TrustedIssuer.Purpose.FEDERATION)
        if issuer is None:
            raise jose.BadToken("issuer is not trusted to stand for secrets")
        expected = jose.Expected(
            typ="jwt",
            issuer=issuer.issuer,
            audience=None,
            leeway=LEEWAY,
            may_be_untyped=True,
            longest=issuer.longest_seconds,
        )
        held = keys.of(issuer, kid=header.get("kid"), now=now)
        claims = jose.verify(token, held, expected, now=int(now.timestamp()))
        if missed := issuer.misses(claims):
            raise jose.BadToken(f"{missed} is not what the registration demands")
    except jose.BadToken as error:
        raise InvalidClient(f"platform token for {client.client_id[:80]!r}: {error}") from error
    credentials = FederatedCredential.objects.filter(client=client, issuer=issuer).order_by("pk")
    found = next((credential for credential in credentials if _is_about(credential, claims)), None)
    if found is None:
        raise InvalidClient(f"platform token: nothing of it is {client.client_id[:80]!r}")
    return found


def matches(template: str, subject: str) -> bool:
    """Say whether a subject is what a template says: exact, but that `*` stands for one part between `:` and `/`."""
    return _pattern(template).fullmatch(subject) is not None


def _is_about(credential: FederatedCredential, claims: Mapping[str, Any]) -> bool:
    subject = claims.get("sub")
    audience = credential.audience or directory.current().issuer
    return (
        isinstance(subject, str)
        and matches(credential.subject, subject)
        and jose.sole_audience(claims) == audience
        and all(_says(claims, path, value) for path, value in credential.claims.items())
    )


def _says(claims: Mapping[str, Any], place: str, value: object) -> bool:
    """Say whether a claim has exactly this value; `outer|inner` is inside an object (`kubernetes.io|namespace`)."""
    outer, bar, inner = place.partition("|")
    found = claims.get(outer)
    if bar:
        return isinstance(found, Mapping) and _says(found, inner, value)
    return type(found) is type(value) and found == value


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^:/]+".join(re.escape(part) for part in template.split("*")))
