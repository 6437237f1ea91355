"""The activity in words: people and agents by their names, and what narrows it."""

import html
import re

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils.formats import date_format

from audit.events import Event
from audit.ledger import record
from audit.models import Entry
from audit.principals import SYSTEM
from delegations.entry_names import Known, what
from kit import context
from tests.conformance.test_resources_api import asker
from tests.spec import spec

PLACE = "/console/activity"


def lines(page):
    """Return the lines of the page as words, without what is folded in them."""
    rows = re.findall(r"<tr(?: class=\"arrived\")?>\s*<th scope=\"row\">(.*?)</th>", page.text, re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


def events(page):
    """Return the event of each line."""
    return re.findall(r'/console/activity/events/evt_\w+">([^<]+)<', page.text)


@spec("RFC 9700", "2.3")
def test_people_agents_and_resources_are_called_by_their_names(world):
    scout = world.public_client("Scout")
    world.grant(scout)
    (delegation,) = [each for each in world.delegations() if each.client_id == scout.client.pk]
    page = world.browser("ada").go(world.url(PLACE))
    said = lines(page)
    until = date_format(delegation.expires_at, "MONTH_DAY_FORMAT")
    assert f"Alice allowed Scout: read your calendar on Calendar, until {until} Proved by: Password" in said
    assert "Scout got a token for Calendar: read your calendar for Alice" in said
    assert not any(each in line for line in said for each in (delegation.subject, delegation.agent_id))


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", {"token.refused", "approval.refused", "token.issued"}),
        ("refused=true", {"token.refused", "approval.refused"}),
        ("refused=requests", {"token.refused"}),
        ("event=approval.*", {"approval.refused"}),
    ],
)
@spec("RFC 9110", "15.3.1")
def test_what_people_refuse_and_what_programs_are_refused_are_told_apart_on_page_and_api(world, query, kept):
    agent = world.public_client("Scout")
    token = world.grant(agent)["refresh_token"]
    assert world.refresh(agent, token, scope="contacts:read").status_code == 400
    with context.use(world.tenant), transaction.atomic():
        record(Event.APPROVAL_REFUSED, by=SYSTEM)
    page = world.browser("ada").go(world.url(f"{PLACE}?{query}"))
    wanted = {"token.refused", "approval.refused", "token.issued"}
    assert set(events(page)) & wanted == kept
    over_api = asker(world, "ada", "events:read")("GET", f"/events?{query}").json()["events"]
    assert {each["event"] for each in over_api} & (wanted - {"token.issued"}) == kept - {"token.issued"}


@spec("RFC 9110", "15.3.1")
def test_the_number_of_refusals_leads_to_as_many(world):
    agent = world.public_client("Scout")
    token = world.grant(agent)["refresh_token"]
    assert world.refresh(agent, token, scope="contacts:read").status_code == 400
    with context.use(world.tenant):
        cache.clear()
    ada = world.browser("ada")
    page = ada.go(world.url("/console"))
    address = html.unescape(re.search(r'href="([^"]*refused=requests[^"]*since[^"]*)"', page.text)[1])
    number = int(re.search(r"Refused, 24 h (\d+)", ada.words())[1])
    assert number == len(events(ada.go(f"{world.origin}{address}"))) == 1


@spec("RFC 9110", "15.3.1")
def test_what_narrows_nothing_is_said_and_what_cannot_be_read_shows_nothing(world):
    ada = world.browser("ada")
    assert "“colour” narrows nothing here." in html.unescape(ada.go(world.url(f"{PLACE}?colour=red")).text)
    page = ada.go(world.url(f"{PLACE}?since=yesterday"))
    assert (page.status_code, events(page)) == (200, [])


@spec("RFC 9700", "2.3")
def test_a_refusal_stands_out_by_a_word_and_an_icon_and_where_it_was_refused(world):
    agent = world.public_client("Scout")
    token = world.grant(agent)["refresh_token"]
    asked_for = {"scope": "contacts:read", "resource": world.calendar.identifier}
    assert world.refresh(agent, token, **asked_for).status_code == 400
    page = world.browser("ada").go(world.url(PLACE))
    (badge,) = re.findall(r'<span class="badge risk">(.*?)</td>', page.text, re.DOTALL)
    assert "<svg" in badge
    assert ">token.refused<" in badge
    assert any(each.startswith("Scout was refused a token for Calendar") for each in lines(page)), lines(page)
    assert '<span class="badge">' in page.text


@spec("RFC 9110", "15.3.1")
def test_many_scopes_are_named_in_part_and_their_number_told(world):
    known = {"evt": Known("Scout", world.calendar.identifier)}
    with context.use(world.tenant):
        entry = Entry(about_kind="delegation", about_id="evt", detail={"scopes": ["a:1", "a:2", "a:3", "a:4", "a:5"]})
        assert what(entry, known) == "a:1, a:2, a:3 and 2 more on Calendar"
        assert what(Entry(about_kind="delegation", about_id="evt", detail={}), known) == ""
        assert what(Entry(about_kind="delegation", about_id="gone", detail=entry.detail), known) == ""
