"""A list with nothing in it says what to do; one in which nothing matches says how to see all of it."""

import html
import json
import re

import pytest

from kit import context
from tenants.models import ResourceServer
from tests.conformance.test_resources_api import asker
from tests.spec import spec

CLEAR = "Clear the filter"
LISTS = [
    ("/console/agents", "No agent is here yet.", "No agent found.", "/console/agents/add"),
    ("/console/delegations", "Nobody lets an agent do anything yet.", "No delegation found.", "/console/agents"),
    ("/console/trust", "Nobody else's word counts here.", "No issuer found.", "/console/trust/add-issuer"),
    ("/console/trust/audiences", "No server elsewhere takes our word.", "No server found.", "/trust/add-audience"),
    ("/console/resources", "None of your own is protected here yet.", "No resource found.", "/console/resources/add"),
    ("/console/webhooks", "Nobody else is told.", "", "/console/webhooks/add"),
]


@pytest.fixture
def bare(world):
    """A tenant that has nothing but its people and the API of this product."""
    with context.use(world.tenant):
        ResourceServer.objects.exclude(identifier=world.tenant.api_identifier).delete()
    return world


def said(page):
    """Return what stands in the place of the rows: its words, and the snippet."""
    place = page.text[page.text.index('<div class="empty">') :]
    found = re.search(r'<pre class="raw whole"[^>]*>(.*?)</pre>', place, re.DOTALL)
    return place, html.unescape(found[1]) if found else ""


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize(("path", "none", "unfound", "todo"), LISTS)
def test_nothing_at_all_and_nothing_found_are_said_apart(bare, path, none, unfound, todo):
    ada = bare.browser("ada")
    place, snippet = said(ada.go(bare.url(path)))
    assert (none in ada.words(), CLEAR in ada.words()) == (True, False)
    assert re.search(rf'href="[^"]*{todo}"', place)
    assert bare.tenant.issuer in snippet
    if not unfound:
        return
    ada.go(bare.url(f"{path}?q=nobody-has-this-name"))
    assert (unfound in ada.words(), none in ada.words()) == (True, False)
    assert f'<a href="?">{CLEAR}</a>' in ada.page.text


@spec("RFC 9110", "9.3.3")
@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/console/trust", "trust:write"),
        ("/console/trust/audiences", "trust:write"),
        ("/console/resources", "resources:write"),
        ("/console/webhooks", "webhooks:write"),
    ],
)
def test_what_a_list_offers_to_copy_does_what_it_says(bare, path, scope):
    _, snippet = said(bare.browser("ada").go(bare.url(path)))
    ask = asker(bare, "ada", scope)
    prefix = f"{bare.tenant.issuer}/api/v1"
    address = re.search(r"curl -X POST (\S+)", snippet)[1]
    assert address.startswith(prefix)
    made = ask("POST", address.removeprefix(prefix), json.loads(re.search(r"-d '(.*)'", snippet)[1]))
    assert made.status_code == 201, made.text


@spec("RFC 7591", "3.1")
def test_the_snippet_of_the_list_of_agents_registers_one(bare):
    _, snippet = said(bare.browser("ada").go(bare.url("/console/agents")))
    address, form = re.search(r"curl -X POST (\S+)", snippet)[1], re.search(r"-d '(.*)'", snippet)[1]
    made = bare.http.post(address, json=json.loads(form))
    assert made.status_code == 201, made.text
    assert "No agent is here yet." not in bare.browser("ada").go(bare.url("/console/agents")).text
