"""Rotating by hand: what it does is read first, in numbers, and nobody's cache is passed over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens import fetchers, rotating, rotation
from tokens.models import KeyFetch, SigningKey

KEYS = "/console/keys"


@pytest.fixture
def ready(world):
    """The next key was published for long enough; one program fetched it, and one has not."""
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        published = timezone.now() - rotation.KNOWN_AFTER
        SigningKey.objects.filter(status="next").update(created_at=published)
        for program, at in (("gateway/2", timezone.now()), ("notes/1", published - timedelta(hours=1))):
            KeyFetch.objects.create(program=program, network="192.0.2.0/24", first_at=at, last_at=at)
    return world


def status(world):
    with context.use(world.tenant):
        return sorted(SigningKey.objects.filter(algorithm="ES256").values_list("status", flat=True))


@spec("RFC 7517", "5")
@pytest.mark.parametrize("place", [KEYS, f"{KEYS}/rotate?algorithm=ES256"])
def test_whoever_rotates_reads_who_has_not_got_the_key_and_may_say_why(ready, place):
    ready.grant(ready.public_client())
    ada = ready.browser("ada")
    ada.go(ready.url(place))
    for said in (
        "1 of 2 programs has not fetched it, and refuses new tokens until it does: notes/1 in 192.0.2.0/24",
        "token that the key before it signed stays good: that key is served for 2 hours more.",
        "signs every token from that moment on.",
    ):
        assert said in ada.words(), said
    ada.submit(ada.form("/rotate"), {"reason": "Moving."})
    assert status(ready) == ["active", "next", "retired"]
    (entry,) = ready.entries("key.activated")
    assert (entry.reason, entry.principal_id) == ("Moving.", ready.people["ada"].pk)


@spec("RFC 7517", "5")
def test_over_the_api_the_same_is_read_first(ready):
    ask = asker(ready, "ada", "keys:read keys:write")
    with leaves_only(ready):
        told = ask("POST", "/keys/rotate", {"algorithm": "ES256", "dry_run": True}).json()
    assert (told["dry_run"], told["programs"], [each["program"] for each in told["missing"]]) == (True, 2, ["notes/1"])
    assert ask("POST", "/keys/rotate", {"algorithm": "ES256"}).status_code == 200
    assert status(ready) == ["active", "next", "retired"]


@spec("RFC 7517", "5")
def test_the_longest_that_anybody_kept_a_key_set_is_waited_for_and_no_longer_than_a_day(ready):
    ada, ask = ready.browser("ada"), asker(ready, "ada", "keys:read keys:write")
    now = timezone.now()
    with context.use(ready.tenant):
        assert rotating.known_after(now) == rotation.KNOWN_AFTER
        KeyFetch.objects.filter(program="gateway/2").update(longest_pause=timedelta(hours=7))
        assert rotating.known_after(now) == timedelta(hours=7)
        KeyFetch.objects.filter(program="notes/1").update(longest_pause=timedelta(days=9))
        assert rotating.known_after(now) == rotation.PUBLISHED_AHEAD
        KeyFetch.objects.filter(program="notes/1").update(longest_pause=timedelta())
    assert "Rotate ES256 now?" not in ada.go(ready.url(KEYS)).text
    assert "may sign" in ada.words()
    with leaves_only(ready):
        refused = ask("POST", "/keys/rotate", {"algorithm": "ES256"})
        assert refused.status_code == 409
    with context.use(ready.tenant):
        SigningKey.objects.filter(status="next").update(created_at=now - timedelta(hours=7))
    assert ask("POST", "/keys/rotate", {"algorithm": "ES256"}).status_code == 200


@spec("RFC 7517", "5")
def test_the_longest_pause_between_two_fetches_is_kept_of_each_program(world):
    start = timezone.now() - timedelta(days=2)
    with context.use(world.tenant):
        for hours in (0, 1, 6, 8):
            fetchers.forget_all()
            fetchers.note("192.0.2.7", "gateway/2", now=start + timedelta(hours=hours))
        (seen,) = KeyFetch.objects.filter(program="gateway/2")
    assert seen.longest_pause == timedelta(hours=5)
    assert (seen.first_at, seen.last_at) == (start, start + timedelta(hours=8))


def test_a_key_that_nobody_published_rotates_nothing(world):
    ada = world.browser("ada")
    with leaves_only(world):
        assert ada.go(world.url(f"{KEYS}/rotate?algorithm=HS256")).status_code == 409


@spec("RFC 9110", "15.5.10")
@pytest.mark.parametrize("algorithm", ["", "none", "%00", "ES256%00"])
def test_an_algorithm_that_is_none_is_nobodys_key(world, algorithm):
    assert world.browser("ada").go(world.url(f"{KEYS}/rotate?algorithm={algorithm}")).status_code == 409
