"""The overview: what its tiles add to a number, of how many days it speaks, and whose agents it counts."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client as InProcess
from django.utils import timezone

from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_resources_api import asker
from tests.harness.inside import counted
from tests.spec import spec
from tokens import caches
from tokens.models import AccessToken


@pytest.fixture(autouse=True)
def _counted_anew():
    cache.clear()


@pytest.fixture
def busy(world):
    """Two agents that act for Alice, one of them Bob's; each was refused something; a stranger waits."""
    mine, other = world.secret_client("Scout"), world.secret_client("Ledger")
    world.rewrite(mine.client.agent, owner=world.people["bob"])
    for who in (mine, other):
        granted = world.grant(who)
        assert world.refresh(who, granted["refresh_token"], scope="contacts:read").status_code == 400
    for days, each in zip((3, 20), world.delegations(), strict=True):
        world.rewrite(each, expires_at=timezone.now() + timedelta(days=days))
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    stranger = world.public_client("Newcomer")
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="open")
    cache.clear()
    return mine, other, stranger


def tiles(browser):
    """Return the tiles of the page: the number and the word beside it, by what they count."""
    found = re.findall(
        r'<li class="card"><p>(?:<a href="[^"]+">)?([^<]+)(?:</a>)?</p><p class="number">([^<]+)</p><p>([^<]*)</p>',
        browser.page.text,
    )
    return {label: (number, note) for label, number, note in found}


@spec("RFC 9110", "15.3.1")
def test_a_tile_says_what_is_worth_knowing_about_its_number_and_the_api_says_the_same(world, busy):
    ada = world.browser("ada")
    ada.go(world.url("/console"))
    said = tiles(ada)
    assert said["Waiting for approval"][0] == "1"
    assert said["Waiting for approval"][1].startswith("0 of high risk, the oldest: ")
    assert said["Active delegations"] == ("2", "+2 since yesterday")
    assert said["End within 7 days"] == ("1", "1 used in the last 24 h")
    assert said["Refused, 24 h"] == ("2", "by 2 agents")
    told = asker(world, "ada", "agents:read")("GET", "/stats/overview").json()
    names = ("waiting_of_high_risk", "changed_since_yesterday", "end_within_a_week_used", "refused_within_a_day")
    assert [told[each] for each in (*names, "agents_refused_within_a_day")] == [0, 2, 1, 2, 2]


@spec("RFC 9110", "15.3.1")
def test_what_was_used_or_made_longer_ago_is_not_counted_as_of_late(world, busy):
    with context.use(world.tenant):
        AccessToken.objects.update(created=timezone.now() - timedelta(days=2))
        Delegation.objects.update(created_at=timezone.now() - timedelta(days=2))
    ada = world.browser("ada")
    ada.go(world.url("/console"))
    assert tiles(ada)["Active delegations"] == ("2", "+0 since yesterday")
    assert tiles(ada)["End within 7 days"] == ("1", "0 used in the last 24 h")


@spec("RFC 9110", "15.3.1")
def test_a_stranger_whose_name_looks_like_another_is_counted_as_of_high_risk(world, busy):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    world.public_client("1edger")
    cache.clear()
    ada = world.browser("ada")
    ada.go(world.url("/console"))
    assert tiles(ada)["Waiting for approval"][1].startswith("1 of high risk")


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize(("query", "days"), [("", 14), ("?days=30", 30), ("?days=90", 90), ("?days=365", 14)])
def test_the_charts_speak_of_as_many_days_as_the_address_says(world, busy, query, days):
    ada = world.browser("ada")
    page = ada.go(world.url(f"/console{query}"))
    chips = re.search(r'aria-label="How many days the charts show">(.*?)</ul>', page.text)[1]
    assert re.findall(r'href="\?days=(\d+)" aria-current="true"', chips) == [str(days)]
    rows = re.search(r'aria-labelledby="live">.*?<tbody>(.*?)</tbody>', page.text, re.DOTALL)[1]
    assert rows.count("<tr>") == days
    answer = asker(world, "ada", "agents:read")("GET", f"/stats/overview{query}")
    if "365" in query:
        assert (answer.status_code, "days is one of 14, 30, 90." in answer.text) == (400, True)
    else:
        assert len(answer.json()["live_by_day"]) == len(answer.json()["refused_by_day"]) == days


@spec("RFC 9700", "2.3")
def test_whoever_owns_an_agent_reads_the_same_of_their_own_and_whoever_owns_none_nothing(world, busy):
    bob, alice = world.browser("bob"), world.browser("alice")
    assert bob.go(world.url("/console")).status_code == 200
    said = tiles(bob)
    assert said["Active delegations"] == ("1", "+1 since yesterday")
    assert (said["Waiting for approval"][0], said["Refused, 24 h"]) == ("0", ("1", "by 1 agent"))
    assert "Of the agents that you answer for." in bob.words()
    assert re.findall(r'href="[^"]*/console/(?:approvals|activity)', bob.page.text) == []
    told = asker(world, "bob", "agents:read")("GET", "/stats/overview").json()
    assert (told["live_delegations"], told["refused_within_a_day"], told["silent_issuers"]) == (1, 1, None)
    assert alice.go(world.url("/console")).status_code == 403
    assert asker(world, "alice", "agents:read")("GET", "/stats/overview").status_code == 403
    ada = world.browser("ada")
    ada.go(world.url("/console"))
    assert tiles(ada)["Active delegations"][0] == "4", "all, with those of two apps: what Bob was shown is Bob's"


def test_a_new_tenant_reads_the_steps_in_the_place_of_numbers_and_charts(world):
    ada = world.browser("ada")
    page = ada.go(world.url("/console"))
    assert (tiles(ada), '<svg class="chart"' in page.text) == ({}, False)
    steps = re.search(r'<ol class="steps">(.*?)</ol>', page.text, re.DOTALL)[1]
    undone = re.findall(r'<a href="([^"]+)">', steps)
    prefix = f"/t/{world.tenant.slug}/console"
    assert undone == [f"{prefix}/{each}" for each in ("trust", "ways-in", "delegations", "activity?event=token.issued")]
    assert "Add the first resource that agents may use , done" in ada.words()
    world.grant(world.public_client("Scout"))
    cache.clear()
    page = ada.go(world.url("/console"))
    assert ("Active delegations" in tiles(ada), "To begin with" in ada.words()) == (True, False)


@spec("RFC 9700", "2.1")
def test_the_overview_costs_few_queries_however_much_there_is(world, busy):
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    inside = InProcess(SERVER_NAME=urlsplit(world.origin).hostname)
    inside.cookies[name] = world.browser("ada").http.cookies[name]
    caches.forget_all()
    cache.clear()
    with counted() as statements:
        assert inside.get(f"/t/{world.tenant.slug}/console").status_code == 200
    assert len([each for each in statements if not each.startswith("SELECT set_config")]) <= 12, statements
