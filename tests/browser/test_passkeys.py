"""Passkeys in Chromium, with an authenticator that Chromium plays itself."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.browser.authenticators import Tab
from tests.harness.world import PASSWORD, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("factors")]
REFUSAL = "This passkey does not open an account here"
NOBODY_LOOKS_AT_THE_LIST = """
const get = navigator.credentials.get.bind(navigator.credentials);
navigator.credentials.get = (asked) => {
  if (asked.mediation !== "conditional") return window.isListed ? Promise.reject(new Error("two at once")) : get(asked);
  window.isListed = true;
  document.documentElement.toggleAttribute("data-listed", true);
  asked.signal.addEventListener("abort", () => { window.isListed = false; });
  return new Promise(() => {});
};
"""


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    context = chromium.new_context()
    yield Tab(context.new_page())
    context.close()


def sign_in(world: World, tab: Tab, name: str = "alice") -> None:
    tab.page.goto(world.url("/login"))
    tab.page.get_by_label("E-mail").fill(world.email(name))
    tab.press("Go on")
    tab.page.get_by_label("Password").fill(PASSWORD)
    tab.press("Sign in")


def add_passkey(world: World, tab: Tab, name: str = "Laptop") -> None:
    tab.page.goto(world.url("/me/security/passkeys/add"))
    if "/login/again" in tab.page.url:
        tab.page.get_by_label("Password").fill(PASSWORD)
        tab.press("Sign in")
    tab.page.get_by_label("Name").fill(name)
    tab.press("Add the passkey")


def sign_out(world: World, tab: Tab) -> None:
    tab.page.goto(world.url("/logout"))
    tab.press("Sign out")


def use_passkey(world: World, tab: Tab) -> None:
    tab.page.goto(world.url("/login"))
    tab.press("Sign in with a passkey")


def methods(world: World, event: str) -> list[list[str]]:
    return [entry.detail["methods"] for entry in world.entries(event)]


@pytest.fixture
def at_the_door(world: World, tab: Tab) -> Tab:
    """Alice's browser, which keeps a passkey of hers, signed out."""
    tab.has_authenticator()
    sign_in(world, tab)
    add_passkey(world, tab)
    sign_out(world, tab)
    return tab


def test_a_person_adds_a_passkey_signs_out_and_signs_in_with_it_alone(world, at_the_door):
    use_passkey(world, at_the_door)

    assert at_the_door.page.url == world.url("/me/agents")
    assert methods(world, "login.ok") == [["password"], ["passkey"]]
    added = {(entry.detail["factor"], entry.detail["name"]) for entry in world.entries("factor.added")}
    assert added == {("webauthn", "Laptop"), ("recovery_codes", "")}
    assert at_the_door.seen.complaints == []


def test_a_passkey_is_offered_where_the_e_mail_is_typed_and_the_button_asks_as_before(world, tab):
    authenticator = tab.has_authenticator(lists_passkeys=True)
    sign_in(world, tab)
    add_passkey(world, tab)
    authenticator.hesitates()
    sign_out(world, tab)
    assert tab.page.get_by_label("E-mail").get_attribute("autocomplete") == "username webauthn"
    tab.page.goto(world.url("/signup"))  # What waits on the page of the sign-in is over with it.
    authenticator.agrees()
    tab.page.goto(world.url("/login"), wait_until="commit")
    tab.page.wait_for_url(world.url("/me/agents"))

    tab.page.add_init_script(NOBODY_LOOKS_AT_THE_LIST)
    sign_out(world, tab)
    tab.page.goto(world.url("/login"))
    tab.page.locator("html[data-listed]").wait_for()
    tab.press("Sign in with a passkey")

    assert tab.page.url == world.url("/me/agents")
    assert methods(world, "login.ok") == [["password"], ["passkey"], ["passkey"]]
    assert tab.seen.complaints == []


def test_a_browser_marks_the_passkey_that_was_used_last(world, at_the_door):
    at_the_door.page.goto(world.url("/login"))
    assert not at_the_door.page.get_by_text("Used last in this browser.").is_visible()
    use_passkey(world, at_the_door)
    sign_out(world, at_the_door)

    at_the_door.page.goto(world.url("/login"))

    assert at_the_door.page.locator("form[data-passkey]").get_by_text("Used last in this browser.").is_visible()


def test_a_sign_in_with_a_passkey_goes_on_to_what_was_asked_for(world, at_the_door):
    at_the_door.page.goto(world.url("/me/agents/past"))
    at_the_door.press("Sign in with a passkey")

    assert at_the_door.page.url == world.url("/me/agents/past")


