"""The ledger narrowed by what people know: names, mail addresses, resources, networks, results, and `7d`."""

import html
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client as InProcess
from django.utils import timezone

from audit import ledger
from audit.events import Event
from audit.models import Entry
from audit.principals import SYSTEM
from delegations.event_filters import EventFilter
from kit import context, identifiers
from tenants.models import User
from tests.conformance.test_activity_page import events
from tests.conformance.test_resources_api import asker
from tests.harness.inside import counted
from tests.harness.world import make
from tests.spec import spec
from tokens import caches

PLACE = "/console/activity"


@pytest.fixture(scope="module")
def told(origin, http):
    """A ledger in which Scout got a token for Alice and was refused one, at the calendar; nothing is changed."""
    world = make(origin, http)
    scout = world.public_client("Scout")
    token = world.grant(scout)["refresh_token"]
    assert world.refresh(scout, token, resource=world.calendar.identifier, scope="contacts:read").status_code == 400
    world.own_token(world.worker())
    world.scout, world.ask = scout, asker(world, "ada", "events:read")
    yield world
    world.close()


def answer(world, query):
    found = world.ask("GET", f"/events?limit=200&{query}")
    assert found.status_code == 200, found.text
    return found.json()


def both(world, query):
    """Return the events that page and API find; they are the same."""
    page = world.browser("ada").go(world.url(f"{PLACE}?{query}"))
    over_api = [each["event"] for each in answer(world, query)["events"]]
    assert events(page) == over_api[:50], query
    return set(over_api)


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize("name", ["Alice", "alic", "{email}", "{id}"])
def test_a_person_is_found_by_name_mail_or_id(told, name):
    alice = told.people["alice"]
    text = name.format(email=alice.email, id=alice.pk)
    assert both(told, f"who={text}") >= {"delegation.allowed"}
    assert both(told, f"person={text}") >= {"token.issued", "token.refused"}
    assert {each["on_behalf_of"] for each in answer(told, f"person={text}")["events"]} == {alice.pk}
    assert answer(told, f"who={text}")["stands_for"] == {text: [alice.pk]}


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize("name", ["Scout", "scou", "{agent}", "{client}"])
def test_a_program_is_found_by_its_agent_s_name_or_either_id(told, name):
    text = name.format(agent=told.scout.client.agent_id, client=told.scout.id)
    found = both(told, f"who={text}")
    assert found >= {"token.issued", "token.refused"}
    assert not {each for each in found if each.startswith(("delegation.", "member.", "tenant."))}
    wanted = {"token.issued", "token.refused", "agent.registered"}
    assert both(told, f"agent={text}") >= wanted


@spec("RFC 9110", "15.3.1")
def test_a_name_that_nobody_has_finds_nothing_and_says_so(told):
    page = told.browser("ada").go(told.url(f"{PLACE}?who=Zacharias"))
    assert events(page) == []
    assert "Nobody and nothing here is called “Zacharias”" in html.unescape(page.text)
    assert answer(told, "who=Zacharias")["stands_for"] == {"Zacharias": []}
    assert both(told, "who=system"), "what has no name is looked for as it stands"


@spec("RFC 9110", "15.3.1")
def test_a_name_says_for_how_many_it_stands(told):
    page = told.browser("ada").go(told.url(f"{PLACE}?who=example"))
    number = len(told.people)
    assert f"“example” stands for {number} here." in html.unescape(page.text)
    assert len(answer(told, "who=example")["stands_for"]["example"]) == number


@spec("RFC 8707", "2")
@pytest.mark.parametrize("name", ["Calendar", "calen", "{identifier}", "{id}"])
def test_a_resource_is_found_with_what_was_allowed_issued_and_refused_there(told, name):
    text = name.format(identifier=told.calendar.identifier, id=told.calendar.pk)
    found = both(told, f"resource={text}")
    assert found >= {"resource_server.added", "delegation.allowed", "token.issued", "token.refused"}
    assert both(told, "resource=Notes") == {"resource_server.added"}
    assert both(told, "resource=nowhere") == set()


@spec("RFC 4632", "3.1")
def test_an_address_finds_its_network_and_one_beside_it_nothing(told):
    for text in ("127.0.0.1", "127.0.0.77", "127.0.0.0/24", "127.0.0.0/28"):
        assert "token.issued" in both(told, f"address={text}"), text
    for text in ("127.0.1.1", "2001:db8::1"):
        assert both(told, f"address={text}") == set(), text
    for text in ("127.0.0.0/16", "2001:db8::/32", "here", "300.1.1.1"):
        assert told.ask("GET", f"/events?address={text}").status_code == 400, text


@spec("RFC 9110", "15.3.1")
def test_what_was_no_refusal_is_a_result_too(told):
    everything = {each.event for each in told.entries()}
    assert both(told, "refused=false") == {each for each in everything if not each.endswith(".refused")}
    assert both(told, "refused=true") == {each for each in everything if each.endswith(".refused")}
    assert both(told, "q=result:ok") == both(told, "refused=false")


