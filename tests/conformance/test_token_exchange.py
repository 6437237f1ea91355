"""Token exchange: an agent hands part of what a person lets it do to another agent (RFC 8693)."""

import base64
import json
import time

import pytest

from audit.events import Event
from kit.oauth import GrantType, TokenType
from tests.harness import chain as chains
from tests.harness.footprint import events, leaves_only
from tests.harness.wire import assert_refused, verified
from tests.harness.world import claims
from tests.spec import spec

TYPE = "urn:ietf:params:oauth:token-type:"
OTHER_TYPES = [
    f"{TYPE}{name}" for name in ("refresh_token", "id_token", "jwt", "saml1", "saml2", "id-jag", "txn_token")
]
VOLATILE = {"iat", "exp", "jti"}


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


@spec("RFC 8693", "2.2.1")
def test_a_named_agent_gets_a_part_for_the_same_person(world, helper, token):
    answer = world.exchange(helper, token, scope="events:read")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert body["issued_token_type"] == TokenType.ACCESS_TOKEN
    assert (body["token_type"], body["scope"]) == ("Bearer", "events:read")
    before, (header, after) = claims(token), verified(world, body["access_token"])
    assert header["typ"] == "at+jwt"
    assert (after["iss"], after["sub"], after["aud"]) == (before["iss"], before["sub"], before["aud"])
    assert after["client_id"] == helper.id
    assert after["exp"] <= before["exp"]
    assert body["expires_in"] == after["exp"] - after["iat"]
    assert after["act"] == {
        "iss": world.tenant.issuer,
        "sub": helper.client.agent_id,
        "sub_profile": "ai_agent",
        "act": before["act"],
    }
    assert world.is_active(body["access_token"])
    assert world.is_active(token)


@spec("RFC 8693", "2.2.1")
def test_the_answer_is_json_that_no_cache_keeps_and_names_the_type_that_was_asked_for(world, helper, token):
    answer = world.exchange(helper, token, requested_token_type=TokenType.ACCESS_TOKEN.value)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["issued_token_type"] == TokenType.ACCESS_TOKEN


@spec("RFC 8693", "2.2.1")
def test_no_refresh_token_is_given_even_to_who_may_refresh_and_asks_for_offline_access(world, chain):
    planner = chain.agents[0]
    wide = chains.allow(world, planner, scope="events:read offline_access")
    assert "refresh_token" in wide
    answer = world.exchange(planner, wide["access_token"])
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    chains.assert_refuses(
        world, lambda: world.exchange(planner, wide["access_token"], scope="offline_access"), "invalid_scope"
    )


@spec("RFC 8693", "2.1")
def test_an_agent_narrows_what_it_holds_itself_and_nothing_new_hangs_on_it(world, chain, token):
    known, before = world.delegations(), events(world)
    answer = world.exchange(chain.agents[0], token, scope="events:read")
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "events:read"
    wide, narrow = claims(token), claims(answer.json()["access_token"])
    kept = VOLATILE | {"scope"}
    assert {name: value for name, value in narrow.items() if name not in kept} == {
        name: value for name, value in wide.items() if name not in kept
    }
    assert narrow["exp"] <= wide["exp"]
    assert narrow["jti"] != wide["jti"]
    assert [(each.pk, each.version) for each in world.delegations()] == [(each.pk, each.version) for each in known]
    assert events(world)[len(before) :] == [Event.TOKEN_ISSUED]
    again = answer.json()["access_token"]
    chains.assert_refuses(
        world, lambda: world.exchange(chain.agents[0], again, scope="contacts:read"), code="invalid_scope"
    )


@spec("RFC 8693", "1.1")
def test_the_ledger_says_who_handed_what_to_whom_once_and_then_each_token(world, helper, token):
    before = events(world)
    world.exchange(helper, token, scope="events:read")
    world.exchange(helper, token, scope="events:read")
    assert events(world)[len(before) :] == [Event.DELEGATION_HANDED_ON, Event.TOKEN_ISSUED, Event.TOKEN_ISSUED]
    (entry,) = world.entries(Event.DELEGATION_HANDED_ON)
    root, part = world.delegations()
    assert (entry.detail["parent"], entry.on_behalf_of) == (root.pk, world.people["alice"].pk)
    assert (part.parent_id, part.depth, part.scopes) == (root.pk, 1, ["events:read"])
    assert (part.expires_at, part.subject, part.agent_id) == (root.expires_at, root.subject, helper.client.agent_id)
    world.exchange(helper, token)
    assert events(world)[len(before) + 3 :] == [Event.DELEGATION_WIDENED, Event.TOKEN_ISSUED]
    assert world.delegations()[1].scopes == ["contacts:read", "events:read"]


@spec("RFC 8693", "2.1")
@pytest.mark.parametrize("missing", ["subject_token", "subject_token_type"])
def test_a_request_without_its_parameters_is_malformed_whoever_sends_it(world, helper, token, missing):
    with leaves_only(world):
        for absent in (None, ""):
            assert_refused(world.exchange(helper, token, **{missing: absent}), "invalid_request")


@spec("RFC 8693", "2.1")
def test_a_blank_subject_token_does_not_fall_back_to_the_client_itself(world, helper, token):
    for blank in (" ", "\t", "\u00a0", "null", "undefined", "Bearer"):
        chains.assert_refuses(world, lambda it=blank: world.exchange(helper, token, subject_token=it))


@spec("RFC 8693", "3")
def test_a_subject_token_is_of_the_type_that_it_is_said_to_be(world, helper, token):
    genuine = TokenType.ACCESS_TOKEN.value
    for kind in (*OTHER_TYPES, "access_token", genuine.upper(), f" {genuine}", f"{genuine}s"):
        chains.assert_refuses(world, lambda it=kind: world.exchange(helper, token, subject_token_type=it))
    assert world.exchange(helper, token, subject_token_type=genuine).status_code == 200


