"""Who acts: the chain of actors in every token, and who may come next (RFC 8693 §4)."""

from functools import partial

import pytest

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants.models import ResourceServer
from tenants.rules import DEEPEST_CHAIN
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec

IDENTITY = {"iss", "sub", "sub_profile"}


@spec("RFC 8693", "4.1")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_each_hop_puts_its_actor_around_the_earlier_ones_in_the_token_and_in_introspection(world, token_format):
    vault = chains.add_server(world, "vault", "notes:read", token_format=token_format)
    chain = chains.handed_on(world, 4, server=vault, scope="notes:read")
    for place, token in enumerate(chain.tokens):
        said = world.introspect(chain.agents[place], token)
        assert said["act"] == chains.acting(world, *chain.agents[: place + 1])
        assert (said["sub"], said["iss"]) == (world.people["alice"].pk, world.tenant.issuer)
        assert (said["client_id"], said["aud"]) == (chain.agents[place].id, vault.identifier)
        if token_format == "jwt":
            assert said == {"active": True, "token_type": "Bearer", **claims(token)}
    assert len(chain.tokens) == 5


@spec("RFC 8693", "7")
def test_an_opaque_token_says_by_introspection_what_a_jwt_says_itself(world):
    vault = chains.add_server(world, "vault", "notes:read", token_format="opaque")
    diary = chains.add_server(world, "diary", "notes:read")
    asked = chains.handed_on(world, 2, server=vault, scope="notes:read")
    granted = chains.allow(world, asked.agents[0], server=diary, scope="notes:read")
    read = chains.Chain(world, asked.agents, granted, [granted["access_token"]])
    read.hand_on()
    read.hand_on()
    own = {"aud", "jti", "delegation_id", "iat", "exp"}
    for who, opaque, jwt in zip(asked.agents, asked.tokens, read.tokens, strict=True):
        said, written = world.introspect(who, opaque), claims(jwt)
        assert said.keys() == written.keys() | {"active", "token_type"}
        assert {name: said[name] for name in written.keys() - own} == {
            name: written[name] for name in written.keys() - own
        }


@spec("RFC 8693", "4.1")
def test_an_actor_is_an_identity_and_nothing_that_a_token_has_beside(world):
    chain = chains.handed_on(world, 3)
    actor, depth = claims(chain.tokens[-1])["act"], 0
    while actor is not None:
        assert set(actor) - {"act"} == IDENTITY
        actor, depth = actor.get("act"), depth + 1
    assert depth == 4


@spec("RFC 8693", "4.1")
def test_the_deepest_chain_that_a_tenant_may_allow_is_still_read(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, deepest_chain=DEEPEST_CHAIN)
    chain = chains.handed_on(world, DEEPEST_CHAIN)
    last = chain.tokens[-1]
    assert world.introspect(chain.agents[-1], last)["act"] == chains.acting(world, *chain.agents)
    assert world.exchange(chain.agents[-1], last).status_code == 200
    with pytest.raises(ValueError, match="deepest_chain"):
        tenant_actions.change_policy(world.tenant, by=SYSTEM, deepest_chain=DEEPEST_CHAIN + 1)


@spec("RFC 8693", "4.1")
@pytest.mark.parametrize("deepest", [0, 1, 3])
def test_a_chain_gets_no_deeper_than_the_tenant_allows_from_the_next_request_on(world, deepest):
    chain = chains.handed_on(world, deepest + 1)
    tenant_actions.change_policy(world.tenant, by=SYSTEM, deepest_chain=deepest)
    chains.assert_refuses(world, partial(world.exchange, chain.agents[deepest + 1], chain.tokens[deepest]))
    last = world.exchange(chain.agents[deepest], chain.tokens[deepest]).json()["access_token"]
    assert "may_act" not in claims(last)
    if deepest:
        assert world.exchange(chain.agents[deepest], chain.tokens[deepest - 1]).status_code == 200


