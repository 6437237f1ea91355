"""Where a person gave a consent, and what they had proved by then: on the page, and in the signed record."""

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from delegations.models import Consent
from kit import context
from tests.harness import device, soft_key
from tests.harness.world import PASSWORD
from tests.spec import spec

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ada(world):
    return world.browser("ada")


def agree(world, browser):
    """Let somebody allow an agent in a browser that calls itself Firefox."""
    browser.http.headers["User-Agent"] = FIREFOX
    browser.go(world.authorize_url(world.public_client(), "c" * 43))
    browser.decide(duration="week")


def words_of(world, browser):
    browser.go(world.url(f"/console/delegations/{world.delegations()[-1].pk}"))
    return browser.words()


def consent_of(world, browser):
    """Return what the signed record says of the newest consent."""
    answer = browser.http.get(world.url(f"/console/delegations/{world.delegations()[-1].pk}/record"))
    return json.loads(answer.text)["record"]["consent"]


@spec("RFC 9700", "2.1")
def test_a_consent_keeps_browser_network_and_what_was_proved_and_neither_address_nor_what_it_calls_itself(world, ada):
    agree(world, world.browser("alice"))
    told = consent_of(world, ada)["circumstances"]
    (proved,) = told.pop("proved")
    assert told == {"browser": "Firefox", "system": "Linux", "network": "127.0.0.0/24"}
    assert proved["by"] == "password"
    assert timezone.now() - datetime.fromisoformat(proved["at"]) < timedelta(minutes=10)
    with context.use(world.tenant):
        kept = Consent.objects.get()
    assert "rv:140" not in json.dumps(kept.circumstances)
    words = words_of(world, ada)
    assert "Where Firefox on Linux, from the network 127.0.0.0/24" in words
    assert "Proved who they are by Password," in words


@spec("RFC 9700", "2.1")
def test_of_each_way_to_prove_oneself_it_keeps_the_last_time(world, ada):
    alice = world.browser("alice")
    alice.go(world.url("/me/security/passkeys/add"))
    alice.submit(alice.form("/login/again"), {"password": PASSWORD})
    key = soft_key.add(world, alice)
    alice.go(world.url("/login/again/passkey"))
    soft_key.prove(alice, key)
    agree(world, alice)
    assert [each["by"] for each in consent_of(world, ada)["circumstances"]["proved"]] == ["password", "passkey"]
    words = words_of(world, ada)
    assert 0 < words.index("by Passkey, ") < words.index("Password, ")


@spec("RFC 8628", "3.3")
def test_a_consent_to_a_device_keeps_them_too(world, ada):
    device.start(world).decide()
    told = consent_of(world, ada)["circumstances"]
    assert (told["network"], [each["by"] for each in told["proved"]]) == ("127.0.0.0/24", ["password"])


def test_of_a_consent_of_before_nothing_is_said(world, ada):
    agree(world, world.browser("alice"))
    with context.use(world.tenant):
        Consent.objects.update(circumstances=None)
    words = words_of(world, ada)
    assert ("What the person was shown, and chose" in words, "Proved who" in words, "from the network" in words) == (
        True, False, False,
    )  # fmt: skip
    assert consent_of(world, ada)["circumstances"] is None
