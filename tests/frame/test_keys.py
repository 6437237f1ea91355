"""The life of signing keys: published ahead, active, retired, destroyed; sealed, named and never shared."""

import base64
import hashlib
import json
import time
from datetime import timedelta

import pytest
from django.conf import settings as product
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from jwcrypto import jwk, jws

from audit.principals import SYSTEM
from kit import context, sealing
from tenants import actions as tenants
from tenants.models import Tenant
from tenants.rules import LONGEST_ACCESS_TOKEN
from tests.harness import crowd
from tests.spec import spec
from tokens import keys, rotation
from tokens.errors import NoActiveKey
from tokens.models import SigningKey

PUBLIC = {"ES256": {"kty", "crv", "x", "y"}, "RS256": {"kty", "n", "e"}}
YEAR = timedelta(days=365)


def _keys(world, **which):
    with context.use(world.tenant):
        return list(SigningKey.objects.filter(**which).order_by("pk"))


def _rotate(world, now):
    with context.use(world.tenant):
        return rotation.rotate_due(now, by=SYSTEM)


def _published(world):
    with context.use(world.tenant):
        keys.forget_all()
        return json.loads(keys.keyset().document)["keys"]


def _private(row):
    return json.loads(sealing.unseal(row.sealed_private, product.SEALING_KEYS))


def _statuses(world, algorithm="ES256"):
    return [key.status for key in _keys(world, algorithm=algorithm)]


def _due(world):
    """Publish the next keys, and return a moment at which they are due."""
    now = timezone.now()
    _rotate(world, now)
    return now + timedelta(days=product.KEY_DAYS, hours=1)


# --- the life of a key


def test_a_tenant_opens_with_one_active_key_for_each_algorithm(world):
    assert {(key.algorithm, key.status) for key in _keys(world)} == {("ES256", "active"), ("RS256", "active")}


def test_a_key_is_published_long_before_it_signs_and_long_after_it_signed(world):
    assert _statuses(world) == ["active"]
    now = timezone.now()

    assert _rotate(world, now) == 2
    assert _statuses(world) == ["active", "next"]
    old, ahead = _keys(world, algorithm="ES256")
    assert ahead.activate_at - now >= rotation.PUBLISHED_AHEAD
    assert {old.kid, ahead.kid} <= {key["kid"] for key in _published(world)}
    assert _rotate(world, ahead.activate_at - timedelta(seconds=1)) == 0

    assert _rotate(world, ahead.activate_at) == 2
    assert _statuses(world) == ["retired", "active"]
    assert {old.kid, ahead.kid} <= {key["kid"] for key in _published(world)}

    _rotate(world, ahead.activate_at + rotation.KEPT_AFTER - timedelta(seconds=1))
    assert _statuses(world) == ["retired", "active", "next"]

    _rotate(world, ahead.activate_at + rotation.KEPT_AFTER)
    assert _statuses(world) == ["destroyed", "active", "next"]
    assert old.kid not in {key["kid"] for key in _published(world)}


def test_a_key_is_kept_for_longer_than_any_token_may_live(world):
    assert timedelta(seconds=LONGEST_ACCESS_TOKEN) < rotation.KEPT_AFTER
    for seconds in (0, -1, LONGEST_ACCESS_TOKEN + 1):
        with pytest.raises(ValueError):
            tenants.change_policy(world.tenant, by=SYSTEM, access_token_seconds=seconds)


def test_every_step_is_written_down_with_the_key_it_was_about(world):
    now = _due(world)
    _rotate(world, now)
    _rotate(world, now + rotation.KEPT_AFTER)
    old = _keys(world, algorithm="ES256")[0]
    told = [entry.event for entry in world.entries() if entry.about_id == old.pk]
    assert told == ["key.created", "key.retired", "key.destroyed"]


def test_a_step_that_was_taken_is_not_taken_again(world):
    now = _due(world)
    assert _rotate(world, now) == 2
    assert _rotate(world, now) == 2  # the next keys are published
    assert _rotate(world, now) == 0


def test_after_a_year_of_ticks_there_is_one_active_key_and_nothing_lingers(world):
    now = timezone.now()
    for day in range(0, 366, 5):
        _rotate(world, now + timedelta(days=day))
    for algorithm in keys.ALGORITHMS:
        statuses = _statuses(world, algorithm)
        assert statuses.count("active") == statuses.count("next") == 1
        assert statuses.count("retired") <= 1
        assert statuses.count("destroyed") >= 3


def test_the_clock_that_stood_still_for_a_year_activates_one_key(world):
    _rotate(world, timezone.now())
    for _ in range(3):
        _rotate(world, timezone.now() + YEAR)
    assert _statuses(world) == ["retired", "active", "next"]


# --- two clocks


def test_two_clocks_that_rotate_at_once_leave_one_active_key(world):
    now = _due(world)
    steps = crowd.at_once(4, lambda _: rotation.rotate_due(now, by=SYSTEM), tenant=world.tenant)
    for algorithm in keys.ALGORITHMS:
        statuses = _statuses(world, algorithm)
        assert statuses.count("active") == 1
        assert statuses.count("retired") == 1
    assert sum(steps) == len([e for e in world.entries() if e.event in {"key.activated", "key.created"}]) - 4


def test_two_clocks_that_publish_at_once_publish_one_key(world):
    now = timezone.now()
    crowd.at_once(4, lambda _: rotation.rotate_due(now, by=SYSTEM), tenant=world.tenant)
    assert _statuses(world) == ["active", "next"]


