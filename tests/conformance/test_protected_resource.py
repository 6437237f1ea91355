"""This product's own API as a protected resource: how an agent finds its way from a bare 401."""

import re

import pytest

from tests.spec import spec
from tokens.opening import API_SCOPES


def metadata(world):
    path = world.tenant.api_identifier.removeprefix(world.origin)
    return world.http.get(f"{world.origin}/.well-known/oauth-protected-resource{path}")


@spec("RFC 9728", "3.3")
def test_the_document_names_the_resource_that_its_address_was_built_from(world):
    response = metadata(world)
    assert response.json() == {
        "resource": world.url("/api/v1"),
        "resource_name": f"{world.tenant.name} agent API",
        "authorization_servers": [world.tenant.issuer],
        "scopes_supported": [scope.name for scope in API_SCOPES],
        "bearer_methods_supported": ["header"],
    }
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.headers["access-control-allow-origin"] == "*"


@spec("RFC 9728", "3.1")
@pytest.mark.parametrize("tail", ["", "/", "/api", "/api/v1/", "/api/v1/self", "/api/v2"])
def test_no_other_path_has_such_a_document(world, tail):
    response = world.http.get(f"{world.origin}/.well-known/oauth-protected-resource/t/{world.tenant.slug}{tail}")
    assert (response.status_code, response.json()) == (404, {"error": "not_found"})


@spec("RFC 9728", "5.1")
@pytest.mark.parametrize("path", ["/self", "/delegations", "/delegations/dlg_x"])
def test_a_bare_401_says_where_the_document_is_and_which_scope_to_ask_for(world, path):
    response = world.http.get(world.url(f"/api/v1{path}"))
    challenge = response.headers["www-authenticate"]
    assert response.status_code == 401
    assert challenge.startswith("Bearer ")
    assert "error=" not in challenge
    assert re.search(r'scope="(.*?)"', challenge)[1] == "self:read"
    found = world.http.get(re.search(r'resource_metadata="(.*?)"', challenge)[1]).json()
    assert found["resource"] == world.url("/api/v1")
    assert found["authorization_servers"] == [world.tenant.issuer]


@spec("MCP", "Authorization Flow Steps")
def test_an_agent_gets_from_a_bare_401_to_an_answer(world):
    challenge = world.http.get(world.url("/api/v1/self")).headers["www-authenticate"]
    resource = world.http.get(re.search(r'resource_metadata="(.*?)"', challenge)[1]).json()
    issuer = resource["authorization_servers"][0]
    server = world.http.get(issuer.replace("/t/", "/.well-known/oauth-authorization-server/t/")).json()
    assert server["issuer"] == issuer
    tokens = world.grant(world.public_client(), resource=resource["resource"], scope="self:read")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert world.http.get(f"{resource['resource']}/self", headers=headers).json()["issuer"] == issuer


@spec("RFC 8414", "2")
def test_offline_access_is_a_scope_of_the_server_and_of_no_resource(world):
    assert "offline_access" not in metadata(world).json()["scopes_supported"]
