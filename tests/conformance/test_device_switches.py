"""Where device codes are good: nowhere, in a tenant's own networks, or anywhere; and for what they never are."""

import secrets

import pytest

from audit.events import Event
from audit.principals import SYSTEM
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tenants.errors import Unusable
from tenants.models import Tenant
from tenants.rules import takes_device_codes
from tests.harness import device, inside
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.spec import spec
from tokens.opening import open_tenant

NOT_TAKEN = "Codes from devices are not taken here"
HERE, ELSEWHERE = ["127.0.0.0/8"], ["192.0.2.0/24"]


def switch(world, **policy):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, **policy)


def metadata(world):
    return inside.get(world, "/.well-known/openid-configuration").json()


@spec("RFC 8628", "5.4")
def test_a_new_tenant_takes_none_and_does_not_say_that_it_does(world):
    fresh = open_tenant(f"t-{secrets.token_hex(6)}", "Fresh", by=SYSTEM)
    assert (fresh.device_codes, fresh.trusted_networks) == ("off", [])
    assert GrantType.DEVICE_CODE in metadata(world)["grant_types_supported"]
    switch(world, device_codes="off")
    assert GrantType.DEVICE_CODE not in metadata(world)["grant_types_supported"]
    assert "device_authorization_endpoint" not in metadata(world)


@spec("RFC 8628", "5.4")
def test_what_was_started_and_allowed_before_it_was_switched_off_buys_nothing(world):
    waiting, allowed = device.start(world), device.start(world)
    browser = waiting.opened()
    allowed.decide("bob")
    switch(world, device_codes="off")
    form = {"grant_type": GrantType.DEVICE_CODE.value, "client_id": allowed.who.id}
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = inside.post(world, "/token", {**form, "device_code": allowed.device_code})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(allowed.poll(), "unsupported_grant_type")
    asked = inside.post(world, "/device_authorization", {"client_id": allowed.who.id})
    assert (asked.status_code, asked.json()) == (404, {"error": "not_found"})
    browser.submit(browser.form("/device/decision"), {"decision": "allow"})
    assert NOT_TAKEN in browser.words()
    assert [each.subject for each in world.delegations()] == [world.people["bob"].pk]


@spec("RFC 8628", "5.4")
@pytest.mark.parametrize(("networks", "is_inside"), [(HERE, True), (ELSEWHERE, False), ([], False)])
def test_codes_are_started_and_typed_in_inside_the_named_networks_alone(world, networks, is_inside):
    who = device.agent(world)
    switch(world, device_codes="trusted", trusted_networks=networks)
    page = world.browser("alice")
    page.go(world.url("/device"))
    assert (NOT_TAKEN in page.words()) != is_inside
    form = {"client_id": who.id, "scope": "events:read", "resource": world.calendar.identifier}
    answer = inside.post(world, "/device_authorization", form)
    assert answer.status_code == (200 if is_inside else 400)
    if not is_inside:
        assert answer.json()["error"] == "access_denied"
        assert "networks" in answer.json()["error_description"]
        (told,) = world.entries(Event.AUTHORIZATION_REFUSED)
        assert told.reason == "started from 127.0.0.1"


@spec("RFC 8628", "5.4")
@pytest.mark.parametrize(
    ("mode", "networks", "address", "is_taken"),
    [
        ("anywhere", [], "203.0.113.9", True),
        ("anywhere", [], "", True),
        ("off", ["0.0.0.0/0"], "203.0.113.9", False),
        ("trusted", ["203.0.113.0/24"], "203.0.113.9", True),
        ("trusted", ["203.0.113.0/24"], "203.0.114.9", False),
        ("trusted", ["198.51.100.0/24", "203.0.113.9/32"], "203.0.113.9", True),
        ("trusted", ["203.0.113.0/24"], "::ffff:203.0.113.9", True),
        ("trusted", ["2001:db8::/32"], "2001:db8::9", True),
        ("trusted", ["2001:db8::/32"], "2001:db9::9", False),
        ("trusted", ["0.0.0.0/0"], "2001:db8::9", False),
        ("trusted", ["0.0.0.0/0"], "", False),
        ("trusted", ["0.0.0.0/0"], "unix:", False),
        ("trusted", [], "127.0.0.1", False),
    ],
)
def test_an_address_is_in_a_network_or_it_is_not(mode, networks, address, is_taken):
    assert takes_device_codes(Tenant(device_codes=mode, trusted_networks=networks), address) is is_taken


@pytest.mark.parametrize(
    "policy",
    [
        {"device_codes": "yes"},
        {"trusted_networks": ["everywhere"]},
        {"trusted_networks": ["192.0.2.1"]},
        {"trusted_networks": ["192.0.2.1/24"]},
        {"trusted_networks": ["192.0.2.0/33"]},
        {"trusted_networks": [7]},
        {"trusted_networks": "192.0.2.0/24"},
    ],
    ids=str,
)
def test_a_switch_that_says_nothing_is_refused(world, policy):
    with leaves_only(world), pytest.raises(Unusable):
        switch(world, **policy)


@spec("RFC 8628", "5.4")
@pytest.mark.parametrize(
    ("scope", "status"), [("self:read", 200), ("approvals:decide", 400), ("self:read trust:write", 400)]
)
def test_a_code_from_a_device_never_lets_anybody_look_after_the_tenant(world, scope, status):
    answer = device.ask(world, device.agent(world), scope=scope, resource=world.tenant.api_identifier)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["error"] == "invalid_scope"