@spec("RFC 8693", "2.1")
def test_nothing_but_an_access_token_is_issued(world, helper, token):
    for kind in (*set(OTHER_TYPES) - {f"{TYPE}id-jag"}, "access_token", "*", TYPE):
        chains.assert_refuses(world, lambda it=kind: world.exchange(helper, token, requested_token_type=it))


@spec("RFC 8693", "2.1")
def test_a_repeated_parameter_is_refused_before_anybody_is_asked(world, helper, token):
    kind = TokenType.ACCESS_TOKEN.value
    twice = {"subject_token": token, "actor_token": token, "scope": "events:read"}
    twice |= dict.fromkeys(("subject_token_type", "requested_token_type", "actor_token_type"), kind)
    with leaves_only(world):
        for name, value in twice.items():
            assert_refused(world.exchange(helper, token, **{name: [value, value]}), "invalid_request")


@spec("RFC 8693", "4.1")
@pytest.mark.parametrize(
    "extra",
    [
        {"act": '{"sub":"agt_somebody"}', "act.sub": "agt_somebody", "act[sub]": "agt_somebody"},
        {"claims": '{"sub":"usr_bob","act":null}', "sub": "usr_bob", "subject": "usr_bob", "iss": "https://evil"},
        {"may_act": '{"sub":"agt_somebody"}', "may_act.sub": "agt_somebody"},
        {"delegation_id": "dlg_other", "exp": "9999999999", "expires_in": "999999", "depth": "0", "tenant": "other"},
    ],
)
def test_the_actor_and_every_other_claim_come_from_nothing_that_is_sent_beside_the_tokens(world, helper, token, extra):
    def steady(answer):
        assert answer.status_code == 200, answer.text
        found = claims(answer.json()["access_token"])
        return {name: value for name, value in found.items() if name not in VOLATILE}

    assert steady(world.exchange(helper, token, **extra)) == steady(world.exchange(helper, token))


@spec("RFC 8693", "5")
def test_nobody_exchanges_without_authenticating(world, helper, token):
    form = {"grant_type": GrantType.TOKEN_EXCHANGE.value, "subject_token": token}
    form["subject_token_type"] = TokenType.ACCESS_TOKEN.value
    with leaves_only(world):
        for proof in ({}, {"client_id": helper.id}, {"client_id": helper.id, "client_secret": helper.secret + "x"}):
            answer = world.http.post(world.url("/token"), data={**form, **proof})
            assert_refused(answer, "invalid_client", 401)
        bearer = {"Authorization": f"Bearer {token}"}
        answer = world.http.post(world.url("/token"), data=form, headers=bearer)
        assert_refused(answer, "invalid_client", 401)


@spec("RFC 8693", "5")
def test_a_public_client_exchanges_nothing_even_if_the_grant_stands_beside_its_name(world):
    scout = world.public_client()
    world.rewrite(scout.client, grant_types=[*scout.client.grant_types, GrantType.TOKEN_EXCHANGE.value])
    token = world.grant(scout)["access_token"]
    chains.assert_refuses(world, lambda: world.exchange(scout, token), "unauthorized_client")


@spec("RFC 8693", "2.2.2")
def test_a_client_that_did_not_register_the_grant_does_not_exchange_its_own_token(world):
    ledger = world.secret_client(grant_types=["authorization_code", "refresh_token", GrantType.TOKEN_EXCHANGE.value])
    assert GrantType.TOKEN_EXCHANGE not in ledger.client.grant_types
    token = world.grant(ledger)["access_token"]
    chains.assert_refuses(world, lambda: world.exchange(ledger, token), "unauthorized_client")


@spec("RFC 8693", "5")
def test_a_resource_server_that_is_no_agent_turns_no_token_that_it_was_sent_into_another(world, token):
    reader = world.introspector()
    world.rewrite(reader.client, grant_types=[GrantType.TOKEN_EXCHANGE.value])
    chains.assert_refuses(world, lambda: world.exchange(reader, token), "unauthorized_client")


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@spec("RFC 8725", "3.1")
def test_what_only_costs_time_to_read_is_refused_at_once(world, helper, token):
    deep = part(b'{"a":' * 1200 + b"1" + b"}" * 1200)
    wide = part(json.dumps({f"claim{number}": number for number in range(350)}).encode())
    encrypted = part(json.dumps({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31}).encode())
    bombs = [
        f"{deep}.{deep}.AAAA", f"{part(b'{}')}.{part(b'[' * 4000)}.AAAA", f"{wide}.e30.AAAA", f"{encrypted}.a.b.c.d",
        f"{part(b'{' + b' ' * 5000 + b'}')}.e30.AAAA", "." * 60_000, "a" * 60_000, "a.b.c.d.e", "ü.ü.ü",
        "tok_" + "a" * 60_000, "tok_.", "tok_x.", "tok_x.y", "rtf_x.0.y",
    ]  # fmt: skip
    for bomb in bombs:
        started = time.monotonic()
        chains.assert_refuses(world, lambda it=bomb: world.exchange(helper, token, subject_token=it))
        assert time.monotonic() - started < 5, bomb[:80]


@spec("RFC 6749", "3.2")
def test_two_hundred_kilobytes_and_a_thousand_resources_are_not_read(world, helper, token):
    with leaves_only(world):
        assert_refused(world.exchange(helper, token, subject_token="a" * 200_000), "invalid_request", 413)
        many = [f"https://{number}.example" for number in range(1000)]
        assert_refused(world.exchange(helper, token, resource=many), "invalid_request")
        assert_refused(world.exchange(helper, token, resource=[world.calendar.identifier] * 1000), "invalid_request")
