"""Short lists as files, from their pages and from the API alike; and the line that says the same as a request."""

import csv
import io
import json
import re
import shlex
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client as InProcess

from agents import registration_tokens
from audit.principals import SYSTEM
from kit import context
from notices import streams
from notices.models import Delivery, Webhook
from notices.short_lists import SHORT
from tenants import actions as tenant_actions
from tests.conformance.test_api import api_token
from tests.conformance.test_approvals_narrowed import put
from tests.harness import filling
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec

SCOPES = (
    "keys:read jobs:read webhooks:read agents:read members:read registration:read settings:read delegations:oversee "
    "delegations:revoke events:read approvals:read resources:read trust:read"
)


@pytest.fixture(scope="module")
def full(origin, http):
    """A tenant with something in every short list; nothing here changes it."""
    world = make(origin, http)
    scout = world.public_client()
    world.grant(scout, "alice")
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=90)
    put(world, "Onlooker", kind="admission", scopes=["events:read"], source="dcr")
    with context.use(world.tenant):
        filling.of_work(world)
        filling.of_webhooks()
        filling.of_places(world)
        registration_tokens.make("CI", by=SYSTEM)
        world.facts = {"webhook": Webhook.objects.get().pk, "agent": scout.client.agent_id}
    yield world
    world.close()


@pytest.fixture(scope="module")
def token(full):
    return api_token(full, full.public_client("Console app"), "ada", SCOPES)


LISTS = {
    "keys": ("/console/keys", "keys", "keys"),
    "jobs": ("/console/jobs", "jobs", "jobs"),
    "webhooks": ("/console/webhooks", "webhooks", "webhooks"),
    "deliveries": ("/console/webhooks/{webhook}", "webhooks/{webhook}/deliveries", "deliveries"),
    "invitations": ("/console/members", "invitations", "invitations"),
    "registration-tokens": ("/console/ways-in", "registration-tokens", "registration_tokens"),
    "settings-history": ("/console/settings", "settings/history", "changes"),
    "tokens": ("/console/agents/{agent}/tokens", "agents/{agent}/tokens", "tokens"),
}
"""By list: its page, its place in the API, and what the API calls its rows."""


def get(world, token, path):
    return world.http.get(world.url(f"/api/v1/{path}"), headers={"Authorization": f"Bearer {token}"})


def test_every_short_list_is_here():
    assert set(LISTS) == set(SHORT)


@spec("RFC 4180", "2")
@pytest.mark.parametrize("noun", LISTS)
def test_a_short_list_is_a_file_on_its_page_and_over_the_api_alike(full, token, noun):
    page, place, rows = (each.format(**full.facts) for each in LISTS[noun])
    ada = full.browser("ada")
    found = ada.go(full.url(page)).text
    links = {
        form: unescape(re.search(rf'href="([^"]*/files/{noun}/export/{form}\?[^"]*)"', found)[1])
        for form in ("csv", "json")
    }
    listed = get(full, token, f"{place}?limit=200").json()[rows]
    assert listed, "or nothing is compared"
    name = "jti" if noun == "tokens" else "id"
    before = len(full.entries("list.exported"))
    lines = list(csv.DictReader(io.StringIO(ada.http.get(full.origin + links["csv"]).text)))
    told = ada.http.get(full.origin + links["json"])
    assert told.headers["content-disposition"] == f'attachment; filename="{noun}-{full.tenant.slug}.json"'
    files = [
        {each[name] for each in lines},
        {each[name] for each in told.json()},
        {each[name] for each in get(full, token, f"{place}/export/json").json()},
        {each[name] for each in csv.DictReader(io.StringIO(get(full, token, f"{place}/export/csv").text))},
    ]
    assert files == [{each[name] for each in listed}] * 4
    for row in told.json():
        theirs = next(each for each in listed if each[name] == row[name])
        assert set(theirs) - set(row) <= {"links", "summary", "good_tokens", "chain"}
    written = full.entries("list.exported")[before:]
    assert [each.detail["list"] for each in written] == [noun] * 4
    assert {each.principal_label for each in written} == {"Ada"}


@spec("RFC 4180", "2")
def test_no_secret_is_in_any_of_them(full, token):
    with context.use(full.tenant):
        webhook = Webhook.objects.get()
    sealed = (webhook.secret, webhook.old_secret or "nothing old")
    for noun, which in SHORT.items():
        assert not {"secret", "sealed_private", "digest", "token", "old_secret"} & set(which.columns), noun
    text = get(full, token, "webhooks/export/json").text + get(full, token, "keys/export/json").text
    assert not any(each in text for each in sealed)
    assert '"d":' not in text


