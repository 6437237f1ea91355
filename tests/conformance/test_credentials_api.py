"""Clients and credentials over REST: shown once, several at a time, retired, and nobody locked out by one click."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone
from jwcrypto import jwk

from agents import across
from agents import actions as agent_actions
from agents.models import Client
from agents.registration import metadata
from audit.principals import SYSTEM
from kit import context
from kit.oauth import GrantType
from tests.conformance.test_api import api_token
from tests.harness import everything
from tests.harness.domains import Foreign, trust_foreign
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.harness.world import REDIRECT, Credentials, make
from tests.spec import spec

SCOPES = "agents:read agents:write clients:read clients:write credentials:read credentials:write"
EXCHANGE, BEARER = GrantType.TOKEN_EXCHANGE.value, GrantType.JWT_BEARER.value
ITSELF = GrantType.CLIENT_CREDENTIALS.value


@pytest.fixture(scope="module")
def world(origin, http):
    """One tenant for all of these: each test brings an agent of its own."""
    world = make(origin, http)
    yield world
    world.close()


@pytest.fixture(scope="module")
def token(world):
    return api_token(world, world.public_client("Console app"), "ada", SCOPES)


@pytest.fixture
def ask(world, token):
    """Return a call of ada's, about the clients of an agent."""

    def ask(method, path, body=None, **headers):
        headers = {"Authorization": f"Bearer {token}", **headers}
        return world.http.request(method, world.url(f"/api/v1/agents{path}"), headers=headers, json=body)

    return ask


@pytest.fixture
def place(world, ask):
    """The clients of an agent that ada registered."""
    made = ask("POST", "", {"name": "Worker", "owner": world.people["bob"].pk}).json()
    return f"/{made['id']}/clients"


@pytest.fixture
def worker(world, ask, place):
    """A client with a secret, and where it stands in the API."""
    made = ask("POST", place, {}).json()
    return as_credentials(world, made), f"{place}/{made['id']}"


def as_credentials(world, made, secret=None):
    with context.use(world.tenant):
        client = Client.objects.select_related("agent").get(pk=made["id"])
    return Credentials(client, secret or made.get("client_secret", ""))


def is_known(world, who, secret=None):
    """Say whether the token endpoint knows the client: what it may get is another question."""
    tried = Credentials(who.client, secret or who.secret)
    return world.own_token(tried).json().get("error") != "invalid_client"


def holder(kid):
    return Keyholder("x", jwk.JWK.generate(kty="EC", crv="P-256", kid=kid))


def public(key):
    return key.jwks["keys"][0]


@spec("RFC 7591", "2")
def test_a_client_is_made_read_changed_and_taken_away(world, ask, place, worker):
    who, own = worker
    assert is_known(world, who)
    assert not is_known(world, who, "x" * 43)
    read = ask("GET", own)
    assert "client_secret" not in read.json()
    assert (read.json()["token_endpoint_auth_method"], read.json()["grant_types"]) == ("client_secret_basic", [ITSELF])
    assert [each["id"] for each in ask("GET", place).json()["clients"]] == [who.client.pk]
    words = {"client_name": "Renamed", "redirect_uris": ["https://a.example/cb"], "grant_types": ["authorization_code"]}
    changed = ask("PATCH", own, words, **{"If-Match": read.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in words} == words
    assert is_known(world, who)
    with leaves_only(world):
        assert ask("PATCH", own, words, **{"If-Match": read.headers["etag"]}).status_code == 412
        assert ask("PATCH", own, {"jwks": {"keys": []}}).status_code == 400
    assert ask("DELETE", own).status_code == 204
    assert not is_known(world, who)
    with leaves_only(world):
        assert ask("DELETE", own).status_code == 409
        assert ask("PATCH", own, words).status_code == 409
    assert [each.about_id for each in world.entries("client.disabled")][-1:] == [who.client.pk]


@spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    "words",
    [
        {"grant_types": ["password"]},
        {"grant_types": ["authorization_code"], "redirect_uris": ["http://evil.example/cb"]},
        {"grant_types": ["authorization_code"]},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"client_name": "a\u202eb"},
    ],
)
def test_what_cannot_hold_of_a_client_is_said_and_makes_none(world, ask, place, words):
    with leaves_only(world):
        refused = ask("POST", place, words)
    assert (refused.status_code, bool(refused.json()["detail"])) == (422, True)


