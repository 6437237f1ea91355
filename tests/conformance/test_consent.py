"""The consent page: what it says, what a decision on it means, and whose decision counts."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from delegations.models import Consent
from kit import context
from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT, pkce
from tests.spec import spec
from tokens.models import AuthorizationCode, AuthorizationRequest

ALL = "events:read events:write contacts:read"


@pytest.fixture
def scout(world):
    return world.public_client(client_uri="https://scout.example/about")


@pytest.fixture
def page(world, scout):
    """Alice's browser with the page open."""
    return world.ask(scout, "alice", scope=ALL)


def field(server, scope):
    return f"{server.pk} {scope}"


def codes(world):
    with context.use(world.tenant):
        return AuthorizationCode.objects.count()


def consents(world):
    with context.use(world.tenant):
        return list(Consent.objects.order_by("pk"))


@spec("CIMD", "8.5")
def test_the_page_says_who_asks_for_what_where_and_how_it_ends(world, page):
    words = page.words()
    for said in (
        "Let Scout use Calendar for you?",
        world.email("alice"),
        "From scout.example not verified",
        "Nobody here uses it yet",
        "Read your calendar needed",
        "Every event",
        "Change your calendar changes things",
        "Creates and cancels events",
        "See who you meet",
        "It will not be able to Act after the time you choose",
        "1 hour Today 7 days 30 days",
        "You return to a program on this computer, 127.0.0.1",
        "Agents acting for you",
    ):
        assert said in words, said


@spec("MCP", "Localhost Redirect URI Risks")
@pytest.mark.parametrize(
    ("redirect", "scope", "warning"),
    [
        (REDIRECT, "events:write", "Nobody has checked who runs this agent, and it asks to change things."),
        (REDIRECT, "events:read", "It returns to this computer. Allow it only if you started it here."),
        ("https://scout.example/cb", "events:read", "Nobody here has used this agent before."),
    ],
)
def test_one_warning_stands_on_the_page_and_the_worst_wins(world, redirect, scope, warning):
    scout = world.public_client(redirect_uris=[redirect])
    browser = world.ask(scout, "alice", redirect_uri=redirect, scope=scope)
    assert warning in browser.words()
    assert browser.page.text.count('class="notice care"') == 1
    assert browser.form("/authorize").buttons[0] == ("decision", "deny")


@spec("CIMD", "8.5")
def test_what_changes_things_waits_for_a_tick_and_what_is_needed_has_none_to_take_away(world, page):
    form = page.form("/authorize")
    ticked = [value for name, value in form.fields if name == "scope"]
    assert form.ticks["scope"] == [field(world.calendar, "events:write"), field(world.calendar, "contacts:read")]
    assert ticked == [field(world.calendar, "contacts:read")]


@spec("RFC 6749", "3.3")
def test_a_scope_that_was_not_ticked_is_not_granted_and_the_token_response_says_so(world, scout):
    tokens = world.grant(scout, scope=ALL, tick=[field(world.calendar, "contacts:read")])
    assert tokens["scope"] == "contacts:read events:read"
    (delegation,) = world.delegations()
    assert delegation.scopes == ["contacts:read", "events:read"]


@spec("RFC 6749", "3.3")
def test_scopes_posted_beyond_the_request_grant_nothing(world, scout):
    forged = [
        field(world.calendar, "events:write"),
        field(world.notes, "notes:write"),
        "events:write",
        " openid",
        " offline_access",
    ]
    tokens = world.grant(scout, scope="events:read", tick=forged)
    assert tokens["scope"] == "events:read"
    assert "id_token" not in tokens
    assert [each.scopes for each in world.delegations()] == [["events:read"]]


@spec("RFC 6749", "4.1.1")
def test_parameters_posted_with_the_decision_do_not_change_the_request(world, page):
    page.decide(
        redirect_uri="https://evil.example/", client_id="dcr_other", state="forged", resource="https://x.example"
    )
    assert page.page.headers["location"].startswith(f"{REDIRECT}?code=")
    assert answer(page.page)["state"] == "the-state"


@spec("RFC 6749", "4.1.2.1")
def test_a_no_is_access_denied_and_leaves_an_audit_row_and_nothing_else(world, page):
    page.decide("deny")
    found = answer(page.page)
    assert (found["error"], found["iss"], found["state"]) == ("access_denied", world.tenant.issuer, "the-state")
    assert (codes(world), consents(world), world.delegations()) == (0, [], [])
    (refusal,) = world.entries("delegation.refused")
    assert (refusal.principal_id, refusal.on_behalf_of) == (world.people["alice"].pk, world.people["alice"].pk)


@spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize("fill", [{"decision": "maybe"}, {"decision": ""}, {"duration": "year"}, {"duration": ""}])
def test_anything_but_a_clear_yes_is_a_no(world, page, fill):
    page.decide(fill.pop("decision", "allow"), **fill)
    assert answer(page.page)["error"] == "access_denied"
    assert (codes(world), world.delegations()) == (0, [])


@spec("RFC 6749", "10.5")
@pytest.mark.parametrize("second", ["allow", "deny"])
def test_a_request_is_decided_once(world, page, second):
    form = page.form("/authorize")
    page.decide()
    with leaves_only(world):
        page.submit(form, {"decision": second})
    assert page.page.status_code == 409
    assert "You already decided on this request" in page.words()
    assert codes(world) == 1


