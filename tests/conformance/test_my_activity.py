"""What was done for me: a person reads of it on a page of their own, as a file and over the API, and of nobody else."""

import csv
import io
import json
import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as InProcess

from audit import ledger
from audit.events import Event
from audit.principals import Kind, Principal
from delegations.event_filters import OwnEventFilter
from kit import context
from tenants import actions as tenant_actions
from tenants import told
from tests.conformance.test_api import api_token, call
from tests.conformance.test_resources_api import asker
from tests.harness import database, inside
from tests.spec import spec

PAGE, SCOPE = "/me/activity", "events:read"
ROW = re.compile(r'<tr>\s*<th scope="row">(.*?)</tr>', re.DOTALL)


@pytest.fixture
def stage(world):
    """Scout got a token for alice and was refused one; bob let another agent act, and ada changed bob's role."""
    scout = world.public_client("Scout")
    token = world.grant(scout)["refresh_token"]
    assert world.refresh(scout, token, scope="contacts:read").status_code == 400
    world.grant(world.public_client("Night writer"), "bob")
    ada = Principal(Kind.USER, world.people["ada"].pk, "Ada")
    with context.use(world.tenant), context.request("req_of_ada", address="198.51.100.7"):
        ledger.record(Event.MEMBER_ROLE_CHANGED, by=ada, about=world.people["bob"], reason="between us")
    return world


def lines(world, name, query=""):
    page = world.browser(name).go(world.url(f"{PAGE}{query}"))
    assert page.status_code == 200
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in ROW.findall(page.text)]


