"""Documents instead of registration: Client ID Metadata Documents, draft -02."""

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Client
from audit.principals import SYSTEM
from kit import context
from kit.client_ids import is_document
from tenants import actions as tenant_actions
from tests.harness import hostile
from tests.harness.browser import answer
from tests.harness.hostile import json_answer
from tests.harness.keyholder import Keyholder, as_credentials, document
from tests.harness.world import REDIRECT, World, make, pkce
from tests.spec import spec
from trust.models import OutboundHost


@pytest.fixture
def path() -> str:
    return f"/agents/{secrets.token_hex(6)}.json"


@pytest.fixture
def rested(world: World):
    """Forget that a host failed a moment ago, so that the next look is made now."""

    def rest() -> None:
        with context.use(world.tenant):
            OutboundHost.objects.update(not_before=timezone.now(), failures=0)

    return rest


def visit(world: World, client_id: str, person: str = "alice", **changes):
    """Open the authorization request of a client at a person's browser; return what they see."""
    _, challenge = pkce()
    browser = world.browser(person)
    return browser.go(world.authorize_url(as_credentials(client_id), challenge, **changes))


@spec("CIMD", "7.2")
def test_a_document_that_is_named_whole_needs_nobody_and_its_neighbours_do(world, documents, path):
    named = documents.url(path)
    policy = {"documents": "hosts", "admitted_hosts": [named]}
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, **policy)
    for url in (named, f"{named}?v=1", named.removesuffix(".json"), f"{named}/more"):
        document(documents, url.removeprefix(documents.url("")))
        assert visit(world, url).status_code == 200
        with context.use(world.tenant):
            agent = Client.objects.select_related("agent").get(client_id=url).agent
        assert (agent.status == "active") == (url == named), url


def refused(page) -> None:
    assert page.status_code == 400
    assert "invalid_client" in page.text
    assert "location" not in page.headers


@spec("CIMD", "3")
def test_a_client_is_known_by_its_document(world, documents, path):
    document(documents, path)
    tokens = world.grant(as_credentials(documents.url(path)))
    assert tokens["scope"] == "events:read"
    with context.use(world.tenant):
        client = Client.objects.select_related("agent").get(client_id=documents.url(path))
    assert (client.registration_source, client.agent.registration) == ("cimd", "document")


@spec("CIMD", "8.2")
def test_a_client_with_a_key_must_prove_it_wherever_it_comes(world, documents, path):
    holder = Keyholder(documents.url(path))
    document(documents, path, token_endpoint_auth_method="private_key_jwt", jwks=holder.jwks)
    who = as_credentials(holder.id)
    code, verifier = world.code(who)
    assert world.redeem(who, code, verifier).status_code == 401
    form = {"code": code, "code_verifier": verifier, "redirect_uri": REDIRECT, "grant_type": "authorization_code"}
    assert world.http.post(world.url("/token"), data={**form, **holder.proof(world)}).status_code == 200


@spec("CIMD", "4.2")
def test_a_document_is_looked_up_at_the_token_endpoint_too(world, documents, path):
    document(documents, path)
    form = {"grant_type": "refresh_token", "refresh_token": "rtf_unknown.0.x", "client_id": documents.url(path)}
    refusal = world.http.post(world.url("/token"), data=form)
    assert refusal.json()["error"] == "invalid_grant"
    assert documents.seen.count(path) == 1


@spec("MCP", "client-id-metadata")
def test_the_server_says_that_it_takes_documents_only_where_it_does(world):
    where = world.url("/.well-known/openid-configuration")
    assert world.http.get(where).json()["client_id_metadata_document_supported"] is True
    tenant_actions.change_policy(world.tenant, by=SYSTEM, documents="off")
    deadline = timezone.now() + timedelta(seconds=5)
    while "client_id_metadata_document_supported" in world.http.get(where).json():
        assert timezone.now() < deadline


def test_a_tenant_that_takes_no_documents_does_not_look(origin, http, documents, path):
    world = make(origin, http)
    tenant_actions.change_policy(world.tenant, by=SYSTEM, documents="off")
    document(documents, path)
    refused(visit(world, documents.url(path)))
    assert path not in documents.seen
    world.close()


@spec("CIMD", "3")
@pytest.mark.parametrize(
    "client_id",
    [
        "http://agent.example/x", "https://agent.example", "https://agent.example/", "https://u@agent.example/x",
        "https://agent.example/x#y", "https://agent.example/a/../x", "https://agent.example/./x",
        "https://agent.example/a/%2e%2e/x", "https://agent.example/%2E/x", "https://agent.example/a/%252e%252e/x",
        "https://agent.example/x/..", "https://127.0.0.1/x", "https://[::1]/x", "HTTPS://agent.example/x",
        "https://agent.example:99999/x", "https://agent.example/" + "x" * 300,
    ],
)  # fmt: skip
def test_an_id_that_is_not_a_plain_https_url_with_a_path_is_no_document(client_id):
    assert not is_document(client_id)


@spec("CIMD", "3")
def test_a_port_is_part_of_the_id(documents):
    assert is_document("https://agent.example:8443/x")
    assert is_document("https://agent.example/x?y=z")


