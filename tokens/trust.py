"""Believing an issuer's assertion: whose it is, with which key it is signed, whom it is for, and until when.

A tenant of this installation is read in process, keys and status both; any other issuer's keys come from `trust.keys`.
Whoever is not trusted, is switched off or signed with another key gets one and the same answer, and nobody is asked
about keys but issuers that an admin registered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from delegations.models import Delegation
from kit import context, jose, opaque
from kit.jose import Keys, VerifiedClaims
from kit.oauth import BadAssertion
from tenants import directory as tenants_directory
from tenants.models import Tenant
from tokens import keys as our_keys
from tokens import rows, status
from tokens.values import GrantUse
from trust import directory, keys
from trust.models import TrustedIssuer

LEEWAY = 60
MAX_JTI = 255


@dataclass(frozen=True, slots=True)
class Believed:
    """An assertion that counts: whose word, what it says, and what makes it good once (None: it may come again)."""

    issuer: TrustedIssuer
    claims: VerifiedClaims
    use: GrantUse | None
    expires_at: datetime
    foreign_delegation: str = ""
    """What it stands on, where its issuer is a tenant of this installation."""
    stands_until: datetime | None = None
    """When that ends by the calendar."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an assertion must be: for which purpose it is believed, its `typ`, and whom it may be for."""

    purpose: TrustedIssuer.Purpose
    typ: str
    audiences: frozenset[str]
    may_be_untyped: bool = False


class Reading:
    """An assertion on its way to being believed; each step of STEPS raises jose.BadToken, or lets the next one read."""

    def __init__(self, assertion: str, wanted: Wanted, now: datetime) -> None:
        self.assertion, self.wanted, self.now = assertion, wanted, now
        self.claims: Mapping[str, Any] = {}
        self.stands_on = ""
        self.stands_until: datetime | None = None
        self._issuer: TrustedIssuer | None = None
        self._kid: object = None
        self._parsed: jose.Parsed | None = None

    @property
    def issuer(self) -> TrustedIssuer:
        assert self._issuer is not None  # The step before this one found it.
        return self._issuer

    def read(self) -> None:
        self._parsed = jose.unverified(self.assertion)
        header, self.claims = self._parsed
        self._kid = header.get("kid")

    def find_issuer(self) -> None:
        claimed = self.claims.get("iss")
        self._issuer = directory.issuer(claimed, self.wanted.purpose)
        if self._issuer is None:
            raise jose.BadToken(f"issuer {str(claimed)[:120]!r} is not trusted for {self.wanted.purpose}")

    def check_signature(self) -> None:
        found = keys_of(self.issuer, self._kid, self.now)
        self.claims = jose.signed(self.assertion, found, self._expected(), parsed=self._parsed)

    def check_times(self) -> None:
        jose.check_times(self.claims, now=int(self.now.timestamp()), expected=self._expected())
        if "iat" not in self.claims:
            raise jose.BadToken("iat is missing")

    def check_audience(self) -> None:
        if not _is_for(self.claims.get("aud"), self.wanted.audiences):
            raise jose.BadToken("aud")

    def check_key(self) -> None:
        if "cnf" in self.claims:
            raise jose.BadToken("bound to a key, and no key can be proved here")

    def check_registration(self) -> None:
        if missed := self.issuer.misses(self.claims):
            raise jose.BadToken(f"{missed} is not what the registration demands")

    def check_use(self) -> None:
        digest = opaque.digest(_jti(self.claims))
        if not self.issuer.reuses_assertions and rows.grant_was_used(self.issuer.pk, digest):
            raise jose.BadToken("the assertion was used before")

    def ask_sister(self) -> None:
        """Ask a tenant of this installation whether what its assertion hangs on is alive at this moment."""
        tenant = sister(self.issuer.issuer) if keys.is_our_own(self.issuer.issuer) else None
        if tenant is None:
            return
        with context.use(tenant):
            found = status.live_access_token(_jti(self.claims), now=self.now)
        if found is None:
            raise jose.BadToken("its issuer withdrew it")
        if not frozenset(found.row.scope.split()) <= found.row.delegation.scope_set:
            raise jose.BadToken("its issuer took part of it back")
        self.stands_on, self.stands_until = found.delegation_id, found.stands_until

    def believed(self) -> Believed:
        """Return what came of it, once every step let it pass."""
        expires_at = datetime.fromtimestamp(self.claims["exp"], tz=UTC)
        forgotten_at = expires_at + timedelta(seconds=LEEWAY)
        use = GrantUse(self.issuer.pk, opaque.digest(_jti(self.claims)), forgotten_at)
        reused = self.issuer.reuses_assertions
        return Believed(
            self.issuer,
            VerifiedClaims(self.claims),
            None if reused else use,
            expires_at,
            self.stands_on,
            self.stands_until,
        )

    def _expected(self) -> jose.Expected:
        return jose.Expected(
            typ=self.wanted.typ,
            issuer=self.issuer.issuer,
            audience=None,
            leeway=LEEWAY,
            may_be_untyped=self.wanted.may_be_untyped,
            longest=self.issuer.longest_seconds,
        )


