"""What an admin says of a client that they made is changed on its page as over the API, and asks people again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import clients
from agents.errors import TooLateForClient
from agents.models import Client
from audit.principals import SYSTEM, Kind, Principal
from kit import context
from kit.oauth import GrantType
from tests.conformance.test_resources_api import asker
from tests.harness import crowd
from tests.harness.browser import FRAME, answer
from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT, Credentials, pkce
from tests.spec import spec

SCOPES = "clients:read clients:write"
WEB = "https://app.example/callback"
OTHER = "https://other.example/callback"


def made(world):
    """Return a client that an admin made by hand, by which an agent asks people."""
    grants = (GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE)
    agent = world.helper("Scout", grant_types=grants).client.agent
    said = {"redirect_uris": [REDIRECT, WEB], "grant_types": ["authorization_code", "refresh_token"]}
    with context.use(world.tenant):
        client, secret = clients.add_client(agent, said, by=SYSTEM)
    return Credentials(client, secret)


@pytest.fixture
def scout(world):
    return made(world)


def place(client):
    return f"/agents/{client.agent_id}/clients/{client.pk}"


def anew(world, client):
    with context.use(world.tenant):
        return Client.objects.get(pk=client.pk)


def at_page(world, who, person="ada"):
    """Return a browser at the page of a client."""
    browser = world.browser(person)
    browser.go(world.url(f"/console{place(who.client)}"))
    return browser


def is_asked(world, who, redirect_uri=WEB):
    """Say whether alice is asked when the agent comes to her again."""
    browser = world.browser("alice")
    page = browser.go(world.authorize_url(who, pkce()[1], redirect_uri=redirect_uri))
    if page.status_code != 200:
        assert answer(page)["code"]
    return page.status_code == 200


def allow(world, who, redirect_uri=WEB):
    world.ask(who, "alice", redirect_uri=redirect_uri).decide(duration="week")


@spec("RFC 7591", "2")
def test_a_name_pages_and_addresses_are_changed_on_the_page_as_over_the_api(world, scout):
    twin, ada, ask = made(world), at_page(world, scout), asker(world, "ada", SCOPES)
    said = {
        "client_name": "Path finder",
        "client_uri": "https://finder.example/",
        "logo_uri": "https://finder.example/logo.png",
        "redirect_uris": [WEB, OTHER],
    }
    page = ada.submit(ada.form("/change"), {**said, "redirect_uris": f"{WEB}\r\n\r\n {OTHER} "})
    assert str(page.url) == world.url(f"/console{place(scout.client)}"), ada.words()
    changed = ask("PATCH", place(twin.client), said)
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in said} == said
    read = ask("GET", place(scout.client)).json()
    assert {name: read[name] for name in said} == said
    for words in ("How Path finder comes in", "https://finder.example/logo.png", OTHER):
        assert words in ada.words()
    by_page, by_api = world.entries("client.changed")
    assert (by_page.about_id, by_api.about_id) == (scout.client.pk, twin.client.pk)
    assert by_page.detail == by_api.detail
    assert {by_page.principal_id, by_api.principal_id} == {world.people["ada"].pk}
    assert "name: Scout" in by_page.detail["before"]
    assert "name: Path finder" in by_page.detail["after"]
    assert f"redirect_uris: {WEB} {OTHER}" in by_page.detail["after"]
    assert by_page.detail["risky"] == ["name", "redirect hosts", "redirect_uris"]


@spec("RFC 7591", "2")
def test_an_empty_field_takes_a_page_away(world, scout):
    ada = at_page(world, scout)
    ada.submit(ada.form("/change"), {"client_uri": "https://finder.example/"})
    assert anew(world, scout.client).metadata == {"client_uri": "https://finder.example/"}
    ada.submit(ada.form("/change"), {"client_uri": ""})
    assert anew(world, scout.client).metadata == {}


@spec("CIMD", "8.4")
@pytest.mark.parametrize(
    ("change", "is_other"),
    [
        ({"client_name": "Path finder"}, True),
        ({"redirect_uris": f"{REDIRECT}\n{WEB}\n{OTHER}"}, True),
        ({"client_uri": "https://finder.example/"}, True),
        ({}, False),
    ],
    ids=str,
)
def test_whoever_allowed_it_is_asked_again_once_it_says_something_else(world, scout, change, is_other):
    allow(world, scout)
    assert not is_asked(world, scout)
    ada = at_page(world, scout)
    ada.submit(ada.form("/change"), change)
    assert is_asked(world, scout) == is_other
    if is_other:
        allow(world, scout)
        assert not is_asked(world, scout)


@spec("RFC 6749", "3.1.2.3")
def test_an_address_that_was_taken_away_is_none_that_it_returns_to(world, scout):
    allow(world, scout)
    ada = at_page(world, scout)
    ada.submit(ada.form("/change"), {"redirect_uris": OTHER})
    browser = world.browser("alice")
    assert browser.go(world.authorize_url(scout, pkce()[1], redirect_uri=WEB)).status_code == 400
    assert is_asked(world, scout, OTHER)


@spec("RFC 9110", "15.5.21")
@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ({"redirect_uris": "http://app.example/callback"}, "redirect"),
        ({"redirect_uris": ""}, "redirect"),
        ({"client_name": "Scout\u200b"}, "do not show"),
        ({"client_name": " "}, "This field is required."),
        ({"client_uri": "javascript:alert(1)"}, "client_uri"),
        ({"logo_uri": "http://app.example/logo.png"}, "logo_uri"),
    ],
    ids=str,
)
def test_what_cannot_hold_is_refused_and_what_was_typed_stands(world, scout, flaw, words):
    ada = at_page(world, scout)
    typed = {"client_name": "Path finder", "client_uri": "https://finder.example/", **flaw}
    with leaves_only(world):
        page = ada.submit(ada.form("/change"), typed)
    assert page.status_code == 422
    assert words in ada.words()
    kept = dict(ada.form("/change").fields)
    assert {name: kept[name].strip() for name in typed} == {name: value.strip() for name, value in typed.items()}
    mended = {"client_name": "Path finder", "client_uri": "", "logo_uri": "", "redirect_uris": WEB}
    assert ada.submit(ada.form("/change"), mended).status_code == 200
    assert anew(world, scout.client).redirect_uris == [WEB]


@spec("RFC 9110", "13.1.1")
def test_whoever_was_second_reads_who_was_first_and_what_it_says_now(world, scout):
    ada = at_page(world, scout)
    form = ada.form("/change")
    with context.use(world.tenant):
        clients.change_client(scout.client, {"client_name": "Ranger"}, by=SYSTEM)
    with leaves_only(world):
        page = ada.submit(form, {"client_name": "Path finder"})
    assert page.status_code == 409
    assert "while you read." in ada.words()
    assert "Now it says: Ranger" in ada.words()
    assert ada.words().count("Now it says:") == 1
    again = ada.form("/change")
    assert dict(again.fields)["client_name"] == "Path finder"
    assert ada.submit(again).status_code == 200
    assert anew(world, scout.client).name == "Path finder"
    with leaves_only(world):
        assert ada.submit(again, {"version": "made up"}).status_code == 409


@spec("RFC 7592", "2.2")
def test_what_says_itself_who_it_is_says_where_that_is_changed(world, scout):
    stranger = world.public_client("Stranger")
    for source, words in (("dcr", "by its registration token"), ("cimd", "what its document says")):
        world.rewrite(stranger.client, registration_source=source)
        ada = at_page(world, stranger)
        assert words in ada.words()
        assert not [form for form in ada.forms() if form.action.endswith("/change")]
        ada.go(world.url(f"/console{place(scout.client)}"))
        form = ada.form("/change")
        form.action = form.action.replace(place(scout.client), place(stranger.client))
        with leaves_only(world):
            page = ada.submit(
                form, {"client_name": "Path finder", "version": str(anew(world, stranger.client).version)}
            )
        assert (page.status_code, "its own to change" in page.text) == (422, True)


@spec("RFC 9700", "2.1")
def test_only_whoever_may_write_clients_changes_one_that_lives(world, scout):
    ada = at_page(world, scout)
    form = ada.form("/change")
    world.rewrite(world.people["bob"], role="auditor")
    bob = at_page(world, scout, "bob")
    own = {"csrfmiddlewaretoken": dict(bob.form(FRAME).fields)["csrfmiddlewaretoken"]}
    assert (bob.page.status_code, "/change" in bob.page.text) == (200, False)
    with leaves_only(world):
        assert bob.submit(form, {"client_name": "Path finder", **own}).status_code == 403
        assert world.browser("alice").go(world.url(f"/console{place(scout.client)}")).status_code == 403
    world.rewrite(world.people["bob"], role="admin")
    assert bob.submit(form, {"client_name": "Path finder", **own}).status_code == 200
    world.rewrite(scout.client, status="disabled")
    ada.go(world.url(f"/console{place(scout.client)}"))
    assert "/change" not in ada.page.text
    with leaves_only(world):
        assert ada.submit(form, {"client_name": "Ranger"}).status_code == 422


@spec("RFC 9110", "15.4.5")
def test_what_it_says_already_is_written_by_nobody_and_the_page_says_so(world, scout):
    ada, ask = at_page(world, scout), asker(world, "ada", SCOPES)
    with leaves_only(world):
        page = ada.submit(ada.form("/change"))
    assert (page.status_code, "nothing was changed" in ada.words()) == (200, True)
    read = ask("GET", place(scout.client))
    with leaves_only(world):
        answer = ask("PATCH", place(scout.client), {"client_name": "Scout", "redirect_uris": [REDIRECT, WEB]})
    assert (answer.status_code, answer.headers["etag"]) == (200, read.headers["etag"])


@spec("CIMD", "8.4")
def test_whoever_changed_it_takes_that_back_alike_and_what_people_allowed_counts_again(world, scout):
    twin, ada, ask = made(world), at_page(world, scout), asker(world, "ada", SCOPES)
    said = {"client_name": "Path finder", "client_uri": "https://finder.example/", "redirect_uris": [OTHER]}
    allow(world, scout)
    before = [anew(world, each.client).digest for each in (scout, twin)]
    ada.submit(ada.form("/change"), {**said, "redirect_uris": OTHER})
    assert "You changed it" in ada.words()
    assert ada.submit(ada.form("/put-back")).status_code == 200
    assert ("How Scout comes in" in ada.words(), "You changed it" in ada.words()) == (True, False)
    ask("PATCH", place(twin.client), said)
    assert ask("POST", f"{place(twin.client)}/put-back").json()["redirect_uris"] == [REDIRECT, WEB]
    assert [anew(world, each.client).digest for each in (scout, twin)] == before
    assert not is_asked(world, scout)
    first, page, second, api = world.entries("client.changed")
    assert (page.detail.pop("undoes"), api.detail.pop("undoes")) == (first.pk, second.pk)
    assert page.detail == api.detail
    with leaves_only(world):
        again = ask("POST", f"{place(twin.client)}/put-back")
    assert (again.status_code, again.json()["title"]) == (409, "It is too late to undo that")


@spec("RFC 9110", "13.1.1")
def test_it_is_taken_back_by_nobody_else_not_later_and_not_once_it_changed_since(world, scout):
    world.rewrite(world.people["bob"], role="admin")
    ada, bob, writer = asker(world, "ada", SCOPES), asker(world, "bob", SCOPES), at_page(world, scout)
    back = f"{place(scout.client)}/put-back"

    def edit(**said):
        assert ada("PATCH", place(scout.client), said).status_code == 200

    def refused(ask):
        with leaves_only(world):
            assert ask("POST", back).status_code == 409

    edit(client_name="Path finder")
    refused(bob)
    writer.go(world.url(f"/console{place(scout.client)}"))
    form = writer.form("/put-back")
    edited = anew(world, scout.client).last_edit
    long_ago = (timezone.now() - clients.UNDO - timedelta(seconds=5)).isoformat()
    world.rewrite(scout.client, last_edit={**edited, "at": long_ago})
    refused(ada)
    world.rewrite(scout.client, last_edit=edited)
    assert bob("PUT", f"{place(scout.client)}/grants", {"grant_types": []}).status_code == 200
    refused(ada)
    with leaves_only(world):
        assert (writer.submit(form).status_code, "while you read." in writer.words()) == (409, True)
    edit(client_name="Ranger")
    edit(token_endpoint_auth_method="client_secret_post")
    assert ada("POST", back).json()["token_endpoint_auth_method"] == "client_secret_basic"
    edit(token_endpoint_auth_method="none", grant_types=["authorization_code"])
    refused(ada)


@spec("RFC 9110", "13.1.1")
def test_of_many_who_take_it_back_at_once_one_does(world, scout):
    ada = Principal(Kind.USER, world.people["ada"].pk, "Ada")
    with context.use(world.tenant):
        clients.change_client(scout.client, {"client_name": "Path finder"}, by=ada)

    def back(_number):
        try:
            clients.put_back_client(scout.client, by=ada)
        except TooLateForClient:
            return False
        return True

    assert sorted(crowd.at_once(5, back, tenant=world.tenant)) == [False] * 4 + [True]
    assert anew(world, scout.client).name == "Scout"
    assert len(world.entries("client.changed")) == 2
