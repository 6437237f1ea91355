"""Keys instead of secrets: RFC 7523 with the audience of 7523bis."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from jwcrypto import jws

from agents import switches
from agents.models import Client, UsedAssertion
from audit.principals import SYSTEM
from kit import context
from tests.harness.hostile import json_answer
from tests.harness.keyholder import TYPE, Keyholder
from tests.harness.world import Credentials, World
from tests.spec import spec


@pytest.fixture
def robot(world: World) -> Keyholder:
    """An agent that acts for itself and authenticates by its key."""
    worker = world.worker()
    holder = Keyholder(worker.id)
    with context.use(world.tenant):
        Client.objects.filter(pk=worker.client.pk).update(auth_method="private_key_jwt", jwks=holder.jwks)
    return holder


def ask(world: World, form: dict[str, str], **changes: str):
    base = {"grant_type": "client_credentials", "resource": world.calendar.identifier, "scope": "events:read"}
    return world.http.post(world.url("/token"), data={**base, **form, **changes})


def used(world: World) -> int:
    with context.use(world.tenant):
        return UsedAssertion.objects.count()


@spec("RFC 7523", "2.2")
def test_an_agent_authenticates_by_its_key_without_naming_itself(world, robot):
    assert ask(world, robot.proof(world)).status_code == 200


@spec("RFC 7523", "3")
@pytest.mark.parametrize("typ", [None, "JWT", "client-authentication+jwt", "application/client-authentication+jwt"])
def test_an_assertion_may_be_untyped_or_of_its_own_type(world, robot, typ):
    header = {"typ": typ} if typ else {}
    assertion = robot.proof(world, header=header)
    assert ask(world, assertion).status_code == 200


def test_an_assertion_needs_no_kid(world, robot):
    robot.key = robot.key.__class__(**{k: v for k, v in robot.key.export(as_dict=True).items() if k != "kid"})
    form = {"client_assertion_type": TYPE, "client_assertion": _signed(robot, world, {"alg": "ES256"})}
    assert ask(world, form).status_code == 200


def _signed(robot: Keyholder, world: World, header: dict[str, object], **changes: object) -> str:
    """Sign with exactly this header."""
    now = int(time.time())
    claims = {
        "iss": robot.id,
        "sub": robot.id,
        "aud": world.tenant.issuer,
        "exp": now + 60,
        "jti": f"j{time.time_ns()}",
    }
    token = jws.JWS(json.dumps(claims | changes).encode())
    token.add_signature(robot.key, protected=json.dumps(header))
    return token.serialize(compact=True)


@spec("RFC 7523", "3")
@pytest.mark.parametrize(
    "audience",
    ["{issuer}/token", "{issuer}/", "{origin}", "{issuer}x", "", "*", ["{issuer}", "https://evil.example"],
     ["https://evil.example", "{issuer}"], [["{issuer}"]], {"a": "{issuer}"}, 7, None],
)  # fmt: skip
def test_an_audience_other_than_the_issuer_alone_is_refused(world, robot, audience):
    def fill(value):
        if isinstance(value, str):
            return value.format(issuer=world.tenant.issuer, origin=world.origin)
        return [fill(each) for each in value] if isinstance(value, list) else value

    response = ask(world, robot.proof(world, aud=fill(audience)))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert used(world) == 0


def test_the_issuer_in_a_list_of_one_is_the_issuer(world, robot):
    assert ask(world, robot.proof(world, aud=[world.tenant.issuer])).status_code == 200


def test_a_switch_of_one_client_accepts_the_token_endpoint_and_an_hour(world, robot):
    wide = {"aud": world.url("/token"), "exp": int(time.time()) + 3600}
    assert ask(world, robot.proof(world, **wide)).status_code == 401
    with context.use(world.tenant):
        client = Client.objects.get(client_id=robot.id)
        switches.accept_endpoint_audience(client, by=SYSTEM, accept=True)
    assert ask(world, robot.proof(world, **wide)).status_code == 200
    assert len(world.entries("client.audience_switched")) == 1


@spec("RFC 7523", "3")
@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None}, {"exp": 0}, {"exp": "soon"}, {"exp": True}, {"exp": 1.5}, {"exp": [1]},
        {"exp": int(time.time()) + 10 * 365 * 86400}, {"exp": int(time.time()) + 3000},
        {"iat": int(time.time()) + 3000}, {"nbf": int(time.time()) + 3000},
        {"jti": None}, {"jti": ""}, {"jti": 5}, {"jti": "j" * 256}, {"iss": "somebody-else"}, {"sub": "somebody-else"},
        {"iss": None}, {"sub": None}, {"sub": ["a"]},
    ],
)  # fmt: skip
def test_one_claim_that_is_wrong_is_enough_to_refuse(world, robot, changes):
    response = ask(world, robot.proof(world, **changes))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert used(world) == 0


def _raw(header: object, claims: object, signature: str = "AAAA") -> str:
    def part(value: object) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(claims)}.{signature}"


@spec("RFC 8725", "3.1")
@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": None}, {"alg": ["ES256"]}, {},
        {"alg": "ES256", "crit": ["exp"], "exp": 1}, {"alg": "ES256", "b64": False},
        {"alg": "ES256", "typ": "at+jwt"}, {"alg": "ES256", "typ": "oauth-id-jag+jwt"}, {"alg": "ES256", "typ": 7},
        {"alg": "ES256", "kid": "unknown"}, {"alg": "ES256", "kid": 7}, {"alg": "RS256", "kid": "k1"},
    ],
)  # fmt: skip
def test_a_header_that_asks_for_anything_else_is_refused(world, robot, header):
    now = int(time.time())
    claims = {"iss": robot.id, "sub": robot.id, "aud": world.tenant.issuer, "exp": now + 60, "jti": "j1"}
    response = ask(world, {"client_assertion_type": TYPE, "client_assertion": _raw(header, claims)})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@spec("RFC 8725", "3.10")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_not_used(world, robot, documents, member):
    stranger = Keyholder(robot.id)
    documents.answers["/jku.json"] = json_answer(json.dumps(stranger.jwks).encode())
    brought = {"jwk": stranger.jwks["keys"][0], "jku": documents.url("/jku.json"), "x5u": documents.url("/jku.json")}
    header = {"alg": "ES256", member: brought.get(member, ["AAAA"])}
    form = {"client_assertion_type": TYPE, "client_assertion": _signed(stranger, world, header)}
    assert ask(world, form).status_code == 401
    assert "/jku.json" not in documents.seen


def test_duplicate_members_and_endless_numbers_and_long_assertions_are_refused(world, robot):
    now = int(time.time())
    twice = (
        f'{{"iss":"{robot.id}","sub":"x","sub":"{robot.id}","aud":"{world.tenant.issuer}","exp":{now + 60},"jti":"a"}}'
    )
    endless = f'{{"iss":"{robot.id}","sub":"{robot.id}","aud":"{world.tenant.issuer}","exp":1e400,"jti":"a"}}'
    for assertion in (_raw({"alg": "ES256"}, twice), _raw({"alg": "ES256"}, endless), "a" * 60_000, "a.b", "a.b.c.d"):
        response = ask(world, {"client_assertion_type": TYPE, "client_assertion": assertion})
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert ask(world, {"client_assertion_type": TYPE, "client_assertion": "a" * 200_000}).status_code == 413


@spec("RFC 7521", "4.2")
@pytest.mark.parametrize("kind", ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_another_assertion_type_is_refused(world, robot, kind):
    response = ask(world, robot.proof(world) | {"client_assertion_type": kind})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_client_id_beside_the_assertion_must_agree(world, robot):
    assert ask(world, robot.proof(world), client_id=robot.id).status_code == 200
    assert ask(world, robot.proof(world), client_id="another").status_code == 401


def test_a_secret_beside_the_assertion_is_a_second_method(world, robot):
    response = ask(world, robot.proof(world), client_secret="x")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_a_key_holding_client_cannot_fall_back_to_less(world, robot):
    assert ask(world, {}, client_id=robot.id).status_code == 401
    assert ask(world, {}, client_id=robot.id, client_secret="").status_code == 401
    assert ask(world, {}, client_id=robot.id, client_secret="x").status_code == 401


def test_another_clients_key_is_refused(world, robot):
    other = Keyholder(robot.id)
    assert ask(world, other.proof(world)).status_code == 401
    assert used(world) == 0


def test_an_assertion_for_the_tenant_beside_is_refused(world, elsewhere, robot):
    assert ask(world, robot.proof(elsewhere)).status_code == 401


@spec("RFC 7523", "3")
def test_an_assertion_is_good_once(world, robot):
    proof = robot.proof(world)
    assert ask(world, proof).status_code == 200
    again = ask(world, proof)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


def test_an_assertion_is_good_once_among_twelve_at_a_time(world, robot):
    proof = robot.proof(world)
    with ThreadPoolExecutor(12) as pool:
        statuses = sorted(response.status_code for response in pool.map(lambda _: ask(world, proof), range(12)))
    assert statuses == [200] + [401] * 11


def test_nobody_can_burn_anothers_jti(world, robot):
    assert ask(world, Keyholder(robot.id).proof(world, jti="wanted")).status_code == 401
    assert ask(world, robot.proof(world, jti="wanted")).status_code == 200


def test_keys_are_fetched_and_followed_when_they_change(world, documents):
    worker = world.worker()
    holder = Keyholder(worker.id)
    path = f"/{worker.id}/jwks.json"
    documents.answers[path] = json_answer(json.dumps(holder.jwks).encode())
    with context.use(world.tenant):
        Client.objects.filter(pk=worker.client.pk).update(auth_method="private_key_jwt", jwks_uri=documents.url(path))
    assert ask(world, holder.proof(world)).status_code == 200
    assert ask(world, holder.proof(world)).status_code == 200
    assert documents.seen.count(path) == 1


@pytest.mark.parametrize(
    "keys",
    [
        {"keys": []}, {}, {"keys": "x"}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, {"keys": [{"kty": "EC"}] * 21},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
    ],
)  # fmt: skip
def test_a_key_set_that_is_not_a_set_of_public_keys_is_no_set(world, documents, keys):
    worker = world.worker()
    path = f"/{worker.id}/bad.json"
    documents.answers[path] = json_answer(json.dumps(keys).encode())
    with context.use(world.tenant):
        Client.objects.filter(pk=worker.client.pk).update(auth_method="private_key_jwt", jwks_uri=documents.url(path))
    assert ask(world, Keyholder(worker.id).proof(world)).status_code == 401


def test_a_private_key_in_a_set_spoils_the_set(world, robot):
    with context.use(world.tenant):
        private = {"keys": [robot.key.export(as_dict=True)]}
        Client.objects.filter(client_id=robot.id).update(jwks=private)
    assert ask(world, robot.proof(world)).status_code == 401


@spec("RFC 7591", "2")
def test_a_client_registers_with_its_keys(world):
    holder = Keyholder("")
    document = {
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": holder.jwks,
    }
    answer = world.http.post(world.url("/register"), json=document)
    assert answer.status_code == 201
    assert "client_secret" not in answer.json()
    assert answer.json()["jwks"] == holder.jwks
    holder.id = answer.json()["client_id"]
    with context.use(world.tenant):
        who = Credentials(Client.objects.get(client_id=holder.id))
    code, verifier = world.code(who)
    assert world.redeem(who, code, verifier).status_code == 401
    form = {"code": code, "code_verifier": verifier, "redirect_uri": "http://127.0.0.1/callback"}
    response = world.http.post(
        world.url("/token"), data={"grant_type": "authorization_code", **form, **holder.proof(world)}
    )
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("method", ["introspect", "revoke"])
def test_the_other_endpoints_take_assertions_too(world, robot, method):
    token = ask(world, robot.proof(world)).json()["access_token"]
    response = world.http.post(world.url(f"/{method}"), data={"token": token, **robot.proof(world)})
    assert response.status_code == 200
