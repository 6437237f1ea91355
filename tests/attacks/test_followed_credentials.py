"""What lets an old credential live on, or takes a good one: a next one that is never used, gone, or there anew."""

import pytest
from django.utils import timezone
from jwcrypto import jwk

from agents import credentials, turning
from agents.models import Agent, Client
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_credential_stories import OWN, aged, ask, clock, path_of, worker
from tests.harness.keyholder import TYPE, Keyholder
from tests.harness.world import Credentials
from tests.spec import spec

__all__ = ["ask", "worker"]


def come(world, who, key):
    form = {**OWN, "resource": world.calendar.identifier, "client_assertion_type": TYPE}
    signed = key.assertion(world, header={"kid": key.key["kid"]})
    return world.token(Credentials(who.client), {**form, "client_assertion": signed}).status_code


def holder(who, kid):
    return Keyholder(who.id, jwk.JWK.generate(kty="EC", crv="P-256", kid=kid))


def add(world, who, key, days=None):
    with context.use(world.tenant):
        client = Client.objects.get(pk=who.client.pk)
        credentials.add_key(client, key.jwks["keys"][0], by=SYSTEM, overlap_days=days)


@pytest.fixture
def keys(world, worker):
    """Two keys of a client, both in use for a month."""
    first, second = holder(worker, "k1"), holder(worker, "k2")
    world.rewrite(worker.client, auth_method="private_key_jwt")
    add(world, worker, first)
    add(world, worker, second)
    assert [come(world, worker, each) for each in (first, second)] == [200, 200]
    aged(world, 30)
    return first, second


@spec("RFC 6749", "10.1")
def test_a_secret_is_not_kept_alive_by_one_that_never_came_into_use(world, worker, ask):
    made = [ask("POST", path_of(worker), {"kind": "secret", "overlap_days": days}).json() for days in (7, 1)]
    unused, new = (Credentials(worker.client, each["client_secret"]) for each in made)
    assert world.own_token(new).status_code == 200
    aged(world, 2)
    assert clock(world) == 1, "the unused one; the first is given its own days"
    assert [world.own_token(each).status_code for each in (unused, worker, new)] == [401, 200, 200]
    aged(world, 5)
    assert clock(world) == 1
    assert [world.own_token(each).status_code for each in (worker, new)] == [401, 200]


@spec("RFC 6749", "10.1")
def test_agents_that_wait_for_a_first_use_hold_up_no_end_of_others(world, worker, ask, monkeypatch):
    monkeypatch.setattr(turning, "BATCH", 1)
    other = world.worker()
    world.rewrite(other.client.agent, owner=world.people["bob"])
    pair = sorted([worker, other], key=lambda each: each.client.pk)
    _, made = [ask("POST", path_of(each), {"kind": "secret", "overlap_days": 1}).json() for each in pair]
    assert world.own_token(Credentials(pair[1].client, made["client_secret"])).status_code == 200
    aged(world, 2)
    assert clock(world) == 1
    assert [world.own_token(each).status_code for each in pair] == [200, 401]


@spec("RFC 6749", "10.1")
def test_an_agent_that_was_ended_meanwhile_comes_back_with_no_secret_that_was_due(world, worker, ask):
    made = ask("POST", path_of(worker), {"kind": "secret", "overlap_days": 1}).json()
    new = Credentials(worker.client, made["client_secret"])
    assert world.own_token(new).status_code == 200
    aged(world, 2)
    with context.use(world.tenant):
        agent = Agent.objects.get(pk=worker.client.agent_id)
        Agent.objects.filter(pk=agent.pk).update(status="retired", retired_at=timezone.now())
        assert clock(world) == 0
        Agent.objects.filter(pk=agent.pk).update(status=agent.status, retired_at=None)
    assert clock(world) == 1
    assert [world.own_token(each).status_code for each in (worker, new)] == [401, 200]


@spec("RFC 7523", "2.2")
def test_a_key_that_comes_anew_has_not_been_used_yet(world, worker, keys):
    first, second = keys
    world.rewrite(worker.client, jwks=first.jwks)
    add(world, worker, second, days=7)
    assert (clock(world), come(world, worker, first)) == (0, 200)


@spec("RFC 7592", "2.2")
def test_nothing_ends_behind_a_key_that_went_with_its_set(world, worker, keys):
    first, second = keys
    third = holder(worker, "k3")
    add(world, worker, third, days=7)
    assert come(world, worker, third) == 200
    world.rewrite(worker.client, jwks={"keys": [*first.jwks["keys"], *second.jwks["keys"]]})
    aged(world, 30)
    assert (clock(world), come(world, worker, first)) == (0, 200)
