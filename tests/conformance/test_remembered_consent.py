"""What a person allowed is remembered for exactly that: the same client, return host, resource and scopes."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT, pkce
from tests.spec import spec

WEB = "https://app.example/callback"
OTHER = "https://other.example/callback"


@pytest.fixture
def scout(world):
    return world.public_client(redirect_uris=[REDIRECT, WEB, f"{WEB}/second", OTHER, "com.example.app:/callback"])


@pytest.fixture
def alice(world):
    return world.browser("alice")


def silently(world, browser, who, **changes):
    """Say whether a request is answered with a code without a page; `prompt=none` must say the same."""
    verifier, challenge = pkce()
    url = world.authorize_url(who, challenge, **{"redirect_uri": WEB, **changes})
    quiet = answer(browser.go(f"{url}&prompt=none"))
    page = browser.go(url)
    if page.status_code == 200:
        assert quiet["error"] == "consent_required"
        return False
    assert quiet["code"]
    redirect_uri = changes.get("redirect_uri", WEB)
    return world.redeem(who, answer(page)["code"], verifier, redirect_uri=redirect_uri).status_code == 200


def allow(world, browser, who, *, duration="week", tick=None, **changes):
    browser.go(world.authorize_url(who, pkce()[1], **{"redirect_uri": WEB, **changes}))
    browser.decide(duration=duration, **({} if tick is None else {"scope": tick}))
    return browser


def only(world):
    (delegation,) = world.delegations()
    return delegation


@spec("OIDC Core", "3.1.2.4")
def test_the_same_request_is_answered_silently_the_second_time(world, scout, alice):
    allow(world, alice, scout)
    before = only(world)
    assert silently(world, alice, scout)
    assert only(world).version == before.version


@spec("OIDC Core", "3.1.2.4")
def test_a_silent_code_carries_what_was_asked_and_not_all_that_was_allowed(world, scout, alice):
    allow(world, alice, scout, scope="events:read contacts:read")
    verifier, challenge = pkce()
    alice.go(world.authorize_url(scout, challenge, redirect_uri=WEB, scope="events:read"))
    tokens = world.redeem(scout, answer(alice.page)["code"], verifier, redirect_uri=WEB).json()
    assert tokens["scope"] == "events:read"


@spec("RFC 8252", "7.3")
def test_another_port_or_path_of_the_same_host_does_not_ask_again(world, scout, alice):
    allow(world, alice, scout, redirect_uri="http://127.0.0.1:5001/callback")
    assert silently(world, alice, scout, redirect_uri="http://127.0.0.1:5002/callback")
    allow(world, alice, scout)
    assert silently(world, alice, scout, redirect_uri=f"{WEB}/second")


@spec("RFC 6749", "10.2")
@pytest.mark.parametrize(
    "wider",
    [
        {"scope": "events:read contacts:read"},
        {"scope": "events:write"},
        {"resource": "notes", "scope": "notes:read"},
        {"redirect_uri": OTHER},
        {"redirect_uri": "http://127.0.0.1:5001/callback"},
        {"scope": "events:read openid"},
        {"scope": "events:read offline_access"},
        {"scope": "openid", "resource": None},
    ],
    ids=lambda change: " ".join(f"{name}={value}" for name, value in change.items()),
)
def test_anything_wider_or_elsewhere_is_asked_again(world, scout, alice, wider):
    allow(world, alice, scout)
    assert silently(world, alice, scout)
    if wider.get("resource") == "notes":
        wider = wider | {"resource": world.notes.identifier}
    assert not silently(world, alice, scout, **wider)


@spec("RFC 6749", "10.2")
def test_a_scope_that_was_unticked_is_asked_again(world, scout, alice):
    allow(world, alice, scout, scope="events:read contacts:read", tick=[])
    assert silently(world, alice, scout)
    assert not silently(world, alice, scout, scope="events:read contacts:read")


@spec("RFC 6749", "10.2")
def test_two_resources_are_remembered_only_together_with_both(world, scout, alice):
    both = {"resource": [world.calendar.identifier, world.notes.identifier], "scope": "events:read notes:read"}
    allow(world, alice, scout)
    assert not silently(world, alice, scout, **both)
    allow(world, alice, scout, **both)
    alice.go(world.authorize_url(scout, pkce()[1], redirect_uri=WEB, **both))
    assert answer(alice.page)["code"]


@spec("OIDC Core", "3.1.2.4")
def test_identity_scopes_that_were_allowed_are_remembered(world, scout, alice):
    asked = {"scope": "events:read openid offline_access"}
    allow(world, alice, scout, **asked)
    assert silently(world, alice, scout, **asked)
    assert silently(world, alice, scout)


@spec("OIDC Core", "3.1.2.4")
def test_sign_in_alone_is_remembered_for_what_was_shown(world, scout, alice):
    allow(world, alice, scout, scope="openid profile", resource=None)
    assert silently(world, alice, scout, scope="openid profile", resource=None)
    assert not silently(world, alice, scout, scope="openid email", resource=None)
    assert not silently(world, alice, scout, scope="openid offline_access", resource=None)


@spec("RFC 6749", "10.2")
def test_a_client_that_is_not_what_it_was_is_asked_about_again(world, scout, alice):
    allow(world, alice, scout)
    assert silently(world, alice, scout)
    world.rewrite(scout.client, metadata={"client_uri": "https://evil.example"})
    time.sleep(settings.CACHE_SECONDS + 0.1)
    assert not silently(world, alice, scout)


@spec("RFC 6749", "10.2")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Scout 2"),
        ("redirect_uris", [WEB]),
        ("auth_method", "client_secret_basic"),
        ("metadata", {"client_uri": "https://evil.example"}),
    ],
)
def test_what_a_person_agreed_to_changes_the_digest_of_the_client(scout, name, value):
    before = scout.client.digest
    setattr(scout.client, name, value)
    assert scout.client.digest != before


@spec("RFC 6749", "10.2")
def test_another_person_and_another_client_are_asked_for_themselves(world, scout, alice):
    allow(world, alice, scout)
    assert not silently(world, world.browser("bob"), scout)
    assert not silently(world, alice, world.public_client(redirect_uris=[WEB]))


@spec("RFC 6749", "10.2")
def test_after_end_access_the_person_is_asked_again(world, scout, alice):
    allow(world, alice, scout)
    alice.go(world.url("/me/agents"))
    alice.submit(alice.form("/end"))
    assert not silently(world, alice, scout)


@spec("RFC 6749", "10.2")
def test_after_the_chosen_time_the_person_is_asked_again(world, scout, alice):
    allow(world, alice, scout)
    world.rewrite(only(world), expires_at=timezone.now())
    assert not silently(world, alice, scout)
    allow(world, alice, scout)
    assert [each.ended_reason for each in world.delegations()] == ["expired", ""]


@spec("RFC 8252", "8.1")
def test_an_app_scheme_is_asked_every_time(world, scout, alice):
    uri = "com.example.app:/callback"
    allow(world, alice, scout, redirect_uri=uri)
    with leaves_only(world, "authorization.refused"):
        page = alice.go(world.authorize_url(scout, pkce()[1], redirect_uri=uri, prompt="none"))
    assert "error=consent_required" in page.text
    alice.go(world.authorize_url(scout, pkce()[1], redirect_uri=uri))
    assert alice.form("/authorize")


@spec("MCP", "Step-Up Authorization Flow")
def test_a_step_up_shows_only_what_is_new_and_keeps_what_was_allowed(world, scout, alice):
    allow(world, alice, scout, scope="events:read contacts:read")
    alice.go(world.authorize_url(scout, pkce()[1], redirect_uri=WEB, scope="events:read events:write"))
    words = alice.words()
    assert "Read your calendar already allowed" in words
    assert "+ new Change your calendar" in words
    assert words.count("+ new") == 1
    assert "It will not be able to Act after the time" in words
    assert [value for name, value in alice.form("/authorize").fields if name == "scope"] == [
        f"{world.calendar.pk} events:write"
    ]
    alice.decide()
    assert only(world).scopes == ["contacts:read", "events:read", "events:write"]
    assert [entry.event for entry in world.entries("delegation.widened")] == ["delegation.widened"]


@spec("MCP", "Step-Up Authorization Flow")
def test_a_step_up_that_is_refused_takes_nothing_away(world, scout, alice):
    allow(world, alice, scout)
    before = only(world)
    alice.go(world.authorize_url(scout, pkce()[1], redirect_uri=WEB, scope="events:read events:write"))
    alice.decide("deny")
    assert answer(alice.page)["error"] == "access_denied"
    assert (only(world).scopes, only(world).version) == (before.scopes, before.version)


@spec("MCP", "Step-Up Authorization Flow")
def test_a_step_up_for_another_return_host_says_it_is_wanted_for_longer_only_if_it_is(world, scout, alice):
    allow(world, alice, scout, duration="hour")
    alice.go(world.authorize_url(scout, pkce()[1], redirect_uri=WEB, scope="events:write"))
    alice.decide(duration="week", scope=[f"{world.calendar.pk} events:write"])
    assert only(world).expires_at - timezone.now() > timedelta(days=6)
