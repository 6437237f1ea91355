"""Signing people in at another provider (OpenID Connect Core §3.1), as its client.

Always a code, PKCE, `state` and `nonce`, and an ID token whose signature, issuer, audience, times and nonce are
checked. The provider's addresses come from its own metadata. A tenant of this installation answers in process: its
token endpoint is asked as anybody would ask it, without leaving the house.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from kit import context, fetch, jose, opaque
from kit.caching import TtlCache
from kit.fetch import Unfetchable
from kit.oauth import BadAssertion
from tenants.models import Membership, Tenant
from tokens import trust
from tokens.endpoints import door, token
from tokens.endpoints.door import Received
from tokens.formats import id_token
from trust import keys, outbound, providers
from trust.models import IdentityProvider

LIMIT = 64 * 1024
LONGEST = 24 * 3600
LEEWAY = 60
LATEST = 2**33
"""The latest moment that is said to anybody, in seconds since the epoch: a token may name any number."""
SCOPE = "openid profile email"


class ClocksDiffer(BadAssertion):
    """An ID token of another time than ours; `theirs` is the provider's."""

    def __init__(self, reason: str, theirs: datetime) -> None:
        super().__init__(reason)
        self.theirs = theirs


@dataclass(frozen=True, slots=True)
class Places:
    """Where a provider does what."""

    authorization: str
    token: str
    userinfo: str
    names_itself: bool
    """Whether every answer of its authorization endpoint names it (RFC 9207 §3)."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun here: what the browser keeps until it comes back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def now(cls) -> "Begun":
        return cls(opaque.make(), opaque.make(), opaque.make())


_places: TtlCache[tuple[str, str, int], Places] = TtlCache(ttl=600)


def address(provider: IdentityProvider, begun: Begun, *, redirect_uri: str, hint: str = "", again: bool = False) -> str:
    """Return where to send the browser; raises Unfetchable."""
    digest = hashlib.sha256(begun.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": hint,
        # Either word makes it ask; the second also makes it say when it did (OpenID Connect Core §2, `auth_time`).
        "prompt": "login" if again else "",
        "max_age": "0" if again else "",
    }
    place = places(provider).authorization
    return f"{place}{'&' if '?' in place else '?'}{urlencode({name: value for name, value in asked.items() if value})}"


def finish(
    provider: IdentityProvider, begun: Begun, code: str, *, redirect_uri: str, now: datetime
) -> Mapping[str, Any]:
    """Return what the provider says of the person; raises BadAssertion or Unfetchable."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": begun.verifier,
    }
    answer = _redeem(provider, form)
    try:
        claims = _verified(provider, str(answer.get("id_token", "")), begun, now)
    except jose.BadTime as error:
        raise ClocksDiffer(
            f"ID token: {error}", datetime.fromtimestamp(min(max(error.said, 0), LATEST), tz=UTC)
        ) from error
    except jose.BadToken as error:
        raise BadAssertion(f"ID token: {error}") from error
    # When somebody signed in counts as the token says it, which is signed for this very request.
    said = {name: value for name, value in _userinfo(provider, answer, claims).items() if name != "auth_time"}
    return {**said, **claims}


