"""Who presents an access token at one of this server's own endpoints (RFC 6750 §2.1), and is it still good?"""

from dataclasses import dataclass
from datetime import datetime

from kit import jose
from kit.oauth import InvalidToken
from tenants.models import Tenant
from tokens import reading
from tokens.models import AccessToken


@dataclass(frozen=True, slots=True)
class Bearer:
    """A verified token of ours: its row, and what of it its delegation still allows."""

    token: AccessToken
    scopes: frozenset[str]
    is_authenticated: bool = True

    @property
    def pk(self) -> str:
        return str(self.token.pk)


def verify(tenant: Tenant, authorization: str, *, audience: str, now: datetime) -> Bearer:
    """Return the bearer of a live token for exactly this audience; raises InvalidToken."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken("no bearer token")
    try:
        row = reading.live(token.strip(), tenant, audience=audience, now=now).row
    except jose.BadToken as error:
        raise InvalidToken(f"not acceptable: {error}") from error
    return Bearer(row, frozenset(row.scope.split()) & row.delegation.scope_set)