def over_api(world, name, query=""):
    answer = asker(world, name, SCOPE)("GET", f"/me/events?limit=200&{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["events"]


def entries_of(world, name):
    pk = world.people[name].pk
    about = [each for each in world.entries() if each.about_kind == "membership" and each.about_id == pk]
    return {each.pk for each in [*about, *(each for each in world.entries() if each.on_behalf_of == pk)]}


@spec("RFC 9700", "2.3")
def test_a_member_reads_what_was_done_for_them_and_of_nobody_else(stage):
    found = lines(stage, "alice")
    assert any("Scout was refused a token" in each and "Why?" in each for each in found), found
    assert any("Alice allowed Scout" in each for each in found)
    assert not any("Night writer" in each or "Bob" in each for each in found), found
    with context.use(stage.tenant):
        mine = {each.pk for each in told.of(stage.people["alice"])}
    assert mine == entries_of(stage, "alice")
    assert not mine & entries_of(stage, "bob")


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("query", ["", "event=delegation.*", "refused=true", "tokens=true", "since=1h", "until=1h"])
def test_page_and_api_say_the_same(stage, query):
    told_there = [each["event"] for each in over_api(stage, "alice", query) if not each["event"].startswith("login")]
    page = stage.browser("alice").go(stage.url(f"{PAGE}?{query}"))
    on_page = re.findall(r'data-label="Event">(?:<[^>]*>|\s)*([a-z_]+\.[a-z_]+)', page.text)
    app = {"delegation.allowed", "token.issued"}  # Of the app that asks over the API.
    assert [each for each in on_page if each not in app] == [each for each in told_there if each not in app]


@spec("RFC 9700", "2.3")
def test_tokens_are_among_it_where_they_are_wanted(stage):
    assert "token.issued" not in {each["event"] for each in over_api(stage, "alice")}
    assert "token.issued" in {each["event"] for each in over_api(stage, "alice", "tokens=true")}
    assert any("got a token" in each for each in lines(stage, "alice", "?tokens=true"))


def test_of_others_neither_network_nor_proof_nor_their_reason_is_read(stage):
    changed = over_api(stage, "bob", "event=member.role_changed")[0]
    assert (changed["network"], changed["proof"], changed["reason"], changed["principal_label"]) == ("", "", "", "Ada")
    assert "detail" not in changed
    assert "between us" not in " ".join(lines(stage, "bob"))
    own = over_api(stage, "bob", "event=delegation.allowed")[0]
    assert own["network"] == "127.0.0.0/24"


@spec("RFC 4180", "2")
def test_it_is_had_as_a_file_and_that_is_noted(stage):
    alice = asker(stage, "alice", SCOPE)
    text = alice("GET", "/me/events/export.jsonl").text
    rows = [json.loads(each) for each in text.splitlines()]
    assert {each["id"] for each in rows} <= entries_of(stage, "alice")
    assert len(rows) > 2
    browser = stage.browser("alice")
    page = browser.go(stage.url(f"{PAGE}/export.csv"))
    assert tuple(next(csv.reader(io.StringIO(page.text)))) == told.COLUMNS
    taken = stage.entries("events.exported")
    assert {each.about_id for each in taken} == {stage.people["alice"].pk}
    assert browser.go(stage.url(f"{PAGE}/export.pdf")).status_code == 404


# --- isolation


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("name", ["ada", "bob"])
def test_no_role_and_no_word_opens_another_s(stage, name):
    alice = stage.people["alice"].pk
    ids = {each["id"] for each in over_api(stage, name)} | {each["id"] for each in over_api(stage, name, "tokens=true")}
    assert ids
    assert not ids & (entries_of(stage, "alice") - entries_of(stage, name))
    ask = asker(stage, name, SCOPE)
    for word in (f"person={alice}", f"who={alice}", f"object={alice}", "q=Alice"):
        assert ask("GET", f"/me/events?{word}").status_code == 400
    assert "“person” narrows nothing here." in stage.browser(name).go(stage.url(f"{PAGE}?person={alice}")).text


@spec("RFC 9700", "2.3")
def test_another_tenant_s_entries_of_the_same_person_are_not_there(stage, elsewhere):
    with context.use(elsewhere.tenant):
        there = tenant_actions.add_member(stage.people["alice"].user, "member", by=Principal(Kind.SYSTEM, "x"))
        ledger.record(Event.MEMBER_ROLE_CHANGED, by=Principal(Kind.SYSTEM, "x"), about=there)
    assert "member.role_changed" not in {each["event"] for each in over_api(stage, "alice")}
    with context.use(elsewhere.tenant):
        assert {each.event for each in told.of(there)} >= {"member.role_changed"}
        assert not set(told.of(stage.people["alice"]))


@spec("RFC 6750", "3.1")
def test_an_agent_s_own_token_and_one_without_the_scope_read_nothing(stage):
    client = stage.public_client("App")
    for token in (stage.own_api_token(stage.worker()), api_token(stage, client, "alice", "tenants:read")):
        assert call(stage, token, "/me/events").status_code == 403
    assert call(stage, api_token(stage, client, "alice", SCOPE), "/me/events").status_code == 200


def test_who_is_not_signed_in_is_sent_to_sign_in(stage):
    page = stage.browser().go(stage.url(PAGE))
    assert str(page.url).startswith(stage.url("/login"))


def test_the_page_asks_no_more_than_a_dozen_times(stage):
    browser = stage.browser("alice")
    process = InProcess(SERVER_NAME=urlsplit(stage.origin).hostname)
    name = f"{settings.SESSION_COOKIE_NAME}-{stage.tenant.slug}"
    process.cookies[name] = browser.http.cookies[name]
    with inside.counted() as statements:
        assert process.get(f"/t/{stage.tenant.slug}{PAGE}?refused=true&since=7d").status_code == 200
    assert len(statements) <= 12, statements


@pytest.mark.postgresql
def test_among_a_hundred_thousand_tokens_of_others_a_person_s_few_entries_go_by_indexes(stage):
    with context.use(stage.tenant), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (id, tenant_id, at, event, principal_kind, principal_id, principal_label, "
            "on_behalf_of, through, about_kind, about_id, about_label, reason, request_id, detail) "
            "SELECT 'evt_00u' || lpad(i::text, 23, '0'), %s, now(), 'token.issued', 'agent', 'agt_1', '', 'usr_' || i, "
            "'', 'accesstoken', 'tok_' || i, '', '', '', '{}' FROM generate_series(1, 100000) i",
            [stage.tenant.pk],
        )
        database.count_rows()
        found = OwnEventFilter({}, told.of(stage.people["alice"]))
        assert found.is_valid()
        plan = found.qs.order_by("-pk")[:51].explain(analyze=True)
    assert "entry_for_person" in plan, plan
    assert "entry_by_thing" in plan, plan
    assert sum(map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan))) < 1000, plan
