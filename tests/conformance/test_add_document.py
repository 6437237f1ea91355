"""An admin brings an agent by the address of its document: it is read, shown, and taken as if it had come by itself."""

import html
import json
import re
import secrets
from contextlib import contextmanager

import pytest

from agents.models import Agent, Approval, Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_metadata_documents import visit
from tests.conformance.test_resources_api import asker
from tests.harness import hostile
from tests.harness.footprint import events, rows
from tests.harness.hostile import json_answer
from tests.harness.keyholder import Keyholder, document
from tests.harness.world import REDIRECT
from tests.spec import spec

PLACE = "/console/agents/add/document"
LONG = {"client_uri": "https://scout.example/", "scope": "events:read events:fly openid"}


@pytest.fixture
def url(documents):
    """Return where a good document lies."""
    path = f"/brought/{secrets.token_hex(6)}.json"
    document(documents, path, **LONG)
    return documents.url(path)


@pytest.fixture
def ada(world):
    browser = world.browser("ada")
    assert browser.go(world.url(PLACE)).status_code == 200
    return browser


@contextmanager
def makes_nothing(world, *expected):
    """Assert that the block tells of this and changes nothing but how often a host was asked."""
    before, known = kept(world), events(world)
    yield
    assert kept(world) == before
    assert events(world)[len(known) :] == list(expected)


def kept(world):
    return [each for each in rows(world) if each[0] != "trust_outboundhost"]


def policy(world, **changes):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, **changes)


def look(ada, url):
    return ada.submit(ada.form("add/document"), {"url": url})


def take(ada):
    return ada.submit([each for each in ada.forms() if "digest" in dict(each.fields)][-1])


def client_of(world, url):
    with context.use(world.tenant):
        return Client.objects.select_related("agent").filter(client_id=url).first()


def told(world, url):
    """Return what stands in the tenant of this client, and what was told of it, without who, ids and moments."""
    client = client_of(world, url)
    with context.use(world.tenant):
        asked = list(Approval.objects.filter(agent=client.agent_id).values_list("kind", "status", "asked", "changes"))
    own = (client.name, client.redirect_uris, client.grant_types, client.auth_method, client.metadata)
    agent = (client.agent.status, client.agent.registration, client.agent.owner_id, client.agent.ceiling)
    events = [
        (each.event, each.detail)
        for each in world.entries()
        if each.about_id in {client.pk, client.agent_id} or each.principal_id == client.agent_id
    ]
    return json.dumps([own, agent, asked, events, str(client.cimd_expires_at)[:13]])


@spec("CIMD", "4")
@pytest.mark.parametrize("mode", ["open", "admission", "hosts"])
def test_what_an_admin_brings_stands_here_as_if_it_had_come_by_itself(world, elsewhere, url, mode):
    for each in (world, elsewhere):
        policy(each, documents=mode)
    ada = world.browser("ada")
    ada.go(world.url(PLACE))
    page = look(ada, url)
    assert page.status_code == 200, page.text
    waits = mode != "open"
    assert ("waits among the approvals" in page.text) == waits
    with_admin = take(ada)
    assert with_admin.status_code == 200
    visit(elsewhere, url)
    by_itself, brought = told(elsewhere, url), told(world, url)
    assert brought == by_itself
    assert ("Scout" in ada.words()) == (client_of(world, url) is not None)
    leads_to = "/console/approvals/apr_" if waits else f"/console/agents/{client_of(world, url).agent_id}"
    assert leads_to in with_admin.url.path
    registered = [each.principal_label for each in world.entries("agent.registered") if each.about_label == "Scout"]
    assert registered == ["Ada"]


@spec("CIMD", "4")
def test_the_page_shows_what_was_read_and_makes_nothing_of_it(world, ada, url, documents):
    with makes_nothing(world):
        page = look(ada, url)
    words = ada.words()
    for said in ("Scout", documents.authority, url, REDIRECT, "events:fly events:read openid",
                 "https://scout.example/", "Nothing: whoever knows its id", "Ask people on a page"):  # fmt: skip
        assert said in words, (said, words)
    assert "Nothing here has these scopes: events:fly." in words
    assert "It returns to programs on people's own computers" in words
    assert page.headers["cache-control"] == "no-store"


@spec("CIMD", "4")
def test_the_api_reads_and_takes_the_same(world, url, documents):
    ask = asker(world, "ada", "agents:write agents:read")
    with makes_nothing(world):
        seen = ask("POST", "/agents/documents?dry_run=true", {"client_id": url}).json()
    assert (seen["client_name"], seen["host"], seen["waits"]) == ("Scout", documents.authority, False)
    assert (seen["scopes"], seen["unknown_scopes"]) == (["events:fly", "events:read", "openid"], ["events:fly"])
    made = ask("POST", "/agents/documents", {"client_id": url, "digest": seen["digest"]})
    assert made.status_code == 201, made.text
    assert (made.json()["client_id"], made.json()["registered"]) == (url, "cimd")
    assert ask("GET", f"/agents/{made.json()['agent']}").json()["registration"] == "document"


