"""What an end says of itself: how much ended, and who may still accept a token until when."""

from datetime import datetime, timedelta
from math import ceil

import pytest
from django.utils import timezone

from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from tenants import resources as tenant_resources
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions
from tokens.models import AccessToken


@pytest.fixture
def vault(world):
    """A server behind the calendar that asks about every token."""
    vault = chains.add_server(world, "vault", "notes:read", token_format="opaque")
    with context.use(world.tenant):
        tenant_resources.allow_downstream(world.calendar, vault, {"events:read": ["notes:read"]}, by=SYSTEM)
    return vault


@pytest.fixture
def chain(world, vault):
    """A planner's helper that holds a part, of which the calendar's own agent holds one at the vault."""
    chain = chains.make(world)
    chain.agents.append(world.helper("Calendar agent", resource_server=world.calendar))
    chain.hand_on()
    chain.hand_on(resource=vault.identifier)
    return chain


def end(world, who, delegation):
    """End a delegation through the API as the agent that holds it."""
    bearer = {"Authorization": f"Bearer {world.own_api_token(who)}"}
    return world.http.delete(world.url(f"/api/v1/delegations/{delegation.pk}"), headers=bearer)


def last_second(world, *tokens):
    with context.use(world.tenant):
        return max(AccessToken.objects.get(pk=claims(token)["jti"]).expires for token in tokens)


@spec("RFC 7009", "2.1")
def test_the_end_of_a_root_counts_what_hung_on_it_and_until_when_whose_tokens_are_taken(world, vault, chain):
    root = chain.delegation(0)
    answer = end(world, chain.agents[0], root)
    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["delegation"], receipt["delegations_ended"], receipt["token_families_ended"]) == (root.pk, 3, 1)
    until = last_second(world, *chain.tokens[:2])
    assert receipt["tokens"] == [
        {
            "resource": world.calendar.identifier,
            "checks": "jwt",
            "tokens": 2,
            "accepted_until": until.isoformat(),
        },
        {"resource": vault.identifier, "checks": "introspection", "tokens": 1},
    ]
    ended_at = datetime.fromisoformat(receipt["ended_at"])
    assert receipt["time_to_zero"] == ceil((until - ended_at).total_seconds())
    assert max(claims(token)["exp"] for token in chain.tokens[:2]) <= ended_at.timestamp() + receipt["time_to_zero"]
    reader = world.introspector(vault)
    assert [world.is_active(token) for token in chain.tokens[:2]] == [False, False]
    assert not world.introspect(reader, chain.tokens[2])["active"]
    (entry,) = world.entries(Event.DELEGATION_ENDED)
    assert entry.detail["receipt"] == receipt


@spec("RFC 7009", "2.1")
def test_the_end_of_a_part_counts_no_family_and_nothing_above_it(world, vault, chain):
    receipt = end(world, chain.agents[1], chain.delegation(1)).json()
    assert (receipt["delegations_ended"], receipt["token_families_ended"]) == (2, 0)
    assert [(each["checks"], each["tokens"]) for each in receipt["tokens"]] == [("jwt", 1), ("introspection", 1)]
    assert receipt["tokens"][0]["accepted_until"] == last_second(world, chain.tokens[1]).isoformat()
    assert world.is_active(chain.tokens[0])
    assert not world.is_active(chain.tokens[1])


@spec("RFC 7009", "2.1")
def test_where_every_server_asks_the_time_to_zero_is_zero(world, vault, chain):
    receipt = end(world, chain.agents[2], chain.delegation(2)).json()
    assert (receipt["delegations_ended"], receipt["time_to_zero"]) == (1, 0)
    assert receipt["tokens"] == [{"resource": vault.identifier, "checks": "introspection", "tokens": 1}]
    assert [world.is_active(token) for token in chain.tokens[:2]] == [True, True]


@spec("RFC 7009", "2.1")
def test_what_ended_before_is_not_counted_twice_and_its_tokens_are_still_told(world, chain):
    with context.use(world.tenant):
        token_actions.end_delegation(chain.delegation(1), by=SYSTEM, reason="first")
    receipt = end(world, chain.agents[0], chain.delegation(0)).json()
    assert receipt["delegations_ended"] == 1
    assert receipt["tokens"][0]["tokens"] == 2
    assert receipt["tokens"][0]["accepted_until"] == last_second(world, *chain.tokens[:2]).isoformat()


@spec("RFC 7009", "2.1")
def test_a_token_that_was_given_back_is_told_too_where_a_server_takes_it_to_its_last_second(world, chain):
    world.revoke(chain.agents[1], chain.tokens[1])
    receipt = end(world, chain.agents[1], chain.delegation(1)).json()
    (told,) = (each for each in receipt["tokens"] if each["checks"] == "jwt")
    assert (told["tokens"], told["accepted_until"]) == (1, last_second(world, chain.tokens[1]).isoformat())
    assert receipt["time_to_zero"] > 0


@spec("RFC 7009", "2.1")
def test_tokens_and_families_that_are_over_are_told_of_no_more(world, chain):
    past = timezone.now() - timedelta(seconds=1)
    with context.use(world.tenant):
        AccessToken.objects.update(expires=past)
    world.rewrite(world.family(chain.granted["refresh_token"]), expires=past)
    receipt = end(world, chain.agents[0], chain.delegation(0)).json()
    assert (receipt["tokens"], receipt["time_to_zero"]) == ([], 0)
    assert (receipt["delegations_ended"], receipt["token_families_ended"]) == (3, 0)


@spec("RFC 6750", "3.1")
def test_an_agent_ends_what_it_holds_and_neither_what_is_above_nor_below_it(world, chain):
    bearer = {"Authorization": f"Bearer {world.own_api_token(chain.agents[1])}"}
    for place in (0, 2):
        with leaves_only(world):
            path = world.url(f"/api/v1/delegations/{chain.delegation(place).pk}")
            assert world.http.delete(path, headers=bearer).status_code == 404
    assert [world.is_active(token) for token in chain.tokens[:2]] == [True, True]
