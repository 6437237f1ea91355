"""How much an exchange gives: never wider, longer or elsewhere than what it starts from allows (RFC 8693)."""

import time
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from agents import handovers
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness import chain as chains
from tests.harness.world import claims
from tests.spec import spec
from tokens.models import AccessToken

LONGEST = 60


@pytest.fixture
def chain(world):
    """A planner of alice's that may hand part of its work to a helper."""
    return chains.make(world)


@pytest.fixture
def token(chain):
    return chain.tokens[0]


@pytest.fixture
def helper(chain):
    return chain.agents[1]


def bound(world, who, ceiling):
    with context.use(world.tenant):
        handovers.set_limits(who.client.agent, ceiling=ceiling, by=SYSTEM)


# --- scope


@spec("RFC 8693", "2.2.2")
def test_no_more_scope_than_the_token_has_even_where_the_person_allowed_more(world, chain, helper, token):
    narrow = world.exchange(chain.agents[0], token, scope="events:read").json()["access_token"]
    assert world.exchange(helper, token, scope="contacts:read").json()["scope"] == "contacts:read"
    for wider in ("contacts:read", chains.SCOPES):
        chains.assert_refuses(world, partial(world.exchange, helper, narrow, scope=wider), "invalid_scope")
    assert world.exchange(helper, narrow).json()["scope"] == "events:read"


@spec("RFC 8693", "2.2.2")
def test_no_more_scope_than_the_delegation_has_even_where_the_token_has_more(world, chain, helper, token):
    world.rewrite(chain.delegation(0), scopes=["events:read"])
    for who in chain.agents:
        ask = partial(world.exchange, who, token, scope="contacts:read")
        page = world.url("/who-decides") if who is chain.agents[0] else ""
        chains.assert_refuses(world, ask, "invalid_scope", page=page)
        assert world.exchange(who, token).json()["scope"] == "events:read"


@spec("RFC 8693", "2.2.2")
def test_no_more_scope_than_the_agent_s_ceiling_from_the_next_request_on(world, helper, token):
    at, ask = world.calendar.identifier, partial(world.exchange, helper, token)
    assert ask(scope="contacts:read").status_code == 200
    bound(world, helper, {at: ["events:read", "events:write"]})
    assert ask().json()["scope"] == "events:read"
    for wider in ("contacts:read", chains.SCOPES, "events:write"):
        chains.assert_refuses(world, partial(ask, scope=wider), "invalid_scope")
    for nothing in ({}, {at: []}, {world.notes.identifier: ["notes:read"]}):
        bound(world, helper, nothing)
        chains.assert_refuses(world, ask, "invalid_scope")


@spec("RFC 8693", "2.2.2")
def test_the_holder_s_ceiling_bounds_what_it_narrows_too(world, chain, token):
    planner = chain.agents[0]
    bound(world, planner, {world.calendar.identifier: ["events:read"]})
    assert world.exchange(planner, token).json()["scope"] == "events:read"
    ask = partial(world.exchange, planner, token, scope="contacts:read")
    chains.assert_refuses(world, ask, "invalid_scope", page=world.url("/who-decides"))


@spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize("who", [0, 1])
def test_a_scope_that_is_unknown_or_of_identity_or_written_otherwise_is_refused(world, chain, token, who):
    for odd in ("events:drop", "openid", "offline_access", "EVENTS:READ", "notes:read", "*", "events:read *", "events"):
        ask = partial(world.exchange, chain.agents[who], token, scope=odd)
        chains.assert_refuses(world, ask, "invalid_scope")
    assert world.exchange(chain.agents[who], token, scope="events:read").status_code == 200


# --- resource and audience


@spec("RFC 8693", "2.1")
@pytest.mark.parametrize("who", [0, 1])
def test_resource_and_audience_name_the_same_place_or_either_alone_does(world, chain, token, who):
    at = world.calendar.identifier
    shouted = at.replace("https://calendar", "HTTPS://CALENDAR")
    named = [{}, {"resource": at}, {"audience": at}, {"resource": at, "audience": at}, {"audience": [at, at]}]
    named += [{"resource": shouted}, {"audience": shouted}, {"resource": at, "audience": shouted}, {"audience": ""}]
    for each in named:
        answer = world.exchange(chain.agents[who], token, **each)
        assert answer.status_code == 200, (each, answer.text)
        assert claims(answer.json()["access_token"])["aud"] == at


@spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize("who", [0, 1])
def test_a_target_that_is_not_one_place_the_token_is_for_is_invalid(world, elsewhere, chain, token, who):
    at, issuer = world.calendar.identifier, world.tenant.issuer
    wrong = [
        world.notes.identifier, "https://nobody.example", issuer, f"{issuer}/token", world.tenant.api_identifier,
        elsewhere.calendar.identifier, elsewhere.tenant.issuer, "/mcp", "mcp", "*", "https://*", f"{at}#x", f"{at}/",
        f"{at}?x=1", at.removesuffix("mcp"), at.upper(), at.replace("https", "http"), at.replace("://", "://a@"),
        chain.agents[0].id, chain.agents[1].client.agent_id, "urn:x", "javascript:alert(1)", "x" * 5000,
    ]  # fmt: skip
    for each in wrong:
        for name in ("resource", "audience"):
            ask = partial(world.exchange, chain.agents[who], token, **{name: each})
            chains.assert_refuses(world, ask, "invalid_target")
    for two in ({"resource": [at, wrong[0]]}, {"resource": at, "audience": wrong[0]}, {"audience": [wrong[0], at]}):
        ask = partial(world.exchange, chain.agents[who], token, **two)
        chains.assert_refuses(world, ask, "invalid_target")


