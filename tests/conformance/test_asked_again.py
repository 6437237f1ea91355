"""Why?, and the access check: the same question as a request to copy, its ids with Copy, and the way back."""

import html
import json
import re
import shlex

import pytest

from kit import context
from tests.conformance.test_api import api_token
from tests.spec import spec


def commands(page):
    """Return what stands on a page to be copied into a shell, taken apart as a shell does."""
    found = re.findall(r"<pre[^>]*>(curl .*?)</pre>", page.text, re.DOTALL)
    return [shlex.split(html.unescape(each).replace("\\\n", " ")) for each in found]


def asked(page):
    (command,) = commands(page)
    assert command[:3] == ["curl", "-X", "POST"]
    return command[3], json.loads(command[command.index("-d") + 1])


@pytest.fixture
def refused(world):
    scout = world.public_client("Scout")
    granted = world.grant(scout)
    wider = world.refresh(scout, granted["refresh_token"], scope="events:write", resource=world.calendar.identifier)
    assert wider.status_code == 400
    return world.entries("token.refused")[-1], scout.client.agent_id


@spec("RFC 6749", "5.2")
@pytest.mark.parametrize("name", ["ada", "alice"])
def test_a_refusal_shows_the_same_question_as_a_request_and_its_answer_is_the_same_no(world, refused, name):
    entry, agent = refused
    page = world.browser(name).go(world.url(f"/why/{entry.pk}"))
    place, body = asked(page)
    person = world.people["alice"].pk
    scopes = ["events:write"]
    assert body == {"agent": agent, "resource": world.calendar.identifier, "person": person, "scopes": scopes}
    assert place == f"{world.tenant.issuer}/api/v1/check"
    token = api_token(world, world.public_client("Console app"), name, "checks:run")
    answer = world.http.post(place, headers={"Authorization": f"Bearer {token}"}, json=body)
    assert (answer.status_code, answer.json()["allowed"]) == (200, False)


def test_ids_are_there_to_copy_and_the_way_back_leads_where_one_may_read(world, refused):
    entry, _ = refused
    for name, back in (("ada", "/console/activity"), ("alice", "/me/activity")):
        page = world.browser(name).go(world.url(f"/why/{entry.pk}"))
        for text in (entry.pk, entry.request_id, entry.principal_id):
            assert f'data-copy="{text}"' in page.text, (name, text)
        crumbs = re.search(r'<nav class="crumbs".*?</nav>', page.text, re.DOTALL)[0]
        assert f'href="/t/{world.tenant.slug}{back}"' in crumbs
        assert "ui/copy.js" in page.text
    assert f"Refused: Scout, events:write on {world.calendar.name}" in page.text


def test_a_request_that_named_no_place_is_asked_again_where_the_agent_acts_for_them(world):
    scout = world.public_client("Scout")
    token = world.grant(scout)["refresh_token"]
    assert world.refresh(scout, token, scope="contacts:read").status_code == 400
    page = world.browser("alice").go(world.url(f"/why/{world.entries('token.refused')[-1].pk}"))
    assert asked(page)[1]["resource"] == world.calendar.identifier


def test_what_named_no_resource_that_is_here_is_not_asked_again(world):
    scout = world.public_client("Scout")
    granted = world.grant(scout)
    evil = "https://evil.example/';curl$IFS-o-"
    assert world.refresh(scout, granted["refresh_token"], resource=evil).status_code == 400
    page = world.browser("ada").go(world.url(f"/why/{world.entries('token.refused')[-1].pk}"))
    assert commands(page) == []
    assert "Refused: Scout</h1>" in page.text


def test_a_strangers_scope_stays_within_its_quotes(world):
    scout = world.public_client("Scout")
    granted = world.grant(scout)
    evil = "';rm$IFS-rf;'"
    asked_for = {"scope": evil, "resource": world.calendar.identifier}
    assert world.refresh(scout, granted["refresh_token"], **asked_for).status_code == 400
    page = world.browser("ada").go(world.url(f"/why/{world.entries('token.refused')[-1].pk}"))
    assert asked(page)[1]["scopes"] == [evil]


@spec("RFC 9700", "2.3")
def test_the_check_shows_its_own_question_as_a_request(world):
    scout = world.public_client("Scout")
    ada = world.browser("ada")
    assert commands(ada.go(world.url("/console/check"))) == []
    said = {"agent": "Scout", "person": world.email("alice"), "resource": world.calendar.identifier}
    page = ada.submit(ada.form("/console/check"), {**said, "scopes": "events:read"})
    with context.use(world.tenant):
        assert asked(page)[1] == {
            "agent": scout.client.agent_id,
            "resource": world.calendar.identifier,
            "person": world.people["alice"].pk,
            "scopes": ["events:read"],
        }
