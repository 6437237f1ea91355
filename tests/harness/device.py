"""A device and the person in front of it: what one asks and polls for, and what the other types and presses."""

from dataclasses import dataclass
from typing import Any

import httpx

from kit import context, opaque
from kit.oauth import GrantType
from tests.harness.browser import Browser
from tests.harness.world import Credentials, World
from tokens.models import DeviceGrant

GRANTS = [GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value, GrantType.DEVICE_CODE.value]
UNKNOWN = "Nothing waits under this code"


@dataclass
class Device:
    """One request of a device, and the agent on it."""

    world: World
    who: Credentials
    device_code: str
    user_code: str
    answer: dict[str, Any]

    # --- the device
    def poll(self, *, who: Credentials | None = None, **changes: Any) -> httpx.Response:
        form = {"grant_type": GrantType.DEVICE_CODE.value, "device_code": self.device_code}
        return self.world.token(who or self.who, {**form, **changes})

    # --- the person
    def opened(self, person: str = "alice") -> Browser:
        """Return a browser in which this person typed the code in."""
        browser = self.world.browser(person)
        browser.go(self.world.url("/device"))
        type_in(browser, self.user_code)
        return browser

    def decide(self, person: str = "alice", decision: str = "allow", **fill: Any) -> Browser:
        """Return a browser in which this person typed the code in and pressed a button."""
        browser = self.opened(person)
        browser.submit(browser.form("/device/decision"), {"decision": decision, **fill})
        return browser

    # --- looking behind
    def row(self) -> DeviceGrant:
        with context.use(self.world.tenant):
            return DeviceGrant.objects.get(device_code=opaque.digest(self.device_code))


def type_in(browser: Browser, code: str, **fill: str) -> httpx.Response:
    """Type a code into the page that is open."""
    return browser.submit(browser.form("/device"), {"user_code": code, **fill})


def agent(world: World, **document: Any) -> Credentials:
    """Register an agent that may ask from a device."""
    return world.public_client(**{"grant_types": GRANTS, **document})


def ask(world: World, who: Credentials, **changes: Any) -> httpx.Response:
    """POST to /device_authorization as this client; a field set to None is left out, a list repeats it."""
    agent_name = changes.pop("user_agent", "remit-cli/2.1 (Linux)")
    form = {"scope": "events:read", "resource": world.calendar.identifier, **changes}
    if not who.secret:
        form = {"client_id": who.id, **form}
    present = {name: value for name, value in form.items() if value is not None}
    headers = {"User-Agent": agent_name}
    return world.http.post(world.url("/device_authorization"), data=present, auth=who.basic, headers=headers)


def start(world: World, who: Credentials | None = None, **changes: Any) -> Device:
    """Start a device's request."""
    who = who or agent(world)
    response = ask(world, who, **changes)
    assert response.status_code == 200, response.text
    answer = response.json()
    return Device(world, who, answer["device_code"], answer["user_code"], answer)