@spec("RFC 6749", "2.3.1")
def test_a_second_secret_is_shown_once_and_the_first_is_good_until_it_is_retired(world, ask, worker):
    who, own = worker
    made = ask("POST", f"{own}/credentials", {"kind": "secret"})
    second = made.json()["client_secret"]
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert is_known(world, who)
    assert is_known(world, who, second)
    listed = ask("GET", f"{own}/credentials")
    assert second not in listed.text
    assert [(each["id"], each["is_usable"]) for each in listed.json()["credentials"]] == [
        ("sec_first", True),
        (made.json()["id"], True),
    ]
    assert not everything.tables_with(second, everything.rows())
    assert ask("DELETE", f"{own}/credentials/sec_first").status_code == 204
    assert not is_known(world, who)
    assert is_known(world, who, second)
    for event, credential in (("client.secret_added", made.json()["id"]), ("client.secret_retired", "sec_first")):
        entry = world.entries(event)[-1]
        assert (entry.about_id, entry.detail) == (who.client.pk, {"credential": credential})


@spec("RFC 6749", "2.3.1")
def test_the_last_way_in_stays_unless_it_is_meant(world, ask, worker):
    who, own = worker
    with leaves_only(world):
        refused = ask("DELETE", f"{own}/credentials/sec_first")
        assert (refused.status_code, refused.json()["title"]) == (409, "It is the last way in")
        assert ask("DELETE", f"{own}/credentials/sec_first?even_if_last=yes").status_code == 400
        assert ask("DELETE", f"{own}/credentials/sec_nobody").status_code == 422
    assert is_known(world, who)
    assert ask("DELETE", f"{own}/credentials/sec_first?even_if_last=true").status_code == 204
    assert not is_known(world, who)


@spec("RFC 6749", "2.3.1")
def test_of_two_who_retire_the_last_two_at_once_one_is_told(world, ask, worker):
    _, own = worker
    second = ask("POST", f"{own}/credentials", {"kind": "secret"}).json()["id"]
    with ThreadPoolExecutor(2) as pool:
        codes = pool.map(lambda each: ask("DELETE", f"{own}/credentials/{each}").status_code, ("sec_first", second))
        assert sorted(codes) == [204, 409]


@spec("RFC 6749", "2.3.1")
def test_a_client_has_five_secrets_at_most(world, ask, worker):
    _, own = worker
    codes = [ask("POST", f"{own}/credentials", {"kind": "secret"}).status_code for _ in range(5)]
    assert codes == [201, 201, 201, 201, 422]


@spec("RFC 7523", "2.2")
def test_keys_follow_each_other_and_one_that_was_retired_proves_nothing(world, ask, place):
    old, new = holder("k1"), holder("k2")
    words = {"token_endpoint_auth_method": "private_key_jwt", "jwks": old.jwks}
    made = ask("POST", place, words).json()
    assert "client_secret" not in made
    own, who = f"{place}/{made['id']}", as_credentials(world, made)
    added = ask("POST", f"{own}/credentials", {"kind": "key", "jwk": public(new)})
    assert added.status_code == 201, added.text

    def is_proof(key):
        form = Keyholder(who.id, key.key).proof(world, header={"kid": key.key["kid"]})
        return world.own_token(who, **form).json().get("error") != "invalid_client"

    assert is_proof(old)
    assert is_proof(new)
    first = ask("GET", f"{own}/credentials").json()["credentials"][0]["id"]
    assert ask("DELETE", f"{own}/credentials/{first}").status_code == 204
    assert not is_proof(old)
    assert is_proof(new)
    with leaves_only(world):
        assert ask("POST", f"{own}/credentials", {"kind": "key", "jwk": public(new)}).status_code == 422
        assert ask("POST", f"{own}/credentials", {"kind": "secret"}).status_code == 422


