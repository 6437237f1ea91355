"""An agent that is added by a form comes in with what it was given, and a flaw loses nothing."""

import json
import re

import pytest

from agents.models import Agent, Client
from kit import context
from kit.oauth import GrantType
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.harness.world import REDIRECT, Credentials
from tests.spec import spec

SCOPES = "agents:write clients:write"
CODE, REFRESH = GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value
SAID = {
    "name": "Expense clerk",
    "method": "client_secret_basic",
    "grants": [CODE, REFRESH],
    "redirect_uris": f"{REDIRECT}\n https://expenses.example/back ",
    "extent": "anything",
}


def opened(world):
    ada = world.browser("ada")
    assert ada.go(world.url("/console/agents/add")).status_code == 200
    return ada


def send(ada, world, **changes):
    owner = {"owner": world.people["bob"].pk}
    return ada.submit(ada.form("/agents/add"), {**SAID, **owner, **changes})


def newest(world):
    with context.use(world.tenant):
        return Client.objects.select_related("agent__owner__user").order_by("-pk").first()


@spec("RFC 6749", "2.3.1")
def test_what_was_added_comes_in_with_the_secret_shown_once_and_gets_no_more_than_was_ticked(world):
    ada = opened(world)
    answer = send(ada, world, extent="ticked", scopes=[f"{world.calendar.identifier} events:read"])
    client, (secret,) = newest(world), re.findall(r"<code>([\w-]{43})</code>", answer.text)
    assert "no-store" in answer.headers["cache-control"]
    assert client.client_id in answer.text
    assert secret not in ada.go(world.url(f"/console/agents/{client.agent_id}/clients/{client.pk}")).text
    ticked = [f"{world.calendar.pk} {scope}" for scope in ("events:read", "events:write")]
    granted = world.grant(Credentials(client, secret), scope="events:read events:write", tick=ticked)
    assert granted["scope"] == "events:read"


@spec("RFC 7591", "3.2.2")
def test_a_flaw_is_said_at_its_field_loses_nothing_that_was_typed_and_makes_nothing(world):
    ada = opened(world)
    key = Keyholder("x")
    for changes, said in (
        ({"name": " "}, "This field is required."),
        ({"owner": "nobody@nowhere.example"}, "Nobody who has a place here has this address."),
        ({"redirect_uris": "http://expenses.example/back"}, "http://expenses.example/back"),
        ({"redirect_uris": ""}, "redirect_uris must be a list"),
        ({"method": "none", "grants": [GrantType.CLIENT_CREDENTIALS.value]}, "none of these grants"),
        ({"method": "private_key_jwt"}, "needs its public part here"),
        ({"method": "private_key_jwt", "keys": "not json"}, "neither a JSON object nor an https address"),
        ({"method": "private_key_jwt", "keys": json.dumps({"kty": "oct", "k": "AAAA"})}, "jwks"),
        ({"method": "private_key_jwt", "keys": json.dumps(key.private)}, "jwks"),
    ):
        with leaves_only(world):
            assert send(ada, world, **changes).status_code == 422, changes
        assert said in ada.words(), (changes, ada.words())
        fields = dict(ada.form("/agents/add").fields)
        wanted = {**SAID, "owner": world.people["bob"].pk, **changes}
        for name in ("name", "redirect_uris", "method"):
            assert fields[name].strip() == wanted[name].strip(), (changes, name)
        assert key.private["d"] not in ada.page.text
    with context.use(world.tenant):
        assert not Agent.objects.filter(name="Expense clerk").exists()
    assert '/console/agents/add"' in ada.go(world.url("/console/agents")).text
    world.rewrite(world.people["bob"], role="auditor")
    bob = world.browser("bob")
    assert '/console/agents/add"' not in bob.go(world.url("/console/agents")).text
    assert bob.go(world.url("/console/agents/add")).status_code == 403


@spec("RFC 7591", "2")
@pytest.mark.parametrize("ceiling", [{"https://nowhere.example": ["x"]}, {"calendar": ["events:fly"]}])
def test_a_ceiling_that_no_resource_has_is_refused_over_the_api(world, ceiling):
    ask = asker(world, "ada", SCOPES)
    said = {world.calendar.identifier if each == "calendar" else each: scopes for each, scopes in ceiling.items()}
    with leaves_only(world):
        answer = ask("POST", "/agents", {"name": "x", "owner": world.people["bob"].pk, "ceiling": said})
    assert answer.status_code == 422, answer.text
