"""A slow issuer delays nobody else, and whoever waits for it does not overwrite what an admin says meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.harness import platforms
from tests.harness.hostile import Hostile, drip, silent
from tests.harness.issuers import Remote, held
from tests.harness.platforms import named
from tests.harness.world import World
from tests.spec import spec


@pytest.fixture
def remote(world: World, documents: Hostile) -> Remote:
    """An issuer whose keys lie at an address."""
    return Remote(world, documents)


def test_while_an_issuer_is_slow_everybody_else_is_answered(world, remote):
    other = platforms.workload(world, named(platforms.GITHUB))
    worker = world.worker()
    with held(remote) as waiting:
        assert other.ask().status_code == 200
        assert world.own_token(worker).status_code == 200
        assert not waiting.done()
    assert waiting.result().status_code == 200


def test_while_somebody_waits_for_newer_keys_the_others_go_on_with_those_that_are_there(remote):
    remote.fetch()
    remote.age(fetched=timedelta(minutes=11))
    with held(remote) as waiting:
        assert [remote.ask(), remote.ask()] == [200, 200]
        assert not waiting.done()
        assert remote.asked() == 2
    assert waiting.result().status_code == 200


@pytest.mark.parametrize("never", [silent, drip])
def test_an_issuer_that_never_finishes_is_given_up_and_the_keys_that_are_there_serve(world, remote, never):
    remote.fetch()
    remote.age(fetched=timedelta(minutes=11))
    remote.server.answers[remote.place] = never
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(remote.ask)
        assert platforms.eventually(lambda: remote.asked() == 2)
        assert world.own_token(world.worker()).status_code == 200
        assert not waiting.done()
        assert waiting.result(timeout=15) == 200
    del remote.server.answers[remote.place]


@spec("RFC 7517", "5")
def test_keys_that_an_admin_pastes_hold_at_once(world):
    runs = platforms.workload(world, named(platforms.GITHUB))
    old, newer = runs.token(), platforms.Foreign(platforms.GITHUB, platforms.rsa("newer"))
    fresh = platforms.job(newer, world.tenant.issuer)
    assert runs.ask(old).status_code == 200
    runs.refuses(fresh)
    platforms.change(world, runs.trusted, jwks=newer.jwks)
    runs.refuses(old)
    assert runs.ask(fresh).status_code == 200


@pytest.mark.parametrize("source", ["pasted", "jwks_uri"])
def test_an_admin_s_word_about_keys_is_not_overwritten_by_an_answer_that_comes_late(world, remote, source):
    newer = named(remote.platform.url, "newer")
    elsewhere = f"{remote.base}/elsewhere"
    remote.publish(elsewhere, newer.jwks)
    with held(remote) as waiting:
        if source == "pasted":
            platforms.change(world, remote.runs.trusted, key_source="pasted", jwks=newer.jwks)
        else:
            platforms.change(world, remote.runs.trusted, jwks_uri=remote.server.url(elsewhere))
    assert waiting.result().status_code == 401
    assert remote.row.jwks in ({}, newer.jwks)
    assert platforms.eventually(lambda: remote.ask("newer") == 200)
    assert remote.ask() == 401