@spec("CIMD", "5")
@pytest.mark.parametrize(
    "reply",
    [
        hostile.redirect,
        lambda connection: connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"),
        lambda connection: connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>"),
        json_answer(b"[]"),
        json_answer(b"{" + b" " * 20_000 + b"}"),
        json_answer(b'{"client_id": 1, "client_id": 2}'),
    ],
)
def test_a_document_that_cannot_be_had_ends_the_request_on_a_page(world, documents, path, reply):
    documents.answers[path] = reply
    refused(visit(world, documents.url(path)))
    with context.use(world.tenant):
        assert not Client.objects.filter(client_id=documents.url(path)).exists()


@spec("CIMD", "4.1")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None}, {"client_id": "https://agent.example/other"}, {"client_name": None}, {"client_name": 5},
        {"redirect_uris": None}, {"redirect_uris": []}, {"redirect_uris": ["javascript:alert(1)"]},
        {"client_secret": "x"}, {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"}, {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"}, {"token_endpoint_auth_method": "private_key_jwt"},
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, {"jwks_uri": "http://agent.example/jwks"},
        {"jwks_uri": "https://127.0.0.1/jwks"}, {"logo_uri": "javascript:alert(1)"},
    ],
)  # fmt: skip
def test_a_document_with_one_thing_wrong_is_refused(world, documents, path, changes):
    document(documents, path, **changes)
    refused(visit(world, documents.url(path)))


@spec("CIMD", "4.1")
def test_a_private_key_in_a_document_is_refused(world, documents, path):
    holder = Keyholder(documents.url(path))
    document(documents, path, jwks={"keys": [holder.key.export(as_dict=True)]})
    refused(visit(world, documents.url(path)))


@spec("CIMD", "5.2")
def test_a_bad_answer_is_not_kept(world, documents, path, rested):
    documents.answers[path] = json_answer(b"[]")
    refused(visit(world, documents.url(path)))
    document(documents, path)
    rested()
    assert visit(world, documents.url(path)).status_code == 200


def test_a_host_that_fails_is_left_alone_for_a_while(world, documents, path):
    documents.answers[path] = json_answer(b"[]")
    refused(visit(world, documents.url(path)))
    with context.use(world.tenant):
        OutboundHost.objects.update(not_before=timezone.now() + timedelta(minutes=1))
    document(documents, path)
    refused(visit(world, documents.url(path)))
    assert documents.seen.count(path) == 1


@spec("CIMD", "5.2")
def test_a_document_is_fetched_once_while_it_is_fresh(world, documents, path):
    document(documents, path)
    visit(world, documents.url(path))
    visit(world, documents.url(path), person="bob")
    assert documents.seen.count(path) == 1


@spec("CIMD", "8.4")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": "Scout the second"},
        {"redirect_uris": [REDIRECT, "https://elsewhere.example/cb"]},
        {"logo_uri": "https://agent.example/logo.png"},
    ],
)
def test_a_document_that_changed_is_agreed_to_again(world, documents, path, changes):
    document(documents, path)
    url = documents.url(path)
    world.grant(as_credentials(url))
    assert answer(visit(world, url))["code"]
    document(documents, path, **changes)
    with context.use(world.tenant):
        Client.objects.filter(client_id=url).update(cimd_expires_at=timezone.now())
    page = visit(world, url)
    assert page.status_code == 200
    assert "already allowed" in page.text.lower()
    assert len(world.entries("client.document_changed")) == 1


def test_a_document_that_is_gone_stops_the_next_decision_but_not_what_runs(world, documents, path):
    document(documents, path)
    url = documents.url(path)
    tokens = world.grant(as_credentials(url))
    documents.answers[path] = hostile.redirect
    with context.use(world.tenant):
        Client.objects.filter(client_id=url).update(cimd_expires_at=timezone.now())
    refused(visit(world, url))
    assert world.refresh(as_credentials(url), tokens["refresh_token"]).status_code == 200


@spec("CIMD", "8.5")
def test_the_page_shows_the_documents_host(world, documents, path):
    document(documents, path, client_name="Claude", client_uri="https://claude.example/")
    page = visit(world, documents.url(path))
    assert documents.authority in page.text


@spec("CIMD", "7.1")
def test_an_id_of_ours_never_looks_like_a_documents(world):
    assert not world.public_client().id.startswith("https://")
    assert not world.worker().id.startswith("https://")


def test_the_same_document_is_a_client_of_its_own_in_each_tenant(world, elsewhere, documents, path):
    document(documents, path)
    who = as_credentials(documents.url(path))
    tokens = world.grant(who)
    elsewhere.grant(who)
    assert elsewhere.refresh(who, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_resource_server_may_have_its_own_document_hosted(world):
    with context.use(world.tenant):
        hosted = tenant_actions.add_resource_server(
            f"https://files.{world.tenant.slug}.example/mcp", "Files", (), by=SYSTEM, hosts_metadata=True
        )
    found = world.http.get(world.url(f"/resource-metadata/{hosted.pk}"))
    assert found.json()["resource"] == hosted.identifier
    assert found.json()["authorization_servers"] == [world.tenant.issuer]
    assert world.http.get(world.url(f"/resource-metadata/{world.calendar.pk}")).status_code == 404
