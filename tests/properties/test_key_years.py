"""Two thousand days of a tenant's keys, in any order of ticks, crashes, people and leaks, by a clock of the test's own.

`REMIT_TEST_SEED`, printed by a failure, plays the same days again.
"""

import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from audit.principals import SYSTEM
from kit import context, jose
from tenants import actions as tenant_actions
from tests.spec import spec
from tokens import emergency, keys, rotation
from tokens.errors import NotKnownYet
from tokens.models import SigningKey

DAYS = 2000
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ALGORITHM = "ES256"


class Crash(Exception):
    """The process ends here."""


@dataclass
class Token:
    text: str
    kid: str
    until: datetime
    seen_under: bytes = b""


@dataclass
class Years:
    """One tenant, its days, and what a reader of its key set must be able to believe."""

    world: object
    chance: Random
    now: datetime
    tokens: list[Token] = field(default_factory=list)
    leaked: set[str] = field(default_factory=set)
    published: dict[str, datetime] = field(default_factory=dict)
    signing: str = ""
    is_emergency: bool = True
    done: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    def a_day(self) -> None:
        """Play what happens on a day; on some days the clock stands still."""
        morning = self.now
        for moment in sorted(self.chance.uniform(0, 86_400) for _ in range(self.chance.choice((0, 1, 1, 2)))):
            self.now = morning + timedelta(seconds=moment)
            self.attempt(self.chance.choices((self.tick, self.rotate, self.leak, self.change), (90, 4, 3, 3))[0])
            self.sign()
            self.now += timedelta(seconds=self.chance.choice((1, 300, 3599)))
            self.check()
        self.now = morning + DAY

    def attempt(self, what) -> None:
        self.is_emergency = what == self.leak
        try:
            what()
        except Crash:
            self.count("crash")
        except NotKnownYet:
            self.count("refusal")
        keys.forget_all()
        self.check()

    def tick(self) -> None:
        steps = rotation.rotate_due(self.now, by=SYSTEM)
        self.count("step" if steps else "idle tick")

    def rotate(self) -> None:
        rotation.rotate_now(ALGORITHM, now=self.now, by=SYSTEM)
        self.count("rotation")

    def leak(self) -> None:
        key = self.chance.choice(list(SigningKey.objects.filter(status__in=keys.PUBLISHED)))
        try:
            emergency.compromise(key, now=self.now, by=SYSTEM, reason="it leaked")
        finally:
            # The process may have ended before its transaction did, or after.
            if SigningKey.objects.get(pk=key.pk).status == "compromised":
                self.leaked.add(key.kid)
                self.count(f"leak of {key.status}")

    def change(self) -> None:
        days = self.chance.choice((1, 2, 7, 30, 60))
        changed = tenant_actions.change_policy(self.world.tenant, by=SYSTEM, key_days={ALGORITHM: days})
        self.world.tenant.key_days = changed.key_days
        self.count("policy")

    def sign(self) -> None:
        seconds = self.chance.choice((60, 300, 3600))
        issued = int(self.now.timestamp())
        claims = {"iss": self.world.tenant.issuer, "iat": issued, "exp": issued + seconds, "sub": "x"}
        kid = keys.signer(ALGORITHM).kid
        until = datetime.fromtimestamp(issued + seconds, tz=UTC)
        self.tokens.append(Token(keys.sign(claims, typ="at+jwt", algorithm=ALGORITHM), kid, until))

    def check(self) -> None:
        """One key signs; it was known to all before it did; what it signed is believed as long as it may be."""
        found = keys.keyset()
        active = [key for key in _rows() if key[1] == "active"]
        assert len(active) == 1
        (kid, _), now = active[0], self.now
        assert found.signers[ALGORITHM].kid == kid
        for each in found.public:
            self.published.setdefault(each, now)
        if kid != self.signing and not self.is_emergency:
            assert now - self.published[kid] >= rotation.KNOWN_AFTER
        self.signing = kid
        assert not self.leaked & found.public.keys()
        self.tokens = [token for token in self.tokens if token.until > now]
        for token in self.tokens:
            self.believe(token, found)

    def believe(self, token: Token, found: keys.Keyset) -> None:
        if token.seen_under == found.document:
            return
        expected = jose.Expected(typ="at+jwt", issuer=self.world.tenant.issuer, audience=None)
        try:
            jose.verify(token.text, found.public, expected, now=int(self.now.timestamp()))
        except jose.BadToken:
            assert token.kid in self.leaked
        else:
            assert token.kid not in self.leaked
        token.seen_under = found.document


def _rows():
    return list(SigningKey.objects.filter(status__in=keys.PUBLISHED).values_list("kid", "status"))


def _may_crash(step, chance):
    """Let a step's process end before it or after it, now and then."""

    def tried(*args, **kwargs):
        fate = chance.random()
        if fate < 0.1:
            raise Crash
        done = step(*args, **kwargs)
        if fate > 0.85:
            raise Crash
        return done

    return tried


@spec("OIDC Core", "10.1.1")
def test_on_every_day_one_key_signs_and_what_it_signed_is_believed_to_its_end(world, monkeypatch):
    chosen = int(os.environ.get("REMIT_TEST_SEED") or secrets.randbits(32))
    chance = Random(chosen)
    with context.use(world.tenant):
        # A pair of the other kind takes longer to make than a year takes here.
        SigningKey.objects.exclude(algorithm=ALGORITHM).delete()
        monkeypatch.setattr(keys, "ALGORITHMS", (ALGORITHM,))
        years = Years(world, chance, SigningKey.objects.get().activate_at)
        years.check()
        for step in ("create", "activate", "destroy"):
            monkeypatch.setattr(rotation, step, _may_crash(getattr(rotation, step), chance))
        try:
            for _ in range(DAYS):
                years.a_day()
        except BaseException as error:
            error.add_note(f"To play it again: REMIT_TEST_SEED={chosen}")
            raise
    played = {"step", "rotation", "refusal", "crash", "policy", "leak of active", "leak of next"}
    assert not {what: years.done for what in played if years.done.get(what, 0) < 3}


@pytest.fixture(autouse=True)
def _forget():
    yield
    keys.forget_all()
