"""The list of delegations: six facts, narrowed by each of them, in an order, and as a file."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.events import Event
from console.paging import SIZE
from delegations import saved_views
from delegations.models import Delegation
from kit import context
from tests.conformance.test_api import api_token
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens.models import AccessToken


@pytest.fixture
def lived_in(world):
    """Three agents: one reads alice's calendar, one never wrote bob's notes, a worker acts for itself for ever."""
    reader, writer = world.public_client("Reader"), world.public_client("Writer")
    world.grant(reader)
    everything = [f"{world.notes.pk} notes:read", f"{world.notes.pk} notes:write"]
    world.code(
        writer,
        "bob",
        scope="notes:read notes:write",
        resource=world.notes.identifier,
        tick=everything,
        duration="month",
    )
    world.worker()
    return world


NARROWED = [
    ("", {"Reader", "Writer", "Worker"}),
    ("q=writ", {"Writer"}),
    ("who=alice", {"Reader"}),
    ("agent=writ", {"Writer"}),
    ("resource=notes", {"Writer"}),
    ("scope=notes:write", {"Writer"}),
    ("scope=events:*", {"Reader", "Worker"}),
    ("scope=notes", set()),
    ("scope=%25", set()),
    ("ends_before=8d", {"Reader"}),
    ("ends_before=2099-01-01", {"Reader", "Writer"}),
    ("no_end=true", {"Worker"}),
    ("never_used=true", {"Writer", "Worker"}),
    ("unused_since=1h", set()),
    ("handed_on=true", set()),
    ("state=over", set()),
    ("state=any", {"Reader", "Writer", "Worker"}),
    ("who=alice&resource=notes", set()),
    ("q=%00", set()),
]


def agents(browser, query):
    """Return the agents of the list as a file, by which it is read more easily than as a page."""
    world_url, _, _ = str(browser.page.url).partition("/console")
    answer = browser.http.get(f"{world_url}/console/delegations/export/json?{query}")
    assert answer.status_code == 200
    return {row["agent_name"] for row in json.loads(answer.text)}


@spec("RFC 9700", "2.1")
def test_each_fact_narrows_the_list_and_the_page_and_the_file_agree(lived_in):
    ada = lived_in.browser("ada")
    for query, expected in NARROWED:
        page = ada.go(lived_in.url(f"/console/delegations?{query}"))
        assert page.status_code == 200
        shown = {name for name in ("Reader", "Writer", "Worker") if f">{name}</a></p>" in page.text}
        assert shown == expected == agents(ada, query), query


def test_what_was_ended_and_what_was_not_used_for_long_is_found(lived_in):
    ada = lived_in.browser("ada")
    with context.use(lived_in.tenant):
        Delegation.objects.filter(agent__name="Worker").update(ended_at=timezone.now(), ended_reason="over")
        past = timezone.now() - timedelta(days=60)
        Delegation.objects.filter(agent__name="Reader").update(created_at=past)
        AccessToken.objects.filter(delegation__agent__name="Reader").update(created=past)
    ada.go(lived_in.url("/console/delegations"))
    assert agents(ada, "") == {"Reader", "Writer"}
    assert agents(ada, "state=over") == {"Worker"}
    assert agents(ada, "unused_since=30d") == {"Reader"}


@pytest.mark.parametrize(
    ("query", "said", "is_empty"),
    [
        ("colour=red", "“colour” narrows nothing here.", False),
        ("ends_before=soon", "Write a date (2026-12-31), or how far from now (7d, 12h).", True),
        ("unused_since=99999999999d", "Write a date", True),
        ("state=lost", "Select a valid choice", True),
    ],
)
def test_a_word_that_means_nothing_is_said_and_nothing_is_shown_for_what_cannot_be_read(
    lived_in, query, said, is_empty
):
    ada = lived_in.browser("ada")
    assert ada.go(lived_in.url(f"/console/delegations?{query}")).status_code == 200
    assert said in ada.words()
    assert ("No delegation found." in ada.words()) == is_empty
    assert bool(agents(ada, query)) != is_empty


def many(world, number):
    """Give alice a number of delegations, each of a client's own, with ends that are in another order than they are."""
    client = world.public_client("Many").client
    with context.use(world.tenant):
        now = timezone.now()
        Delegation.objects.bulk_create(
            Delegation(
                subject=world.people["alice"].pk, member=world.people["alice"], agent=client.agent, client=client,
                audience=f"https://{place}.example", scopes=["x"], origin="admin",
                expires_at=now + timedelta(hours=1 + place * 7 % number) if place else None,
            )
            for place in range(number)
        )  # fmt: skip
        return list(Delegation.objects.order_by("-pk").values_list("pk", flat=True))


def shown(browser):
    return [part.partition('"')[0] for part in browser.page.text.split("/console/delegations/dlg_")[1:]]