@spec("RFC 9110", "15.3.1")
def test_time_is_said_as_in_other_lists(told):
    assert "token.issued" in both(told, "since=1h")
    assert both(told, "until=1h") == set()
    assert both(told, "since=2200-01-01") == set()
    assert told.ask("GET", "/events?since=yesterday").status_code == 400


@spec("RFC 9110", "15.3.1")
def test_what_hardly_any_entry_has_is_looked_for_in_a_month_and_that_is_said(told):
    months_ago = identifiers.at("evt", timezone.now() - timedelta(days=40))
    with context.use(told.tenant):
        entry = ledger.fields(Event.CHECK_RUN, by=SYSTEM, about=ledger.About("x", "y", "z"))
        ledger.record_all([{**entry, "id": months_ago, "network": "198.51.100.0/24"}])
    assert both(told, "address=198.51.100.9") == set()
    assert answer(told, "address=198.51.100.9")["looked_since"] is not None
    assert both(told, "address=198.51.100.9&since=60d") == {"check.run"}
    assert answer(told, "address=198.51.100.9&since=60d")["looked_since"] is None
    page = told.browser("ada").go(told.url(f"{PLACE}?address=198.51.100.9"))
    assert "Looked at are the last 30 days." in page.text


@spec("RFC 9110", "15.3.1")
def test_a_request_is_found_by_its_id_alone(told):
    entry = told.entries("token.refused")[-1]
    assert [each["id"] for each in answer(told, f"request={entry.request_id}")["events"]] == [entry.pk]
    assert both(told, "request=req_1") == set()
    assert both(told, f"request={identifiers.make('req')}") == set()


def test_a_name_of_another_tenant_stands_for_nobody(told, elsewhere):
    with context.use(elsewhere.tenant):
        user = elsewhere.people["bob"].user
        User.objects.filter(pk=user.pk).update(name="Quirinus")
    assert answer(told, "who=Quirinus")["stands_for"] == {"Quirinus": []}
    assert answer(told, f"person={elsewhere.people['bob'].pk}")["events"] == []


def test_an_owner_learns_from_no_filter_who_is_here(world):
    scout = world.public_client("Scout")
    with context.use(world.tenant):
        type(scout.client.agent).objects.filter(pk=scout.client.agent_id).update(owner=world.people["bob"])
    page = world.browser("bob").go(world.url(f"/console/agents/{scout.client.agent_id}/activity?person=Alice"))
    assert page.status_code == 200
    assert "stands for" not in page.text
    assert "is called" not in page.text


# --- what it costs


def test_every_word_at_once_asks_no_more_than_a_dozen_times(told):
    browser, inside = told.browser("ada"), InProcess(SERVER_NAME=urlsplit(told.origin).hostname)
    name = f"{settings.SESSION_COOKIE_NAME}-{told.tenant.slug}"
    inside.cookies[name] = browser.http.cookies[name]
    words = "who=Ada&person=Alice&agent=Scout&resource=Calendar&address=127.0.0.1&refused=false&since=7d&event=token.*"
    path = f"/t/{told.tenant.slug}{PLACE}?{words}"
    caches.forget_all()
    cache.clear()
    with counted() as statements:
        assert inside.get(path).status_code == 200
    assert len(statements) <= 12, statements


@pytest.fixture(scope="module")
def much(told):
    """A hundred thousand tokens of another time, before all that happened."""
    columns = ", ".join(each.column for each in Entry._meta.concrete_fields if each.column != "id")
    # As `insertion` writes one: many rows that differ in nothing but their id.
    many = (
        f"INSERT INTO audit_entry (id, {columns}) SELECT 'evt_00' || lpad(i::text, 24, '0'), {columns} "
        f"FROM generate_series(1, 100000) i, (SELECT {columns} FROM audit_entry WHERE event = 'token.issued' LIMIT 1) o"
    )
    with context.use(told.tenant), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(many)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("who=usr_00000000000000000000000000", "entry_by_person"),
        ("who=Alice", "entry_by_person"),
        ("address=198.51.100.9", "entry_by_tenant"),
        ("resource=Calendar", "entry_by_tenant"),
        ("request=req_01m8pc4d11f2zvk74y3x0ewac3", "entry_by_tenant"),
    ],
)
def test_a_hundred_thousand_entries_are_not_walked_for_a_few(told, much, query, index):
    words = dict([query.split("=")])
    with context.use(told.tenant):
        found = EventFilter(words, Entry.objects.all())
        assert found.is_valid()
        plan = found.qs.order_by("-pk")[:51].explain(analyze=True)
    removed = [int(each) for each in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert index in plan, plan
    assert sum(removed) < 1000, plan