@spec("RFC 6749", "10.5")
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_the_way_back_from_a_decision_says_that_it_was_made(world, page, decision):
    asked = str(page.page.url)
    page.decide(decision)
    before = codes(world)
    page.go(asked)
    assert page.page.status_code == 409
    assert "You already decided on this request" in page.words()
    assert codes(world) == before


@spec("RFC 6749", "10.5")
def test_two_yeses_at_once_make_one_code(world, page):
    sent = [*page.form("/authorize").fields, ("decision", "allow")]
    headers = {"Origin": world.origin, "Cookie": "; ".join(f"{n}={v}" for n, v in page.http.cookies.items())}

    def press(_):
        return world.http.post(world.url("/authorize"), data=dict(sent), headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(press, range(6))) == [303, 409, 409, 409, 409, 409]
    assert (codes(world), len(consents(world)), len(world.delegations())) == (1, 1, 1)


@spec("RFC 6749", "10.12")
def test_a_page_that_lay_open_for_ten_minutes_is_over(world, page):
    with context.use(world.tenant):
        AuthorizationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with leaves_only(world):
        page.decide()
    assert page.page.status_code == 400
    assert "This request is over" in page.words()


@spec("RFC 6749", "10.12")
@pytest.mark.parametrize("whose", ["alice's other browser", "bob's browser"])
def test_a_page_is_decided_only_in_the_browser_that_was_shown_it(world, scout, page, whose):
    stolen = dict(page.form("/authorize").fields)["handle"]
    other = world.ask(scout, "bob" if whose.startswith("bob") else "alice", scope=ALL)
    with leaves_only(world):
        other.decide(handle=stolen)
    assert other.page.status_code == 400
    assert "This request is over" in other.words()


@spec("RFC 6749", "10.12")
@pytest.mark.parametrize("handle", ["", "x" * 43, "\x00", "' OR 1=1 --"])
def test_a_made_up_handle_decides_nothing(world, page, handle):
    with leaves_only(world):
        page.decide(handle=handle)
    assert page.page.status_code == 400


@spec("RFC 9700", "4.7")
@pytest.mark.parametrize(
    ("fill", "headers"),
    [
        ({"csrfmiddlewaretoken": ""}, {}),
        ({"csrfmiddlewaretoken": "x" * 64}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Origin": "http://localhost:1"}),
    ],
    ids=["no token", "another token", "another site", "null", "another port"],
)
def test_a_decision_that_another_site_sends_is_refused(world, page, fill, headers):
    sent = dict(page.form("/authorize").fields) | {"decision": "allow"} | fill
    with leaves_only(world):
        response = page.http.post(world.url("/authorize"), data=sent, headers={"Origin": world.origin} | headers)
    assert response.status_code == 403
    assert "too old to send" in response.text
    assert page.http.post(world.url("/authorize"), data=sent | dict(page.form("/authorize").fields)).status_code == 303


@spec("OIDC Core", "3.1.2.4")
def test_what_was_shown_is_kept_word_for_word_with_its_digest(world, page):
    page.decide(duration="hour")
    (consent,) = consents(world)
    assert consent.shown["title"] == "Let Scout use Calendar for you?"
    assert [line["title"] for line in consent.shown["resources"][0]["scopes"]][:1] == ["Read your calendar"]
    assert consent.shown["chosen"]["duration"] == "hour"
    assert consent.shown_digest == hashlib.sha256(json.dumps(consent.shown, sort_keys=True).encode()).hexdigest()
    assert "handle" not in consent.shown


@spec("OIDC Core", "3.1.2.4")
@pytest.mark.parametrize(
    ("duration", "life"),
    [("hour", timedelta(hours=1)), ("week", timedelta(days=7)), ("month", timedelta(days=30))],
)
def test_access_ends_when_the_person_said(world, page, duration, life):
    page.decide(duration=duration)
    (delegation,) = world.delegations()
    assert abs(delegation.expires_at - timezone.now() - life) < timedelta(seconds=20)


@spec("OIDC Core", "3.1.2.4")
def test_today_ends_at_midnight(world, page):
    page.decide(duration="today")
    (delegation,) = world.delegations()
    assert (delegation.expires_at.hour, delegation.expires_at.minute, delegation.expires_at.second) == (0, 0, 0)
    assert timedelta() < delegation.expires_at - timezone.now() <= timedelta(days=1)


@spec("OIDC Core", "3.1.2.1")
def test_sign_in_alone_is_asked_as_sign_in(world, scout):
    browser = world.ask(scout, "alice", scope="openid email", resource=None)
    assert "Sign in to Scout with" in browser.words()
    assert "See your e-mail address" in browser.words()
    browser.decide()
    assert [each.audience for each in world.delegations()] == [world.tenant.issuer]


@spec("RFC 6749", "10.13")
def test_names_of_strangers_are_text_on_the_page(world):
    scout = world.public_client("<img src=x onerror=alert(1)>{{ page.handle }}")
    browser = world.ask(scout, "alice", state='"><script>')
    assert "&lt;img src=x onerror=alert(1)&gt;{{ page.handle }}" in browser.page.text
    assert "<img" not in browser.page.text
    assert "<script" not in browser.page.text


@spec("RFC 6749", "4.1.2")
def test_the_code_is_stored_as_a_digest_and_lives_for_a_minute(world, scout):
    code, _ = world.code(scout)
    with context.use(world.tenant):
        stored = AuthorizationCode.objects.get()
    assert stored.code == hashlib.sha256(code.encode()).hexdigest()
    assert stored.expires - stored.created <= timedelta(seconds=61)
    assert len(pkce()[1]) == len(code) == 43
