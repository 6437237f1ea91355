"""Whom an exchange is about: a subject token counts where it is ours, alive, and of the caller's concern (RFC 8693)."""

import time
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from kit.oauth import TokenType
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions
from tokens.models import AccessToken

ID_TOKEN = TokenType.ID_TOKEN.value


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


@pytest.fixture
def sign(world):
    """Sign claims with the tenant's own key."""
    return partial(chains.signed, world)


# --- access tokens


@spec("RFC 8693", "2.2.2")
def test_a_token_that_was_revoked_or_whose_family_was_is_no_subject(world, chain):
    planner, helper = chain.agents
    chain.hand_on()
    world.revoke(helper, chain.tokens[1])
    chains.assert_refuses(world, lambda: world.exchange(helper, chain.tokens[1]))
    assert world.exchange(helper, chain.tokens[0]).status_code == 200
    world.revoke(planner, chain.granted["refresh_token"])
    chains.assert_refuses(world, lambda: world.exchange(helper, chain.tokens[0]))
    chains.assert_refuses(world, lambda: world.exchange(planner, chain.tokens[0]))


@spec("RFC 8693", "2.2.2")
def test_a_token_that_is_over_is_no_subject(world, helper, token, sign):
    now = int(time.time())
    for late in (sign({**claims(token), "exp": now - 1}), sign({**claims(token), "exp": None})):
        chains.assert_refuses(world, lambda it=late: world.exchange(helper, it))
    assert world.exchange(helper, sign(claims(token))).status_code == 200
    with context.use(world.tenant):
        AccessToken.objects.filter(pk=claims(token)["jti"]).update(expires=timezone.now() - timedelta(seconds=1))
    chains.assert_refuses(world, lambda: world.exchange(helper, token))


@spec("RFC 8693", "2.2.2")
def test_rotation_of_the_family_leaves_the_token_a_subject(world, chain, helper, token):
    assert world.refresh(chain.agents[0], chain.granted["refresh_token"]).status_code == 200
    assert world.exchange(helper, token).status_code == 200


@spec("RFC 8693", "2.2.2")
def test_what_is_not_exactly_a_token_of_ours_is_no_subject(world, elsewhere, helper, token, sign):
    header, payload, signature = token.split(".")
    body = claims(token)
    foreign = chains.signed(elsewhere, body)
    wrong = [
        token + "x", token[:-4], f"{header}.{payload}.", f"{header}.{payload}.{signature[::-1]}", f" {token}",
        f"eyJhbGciOiJub25lIn0.{payload}.", f"{token}.{token}", f"{token},{token}", foreign, token.upper(),
        sign({**body, "iss": elsewhere.tenant.issuer}), sign({**body, "jti": "tok_never_issued"}),
        sign({**body, "jti": None}), sign({**body, "jti": 7}), sign({**body, "iat": body["iat"] + 600}),
    ]  # fmt: skip
    for each in wrong:
        chains.assert_refuses(world, lambda it=each: world.exchange(helper, it))


@spec("RFC 8693", "2.1")
def test_what_a_signed_token_claims_beyond_its_row_opens_nothing(world, helper, token, sign):
    """Scope, subject and delegation are the row's; so even a key that leaked widens no token that was issued."""
    body = {**claims(token), "scope": "events:read events:write", "sub": world.people["bob"].pk}
    body |= {"may_act": {"sub": "agt_somebody"}, "act": {"sub": "agt_somebody"}}
    answer = world.exchange(helper, sign(body))
    found = claims(answer.json()["access_token"])
    assert (found["sub"], found["scope"]) == (world.people["alice"].pk, "contacts:read events:read")
    assert found["act"]["act"]["sub"] != "agt_somebody"
    chains.assert_refuses(world, lambda: world.exchange(helper, sign(body), scope="events:write"), "invalid_scope")


@spec("RFC 8693", "2.2.2")
def test_a_jwt_that_bears_the_id_of_an_opaque_token_is_not_that_token(world, sign):
    vault = chains.add_server(world, "vault", "notes:read", token_format="opaque")
    chain = chains.make(world, server=vault, scope="notes:read")
    planner, token = chain.agents[0], chain.tokens[0]
    said = world.introspect(planner, token)
    forged = sign({name: value for name, value in said.items() if name not in {"active", "token_type"}})
    chains.assert_refuses(world, lambda: world.exchange(planner, forged))
    assert world.introspect(planner, forged) == {"active": False}
    assert world.exchange(planner, token).status_code == 200