@spec("RFC 9110", "15.5.4")
@pytest.mark.parametrize("noun", LISTS)
def test_a_file_is_for_whoever_may_read_its_list_and_a_refusal_leaves_nothing(full, token, noun):
    alice, place = full.browser("alice"), LISTS[noun][1].format(**full.facts)
    with leaves_only(full):
        assert alice.go(full.url(f"/console/files/{noun}/export/csv")).status_code == 403
        assert full.browser().go(full.url(f"/console/files/{noun}/export/csv")).url.path.endswith("/login")
        assert full.browser("ada").go(full.url(f"/console/files/{noun}/export/xml")).status_code == 404
        assert get(full, token, f"{place}/export/xml").status_code == 404
        assert get(full, token, f"{place}/export/csv?colour=red").status_code == 400


@spec("RFC 4180", "2")
def test_the_file_of_deliveries_holds_what_the_page_is_narrowed_to(full):
    ada, page = full.browser("ada"), f"/console/webhooks/{full.facts['webhook']}"
    with context.use(full.tenant):
        state = Delivery.objects.get().state
    other = next(each for each in Delivery.State.values if each != state)
    for asked, number in ((state, 1), (other, 0)):
        found = ada.go(full.url(f"{page}?state={asked}")).text
        link = unescape(re.search(r'href="([^"]*/files/deliveries/export/json\?[^"]*)"', found)[1])
        assert len(json.loads(ada.http.get(full.origin + link).text)) == number, asked


@spec("RFC 9110", "15.5.21")
def test_a_short_list_that_is_long_after_all_is_narrowed_and_not_written_by_the_clock(full, origin, monkeypatch):
    monkeypatch.setattr(streams, "MOST", 0)
    inside = InProcess(SERVER_NAME=urlsplit(origin).hostname)
    name = f"{settings.SESSION_COOKIE_NAME}-{full.tenant.slug}"
    inside.cookies[name] = full.browser("ada").http.cookies[name]
    for noun in SHORT:
        with leaves_only(full):
            told = inside.get(f"/t/{full.tenant.slug}/console/files/{noun}/export/csv")
        assert told.status_code == 422
        assert "which no file takes. Narrow the list." in told.content.decode()
        assert "/file/csv" not in told.content.decode()


@spec("RFC 7009", "2")
def test_people_have_their_own_as_json(full):
    alice = full.browser("alice")
    found = alice.go(full.url("/me/agents")).text
    (link,) = re.findall(r'href="([^"]*/me/agents/file)" download', found)
    (mine,) = alice.http.get(full.origin + link).json()
    assert (mine["person"], mine["agent_name"]) == (full.email("alice"), "Scout")
    told = full.entries("list.exported")[-1]
    assert (told.principal_label, told.detail) == ("Alice", {"list": "my agents", "form": "json", "rows": 1})
    assert alice.http.get(full.url("/me/agents/past/file")).json() == []
    bob = full.browser("bob")
    assert bob.http.get(full.url("/me/agents/file")).json() == []


SAME = {
    "/console/agents?q=scout": "agents?q=scout",
    "/console/delegations?q=agent:scout%20until:%3C30d": "delegations?q=agent%3Ascout+until%3A%3C30d",
    "/console/agents?q=scout&colour=red&columns=owner": "agents?q=scout",
    "/console/approvals": "approvals?status=waiting",
    "/console/members?role=admin": "members?role=admin",
    "/console/resources": "resources",
    "/console/trust": "trust/issuers",
    "/console/activity?event=token.*": "events?event=token.%2A",
    "/console/keys": "keys",
    "/console/jobs": "jobs",
    "/console/webhooks": "webhooks",
    "/console/webhooks/{webhook}?event=x": "webhooks/{webhook}/deliveries?event=x&webhook={webhook}",
    "/console/agents/{agent}/tokens": "agents/{agent}/tokens",
}


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize("page", SAME)
def test_the_line_under_a_list_is_a_command_that_asks_for_the_same(full, token, page):
    found = full.browser("ada").go(full.url(page.format(**full.facts))).text
    asked = full.url(f"/api/v1/{SAME[page].format(**full.facts)}")
    assert f"<code>GET {asked}</code>" in unescape(found)
    commands = [unescape(each) for each in re.findall(r'data-copy="(curl [^"]+)"', found)]
    (words,) = (said for each in commands if (said := shlex.split(each))[-1] == asked)
    assert words == ["curl", "-H", "Authorization: Bearer $REMIT_TOKEN", asked]
    name, _, value = words[2].replace("$REMIT_TOKEN", token).partition(": ")
    answer = full.http.get(words[3], headers={name: value})
    assert answer.status_code == 200, answer.text
