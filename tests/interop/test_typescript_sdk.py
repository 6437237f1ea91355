"""The first journey with the MCP TypeScript SDK, from the npm registry and unmodified."""

import pytest

from tests.harness.keyholder import Keyholder, document, hand_over
from tests.harness.world import claims
from tests.interop.ways import DOCUMENT, DYNAMIC, MANUAL, shows
from tests.spec import spec

pytestmark = [pytest.mark.interop, pytest.mark.browser]
CODE, REFRESH = "authorization_code", "refresh_token"


@shows("MCP TypeScript SDK", DYNAMIC)
@spec("MCP", "authorization")
def test_the_typescript_sdk_finds_the_issuer_by_itself_asks_the_person_and_works(world, serve, node, alice, redirect):
    calendar, agent, slug = serve(world), node("mcp_sdk"), world.tenant.slug
    agent.ask("person", server=calendar.url, redirect=redirect, grants=[CODE, REFRESH], method="none")
    asked = agent.ask("call", tool="list_events")
    assert agent.ask("seen")["seen"] == [
        ["POST", "/mcp", 401],
        ["GET", "/.well-known/oauth-protected-resource/mcp", 200],
        ["GET", f"/.well-known/oauth-authorization-server/t/{slug}", 200],
        ["POST", f"/t/{slug}/register", 201],
    ]
    agent.ask("back", url=alice.allows(asked["authorize"]))
    said = agent.ask("call", tool="list_events")["said"]
    token = claims(agent.ask("tokens")["access_token"])
    assert (token["aud"], token["sub"]) == (calendar.url, world.people["alice"].pk)
    assert f"for {token['sub']} through {token['act']['sub']}" in said


@spec("MCP", "authorization, scope challenge")
def test_a_403_asks_for_what_is_missing_alone_and_takes_nothing_back(world, serve, node, alice, redirect):
    calendar, agent = serve(world), node("mcp_sdk")
    agent.ask("person", server=calendar.url, redirect=redirect, grants=[CODE], method="none")
    listing, creating = {"tool": "list_events"}, {"tool": "create_event", "arguments": {"title": "Dinner"}}
    for call, needed in ((listing, "events:read"), (creating, "events:write"), (listing, "events:read")):
        agent.ask("back", url=alice.allows(agent.ask("call", **call)["authorize"]))
        said = agent.ask("call", **call)["said"]
        assert claims(agent.ask("tokens")["access_token"])["scope"] == needed
    assert "Dinner" in said
    (delegation,) = world.delegations()
    assert delegation.scope_set == {"events:read", "events:write"}
    # The third request was for what is allowed already: no page stood in its way.
    assert alice.decisions == 2


@spec("RFC 6749", "6")
def test_a_refresh_asks_nobody_and_after_the_end_the_sdk_asks_again(world, serve, node, alice, redirect):
    calendar, agent = serve(world), node("mcp_sdk")
    agent.ask("person", server=calendar.url, redirect=redirect, grants=[CODE, REFRESH])
    agent.ask("back", url=alice.allows(agent.ask("call", tool="list_events")["authorize"]))
    first = agent.ask("tokens")
    agent.ask("expire")
    assert "said" in agent.ask("call", tool="list_events")
    second = agent.ask("tokens")
    assert second["refresh_token"] != first["refresh_token"]
    alice.ends(second["access_token"])
    agent.ask("expire")
    agent.ask("seen")
    assert "authorize" in agent.ask("call", tool="list_events")
    assert ["POST", f"/t/{world.tenant.slug}/token", 400] in agent.ask("seen")["seen"]
    assert agent.ask("tokens") == {}, "it throws its tokens away for invalid_grant and for no other word"


@shows("MCP TypeScript SDK", DOCUMENT)
@spec("CIMD", "3")
def test_an_agent_known_by_its_document_registers_nowhere_and_proves_itself_by_its_key(
    world, serve, node, alice, redirect, documents
):
    calendar, agent, path = serve(world), node("mcp_sdk"), f"/{world.tenant.slug}/planner"
    holder = Keyholder(documents.url(path))
    document(documents, path, token_endpoint_auth_method="private_key_jwt", jwks=holder.jwks)
    own = {"document": holder.id, "key": holder.private}
    agent.ask("person", server=calendar.url, redirect=redirect, grants=[CODE, REFRESH], **own)
    agent.ask("back", url=alice.allows(agent.ask("call", tool="list_events")["authorize"]))
    assert claims(agent.ask("tokens")["access_token"])["client_id"] == holder.id
    agent.ask("expire")
    assert "said" in agent.ask("call", tool="list_events")
    assert not [place for _, place, _ in agent.ask("seen")["seen"] if place.endswith("/register")]


@shows("MCP TypeScript SDK", MANUAL)
@spec("RFC 6749", "4.4")
def test_an_agent_for_itself_works_by_its_secret_and_by_its_key(world, serve, node):
    calendar, agent = serve(world), node("mcp_sdk")
    worker = world.worker(server=calendar.row)
    holder = Keyholder(worker.id)
    known = {"server": calendar.url, "issuer": world.tenant.issuer, "id": worker.id}
    for proof in ({"secret": worker.secret}, {"key": holder.private}):
        if "key" in proof:
            hand_over(world, worker, holder.jwks)
        agent.ask("machine", **known, **proof)
        said = agent.ask("call", tool="list_events")["said"]
        assert f"for {worker.client.agent.pk} through nobody in between" in said