@pytest.mark.postgresql
def test_a_clock_that_was_overtaken_between_two_statements_leaves_one_active_key(world):
    now = _due(world)
    overtaken = []

    def overtake(execute, sql, params, many, statement):
        # The last statement before the step holds the tenant, and with it every other clock.
        if sql.startswith("UPDATE") and "tenants_tenant" in sql and not overtaken:
            overtaken.append(True)
            crowd.meanwhile(lambda: rotation.rotate_due(now, by=SYSTEM), tenant=world.tenant)
        return execute(sql, params, many, statement)

    with connection.execute_wrapper(overtake):
        _rotate(world, now)
    assert overtaken
    for algorithm in keys.ALGORITHMS:
        assert _statuses(world, algorithm).count("active") == 1
        assert _statuses(world, algorithm).count("retired") == 1


@pytest.mark.parametrize("status", ["active", "next"])
def test_the_database_itself_refuses_a_second_key_in_the_same_state(world, status):
    _rotate(world, timezone.now())
    kid, public, sealed = keys.generate("ES256")
    row = {"algorithm": "ES256", "status": status, "public": public, "sealed_private": sealed, "kid": kid}
    with context.use(world.tenant), pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.create(activate_at=timezone.now(), **row)


# --- signing and verifying


def _verified(token, published):
    """Check a token as a resource server does, with nothing of ours."""
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    (found,) = [key for key in published if key["kid"] == header["kid"]]
    verifier = jws.JWS()
    verifier.allowed_algs = [header["alg"]]
    verifier.deserialize(token)
    verifier.verify(jwk.JWK(**found))
    return json.loads(verifier.payload)


def test_a_token_signed_before_a_rotation_still_verifies_after_it(world):
    worker = world.worker()
    before = world.own_token(worker).json()["access_token"]
    _rotate(world, _due(world))
    time.sleep(product.CACHE_SECONDS + 0.2)  # The other process keeps its keys that long.

    after = world.own_token(worker).json()["access_token"]

    published = world.http.get(world.url("/jwks.json")).json()["keys"]
    assert _verified(before, published)["sub"] == _verified(after, published)["sub"] == worker.client.agent.pk
    assert before.split(".")[0] != after.split(".")[0]


@spec("RFC 7638", "3")
@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
def test_the_kid_is_the_keys_thumbprint(world, algorithm):
    (row,) = _keys(world, algorithm=algorithm)
    members = {name: row.public[name] for name in PUBLIC[algorithm]}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    assert row.kid == base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


@spec("RFC 7517", "4")
def test_only_public_members_are_published(world):
    _rotate(world, timezone.now())
    published = _published(world)
    assert len(published) == 4
    for key in published:
        assert key.keys() == PUBLIC[key["alg"]] | {"kid", "alg", "use"}


def test_tenants_share_no_key(world, elsewhere):
    mine, theirs = ({key["kid"] for key in _published(each)} for each in (world, elsewhere))
    assert mine
    assert theirs
    assert not mine & theirs
    with context.use(world.tenant):
        signed = keys.sign({"sub": "x"}, typ="at+jwt", algorithm="ES256")
    with pytest.raises(ValueError):
        _verified(signed, _published(elsewhere))


# --- at rest


def test_a_private_key_is_nowhere_in_its_row_in_clear(world):
    for row in _keys(world):
        private = _private(row)
        written = json.dumps([str(getattr(row, field.attname)) for field in row._meta.concrete_fields])
        assert private["d"] not in written
        assert "PRIVATE" not in written
        assert private["d"] not in repr(row)


def test_a_destroyed_key_is_wiped(world):
    now = _due(world)
    _rotate(world, now)
    _rotate(world, now + rotation.KEPT_AFTER)
    destroyed = _keys(world, status="destroyed")
    assert len(destroyed) == 2
    assert {key.sealed_private for key in destroyed} == {""}


def _sign(world):
    with context.use(world.tenant):
        keys.forget_all()
        return keys.sign({"sub": "x"}, typ="at+jwt", algorithm="ES256")


def test_with_another_sealing_key_nothing_is_signed_and_nothing_is_made_anew(world, settings):
    before = [key.kid for key in _keys(world)]
    settings.SEALING_KEYS = [b"another sealing key of 32 bytes!"]
    with pytest.raises(sealing.CannotOpen):
        _sign(world)
    assert [key.kid for key in _keys(world)] == before


@pytest.fixture
def passing(world):
    """A tenant that is deleted afterwards: its keys may be sealed with a key that no other process has."""
    yield world
    Tenant.objects.filter(pk=world.tenant.pk).update(status=Tenant.Status.DELETED)


def test_a_new_sealing_key_in_front_still_opens_and_seals_what_comes_next(passing, settings):
    world = passing
    old, new = settings.SEALING_KEYS[0], b"another sealing key of 32 bytes!"
    settings.SEALING_KEYS = [new, old]
    assert _sign(world)
    _rotate(world, _due(world))
    assert _sign(world)
    (active,) = _keys(world, algorithm="ES256", status="active")
    assert sealing.unseal(active.sealed_private, [new])
    with pytest.raises(sealing.CannotOpen):
        sealing.unseal(active.sealed_private, [old])


def test_a_tenant_without_an_active_key_signs_nothing(world):
    with context.use(world.tenant):
        SigningKey.objects.update(status="destroyed", sealed_private="")
    with pytest.raises(NoActiveKey):
        _sign(world)