@pytest.mark.parametrize("order", ["newest", "oldest", "ends", "person"])
def test_pages_in_any_order_show_each_row_once_there_and_back(world, order):
    known = many(world, SIZE * 2 + 3)
    ada = world.browser("ada")
    ada.go(world.url(f"/console/delegations?order={order}"))
    pages = [shown(ada)]
    while 'rel="next"' in ada.page.text:
        ada.go(world.url("/console/delegations") + turn(ada, "next"))
        pages.append(shown(ada))
    assert [len(each) for each in pages] == [SIZE, SIZE, 3]
    assert sorted(row for each in pages for row in each) == sorted(pk.removeprefix("dlg_") for pk in known)
    ada.go(world.url("/console/delegations") + turn(ada, "prev"))
    assert shown(ada) == pages[1]
    if order == "ends":
        # What has no end stands behind all that has one.
        assert "no end date" in ada.go(world.url(f"/console/delegations?order=ends&before=dlg_{pages[1][-1]}")).text


def turn(browser, rel):
    found = browser.page.text.split(f'rel="{rel}"')[0].rpartition('href="')[2]
    return found.partition('"')[0].replace("&amp;", "&")


def test_a_page_past_the_end_says_so_and_leads_back(lived_in):
    ada = lived_in.browser("ada")
    for order in ("newest", "ends"):
        url = lived_in.url(f"/console/delegations?order={order}&before=dlg_00000000000000000000000000")
        assert ada.go(url).status_code == 200
        assert "Nothing stands here any more." in ada.words()
        assert f'href="?order={order}"' in ada.page.text


@spec("RFC 9700", "2.1")
def test_a_file_is_written_down_and_holds_no_formula(lived_in):
    with context.use(lived_in.tenant):
        Delegation.objects.filter(agent__name="Reader").first().agent.__class__.objects.filter(name="Reader").update(
            name="=1+1"
        )
    ada = lived_in.browser("ada")
    with leaves_only(lived_in, Event.DELEGATIONS_EXPORTED):
        answer = ada.http.get(lived_in.url("/console/delegations/export/csv?who=alice"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["agent_name"] == "'=1+1"
    assert row["scopes"] == "events:read"
    (entry,) = lived_in.entries(Event.DELEGATIONS_EXPORTED)
    assert entry.detail == {"filter": "who=alice", "form": "csv", "rows": 1}


@spec("RFC 9700", "2.1")
def test_a_file_is_for_those_who_look_after_the_tenant_and_of_this_tenant_alone(lived_in, elsewhere):
    assert lived_in.browser("alice").http.get(lived_in.url("/console/delegations/export/csv")).status_code == 403
    assert lived_in.browser("ada").http.get(lived_in.url("/console/delegations/export/xml")).status_code == 404
    elsewhere.worker()
    stranger = elsewhere.browser("ada")
    stranger.go(elsewhere.url("/console/delegations"))
    assert agents(stranger, "state=any") == {"Worker"}
    assert "Reader" not in stranger.http.get(elsewhere.url("/console/delegations/export/csv")).text


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(
    ("by", "expected", "inside"),
    [
        ("agent", {"Reader": 1, "Writer": 1, "Worker": 1}, "agent="),
        ("person", {"Alice": 1, "Bob": 1, "itself": 1}, "who="),
        ("resource", {"Calendar": 2, "Notes": 1}, "resource="),
    ],
)
def test_the_list_is_grouped_and_each_group_leads_to_what_is_in_it(lived_in, by, expected, inside):
    ada = lived_in.browser("ada")
    ada.go(lived_in.url(f"/console/delegations?group={by}&state=active"))
    rows = re.findall(r'<th scope="row"><p>(?:<a href="([^"]+)">)?([^<]+)<.*?<td [^>]*>(\d+)</td>', ada.page.text, re.S)
    assert {name: int(number) for _, name, number in rows} == expected
    token = api_token(lived_in, lived_in.public_client("Overseer"), "ada", "delegations:oversee")
    headers = {"Authorization": f"Bearer {token}"}
    answer = lived_in.http.get(lived_in.url(f"/api/v1/delegations/groups?by={by}&q=e"), headers=headers)
    assert answer.status_code == 200, answer.text
    for address, name, number in rows:
        if not address:
            continue
        assert inside in address
        assert "state=active" in address
        ada.go(lived_in.url(f"/console/delegations{address.replace('&amp;', '&')}"))
        assert f"{number} of {number}" in ada.words(), name


@spec("RFC 9700", "2.1")
def test_groups_over_the_api_say_what_they_are_by_and_see_what_the_person_sees(lived_in):
    scopes = "delegations:oversee"
    app = lived_in.public_client("Overseer")
    asked = {who: api_token(lived_in, app, who, scopes) for who in ("ada", "alice")}

    def ask(who, query):
        headers = {"Authorization": f"Bearer {asked[who]}"}
        return lived_in.http.get(lived_in.url(f"/api/v1/delegations/groups{query}"), headers=headers)

    assert ask("ada", "").status_code == ask("ada", "?by=colour").status_code == 400
    assert ask("ada", "?by=agent&colour=red").status_code == 400
    everybody = ask("ada", "?by=resource&agent=writ").json()
    (notes,) = everybody["groups"]
    assert (everybody["count"], notes["name"], notes["delegations"], notes["people"]) == (1, "Notes", 1, 1)
    assert {each["name"] for each in ask("alice", "?by=person").json()["groups"]} == {"Alice"}


@spec("RFC 9700", "2.1")
def test_a_grouped_list_can_be_saved_and_nothing_else_can_be_grouped(lived_in):
    assert not saved_views.flaws("delegations", "group=agent")
    assert saved_views.flaws("delegations", "group=colour")
    assert saved_views.flaws("agents", "group=agent")