@spec("RFC 8693", "4.1")
@pytest.mark.parametrize("policy", ["consent", "policy"])
def test_nobody_stands_in_a_chain_twice(world, policy):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, handing_on=policy)
    chain = chains.make(world, 2)
    first, second, third = chain.agents
    world.let_hand_on(third, first)
    world.let_hand_on(second, first)
    chain.hand_on()
    chain.hand_on()
    assert "may_act" not in claims(chain.tokens[2])
    for who in (first, second):
        chains.assert_refuses(world, partial(world.exchange, who, chain.tokens[2]))
    chains.assert_refuses(world, lambda: world.exchange(first, chain.tokens[1]))


@spec("RFC 8693", "1.1")
def test_an_agent_for_itself_is_the_subject_and_no_actor_and_gets_nothing_back(world):
    worker, helper = world.worker(), world.helper()
    world.rewrite(worker.client, grant_types=["client_credentials", *helper.client.grant_types])
    world.let_hand_on(worker, helper)
    world.let_hand_on(helper, worker)
    token = world.own_token(worker).json()["access_token"]
    assert "act" not in claims(token)
    got = world.exchange(helper, token)
    found = claims(got.json()["access_token"])
    assert (found["sub"], found["act"]) == (worker.client.agent_id, chains.acting(world, helper))
    assert "act" not in claims(world.exchange(worker, token).json()["access_token"])
    chains.assert_refuses(world, lambda: world.exchange(worker, got.json()["access_token"]))


# --- who may come next


@spec("RFC 8693", "4.4")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_may_act_names_the_one_who_may_come_next_and_is_used_up_by_that(world, token_format):
    vault = chains.add_server(world, "vault", "notes:read", token_format=token_format)
    chain = chains.handed_on(world, 2, server=vault, scope="notes:read")
    said = [world.introspect(who, token) for who, token in zip(chain.agents, chain.tokens, strict=True)]
    named = [{"iss": world.tenant.issuer, "sub": who.client.agent_id} for who in chain.agents]
    assert [each.get("may_act") for each in said] == [named[1], named[2], None]


@spec("RFC 8693", "4.4")
def test_where_several_may_come_next_the_claim_names_nobody_and_each_of_them_may(world):
    other = world.helper("Translator")
    chain = chains.make(world, named=[other])
    assert "may_act" not in claims(chain.tokens[0])
    for who in (chain.agents[1], other):
        assert world.exchange(who, chain.tokens[0]).status_code == 200


@spec("RFC 8693", "4.4")
def test_where_nobody_may_come_next_the_claim_is_not_there(world):
    planner = chains.asker(world)
    assert "may_act" not in claims(chains.allow(world, planner)["access_token"])


@spec("RFC 8693", "4.1")
def test_our_own_api_decides_by_the_outermost_actor_and_never_by_one_inside(world):
    with context.use(world.tenant):
        api = ResourceServer.objects.get(identifier=world.tenant.api_identifier)
    chain = chains.make(world, server=api, scope="self:read delegations:read delegations:end")
    chain.hand_on(scope="self:read delegations:read")
    root, own = chain.delegation(0), chain.delegation(1)

    def call(token, path, method="GET"):
        bearer = {"Authorization": f"Bearer {token}"}
        return world.http.request(method, world.url(f"/api/v1{path}"), headers=bearer)

    said = call(chain.tokens[1], "/self").json()
    assert (said["subject"], said["agent"]["id"]) == (world.people["alice"].pk, chain.agents[1].client.agent_id)
    assert [each["id"] for each in said["delegations"]] == [own.pk]
    with leaves_only(world):
        assert call(chain.tokens[1], f"/delegations/{root.pk}").status_code == 404
        for each in (root, own):
            assert call(chain.tokens[1], f"/delegations/{each.pk}", "DELETE").status_code == 403
    assert call(chain.tokens[0], f"/delegations/{root.pk}", "DELETE").status_code == 200
    assert call(chain.tokens[1], "/self").status_code == 401