@spec("RFC 8693", "2.2.2")
def test_the_token_of_another_tenant_is_like_none_at_all(world, elsewhere, chain, helper, token):
    theirs = chains.make(elsewhere)
    with leaves_only(elsewhere):
        chains.assert_refuses(world, lambda: world.exchange(helper, theirs.tokens[0]))
    assert elsewhere.exchange(theirs.agents[1], theirs.tokens[0]).status_code == 200


@spec("RFC 8693", "5")
def test_a_token_is_no_subject_for_who_is_neither_its_client_nor_its_audience_nor_named(world, chain, token):
    stranger, notes = world.helper("Stranger"), world.helper("Notes", resource_server=world.notes)
    for who in (stranger, notes, chains.asker(world, "Another planner")):
        reason = chains.assert_refuses(world, lambda it=who: world.exchange(it, token))
        assert "neither its client nor its audience nor its next actor" in reason


@spec("RFC 8693", "5")
def test_the_next_agent_but_one_does_not_use_the_token_that_was_not_meant_for_it(world):
    chain = chains.make(world, 2)
    last, token = chain.agents[2], chain.tokens[0]
    chains.assert_refuses(world, lambda: world.exchange(last, token))
    chain.hand_on()
    chains.assert_refuses(world, lambda: world.exchange(last, token))
    assert world.exchange(last, chain.tokens[1]).status_code == 200


@spec("RFC 8693", "5")
def test_another_client_of_the_holders_own_agent_is_not_the_holder(world, chain, token):
    planner, double = chain.agents[0], chains.asker(world, "Second client")
    world.rewrite(double.client, agent_id=planner.client.agent_id)
    chains.assert_refuses(world, lambda: world.exchange(double, token))


@spec("RFC 9449", "5")
def test_a_token_that_is_bound_to_a_key_is_no_subject_without_that_key(world, helper, token, sign):
    for cnf in ({"jkt": "x" * 43}, {"x5t#S256": "x" * 43}, {}):
        chains.assert_refuses(world, lambda it=cnf: world.exchange(helper, sign({**claims(token), "cnf": it})))


@spec("RFC 8693", "3")
def test_neither_a_refresh_token_nor_a_code_is_a_subject_whatever_it_is_called(world, chain):
    planner = chain.agents[0]
    code, _ = world.code(planner, prompt="consent")
    for kind in TokenType:
        for token in (chain.granted["refresh_token"], code):
            chains.assert_refuses(world, partial(world.exchange, planner, token, subject_token_type=kind.value))
    assert world.refresh(planner, chain.granted["refresh_token"]).status_code == 200


# --- ID tokens


@pytest.fixture
def signed_in(world, chain):
    """What the planner got when alice signed in with it."""
    return chains.allow(world, chain.agents[0], scope=f"openid {chains.SCOPES}")


@spec("RFC 8693", "3")
def test_a_client_exchanges_its_own_id_token_for_what_the_person_lets_it_do(world, chain, signed_in):
    answer = world.exchange(chain.agents[0], signed_in["id_token"], subject_token_type=ID_TOKEN)
    assert answer.status_code == 200, answer.text
    before, after = claims(signed_in["id_token"]), claims(answer.json()["access_token"])
    assert (after["sub"], after["aud"]) == (before["sub"], world.calendar.identifier)
    assert after["act"]["sub"] == chain.agents[0].client.agent_id
    assert after["exp"] <= before["exp"]
    assert answer.json()["scope"] == "contacts:read events:read"
    assert "refresh_token" not in answer.json()
    assert world.is_active(answer.json()["access_token"])


@spec("RFC 8693", "2.2.2")
def test_an_id_token_opens_no_more_than_the_person_allowed(world, chain, signed_in):
    def ask(**changes):
        return world.exchange(chain.agents[0], signed_in["id_token"], subject_token_type=ID_TOKEN, **changes)

    assert ask(scope="events:read").json()["scope"] == "events:read"
    chains.assert_refuses(world, lambda: ask(scope="events:write"), "invalid_scope", page=world.url("/who-decides"))
    chains.assert_refuses(world, lambda: ask(scope="openid"), "invalid_scope")
    for target in (world.notes.identifier, world.tenant.issuer, world.tenant.api_identifier):
        chains.assert_refuses(world, lambda it=target: ask(resource=it), "invalid_target")


