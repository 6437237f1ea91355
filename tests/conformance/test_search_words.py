"""What is written into a search box: the same words on a page and over the API, and what means nothing is said."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from agents.models import Agent, Approval
from delegations.models import Delegation
from kit import context
from tests.conformance.test_api import api_token
from tests.harness import many
from tests.harness.world import make
from tests.spec import spec
from trust.models import Audience, TrustedIssuer

SCOPES = (
    "agents:read approvals:read delegations:oversee members:read events:read resources:read trust:read jobs:read "
    "delegations:revoke"
)


@pytest.fixture(scope="module")
def full(origin, http):
    """Two agents at work: one reads for Alice until tomorrow, one writes for Bob without an end; nothing is changed."""
    world = make(origin, http)
    reader, writer = world.public_client("Invoice reconciler"), world.public_client("Night writer")
    world.grant(reader, "alice", scope="events:read")
    world.grant(writer, "bob", scope="events:write", resource=world.calendar.identifier)
    now = timezone.now()
    with context.use(world.tenant):
        reads, writes = (Delegation.objects.get(agent=each.client.agent) for each in (reader, writer))
        Delegation.objects.filter(pk=reads.pk).update(expires_at=now + timedelta(days=1))
        Delegation.objects.filter(pk=writes.pk).update(expires_at=None, created_at=now - timedelta(days=50))
        Agent.objects.filter(pk=reader.client.agent.pk).update(owner=world.people["alice"], status="active")
        Agent.objects.filter(pk=writer.client.agent.pk).update(status="suspended")
        for agent, scope in ((reader.client.agent, "events:read"), (writer.client.agent, "events:write")):
            Approval.objects.create(kind="scopes", agent=agent, asked={world.calendar.identifier: [scope]})
        there = {world.calendar.identifier: ["events:read"]}
        TrustedIssuer.objects.create(issuer="https://login.example", name="Login", purposes=["id_jag"], resources=there)
        TrustedIssuer.objects.create(
            issuer="https://runs.example", name="Runs", purposes=["workload"], is_enabled=False
        )
        Audience.objects.create(issuer="https://there.example", name="There", resources=there)
    yield world
    world.close()


BOTH = {"Invoice reconciler", "Night writer"}
READS, WRITES = {"Invoice reconciler"}, {"Night writer"}
LISTS = {
    "agents": ("/console/agents", "/agents", "agents", "name", BOTH),
    "delegations": ("/console/delegations", "/delegations", "delegations", "agent_name", BOTH),
    "approvals": ("/console/approvals", "/approvals?status=waiting", "approvals", "agent_name", BOTH),
    "members": ("/console/members", "/members", "members", "name", {"Alice", "Bob", "Ada"}),
    "resources": ("/console/resources", "/resources", "resources", "name", {"Calendar", "Notes"}),
    "issuers": ("/console/trust", "/trust/issuers", "issuers", "name", {"Login", "Runs"}),
    "audiences": ("/console/trust/audiences", "/trust/audiences", "audiences", "name", {"There"}),
}
ASKED = [
    ("agents", "reconciler invoice", READS),
    ("agents", '"reconciler invoice"', set()),
    ("agents", "agent:night", WRITES),
    ("agents", "owner:alice status:active", READS),
    ("agents", "person:bob", WRITES),
    ("agents", "scope:events:* resource:calendar", BOTH),
    ("agents", "scope:events:read", READS),
    ("agents", "person:alice scope:events:write", set()),
    ("agents", "unused:>30d", set()),
    ("delegations", "agent:reconciler", READS),
    ("delegations", "person:alice resource:calendar", READS),
    ("delegations", "scope:events:w*", WRITES),
    ("delegations", "until:<7d", READS),
    ("delegations", "until:<1h", set()),
    ("delegations", "owner:alice", READS),
    ("delegations", "status:ended", set()),
    ("delegations", "status:any night", WRITES),
    ("approvals", "agent:night", WRITES),
    ("approvals", "owner:alice", READS),
    ("approvals", "scope:events:write resource:calendar", WRITES),
    ("approvals", "resource:notes", set()),
    ("approvals", "kind:scopes", BOTH),
    ("members", "role:admin", {"Ada"}),
    ("members", "agent:reconciler", {"Alice"}),
    ("members", "person:bob status:active", {"Bob"}),
    ("resources", "scope:events:read", {"Calendar"}),
    ("resources", "resource:notes status:active", {"Notes"}),
    ("resources", "status:retired", set()),
    ("issuers", "issuer:login resource:calendar", {"Login"}),
    ("issuers", "purpose:workload status:off", {"Runs"}),
    ("issuers", "scope:events:read", {"Login"}),
    ("audiences", "resource:calendar scope:events:*", {"There"}),
    ("audiences", "resource:notes", set()),
]


@pytest.fixture(scope="module")
def token(full):
    return api_token(full, full.public_client("Console app"), "ada", SCOPES)


def over_api(world, token, path, text):
    there = f"{world.url(f'/api/v1{path}')}{'&' if '?' in path else '?'}{urlencode({'q': text})}"
    return world.http.get(there, headers={"Authorization": f"Bearer {token}"})


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize(("which", "text", "left"), ASKED)
def test_the_words_of_a_list_narrow_the_page_and_the_api_alike(full, token, which, text, left):
    place, path, noun, name, everything = LISTS[which]
    answer = over_api(full, token, path, text)
    assert answer.status_code == 200, answer.text
    found = [each[name] for each in answer.json()[noun]]
    assert set(found) & everything == left
    page = full.browser("ada").go(full.url(f"{place}?{urlencode({'q': text})}")).text
    rows = page.partition('id="rows"')[2]
    assert {each for each in everything if each in rows} >= left
    assert not {each for each in everything - left if f">{each}<" in rows}


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize("text", ["colour:red", 'agent:"open', "until:>7d", "status:happy", "agent:"])
@pytest.mark.parametrize("which", LISTS)
def test_what_means_nothing_is_said_on_the_page_and_refused_over_the_api(full, token, which, text):
    place, path, *_rest = LISTS[which]
    answer = over_api(full, token, path, text)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    (words,) = answer.json()["errors"]["q"]
    page = full.browser("ada").go(full.url(f"{place}?{urlencode({'q': text})}"))
    assert page.status_code == 200
    assert f'<ul class="errorlist" id="id_q_error"><li>{words}</li></ul>' in unescape(page.text)
    assert not any(f">{each}<" in page.text.partition('id="rows"')[2] for each in LISTS[which][-1])


@spec("RFC 9110", "15.3.1")
def test_the_ledger_finds_by_name_what_it_keeps_by_id(full, token):
    """Of ten thousand entries nobody knows the ids: `person:alice` is she for whom it was done."""
    for text, expected in (
        ("person:alice", {"Invoice reconciler"}),
        ("agent:night event:token.*", {"Night writer"}),
        ('agent:"invoice reconciler" result:refused', set()),
        ("agent:night since:>1d", {"Night writer"}),
        ("agent:night until:<1d", set()),
    ):
        found = over_api(full, token, "/events?limit=200", text)
        assert found.status_code == 200, found.text
        through = {each["through"] for each in found.json()["events"]} - {""}
        with context.use(full.tenant):
            names = set(Agent.objects.filter(pk__in=through).values_list("name", flat=True))
        assert names & BOTH == expected, text
    assert over_api(full, token, "/events", "colour:red").status_code == 400
    page = full.browser("ada").go(full.url("/console/activity?q=colour:red")).text
    assert "“colour:” means nothing here" in page


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize("which", [*LISTS, "events"])
def test_the_box_says_its_words_and_so_does_the_description_of_the_api(full, which):
    place, path = LISTS[which][:2] if which != "events" else ("/console/activity", "/events")
    page = full.browser("ada").go(full.url(place)).text
    hint = unescape(re.search(r'id="id_q_helptext">Also ([^<]+)</p>', page)[1])
    assert re.search(r'<input type="search"[^>]*aria-describedby="id_q_helptext"', page)
    document = full.http.get(full.url("/api/v1/schema")).json()
    parameters = document["paths"][f"/api/v1{path.partition('?')[0]}"]["get"]["parameters"]
    (asked,) = (each for each in parameters if each["name"] == "q")
    assert hint in asked["description"]


@spec("RFC 9110", "15.3.1")
def test_many_are_chosen_by_the_same_words(full, token):
    """What the page shows is what a file and long work take: they read the same question."""
    many.delegations(full, 3, name="Crowd of words")
    found = full.http.get(
        full.url(f"/api/v1/delegations/export.json?{urlencode({'q': 'agent:words until:<8d'})}"),
        headers={"Authorization": f"Bearer {token}"},
    )
    assert len(found.json()) == 3
    refused = full.http.get(
        full.url("/api/v1/delegations/export.json?q=colour:red"), headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 400