@spec("RFC 7517", "9.2")
@pytest.mark.parametrize("spoiled", [{"d": "c2VjcmV0"}, {"kty": "oct", "k": "c2VjcmV0"}, {"crv": "P-521"}, {"x": "?"}])
def test_a_private_key_and_one_that_cannot_be_used_are_refused_and_told_nowhere(world, ask, worker, spoiled):
    _, own = worker
    with leaves_only(world):
        refused = ask("POST", f"{own}/credentials", {"kind": "key", "jwk": {**public(holder("k1")), **spoiled}})
        assert ask("POST", f"{own}/credentials", {"kind": "key"}).status_code == 422
    assert refused.status_code == 422
    assert "c2VjcmV0" not in refused.text


@spec("RFC 7591", "2")
def test_a_client_changes_how_it_proves_itself_once_it_has_a_key_and_its_secrets_go(world, ask, worker):
    who, own = worker
    with leaves_only(world):
        assert ask("PATCH", own, {"token_endpoint_auth_method": "private_key_jwt"}).status_code == 422
    added = ask("POST", f"{own}/credentials", {"kind": "key", "jwk": public(holder("k1"))}).json()
    assert added["is_usable"] is False
    assert ask("PATCH", own, {"token_endpoint_auth_method": "private_key_jwt"}).status_code == 200
    assert not is_known(world, who)
    (left,) = ask("GET", f"{own}/credentials").json()["credentials"]
    assert (left["id"], left["is_usable"]) == (added["id"], True)
    back = ask("PATCH", own, {"token_endpoint_auth_method": "client_secret_basic"})
    assert is_known(world, who, back.json()["client_secret"])


@spec("RFC 7521", "4.2")
def test_a_platform_s_token_is_listed_and_retired_as_any_other(world, ask, place):
    made = ask("POST", place, {"token_endpoint_auth_method": "federated"}).json()
    own, who = f"{place}/{made['id']}", as_credentials(world, made)
    with context.use(world.tenant):
        issuer = trust_foreign(world, Foreign(), purposes=["federation"])
        across.federate(who.client, issuer, "repo:a/b", by=SYSTEM)
    (only,) = ask("GET", f"{own}/credentials").json()["credentials"]
    assert (only["kind"], only["is_usable"]) == ("platform", True)
    assert ask("DELETE", f"{own}/credentials/{only['id']}").status_code == 409
    assert ask("DELETE", f"{own}/credentials/{only['id']}?even_if_last=true").status_code == 204
    assert ask("GET", f"{own}/credentials").json()["credentials"] == []


@spec("RFC 7591", "2")
def test_an_admin_gives_grants_that_a_client_which_came_by_itself_keeps_whatever_it_says_later(world, ask):
    scout, public = world.secret_client("Came by itself"), world.public_client("Proves nothing")
    own, theirs = (f"/{each.client.agent_id}/clients/{each.client.pk}" for each in (scout, public))
    with leaves_only(world):
        for place, grants in ((own, ["password"]), (own, ["authorization_code"]), (theirs, [EXCHANGE])):
            assert ask("PUT", f"{place}/grants", {"grant_types": grants}).status_code == 422
        assert ask("PATCH", own, {"client_name": "Mine now"}).status_code == 422
    refused = world.exchange(scout, "x").json()
    assert refused["error"] == "unauthorized_client"
    given = ask("PUT", f"{own}/grants", {"grant_types": [EXCHANGE, BEARER]})
    assert given.json()["given_grants"] == [EXCHANGE, BEARER]
    assert given.json()["grant_types"] == ["authorization_code", "refresh_token", EXCHANGE, BEARER]
    assert world.exchange(scout, "x").json()["error"] == "invalid_request"
    entry = world.entries("client.grants_given")[-1]
    assert (entry.principal_id, entry.about_id) == (world.people["ada"].pk, scout.client.pk)
    assert entry.detail == {"before": [], "given": [EXCHANGE, BEARER]}
    with context.use(world.tenant):
        described = metadata.parse({"client_name": "Says more", "redirect_uris": [REDIRECT]})
        agent_actions.replace_registration(scout.client, described, now=timezone.now())
    assert ask("GET", own).json()["grant_types"] == ["authorization_code", EXCHANGE, BEARER]
    assert ask("PUT", f"{own}/grants", {"grant_types": []}).json()["given_grants"] == []
    assert world.exchange(scout, "x").json()["error"] == "unauthorized_client"