REFUSED = {
    "not https": (lambda url: url.replace("https://", "http://"), None, "begins with https://"),
    "no document": (lambda url: f"https://{url.split('/')[2]}/", None, "behind the host comes a path"),
    "an address of numbers": (lambda url: url.replace("localhost", "10.0.0.1"), None, "has a host name"),
    "a host inside": (lambda url: re.sub(r":\d+/", ":1/", url), None, "no address that may be reached"),
    "too much": (None, hostile.endless, "more bytes than allowed"),
    "too much that is packed": (None, hostile.bomb, "could not be had"),
    "sent elsewhere": (None, hostile.redirect, "could not be had"),
    "not JSON": (None, json_answer(b"[]"), "could not be had"),
    "another id": (None, {"client_id": "https://agent.example/other"}, "client_id in the document is another URL"),
    "no name": (None, {"client_name": None}, "client_name is missing"),
    "a redirect that is a program": (None, {"redirect_uris": ["javascript:alert(1)"]}, "javascript:alert(1)"),
    "a secret": (None, {"client_secret": "x"}, "cannot hold a secret"),
}


@spec("CIMD", "5")
@pytest.mark.parametrize("flaw", REFUSED)
def test_what_cannot_be_taken_is_said_in_words_and_its_address_stays_in_the_field(world, ada, url, documents, flaw):
    elsewhere, answer, said = REFUSED[flaw]
    asked, path = elsewhere(url) if elsewhere else url, url.removeprefix(documents.url(""))
    if isinstance(answer, dict):
        document(documents, path, **answer)
    elif answer:
        documents.answers[path] = answer
    is_asked = flaw not in {"not https", "no document", "an address of numbers"}
    with makes_nothing(world, *(["client.refused"] * is_asked)):
        page = look(ada, asked)
    assert page.status_code == 422
    assert said in html.unescape(page.text), ada.words()
    assert dict(ada.form("add/document").fields)["url"] == asked
    assert client_of(world, asked) is None
    if is_asked:
        entry = world.entries("client.refused")[-1]
        assert (entry.principal_label, entry.detail["client_id"]) == ("Ada", asked)


@spec("CIMD", "5")
def test_over_the_api_a_document_that_cannot_be_taken_is_no_more_than_that(world, url, documents):
    ask = asker(world, "ada", "agents:write")
    document(documents, url.removeprefix(documents.url("")), client_id="https://agent.example/other")
    for path in ("/agents/documents", "/agents/documents?dry_run=true"):
        with makes_nothing(world, "client.refused"):
            answer = ask("POST", path, {"client_id": url})
        assert (answer.status_code, "is another URL" in answer.text) == (422, True), answer.text


@spec("CIMD", "8.4")
def test_a_document_that_changed_while_it_was_read_is_read_again_before_it_counts(world, ada, url, documents):
    look(ada, url)
    document(documents, url.removeprefix(documents.url("")), **LONG, client_name="Scout, the other")
    with makes_nothing(world):
        page = take(ada)
    assert (page.status_code, "changed while you read it" in page.text) == (422, True)
    assert dict(ada.form("add/document").fields)["url"] == url
    look(ada, url)
    take(ada)
    assert client_of(world, url).name == "Scout, the other"


@spec("CIMD", "4")
def test_one_that_is_here_already_is_shown_and_not_made_twice(world, ada, url):
    visit(world, url)
    ask = asker(world, "ada", "agents:write")
    with makes_nothing(world):
        page = look(ada, url)
        again = ask("POST", "/agents/documents", {"client_id": url})
    assert (page.status_code, "is here already" in page.text) == (422, True)
    assert client_of(world, url).agent_id in page.text
    assert again.status_code == 409


@spec("CIMD", "7.2")
def test_where_documents_are_off_nothing_is_fetched(world, url, documents):
    policy(world, documents="off")
    ada = world.browser("ada")
    assert "that is switched off" in ada.go(world.url(PLACE)).text
    with makes_nothing(world):
        assert look(ada, url).status_code == 422
    assert url.removeprefix(documents.url("")) not in documents.seen


@spec("RFC 9110", "15.5.4")
def test_only_whoever_may_add_agents_has_the_server_fetch_for_them(world, url, documents):
    ada = world.browser("ada")
    ada.go(world.url(PLACE))
    world.rewrite(world.people["ada"], role="auditor")
    ask = asker(world, "ada", "agents:read")
    with makes_nothing(world):
        assert look(ada, url).status_code == 403
        assert ask("POST", "/agents/documents?dry_run=true", {"client_id": url}).status_code == 403
    assert url.removeprefix(documents.url("")) not in documents.seen


@spec("CIMD", "4")
def test_a_document_with_a_key_is_verified_and_odd_words_stay_text(world, ada, url, documents):
    path, holder = url.removeprefix(documents.url("")), Keyholder(url)
    document(documents, path, token_endpoint_auth_method="private_key_jwt", jwks=holder.jwks,
             client_name="<b>Scout</b>", scope="a<i>b")  # fmt: skip
    page = look(ada, url)
    assert page.status_code == 200
    assert "<b>Scout" not in page.text
    assert "&lt;b&gt;Scout" in page.text
    assert "A key" in ada.words()
    with context.use(world.tenant):
        assert not Agent.objects.filter(name__contains="Scout").exists()