def test_an_agent_that_asks_for_a_new_sign_in_gets_one_with_the_passkey(world, at_the_door):
    scout = world.public_client()
    use_passkey(world, at_the_door)
    at_the_door.page.goto(world.authorize_url(scout, "x" * 43, prompt="login"))
    assert "/login/again/passkey" in at_the_door.page.url

    at_the_door.press("Use your passkey")

    assert "/authorize" in at_the_door.page.url
    assert methods(world, "login.again")[-1] == ["passkey"]


def test_after_the_password_the_passkey_is_asked_for(world, at_the_door):
    sign_in(world, at_the_door)
    assert at_the_door.page.url == world.url("/login/second-factor")
    at_the_door.page.goto(world.url("/me/agents"))
    assert "/login/second-factor" in at_the_door.page.url

    at_the_door.press("Use your passkey")

    assert at_the_door.page.url == world.url("/me/agents")
    assert methods(world, "login.ok")[-1] == ["password", "passkey"]


def test_the_passkey_of_a_person_without_a_place_here_is_refused_as_an_unknown_one_is(world, elsewhere, at_the_door):
    use_passkey(elsewhere, at_the_door)
    without_a_place = at_the_door.page.locator("main").inner_text()
    with context.use(elsewhere.tenant):
        tenant_actions.add_member(world.people["alice"].user, "member", by=SYSTEM)
    use_passkey(elsewhere, at_the_door)

    assert REFUSAL in without_a_place
    assert at_the_door.page.url == elsewhere.url("/me/agents")
    assert methods(elsewhere, "login.ok") == [["passkey"]]


def test_a_passkey_that_was_removed_is_refused(world, at_the_door):
    use_passkey(world, at_the_door)
    at_the_door.page.goto(world.url("/me/security"))
    at_the_door.page.get_by_role("link", name="Remove Laptop").click()
    at_the_door.press("Use your passkey")
    at_the_door.press("Remove the passkey")
    assert {entry.detail["factor"] for entry in world.entries("factor.removed")} == {"webauthn", "recovery_codes"}
    sign_out(world, at_the_door)

    use_passkey(world, at_the_door)

    assert REFUSAL in at_the_door.page.locator("main").inner_text()
    assert methods(world, "login.refused") == [["passkey"]]
    at_the_door.page.goto(world.url("/me/agents"))
    assert "/login" in at_the_door.page.url


def test_a_place_that_was_closed_is_closed_to_the_passkey_too(world, at_the_door):
    with context.use(world.tenant):
        tenant_actions.suspend_member(world.people["alice"], by=SYSTEM, reason="left")

    use_passkey(world, at_the_door)

    assert REFUSAL in at_the_door.page.locator("main").inner_text()


def test_a_passkey_whose_person_does_not_prove_themselves_is_refused(world, tab):
    authenticator = tab.has_authenticator()
    sign_in(world, tab)
    add_passkey(world, tab)
    sign_out(world, tab)
    authenticator.does_not_know_its_person()
    tab.page.goto(world.url("/login"))

    tab.page.get_by_role("button", name="Sign in with a passkey").click()

    tab.page.get_by_text("No passkey was used. Try again.").wait_for()


def test_an_answer_opens_one_session_once(world, at_the_door):
    at_the_door.page.goto(world.url("/login"))
    with at_the_door.page.expect_request(lambda request: request.method == "POST") as sent:
        at_the_door.press("Sign in with a passkey")
    answer = json.loads(dict(sent.value.post_data_json)["credential"])
    browser = world.browser()
    browser.http.get(world.url("/login/passkey"), headers={"Accept": "application/json"})
    browser.go(world.url("/login"))

    page = browser.submit(browser.form("/login/passkey"), {"credential": json.dumps(answer)})

    assert REFUSAL in page.text


def test_a_device_that_has_a_passkey_already_is_told_so(world, tab):
    tab.has_authenticator()
    sign_in(world, tab)
    add_passkey(world, tab)
    tab.page.goto(world.url("/me/security/passkeys/add"))

    tab.page.get_by_role("button", name="Add the passkey").click()

    tab.page.get_by_text("This device has a passkey for you here already.").wait_for()


def test_a_browser_that_cannot_use_passkeys_says_so_in_words(world, tab):
    tab.page.add_init_script("delete window.PublicKeyCredential")
    tab.page.goto(world.url("/login"))

    assert tab.page.get_by_text("This browser cannot use passkeys at this address.").is_visible()
    assert not tab.page.get_by_role("button", name="Sign in with a passkey").is_visible()
