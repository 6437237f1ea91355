"""The queue of questions: narrowed by usual questions, in pages, with what was decided on others like it."""

import re
from html import unescape
from urllib.parse import urljoin

import pytest
from django.utils import timezone

from agents.models import Agent, Approval, Client, Plea
from console.admin.approvals import SIZE
from kit import context
from tests.conformance.test_api import api_token
from tests.spec import spec

PAGE = "/console/approvals"


@pytest.fixture
def queue(world):
    """Four that wait: a stranger that writes, an admin's that writes, one that reads, and one that wants more."""
    put(world, "Stranger", kind="admission", scopes=["events:write"], source="dcr")
    put(world, "Housekeeper", kind="admission", scopes=["events:write"], source="manual")
    put(world, "Onlooker", kind="admission", scopes=["events:read"], source="dcr")
    put(world, "Climber", kind="scopes", scopes=["events:read"], source="manual", status="active", owner="ada")
    return world


def put(world, name, *, kind, scopes, source, status="pending", owner="", decided=""):
    with context.use(world.tenant):
        agent = Agent.objects.create(name=name, status=status, owner=world.people[owner] if owner else None)
        client = Client.objects.create(
            client_id=f"cli_{agent.pk}", name=name, agent=agent, registration_source=source, redirect_uris=[]
        )
        moments = {"status": decided, "decided_at": timezone.now()} if decided else {}
        asked = {world.calendar.identifier: scopes}
        return Approval.objects.create(kind=kind, agent=agent, client=client, asked=asked, **moments)


NARROWED = [
    ("", {"Stranger", "Housekeeper", "Onlooker", "Climber"}),
    ("writes=true", {"Stranger", "Housekeeper"}),
    ("writes=false", {"Onlooker", "Climber"}),
    ("high_risk=true", {"Stranger"}),
    ("high_risk=false", {"Housekeeper", "Onlooker", "Climber"}),
    ("kind=scopes", {"Climber"}),
    ("q=look", {"Onlooker"}),
    ("concerns={ada}", {"Climber"}),
    ("concerns={bob}", {"Onlooker"}),
    ("concerns=nobody", set()),
]


@spec("RFC 9700", "2.1")
def test_each_word_narrows_the_page_and_the_api_alike(queue):
    with context.use(queue.tenant):
        onlooker = Approval.objects.get(agent__name="Onlooker")
        Plea.objects.create(approval=onlooker, member=queue.people["bob"], reason="I want it.")
    ada = queue.browser("ada")
    token = api_token(queue, queue.public_client("Console app"), "ada", "approvals:read")
    for query, expected in NARROWED:
        query = query.format(**{name: queue.people[name].pk for name in ("ada", "bob")})
        page = ada.go(queue.url(f"{PAGE}?{query}"))
        on_page = {name for name in NARROWED[0][1] if f'-name">{name}<' in page.text}
        headers = {"Authorization": f"Bearer {token}"}
        answer = queue.http.get(queue.url(f"/api/v1/approvals?status=waiting&{query}"), headers=headers)
        over_api = {each["agent_name"] for each in answer.json()["approvals"]}
        assert on_page == over_api == expected, query
    assert "Nothing that waits matches." in ada.words()
    assert "narrows nothing here" in ada.go(queue.url(f"{PAGE}?colour=red")).text


@spec("RFC 9110", "15.3.1")
def test_what_waits_beyond_a_page_is_on_the_next_one_and_what_people_want_on_the_first(world):
    made = [
        put(world, f"Agent {number:03}", kind="admission", scopes=["events:read"], source="dcr")
        for number in range(SIZE + 2)
    ]
    with context.use(world.tenant):
        Plea.objects.create(approval=made[0], member=world.people["bob"], reason="I want it.")
    ada = world.browser("ada")
    first = ada.go(world.url(PAGE)).text
    assert first.index('-name">Agent 000<') < first.index(f'-name">Agent {SIZE + 1:03}<')
    assert '-name">Agent 001<' not in first
    older = next(line.split('href="')[1].split('"')[0] for line in first.splitlines() if ">Older<" in line)
    second = ada.go(world.origin + older.replace("&amp;", "&")).text
    assert second.count('class="card approval"') == 2
    assert '-name">Agent 001<' in second


@spec("RFC 9700", "2.1")
def test_a_card_says_what_was_decided_on_others_like_it(queue):
    for name, decided, status in (
        ("A", "approved", "active"),
        ("B", "approved", "suspended"),
        ("C", "denied", "denied"),
    ):
        put(queue, name, kind="admission", scopes=["events:read"], source="dcr", status=status, decided=decided)
    put(queue, "D", kind="admission", scopes=["events:write", "events:read"], source="dcr", decided="approved")
    ada = queue.browser("ada")
    ada.go(queue.url(f"{PAGE}?q=onlooker"))
    words = ada.words()
    assert "2 like it were approved (1 of those was paused or ended since), 1 was denied." in words, words
    ada.go(queue.url(f"{PAGE}?q=stranger"))
    assert "like it" not in ada.words()


