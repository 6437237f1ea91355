"""The first journey, and signing in, with openid-client, from the npm registry and unmodified."""

import pytest

from tests.harness.keyholder import Keyholder, hand_over
from tests.harness.world import REDIRECT, claims
from tests.interop.cast import tool_call
from tests.interop.node_client import Refused
from tests.interop.person import comes_back
from tests.interop.ways import DYNAMIC, shows
from tests.spec import spec

pytestmark = pytest.mark.interop


@pytest.mark.browser
@shows("openid-client", DYNAMIC)
@spec("RFC 6749", "6")
def test_openid_client_registers_works_refreshes_and_is_cut_off(world, serve, node, alice, redirect):
    calendar, agent = serve(world), node("openid_client")
    registered = agent.ask("register", issuer=world.tenant.issuer, redirect=redirect)
    assert registered["token_endpoint_auth_method"] == "client_secret_basic"
    asked = agent.ask("authorize", redirect=redirect, scope="events:read", resource=calendar.url)
    first = agent.ask("back", url=alice.allows(asked["authorize"]))
    said = agent.ask("post", url=calendar.url, body=tool_call())["result"]["content"][0]["text"]
    assert f"for {world.people['alice'].pk} through agt_" in said
    second = agent.ask("refresh")
    assert second["refresh_token"] != first["refresh_token"]
    assert claims(second["access_token"])["aud"] == calendar.url
    alice.ends(second["access_token"])
    with pytest.raises(Refused, match="invalid_grant"):
        agent.ask("refresh")


@spec("OIDC Core", "3.1.3.7")
def test_openid_client_takes_the_id_token_for_good_and_userinfo_for_the_same_persons(world, node):
    agent = node("openid_client")
    agent.ask("register", issuer=world.tenant.issuer, redirect=REDIRECT)
    asked = agent.ask("authorize", redirect=REDIRECT, scope="openid profile email")
    said = agent.ask("back", url=comes_back(world, asked["authorize"]))["claims"]
    assert (said["iss"], said["sub"]) == (world.tenant.issuer, world.people["alice"].pk)
    person = agent.ask("userinfo", subject=said["sub"])
    assert (person["name"], person["email"]) == ("Alice", world.email("alice"))


@spec("RFC 9207", "2")
def test_openid_client_believes_a_no_of_ours_and_none_in_another_issuers_name(world, node):
    agent = node("openid_client")
    agent.ask("register", issuer=world.tenant.issuer, redirect=REDIRECT)
    asked = agent.ask("authorize", redirect=REDIRECT, scope="events:read", resource=world.calendar.identifier)
    back = comes_back(world, asked["authorize"], "deny")
    with pytest.raises(Refused, match="access_denied"):
        agent.ask("back", url=back)
    with pytest.raises(Refused, match="invalid response"):
        agent.ask("back", url=back.replace(world.tenant.slug, "another"))


@spec("RFC 7523", "2.2")
def test_openid_client_proves_itself_by_its_key_at_every_endpoint(world, node):
    agent, worker = node("openid_client"), world.worker()
    holder = Keyholder(worker.id)
    hand_over(world, worker, holder.jwks)
    agent.ask("discover", issuer=world.tenant.issuer, id=worker.id, key=holder.private)
    token = agent.ask("own", scope="events:read", resource=world.calendar.identifier)["access_token"]
    assert agent.ask("introspect", token=token)["sub"] == worker.client.agent.pk
    agent.ask("revoke", token=token)
    assert agent.ask("introspect", token=token) == {"active": False}
