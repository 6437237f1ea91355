"""The key set: public members alone, the key that comes next, and the keys that signed a while ago."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context, jose
from tests.spec import spec
from tokens import rotation
from tokens.models import SigningKey

PUBLIC = {"EC": {"kty", "crv", "x", "y"}, "RSA": {"kty", "n", "e"}}
DAY = timedelta(days=1)


def published(world):
    return world.http.get(world.url("/jwks.json")).json()["keys"]


def eventually_published(world, kids):
    """Wait until the server's cache has let go of what it knew."""
    until = time.monotonic() + 4 * settings.CACHE_SECONDS
    while {key["kid"] for key in published(world)} != kids:
        assert time.monotonic() < until, published(world)
        time.sleep(0.1)


def rotate(world, ahead):
    with context.use(world.tenant):
        return rotation.rotate_due(timezone.now() + ahead, by=SYSTEM)


def rows(world, *statuses):
    with context.use(world.tenant):
        return set(SigningKey.objects.filter(status__in=statuses).values_list("kid", flat=True))


@spec("RFC 7517", "5")
def test_only_public_members_are_published(world):
    found = published(world)
    assert {key["alg"] for key in found} == {"ES256", "RS256"}
    for key in found:
        assert key.keys() == PUBLIC[key["kty"]] | {"kid", "alg", "use"}
        assert key["use"] == "sig"


@spec("RFC 7638", "3")
def test_two_tenants_share_no_key(world, elsewhere):
    mine, theirs = ({key["kid"] for key in published(each)} for each in (world, elsewhere))
    assert len(mine) == len(theirs) == 2
    assert not mine & theirs


@spec("RFC 7517", "8.5")
def test_the_set_is_cacheable_and_known_by_its_etag(world):
    first = world.http.get(world.url("/jwks.json"))
    assert first.headers["content-type"] == "application/jwk-set+json"
    assert first.headers["cache-control"] == "public, max-age=3600"
    again = world.http.get(world.url("/jwks.json"), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@spec("RFC 7517", "5")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_set_is_only_read(world, method):
    answer = world.http.request(method, world.url("/jwks.json"))
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/json")


@spec("OIDC Core", "10.1.1")
def test_the_next_key_is_published_before_it_signs(world):
    before = rows(world, "active")
    assert rotate(world, timedelta()) == 2
    nexts = rows(world, "next")
    eventually_published(world, before | nexts)
    assert rows(world, "active") == before


@spec("OIDC Core", "10.1.1")
def test_a_retired_key_is_still_there_and_a_destroyed_one_is_gone(world):
    old = rows(world, "active")
    rotate(world, timedelta())
    new = rows(world, "next")
    rotate(world, timedelta(days=settings.KEY_DAYS) + DAY)
    assert rows(world, "active") == new
    assert rows(world, "retired") == old
    eventually_published(world, old | new)
    rotate(world, timedelta(days=settings.KEY_DAYS) + DAY + rotation.KEPT_AFTER)
    assert rows(world, "destroyed") == old
    eventually_published(world, rows(world, "active", "next"))
    assert not rows(world, "active", "next") & old


@spec("OIDC Core", "10.1.1")
def test_a_destroyed_key_keeps_no_private_part(world):
    rotate(world, timedelta())
    rotate(world, timedelta(days=settings.KEY_DAYS) + DAY)
    rotate(world, timedelta(days=settings.KEY_DAYS) + DAY + rotation.KEPT_AFTER)
    with context.use(world.tenant):
        gone = list(SigningKey.objects.filter(status="destroyed"))
    assert len(gone) == 2
    assert [key.sealed_private for key in gone] == ["", ""]


@spec("RFC 7517", "5")
def test_every_step_of_a_key_is_written_down(world):
    rotate(world, timedelta())
    rotate(world, timedelta(days=settings.KEY_DAYS) + DAY)
    rotate(world, timedelta(days=settings.KEY_DAYS) + DAY + rotation.KEPT_AFTER)
    steps = [entry.event for entry in world.entries() if entry.event.startswith("key.")]
    # Two at the opening, two ahead, two ahead again once those became active.
    assert steps.count("key.created") == 6
    assert steps.count("key.activated") == steps.count("key.retired") == steps.count("key.destroyed") == 2


@spec("RFC 7515", "4.1.4")
def test_a_token_names_a_published_key(world):
    token = world.own_token(world.worker()).json()["access_token"]
    header, _ = jose.unverified(token)
    assert header["kid"] in {key["kid"] for key in published(world)}