def signed_in_at(claims: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """Return when a provider had the person sign in, by the claims of `finish`; None where it says nothing usable."""
    said = claims.get("auth_time")
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said <= now.timestamp() + LEEWAY:
        return None
    return min(now, datetime.fromtimestamp(said, tz=UTC))


def names_the_provider(provider: IdentityProvider, said: str | None) -> bool:
    """Say whether the `iss` of an answer is the provider's, or rightly missing (RFC 9207 §2.4)."""
    return said == provider.issuer.issuer if said is not None else not places(provider).names_itself


def places(provider: IdentityProvider) -> Places:
    """Return where a provider does what, as its own metadata says; raises Unfetchable."""
    issuer = provider.issuer
    sister = trust.sister(issuer.issuer) if keys.is_our_own(issuer.issuer) else None
    if sister is not None:
        return Places(f"{sister.issuer}/authorize", f"{sister.issuer}/token", "", names_itself=True)
    key = (context.require_id(), issuer.pk, issuer.version)
    found = _places.get(key, lambda: _read_places(issuer.issuer))
    if found is None:
        raise Unfetchable("no metadata")
    return found


def _read_places(issuer: str) -> Places:
    document = outbound.fetch_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration", limit=LIMIT).document
    named = [document.get(f"{name}_endpoint", "") for name in ("authorization", "token", "userinfo")]
    if document.get("issuer") != issuer or not all(isinstance(each, str) for each in named):
        raise Unfetchable("metadata of another issuer")
    if not fetch.is_fetchable(named[0]) or not fetch.is_fetchable(named[1]):
        raise Unfetchable("an endpoint that is no https URL")
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    return Places(named[0], named[1], named[2] if fetch.is_fetchable(named[2]) else "", names_itself)


def _redeem(provider: IdentityProvider, form: Mapping[str, str]) -> Mapping[str, Any]:
    secret = providers.secret_of(provider)
    if secret:
        pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
        authorization, sent = f"Basic {base64.b64encode(pair.encode()).decode()}", dict(form)
    else:
        authorization, sent = "", {**form, "client_id": provider.client_id}
    body = urlencode(sent).encode()
    sister = trust.sister(provider.issuer.issuer) if keys.is_our_own(provider.issuer.issuer) else None
    if sister is not None:
        return _ask_sister(sister, authorization, body)
    return outbound.post_form(places(provider).token, body, limit=LIMIT, authorization=authorization).document


def _ask_sister(sister: Tenant, authorization: str, body: bytes) -> Mapping[str, Any]:
    with context.use(sister):
        received = Received(sister, "POST", door.FORM, "", False, "127.0.0.1", "Remit", authorization, body)
        answer = door.respond(token.room, received)
    if answer.status != 200:
        raise BadAssertion(f"the provider answered {answer.status}")
    found: Mapping[str, Any] = json.loads(answer.body)
    return found


def _verified(provider: IdentityProvider, raw: str, begun: Begun, now: datetime) -> Mapping[str, Any]:
    issuer = provider.issuer
    expected = jose.Expected(
        typ=id_token.TYP.lower(),
        issuer=issuer.issuer,
        audience=provider.client_id,
        leeway=LEEWAY,
        may_be_untyped=True,
        may_lack_kid=True,
        longest=LONGEST,
    )
    header, _ = jose.unverified(raw)
    found = trust.keys_of(issuer, header.get("kid"), now)
    claims = jose.verify(raw, found, expected, now=int(now.timestamp()))
    if "iat" not in claims or not opaque.same(str(claims.get("nonce", "")), begun.nonce):
        raise jose.BadToken("iat or nonce")
    if missed := issuer.misses(claims):
        raise jose.BadToken(f"{missed} is not what the registration demands")
    return claims


def _userinfo(provider: IdentityProvider, answer: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the provider says besides, where the ID token names no address (OpenID Connect Core §5.3)."""
    if "email" in claims:
        return {}
    sister = trust.sister(provider.issuer.issuer) if keys.is_our_own(provider.issuer.issuer) else None
    if sister is not None:
        return _said_by_sister(sister, claims)
    place, access = places(provider).userinfo, answer.get("access_token")
    if not place or not isinstance(access, str) or not access.isascii() or "\n" in access or "\r" in access:
        return {}
    said = outbound.fetch_json(place, limit=LIMIT, authorization=f"Bearer {access}").document
    return said if said.get("sub") == claims["sub"] else {}


def _said_by_sister(sister: Tenant, claims: Mapping[str, Any]) -> Mapping[str, Any]:
    with context.use(sister):
        member = Membership.objects.select_related("user").filter(pk=claims["sub"]).first()
    if member is None:
        return {}
    return id_token.identity(member.pk, name=member.name, email=member.email, scopes=frozenset(SCOPE.split()))