# --- how long


def lasts(world, who, token):
    answer = world.exchange(who, token)
    assert answer.status_code == 200, answer.text
    found = claims(answer.json()["access_token"])
    assert answer.json()["expires_in"] == found["exp"] - found["iat"]
    return found["exp"]


@spec("RFC 8693", "2.2.1")
@pytest.mark.parametrize("who", [0, 1])
def test_no_token_lives_longer_than_the_one_it_came_from(world, chain, token, who):
    soon = int(time.time()) + LONGEST
    assert lasts(world, chain.agents[who], chains.signed(world, {**claims(token), "exp": soon})) <= soon
    last = chains.signed(world, {**claims(token), "exp": int(time.time()) + 1})
    chains.assert_refuses(world, lambda: world.exchange(chain.agents[who], last))


@spec("RFC 8693", "2.2.1")
def test_no_token_lives_longer_than_the_opaque_one_it_came_from(world):
    vault = chains.add_server(world, "vault", "notes:read", token_format="opaque")
    chain = chains.make(world, server=vault, scope="notes:read")
    soon = timezone.now() + timedelta(seconds=LONGEST)
    with context.use(world.tenant):
        AccessToken.objects.update(expires=soon)
    for who in chain.agents:
        token = world.exchange(who, chain.tokens[0]).json()["access_token"]
        assert world.introspect(who, token)["exp"] <= soon.timestamp()


@spec("RFC 8693", "2.2.1")
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_token_lives_longer_than_anything_its_delegation_hangs_on(world, place):
    chain = chains.handed_on(world, 2)
    soon = timezone.now() + timedelta(seconds=LONGEST)
    world.rewrite(chain.delegation(place), expires_at=soon)
    assert lasts(world, chain.agents[2], chain.tokens[1]) <= soon.timestamp()
    assert lasts(world, chain.agents[2], chain.tokens[2]) <= soon.timestamp()


@spec("RFC 8693", "2.2.1")
def test_a_part_ends_with_what_it_is_part_of_and_no_token_of_it_lives_longer_than_the_tenant_says(world, chain, helper):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, access_token_seconds=LONGEST)
    answer = world.exchange(helper, chain.tokens[0])
    assert answer.json()["expires_in"] == LONGEST
    assert chain.delegation(1).expires_at == chain.delegation(0).expires_at


# --- who let whom


@spec("RFC 8693", "1.1")
@pytest.mark.parametrize(("mode", "is_allowed"), [("off", False), ("consent", False), ("policy", True)])
def test_a_helper_that_the_person_did_not_read_of_gets_a_part_by_the_tenant_s_policy_alone(world, mode, is_allowed):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, handing_on=mode)
    planner, helper = chains.asker(world), world.helper()
    consented = chains.allow(world, planner)["access_token"]
    world.let_hand_on(planner, helper)
    token = world.exchange(planner, consented).json()["access_token"]  # The mint sees that the tenant has changed.
    assert ("may_act" in claims(token)) == is_allowed
    if not is_allowed:
        chains.assert_refuses(world, lambda: world.exchange(helper, token))
        return
    assert world.exchange(helper, token).status_code == 200


@spec("RFC 8693", "1.1")
def test_a_helper_gets_its_part_once_the_person_was_asked_with_its_name(world):
    planner, helper = chains.asker(world), world.helper()
    token = chains.allow(world, planner)["access_token"]
    world.let_hand_on(planner, helper)
    world.exchange(planner, token)
    chains.assert_refuses(world, lambda: world.exchange(helper, token))
    assert chains.allow(world, planner)["access_token"]
    assert world.exchange(helper, token).status_code == 200


@spec("RFC 8693", "1.1")
def test_a_tenant_that_turns_handing_on_off_stops_it_in_the_next_request(world, chain, helper, token):
    assert world.exchange(helper, token).status_code == 200
    tenant_actions.change_policy(world.tenant, by=SYSTEM, handing_on="off")
    chains.assert_refuses(world, lambda: world.exchange(helper, token))
    narrowed = world.exchange(chain.agents[0], token)
    assert narrowed.status_code == 200
    assert "may_act" not in claims(narrowed.json()["access_token"])


@spec("RFC 8693", "1.1")
@pytest.mark.parametrize("mode", ["consent", "policy"])
def test_a_handover_that_an_admin_took_back_is_none_in_the_next_request(world, mode):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, handing_on=mode)
    chain = chains.handed_on(world, 1)
    planner, helper = chain.agents
    with context.use(world.tenant):
        handovers.forbid_handover(planner.client.agent, helper.client.agent, by=SYSTEM)
    chains.assert_refuses(world, lambda: world.exchange(helper, chain.tokens[0]))
    assert world.exchange(planner, chain.tokens[0]).status_code == 200
    assert world.entries("agent.handover_forbidden")


@spec("RFC 8693", "1.1")
def test_a_handover_goes_one_way(world, chain):
    planner, helper = chain.agents
    world.rewrite(
        helper.client, grant_types=list(chains.ASKS_AND_EXCHANGES), redirect_uris=planner.client.redirect_uris
    )
    token = chains.allow(world, helper)["access_token"]
    chains.assert_refuses(world, lambda: world.exchange(planner, token))
