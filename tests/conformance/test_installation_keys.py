"""Where an agent runs, and the key that its client proved itself with when it was seen there last."""

import pytest
from jwcrypto import jwk

from kit import context
from tenants.models import ResourceServer
from tests.conformance.test_installations import API_SCOPES, api, calendar
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder, hand_over
from tests.harness.world import REDIRECT
from tests.spec import spec


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def keys(world, scout):
    """The publisher's two keys."""
    found = [Keyholder(scout.id, jwk.JWK.generate(kty="EC", crv="P-256", kid=kid)) for kid in ("k1", "k2")]
    jwks = {"keys": [key for each in found for key in each.jwks["keys"]]}
    hand_over(world, scout, jwks)
    return found


def proof(world, key):
    return key.proof(world, header={"kid": key.key["kid"]})


def redeemed(world, scout, key, **asked):
    """Sign in and redeem the code by a key."""
    code, verifier = world.code(scout, **asked)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": verifier}
    answer = world.http.post(world.url("/token"), data={**form, **proof(world, key)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refreshed(world, key, held):
    form = {"grant_type": "refresh_token", "refresh_token": held}
    return world.http.post(world.url("/token"), data={**form, **proof(world, key)})


def places(world):
    browser = world.browser("ada")
    return browser.go(world.url(f"/console/delegations/{calendar(world).pk}/places")).text


@spec("RFC 7638", "3")
def test_a_place_says_by_which_key_its_client_proved_itself_there_last(world, scout, keys):
    first, second = keys
    prints = [each.key.thumbprint() for each in keys]
    held = redeemed(world, scout, first)
    assert world.family(held["refresh_token"]).key_thumbprint == prints[0]
    moved = refreshed(world, second, held["refresh_token"]).json()
    assert world.family(held["refresh_token"]).key_thumbprint == prints[1]
    with leaves_only(world):
        stranger = Keyholder(scout.id)
        assert refreshed(world, stranger, moved["refresh_token"]).status_code == 401
    assert f'<code title="{prints[1]}">{prints[1][:8]}…</code>' in places(world)
    with context.use(world.tenant):
        server = ResourceServer.objects.get(identifier=world.tenant.api_identifier)
    ticked = [f"{server.pk} {scope}" for scope in API_SCOPES.split()]
    asked = {"resource": server.identifier, "scope": API_SCOPES, "tick": ticked}
    token = redeemed(world, scout, first, **asked)["access_token"]
    (listed,) = api(world, token, f"{calendar(world).pk}/installations").json()["installations"]
    assert listed["key_thumbprint"] == prints[1]


@spec("RFC 7009", "2.1")
def test_who_looks_after_the_tenant_sees_all_places_over_the_api_and_an_admin_ends_one(world, scout):
    """Alice's and Bob's: the page of places does the same, by the same verb."""
    held = {person: world.grant(scout, person)["refresh_token"] for person in ("alice", "bob")}
    families = {person: world.family(each) for person, each in held.items()}
    path, ada = f"/agents/{scout.client.agent_id}/installations", asker(world, "ada", "agents:read agents:write")
    listed = {each["subject"]: each for each in ada("GET", path).json()["installations"]}
    assert {each["id"] for each in listed.values()} == {each.pk for each in families.values()}
    assert listed[world.people["bob"].pk]["delegations"] == families["bob"].delegations
    other = f"/agents/{world.worker().client.agent_id}/installations"
    with leaves_only(world):
        for wrong in (f"{path}/rtf_{'0' * 26}", f"{other}/{families['bob'].pk}"):
            assert ada("DELETE", wrong).status_code == 404
    assert ada("DELETE", f"{path}/{families['bob'].pk}").json()["token_families_ended"] == 1
    entry = world.entries("installation.ended")[-1]
    assert (entry.principal_id, entry.about_id, entry.through) == (
        world.people["ada"].pk, families["bob"].pk, scout.client.agent_id,
    )  # fmt: skip
    assert ada("DELETE", f"{path}/{families['bob'].pk}").status_code == 409
    assert [world.refresh(scout, held[person]).status_code for person in ("alice", "bob")] == [200, 400]
    world.rewrite(world.people["ada"], role="auditor")
    with leaves_only(world):
        assert ada("DELETE", f"{path}/{families['alice'].pk}").status_code == 403
    assert ada("GET", path).status_code == 200


@spec("RFC 7638", "3")
def test_a_client_without_a_key_leaves_none_and_nobody_sees_an_empty_column(world, scout):
    held = world.grant(scout)
    assert world.family(held["refresh_token"]).key_thumbprint == ""
    assert "thumbprint" not in places(world)
