"""Guessing user codes: one answer for every wrong one, and few tries, by person and by address (RFC 8628 §5.1)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.harness import device
from tests.harness.device import UNKNOWN, type_in
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import Credentials
from tests.spec import spec

WRONG = "BBBB-BBBB"


@pytest.fixture
def started(world):
    return device.start(world)


@pytest.fixture
def alice(world):
    browser = world.browser("alice")
    browser.go(world.url("/device"))
    return browser


def guess(browser, code=WRONG):
    """Type a code into a code page; return its status."""
    return type_in(browser, code).status_code


def without(browser, code):
    """Return the page but for the code in it and the form's own token."""
    form = dict(browser.form("/device").fields)
    return browser.page.text.replace(form["csrfmiddlewaretoken"], "").replace(code, "")


@spec("RFC 8628", "5.1")
@pytest.mark.parametrize("state", ["expired", "denied", "fetched", "bob's", "of another tenant"])
def test_unknown_and_over_and_somebody_else_s_codes_get_one_answer(world, elsewhere, alice, started, state):
    guess(alice)
    unknown = without(alice, WRONG)
    if state == "expired":
        world.rewrite(started.row(), expires=timezone.now() - timedelta(seconds=1))
    elif state == "denied":
        started.decide(decision="deny")
    elif state == "fetched":
        started.decide()
        assert started.poll().status_code == 200
    elif state == "bob's":
        started.opened("bob")
    else:
        started = device.start(elsewhere)
    with leaves_only(world):
        assert guess(alice, started.user_code) == 400
    assert UNKNOWN in alice.words()
    assert without(alice, started.user_code) == unknown


@spec("RFC 8628", "5.1")
@pytest.mark.parametrize("typed", ["", "x", "BBBB-BBB", "BBBB-BBBBB", "\x00", "é" * 8, "0" * 5000, "' OR 1=1 --"])
def test_what_is_no_code_at_all_gets_the_same_answer(world, alice, typed):
    with leaves_only(world):
        assert guess(alice, typed) == 400
    assert UNKNOWN in alice.words()


@spec("RFC 8628", "5.1")
def test_after_five_wrong_codes_a_person_waits_even_with_the_right_one(world, alice, started):
    page = alice.form("/device")
    assert [guess(alice) for _ in range(5)] == [400] * 5
    with leaves_only(world):
        alice.submit(page, {"user_code": started.user_code})
    assert alice.page.status_code == 429
    assert "Too many tries Nothing was changed. Go back and try again in 5 minutes." in alice.words()
    assert alice.page.headers["retry-after"] == "300"
    fresh = world.browser("alice")
    fresh.go(world.url("/device"))
    assert guess(fresh, started.user_code) == 429
    assert started.row().member_id is None


@spec("RFC 8628", "5.1")
def test_ten_wrong_codes_from_one_address_make_everybody_there_wait(world, alice, started):
    bob = world.browser("bob")
    bob.go(world.url("/device"))
    assert [guess(who) for who in (alice, bob) for _ in range(5)] == [400] * 10
    ada = world.browser("ada")
    ada.go(world.url("/device"))
    assert guess(ada, started.user_code) == 429


@spec("RFC 8628", "5.1")
def test_right_codes_do_not_count(world, alice):
    for _ in range(7):
        started = device.start(world)
        assert "Let Scout use Calendar for you?" in started.opened().words()
    assert guess(alice) == 400


@spec("RFC 8628", "5.1")
def test_guesses_at_one_moment_are_counted_like_those_one_after_the_other(world, alice):
    form = dict(alice.form("/device").fields)
    headers = {"Origin": world.origin, "Cookie": "; ".join(f"{n}={v}" for n, v in alice.http.cookies.items())}

    def press(_):
        sent = form | {"user_code": WRONG}
        return world.http.post(world.url("/device"), data=sent, headers=headers).status_code

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(press, range(12)))
    assert (found.count(400), found.count(429)) == (5, 7)


@spec("RFC 8628", "5.2")
def test_a_device_code_is_unknown_elsewhere_even_to_a_client_of_the_same_id(world, elsewhere, started):
    started.decide()
    twin = device.agent(elsewhere)
    elsewhere.rewrite(twin.client, client_id=started.who.id)
    twin.client.client_id = started.who.id
    there = device.Device(elsewhere, Credentials(twin.client), started.device_code, started.user_code, {})
    with leaves_only(world), leaves_only(elsewhere, "token.refused"):
        assert_refused(there.poll(), "invalid_grant")
    assert started.poll().status_code == 200
