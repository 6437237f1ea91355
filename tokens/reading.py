"""From the string that somebody presents to a live access token: one way for every endpoint that reads one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit import jose, opaque
from tenants.models import Tenant
from tokens import status
from tokens.formats import access_token, claims
from tokens.models import AccessToken
from tokens.status import Live


@dataclass(frozen=True, slots=True)
class Read:
    """A live access token, and what it says."""

    live: Live
    claims: Mapping[str, Any]

    @property
    def row(self) -> AccessToken:
        return self.live.row


def live(token: str, tenant: Tenant, *, now: datetime, audience: str | None = None, asker: str = "") -> Read:
    """Return a token whose every condition holds at this moment; raises jose.BadToken with the reason.

    `asker` is the primary key of the client that asks: its version is read in the same statement.
    """
    if parsed := access_token.parse_opaque(token):
        token_id, secret = parsed
        found = _live(token_id, now, asker)
        if not found.digest or not opaque.same(opaque.digest(secret), found.digest):
            raise jose.BadToken("secret")
        if audience is not None and found.audience != audience:
            raise jose.BadToken("aud")
        return Read(found, claims.of_row(found.row, tenant))
    verified = access_token.verify(token, tenant, audience=audience, now=now)
    found = _live(verified["jti"], now, asker)
    if found.digest:
        raise jose.BadToken("an opaque token's id in a JWT")
    return Read(found, verified)


def _live(token_id: str, now: datetime, asker: str) -> Live:
    found = status.live_access_token(token_id, now=now, asker=asker)
    if found is None:
        raise jose.BadToken(f"{token_id[:64]}: what it hangs on is over")
    return found