@spec("RFC 8693", "3")
def test_the_id_token_of_another_client_is_no_subject(world, chain, signed_in):
    helper, other = chain.agents[1], chains.asker(world, "Other")
    chains.allow(world, other)
    for who in (helper, other):
        chains.assert_refuses(
            world, lambda it=who: world.exchange(it, signed_in["id_token"], subject_token_type=ID_TOKEN)
        )


@spec("RFC 8725", "3.11")
def test_an_id_token_is_no_access_token_nor_an_access_token_an_id_token(world, chain, signed_in):
    planner = chain.agents[0]
    chains.assert_refuses(world, lambda: world.exchange(planner, signed_in["id_token"]))
    chains.assert_refuses(
        world, lambda: world.exchange(planner, signed_in["access_token"], subject_token_type=ID_TOKEN)
    )


@spec("RFC 8693", "2.2.2")
def test_an_id_token_that_is_over_or_strange_is_no_subject_and_breaks_nothing(world, chain, signed_in, sign):
    genuine, now = claims(signed_in["id_token"]), int(time.time())

    def ask(**changes):
        strange = sign({**genuine, **changes}, typ="JWT", algorithm="RS256")
        return world.exchange(chain.agents[0], strange, subject_token_type=ID_TOKEN)

    assert ask().status_code == 200
    changes = [
        {"exp": now - 1}, {"exp": 10**15}, {"exp": now + 86_400}, {"exp": None}, {"iat": now + 600},
        {"aud": chain.agents[1].id}, {"aud": [chain.agents[0].id, chain.agents[1].id]}, {"iss": world.origin},
        {"sub": None}, {"sub": 7}, {"sub": ["a"]}, {"sub": {}}, {"sub": ""}, {"sub": "x" * 5000}, {"sub": "usr_ü"},
        {"sub": world.people["bob"].pk}, {"sub": chain.agents[0].client.agent_id},
    ]  # fmt: skip
    for each in changes:
        chains.assert_refuses(world, lambda it=each: ask(**it))


@spec("RFC 8693", "2.2.2")
def test_an_id_token_opens_nothing_once_the_person_ended_the_access(world, chain, signed_in):
    with context.use(world.tenant):
        token_actions.end_delegation(chain.delegation(0), by=SYSTEM, reason="enough")
    chains.assert_refuses(
        world, lambda: world.exchange(chain.agents[0], signed_in["id_token"], subject_token_type=ID_TOKEN)
    )


@spec("RFC 8707", "2.2")
def test_of_two_resources_an_id_token_is_exchanged_for_the_one_that_is_named(world, chain):
    planner, both = chain.agents[0], [world.calendar.identifier, world.notes.identifier]
    code, verifier = world.code(planner, scope="openid events:read notes:read", resource=both)
    token = world.redeem(planner, code, verifier, resource=both[0]).json()["id_token"]

    def ask(**changes):
        return world.exchange(planner, token, subject_token_type=ID_TOKEN, **changes)

    for name in ("resource", "audience"):
        found = claims(ask(**{name: both[1]}).json()["access_token"])
        assert (found["aud"], found["scope"]) == (both[1], "notes:read")
    chains.assert_refuses(world, lambda: ask(), "invalid_target")
    chains.assert_refuses(world, lambda: ask(resource=both), "invalid_target")
    chains.assert_refuses(world, lambda: ask(resource=both[1], scope="events:read"), "invalid_scope")


@spec("RFC 8693", "3")
def test_a_sign_in_alone_is_exchanged_for_nothing_but_userinfo(world, chain):
    other = chains.asker(world, "Portal")
    token = world.grant(other, scope="openid email", resource=None)["id_token"]

    def ask(**changes):
        return world.exchange(other, token, subject_token_type=ID_TOKEN, **changes)

    bearer = {"Authorization": f"Bearer {ask().json()['access_token']}"}
    assert world.http.get(world.url("/userinfo"), headers=bearer).status_code == 200
    chains.assert_refuses(world, lambda: ask(resource=world.calendar.identifier), "invalid_target")
    chains.assert_refuses(world, lambda: ask(scope="events:read"), "invalid_scope")
