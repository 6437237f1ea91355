"""Clients of the field as they describe themselves, by either way in: to a code, or to a question that is asked."""

import secrets

import pytest

from agents.models import Agent, Approval, Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.browser import answer
from tests.harness.keyholder import as_credentials, document
from tests.harness.shapes import REFUSED, SHAPES
from tests.harness.world import REDIRECT, pkce
from tests.spec import spec

NOT_FOR_STRANGERS = {"client_credentials", "implicit", "password"}


def come(world, documents, way, shape):
    """Return a client id that came this way, or the answer that refused it."""
    if way == "document":
        path = f"/shapes/{secrets.token_hex(6)}.json"
        document(documents, path, **shape)
        return documents.url(path)
    said = {name: value for name, value in shape.items() if value is not None}
    response = world.http.post(world.url("/register"), json=said)
    return response.json()["client_id"] if response.status_code == 201 else response


@pytest.fixture(params=["document", "registration"])
def way(request):
    return request.param


@spec("MCP", "client-id-metadata")
def test_every_shape_gets_to_a_code_and_a_token_where_everybody_is_let_in(world, documents, way):
    browser = world.browser("alice")
    for name, shape in SHAPES.items():
        who = as_credentials(come(world, documents, way, shape))
        verifier, challenge = pkce()
        browser.go(world.authorize_url(who, challenge))
        browser.decide(duration="hour")
        got = answer(browser.page)
        form = {"grant_type": "authorization_code", "code": got["code"], "code_verifier": verifier}
        redeemed = world.http.post(world.url("/token"), data={**form, "redirect_uri": REDIRECT, "client_id": who.id})
        assert redeemed.status_code == 200, (name, redeemed.text)
    with context.use(world.tenant):
        granted = {
            grant for client in Client.objects.exclude(registration_source="manual") for grant in client.grant_types
        }
    assert not NOT_FOR_STRANGERS & granted
    assert granted <= {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}


@spec("CIMD", "7.2")
def test_every_shape_gets_to_a_question_where_an_admin_decides(world, documents, way):
    world.tenant = tenant_actions.change_policy(
        world.tenant, by=SYSTEM, registration="admission", documents="admission"
    )
    browser = world.browser("alice")
    for name, shape in SHAPES.items():
        browser.go(world.authorize_url(as_credentials(come(world, documents, way, shape)), pkce()[1]))
        assert "is new here" in browser.words(), name
    with context.use(world.tenant):
        assert Approval.objects.filter(status="waiting").count() == len(SHAPES)
        assert set(Agent.objects.values_list("status", flat=True)) == {"pending"}


@spec("RFC 8252", "8.4")
def test_a_scheme_that_any_program_can_claim_is_refused(world, documents, way):
    for shape in REFUSED.values():
        came = come(world, documents, way, {"client_name": "Editor", "token_endpoint_auth_method": "none", **shape})
        if way == "registration":
            assert (came.status_code, came.json()["error"]) == (400, "invalid_redirect_uri")
        else:
            assert world.ask(as_credentials(came), "alice").page.status_code == 400