STEPS: tuple[tuple[str, Callable[[Reading], None]], ...] = (
    ("form", Reading.read),
    ("iss", Reading.find_issuer),
    ("signature", Reading.check_signature),
    ("exp, iat, nbf", Reading.check_times),
    ("aud", Reading.check_audience),
    ("cnf", Reading.check_key),
    ("required claims", Reading.check_registration),
    ("jti", Reading.check_use),
    ("withdrawn", Reading.ask_sister),
)
"""In this order, for every assertion; `across.trial` shows an admin the same steps."""


def believe(assertion: str, wanted: Wanted, *, now: datetime) -> Believed:
    """Return an assertion of an issuer that the current tenant trusts; raises BadAssertion."""
    reading = Reading(assertion, wanted, now)
    try:
        for _, step in STEPS:
            step(reading)
    except jose.BadToken as error:
        raise BadAssertion(f"assertion: {error}") from error
    return reading.believed()


def hold(issuer: TrustedIssuer, delegation_id: str, scopes: frozenset[str], *, now: datetime) -> None:
    """Keep what an assertion of a tenant here stands on, and as much of it, until the caller commits; raises
    BadAssertion.

    Whoever ends it or takes of it waits, and then finds what the caller made of it (`across.recall`).
    """
    tenant = sister(issuer.issuer)
    if tenant is None:
        raise BadAssertion("its issuer is not served any more")
    with context.use(tenant):
        if not status.hold(delegation_id, now=now):
            raise BadAssertion("its issuer withdrew it")
        if not scopes <= Delegation.objects.get(pk=delegation_id).scope_set:
            raise BadAssertion("its issuer took part of it back")


def sister(issuer: str) -> Tenant | None:
    """Return the tenant of this installation that is an issuer."""
    prefix = f"{settings.PUBLIC_ORIGIN}/t/"
    return tenants_directory.tenant_by_slug(issuer.removeprefix(prefix)) if issuer.startswith(prefix) else None


def _is_for(audience: object, ours: frozenset[str]) -> bool:
    """Say whether a string, or a list of nothing but our own names, is the audience."""
    named = audience if isinstance(audience, list) else [audience]
    return 0 < len(named) <= len(ours) and all(isinstance(each, str) and each in ours for each in named)


def keys_of(issuer: TrustedIssuer, kid: object, now: datetime) -> Keys:
    """Return the keys with which an issuer may have signed: of a tenant here in process, of others as fetched."""
    if not keys.is_our_own(issuer.issuer):
        return keys.of(issuer, kid=kid, now=now)
    tenant = sister(issuer.issuer)
    if tenant is None:
        return {}
    with context.use(tenant):
        public = our_keys.keyset().public
    return {kid: entry for kid, entry in public.items() if entry[0] in issuer.algorithms}


def _jti(claims: Mapping[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI or "\x00" in jti:
        raise jose.BadToken("jti")
    return jti
