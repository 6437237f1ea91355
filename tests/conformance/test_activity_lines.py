"""What happened, as lines that name whom it was for and through whom, and one of them as a page of its own."""

import json
import re
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache

from audit.models import Entry
from console.event_rows import event_rows
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness import many
from tests.harness.inside import counted


@pytest.fixture
def ada(world):
    return world.browser("ada")


def line(browser, event):
    """Return the words of the first line of an event on the page that is open."""
    rows = re.findall(r"<tr>(.*?)</tr>", browser.page.text, re.DOTALL)
    found = next(row for row in rows if f">{event}<" in row)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found)).split())


def test_a_line_names_for_whom_and_through_which_agent_it_was(world, ada):
    chain = chains.handed_on(world, 1)
    names = [each.client.name for each in chain.agents]
    ada.go(world.url("/console/activity?event=token.issued"))
    assert line(ada, "token.issued").startswith(f"{names[1]} got a token"), ada.words()
    assert "for Alice" in line(ada, "token.issued")
    assert f"via {names[1]}" not in line(ada, "token.issued"), "whoever did it is not named twice"
    browser = world.browser("alice")
    browser.go(world.url("/me/agents"))
    browser.submit(browser.form(f"/{chain.delegation(0).pk}/end"))
    ada.go(world.url("/console/activity?event=delegation.ended"))
    assert "for Alice" not in line(ada, "delegation.ended"), "she did it for herself"
    assert f"Alice ended access {names[0]}: " in line(ada, "delegation.ended")
    assert "on Calendar" in line(ada, "delegation.ended")


def test_naming_takes_one_query_however_many_lines_there_are(world):
    chains.handed_on(world, 1)
    many.delegations(world, 3)
    with context.use(world.tenant):
        entries = list(Entry.objects.order_by("-pk")[:50])
        event_rows(entries, ZoneInfo("UTC"))  # The resource servers are kept.
        with counted() as statements:
            rows = event_rows(entries, ZoneInfo("UTC"))
    assert len(rows) > 5
    assert len(statements) == 1


def test_a_line_opens_and_says_what_the_api_says_and_what_else_the_request_did(world, ada):
    ask = asker(world, "ada", "events:read")
    words = {
        "client_name": "Scout",
        "redirect_uris": ["https://scout.example/back"],
        "token_endpoint_auth_method": "none",
    }
    assert world.http.post(world.url("/register"), json=words).status_code == 201
    entry, other = (world.entries(event)[-1] for event in ("agent.registered", "client.registered"))
    assert entry.request_id == other.request_id != ""
    ada.go(world.url("/console/activity?event=agent.registered"))
    assert f'/console/activity/events/{entry.pk}"' in ada.page.text
    page = ada.go(world.url(f"/console/activity/events/{entry.pk}")).text
    raw = unescape(re.search(r'<pre class="raw"[^>]*>(.*?)</pre>', page, re.DOTALL).group(1))
    told = ask("GET", f"/events/{entry.pk}").json()
    told = {name: value for name, value in told.items() if name not in {"summary", "links"}}
    assert {**json.loads(raw), "at": ""} == {**told, "at": ""}
    assert f'<a href="/t/{world.tenant.slug}/console/activity/events/{other.pk}">' in page
    assert "In the same request" in ada.words()
    assert entry.request_id in ada.words()
    assert "Scout" in ada.words()


def test_an_entry_of_another_request_is_not_listed(world, ada):
    world.grant(world.public_client("Scout"))
    world.grant(world.public_client("Other"), "bob")
    entry, other = world.entries("delegation.allowed")[-2:]
    page = ada.go(world.url(f"/console/activity/events/{entry.pk}")).text
    assert other.pk not in page
    assert "In the same request" not in page


def test_a_refused_day_leads_to_its_refusals_and_the_api_counts_the_same(world, ada):
    cache.clear()
    who = world.public_client("Scout")
    granted = world.grant(who)
    assert world.refresh(who, granted["refresh_token"], scope="contacts:read").status_code == 400
    figures = asker(world, "ada", "agents:read")("GET", "/stats/overview").json()
    ada.go(world.url("/console"))
    assert figures["refused_today"] == figures["refused_by_day"][-1]["number"] == 1
    assert len(figures["live_by_day"]) == len(figures["refused_by_day"]) == 14
    assert f'<p class="number">{figures["live_delegations"]}</p>' in ada.page.text
    links = [unescape(each) for each in re.findall(r'href="([^"]*refused=requests[^"]*since=[^"]*)"', ada.page.text)]
    assert len(links) == 1 + 2 * 14, "the tile, and the bar and the row of each day"
    ada.go(world.url("/console").removesuffix(f"/t/{world.tenant.slug}/console") + links[-1])
    assert "was refused a token" in ada.words()
    ada.go(world.url("/console").removesuffix(f"/t/{world.tenant.slug}/console") + links[-2])
    assert "was refused a token" not in ada.words()


def test_a_new_tenant_is_led_to_where_each_step_is_done(world):
    cache.clear()
    ada = world.browser("ada")
    ada.go(world.url("/console"))
    for place in ("ways-in", "delegations", "activity?event=token.issued"):
        assert f'<a href="/t/{world.tenant.slug}/console/{place}">' in ada.page.text, place