@spec("RFC 9700", "2.1")
def test_once_it_was_decided_the_page_says_so_in_its_place_and_takes_it_back(queue):
    ada = queue.browser("ada")
    ada.go(queue.url(f"{PAGE}?q=onlooker"))
    ada.submit(ada.form("/approve"), {"owner": queue.people["ada"].pk})
    assert "Onlooker: approved by you just now." in ada.words()
    ada.go(queue.url(PAGE))
    assert "just now." not in ada.words()
    ada.go(queue.url(f"{PAGE}?q=stranger"))
    ada.submit(ada.form("/deny"), {"preset": "unknown"})
    assert "Stranger: denied by you just now." in ada.words()
    ada.submit(ada.form("/undo"))
    with context.use(queue.tenant):
        assert Approval.objects.get(agent__name="Stranger").status == "waiting"


@spec("RFC 9110", "15.4.4")
def test_whoever_decided_is_back_in_the_queue_as_they_had_narrowed_and_sorted_it(queue):
    put(queue, "Watcher", kind="admission", scopes=["events:write"], source="dcr")
    ada, narrowed = queue.browser("ada"), queue.url(f"{PAGE}?writes=true&kind=admission&order=oldest")
    ada.go(narrowed)
    assert shown(ada) == ["Stranger", "Housekeeper", "Watcher"]
    ada.submit(ada.form("/approve"), {"owner": queue.people["ada"].pk})
    assert (str(ada.page.url), shown(ada)) == (narrowed, ["Housekeeper", "Watcher"])
    ada.submit(ada.form("/deny"), {"reason": ""})
    assert (ada.page.status_code, shown(ada)) == (422, ["Housekeeper", "Watcher"])
    ada.submit(ada.form("/deny"), {"preset": "unknown"})
    assert (str(ada.page.url), shown(ada)) == (narrowed, ["Watcher"])
    ada.submit(ada.form("/undo"))
    assert (str(ada.page.url), shown(ada)) == (narrowed, ["Housekeeper", "Watcher"])
    ada.submit(ada.form("/ask"), {"words": "What for?"})
    assert (str(ada.page.url), shown(ada)) == (narrowed, ["Housekeeper", "Watcher"])


@spec("RFC 9110", "15.3.1")
def test_the_queue_is_sorted_by_links_that_keep_what_narrows_it(queue):
    ada = queue.browser("ada")
    ada.go(queue.url(f"{PAGE}?writes=true"))
    assert shown(ada) == ["Housekeeper", "Stranger"]
    ada.go(queue.origin + link(ada, "Oldest first"))
    assert shown(ada) == ["Stranger", "Housekeeper"]
    with context.use(queue.tenant):
        stranger = Approval.objects.get(agent__name="Stranger")
        Plea.objects.create(approval=stranger, member=queue.people["bob"], reason="I want it.")
    ada.go(queue.origin + link(ada, "Newest first"))
    assert shown(ada) == ["Housekeeper", "Stranger"]
    ada.go(queue.origin + link(ada, "What people asked for first"))
    assert shown(ada) == ["Stranger", "Housekeeper"]


@spec("RFC 4180", "2")
def test_the_file_of_the_queue_holds_what_the_page_shows(queue):
    put(queue, "Doorman", kind="admission", scopes=["events:write"], source="dcr", decided="approved")
    ada = queue.browser("ada")
    page = ada.go(queue.url(f"{PAGE}?writes=true"))
    assert f"GET {queue.tenant.issuer}/api/v1/approvals?writes=true&amp;status=waiting" in page.text
    (place,) = re.findall(r'href="([^"]*/export/json\?[^"]+)"', page.text)
    told = ada.go(f"{queue.origin}{unescape(place)}").json()
    assert {each["agent_name"] for each in told} == set(shown_by(page)) == {"Housekeeper", "Stranger"}


def shown(browser):
    """Return the agents of the cards that the open page shows, in their order."""
    return shown_by(browser.page)


def shown_by(page):
    return re.findall(r'-name">([^<]+)</h2>', page.text)


def link(browser, words):
    """Return where a link of the open page leads."""
    (place,) = re.findall(rf'href="([^"]*)"[^>]*>{words}</a>', browser.page.text)
    return unescape(place)


@pytest.mark.parametrize(
    ("page", "form", "typed"),
    [("/console/approvals?order=newest", "/deny", {"reason": ""}), ("/console/members", "/invite", {"email": "ada"})],
    ids=["approvals", "members"],
)
def test_what_a_list_offers_beside_a_form_that_was_not_taken_leads_back_to_the_list(queue, page, form, typed):
    ada = queue.browser("ada")
    ada.go(queue.url(page))
    ada.submit(ada.form(form), typed)
    assert ada.page.status_code == 422
    offered = [unescape(each) for each in re.findall(r'(?:href|hx-get)="([^"]*\?[^"]*)"', ada.page.text)]
    assert len(offered) >= 4
    stands = str(ada.page.url)
    for address in offered:
        assert ada.http.get(urljoin(stands, address), follow_redirects=False).status_code != 405, address
