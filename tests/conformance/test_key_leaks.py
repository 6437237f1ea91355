"""A key that leaked: from one moment on nobody signs with it, nothing that it signed is good, and work goes on."""

import json
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tenants import resources as tenant_resources
from tests.conformance.test_jwks import eventually_published, published, rows
from tests.harness import chain as chains
from tests.harness import rush
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec
from tokens import emergency, keys, rotation
from tokens.errors import KeyIsOver
from tokens.models import AccessToken, SigningKey


def kid(token):
    return json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]


def key(world, status="active", algorithm="ES256"):
    with context.use(world.tenant):
        return SigningKey.objects.get(status=status, algorithm=algorithm)


def leak(world, which, reason="on a lost laptop"):
    with context.use(world.tenant):
        return emergency.compromise(which, now=timezone.now(), by=SYSTEM, reason=reason)


@pytest.fixture
def scout(world):
    return world.secret_client()


@spec("RFC 7517", "5")
def test_a_key_that_leaked_signs_nothing_vouches_for_nothing_and_is_published_no_more(world, scout):
    tokens = world.grant(scout, scope="events:read openid offline_access")
    worker = world.worker()
    own = world.own_token(worker).json()["access_token"]
    old = key(world)
    assert kid(tokens["access_token"]) == kid(own) == old.kid
    assert world.is_active(tokens["access_token"])
    assert world.is_active(own)

    receipt = leak(world, old)

    assert not world.is_active(tokens["access_token"])
    assert not world.is_active(own)
    # At once, in a process that kept its keys: the mint compares the version.
    assert kid(world.own_token(worker).json()["access_token"]) == receipt.replaced_by == key(world).kid
    eventually_published(world, rows(world, "active", "next"))
    assert old.kid not in {each["kid"] for each in published(world)}
    assert key(world, "compromised").sealed_private == ""


@spec("RFC 6749", "6")
def test_whoever_holds_a_refresh_token_goes_on_under_the_new_key(world, scout):
    tokens = world.grant(scout)
    receipt = leak(world, key(world))
    answer = world.refresh(scout, tokens["refresh_token"])
    assert answer.status_code == 200
    assert kid(answer.json()["access_token"]) == receipt.replaced_by
    eventually_published(world, rows(world, "active", "next"))
    assert world.is_active(answer.json()["access_token"])


@spec("RFC 8693", "2.1")
def test_what_was_exchanged_from_it_ends_too_and_what_another_key_signed_does_not(world):
    world.rewrite(world.notes, signing_algorithm="RS256")
    gateway = world.helper("Calendar agent", resource_server=world.calendar)
    with context.use(world.tenant):
        edge = {"events:read": ["notes:read"]}
        tenant_resources.allow_downstream(world.calendar, world.notes, edge, by=SYSTEM)
    token = chains.make(world).tokens[0]
    down = world.exchange(gateway, token, resource=world.notes.identifier).json()["access_token"]
    worker = world.worker("notes:read", world.notes)
    asked = {"resource": world.notes.identifier, "scope": "notes:read"}
    own = world.own_token(worker, **asked).json()["access_token"]
    assert kid(down) == kid(own) == key(world, algorithm="RS256").kid
    assert kid(token) == key(world).kid
    reader = world.introspector(world.notes)
    leak(world, key(world))
    assert [world.introspect(reader, each)["active"] for each in (down, own)] == [False, True]


@spec("RFC 8725", "3.10")
def test_what_a_thief_writes_with_it_is_refused(world, scout):
    genuine = world.grant(scout)["access_token"]
    with context.use(world.tenant):
        stolen = keys.signer("ES256")
        assert stolen.private
    leak(world, key(world))
    fresh = world.grant(scout)["access_token"]
    eventually_published(world, rows(world, "active", "next"))
    forged = keys.sign_with(stolen, claims(fresh), typ="at+jwt")
    for token in (genuine, forged):
        assert world.introspect(scout, token) == {"active": False}
    assert world.is_active(fresh)


@spec("RFC 7517", "5")
def test_a_receipt_says_beforehand_what_it_says_afterwards(world, scout):
    world.grant(scout)
    world.own_token(world.worker())
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        with leaves_only(world):
            foreseen = emergency.foresee(key(world), now=timezone.now()).as_json()
    told = leak(world, key(world)).as_json()
    moving = {"at", "accepted_until"}
    assert {name: told[name] for name in told.keys() - moving} == {
        name: foreseen[name] for name in foreseen.keys() - moving
    }
    assert told["access_tokens_ended"] == 2
    assert told["tokens"] == [{"resource": world.calendar.identifier, "checks": "jwt", "tokens": 2}]
    assert told["replaced_by"] == key(world).kid
    until = datetime.fromisoformat(told["accepted_until"]) - datetime.fromisoformat(told["at"])
    assert until == timedelta(seconds=told["time_to_zero"]) >= timedelta(seconds=keys.JWKS_SECONDS)
    (entry,) = world.entries("key.compromised")
    assert entry.detail["receipt"] == told
    assert entry.reason == "on a lost laptop"


@spec("RFC 7517", "5")
@pytest.mark.parametrize("status", ["next", "retired"])
def test_a_key_that_does_not_sign_may_leak_too_and_the_one_that_signs_goes_on(world, status):
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        rotation.rotate_now("ES256", now=timezone.now() + timedelta(days=1), by=SYSTEM)
    active, leaked = key(world), key(world, status)
    leak(world, leaked)
    assert key(world).kid == active.kid
    assert rows(world, "next") & {key(world, "next").kid}
    eventually_published(world, rows(world, "active", "next", "retired"))
    assert leaked.kid not in {each["kid"] for each in published(world)}


@spec("RFC 7517", "5")
@pytest.mark.parametrize("status", ["destroyed", "compromised"])
def test_a_key_that_is_over_cannot_be_ended_again(world, status):
    old = key(world)
    world.rewrite(old, status=status)
    with leaves_only(world), context.use(world.tenant):
        with pytest.raises(KeyIsOver):
            emergency.end(old, timezone.now(), by=SYSTEM, reason="again")
        with pytest.raises(KeyIsOver):
            emergency.foresee(SigningKey.objects.get(pk=old.pk), now=timezone.now())


@spec("RFC 7517", "5")
def test_no_token_that_is_being_asked_for_escapes(world):
    worker = world.worker()
    old = key(world)
    world.own_token(worker)
    with rush.callers(world) as pool:
        seen = rush.around(world, pool, [lambda: world.own_token(worker)], lambda: leak(world, old))
    with context.use(world.tenant):
        alive = set(AccessToken.objects.filter(revoked_at=None, kid=old.kid).values_list("pk", flat=True))
    assert not alive
    assert all(answer.status_code == 200 for answer in [*seen.during, *seen.after])
    assert {kid(token) for token in rush.tokens(seen.after)} == {key(world).kid}
