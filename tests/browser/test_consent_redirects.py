"""The way from a form to the client: Chromium follows it under our content security policy, however many hops it has.

A `form-action` on a page that posts would cut the chain (architecture, CSP), and only Chromium does so.
"""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.stage import Stage, sign_in
from tests.browser.watching import watch
from tests.harness import callback
from tests.harness.world import PASSWORD
from tests.spec import spec

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("a person at a browser"),
    pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"]),
]


@pytest.fixture(scope="module")
def two_hops() -> Iterator[str]:
    """A redirect URI that sends the browser on to a second port."""
    with callback.listening() as second, callback.listening(further=second) as first:
        yield first


def arrived(page: Page, first: str, stage: Stage) -> dict[str, str]:
    """Return what came back, once the browser stands at the second port."""
    page.get_by_role("heading", name="Back at the agent").wait_for()
    assert not page.url.startswith(first.removesuffix("/callback"))
    answer = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert answer["iss"] == stage.lived_in.tenant.issuer
    return answer


@spec("RFC 6749", "4.1.2")
def test_signed_out_with_a_remembered_consent_the_sign_in_form_ends_at_the_client(stage, two_hops, scripts):
    world = stage.lived_in
    scout = world.public_client("Remembered")
    world.code(scout, redirect_uri=two_hops)
    page = stage.window(java_script_enabled=scripts)
    seen = watch(page)
    page.goto(stage.request_url(scout, redirect_uri=two_hops))
    sign_in(page, world.email("alice"))
    assert "code" in arrived(page, two_hops, stage)
    assert not seen.complaints
    page.context.close()


@spec("RFC 6749", "4.1.2")
def test_signed_out_with_no_consent_sign_in_and_consent_end_at_the_client(stage, two_hops, scripts):
    world = stage.lived_in
    scout = world.public_client("New here")
    page = stage.window(java_script_enabled=scripts)
    seen = watch(page)
    page.goto(stage.request_url(scout, redirect_uri=two_hops))
    sign_in(page, world.email("alice"))
    page.get_by_role("button", name="Allow until").click()
    assert "code" in arrived(page, two_hops, stage)
    assert not seen.complaints
    page.context.close()


@spec("RFC 6749", "4.1.2")
@pytest.mark.parametrize(("button", "member"), [("Allow until", "code"), ("Don't allow", "error")])
def test_signed_in_either_button_ends_at_the_client(stage, two_hops, scripts, button, member):
    scout = stage.lived_in.public_client("Asks")
    page = stage.window("alice", java_script_enabled=scripts)
    seen = watch(page)
    page.goto(stage.request_url(scout, redirect_uri=two_hops))
    page.get_by_role("button", name=button).click()
    assert member in arrived(page, two_hops, stage)
    assert not seen.complaints
    page.context.close()


@spec("OIDC", "3.1.2.1")
def test_signing_in_again_on_request_ends_at_the_client(stage, two_hops, scripts):
    world = stage.lived_in
    scout = world.public_client("Careful")
    world.code(scout, redirect_uri=two_hops)
    page = stage.window("alice", java_script_enabled=scripts)
    seen = watch(page)
    page.goto(stage.request_url(scout, redirect_uri=two_hops, prompt="login"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    assert "code" in arrived(page, two_hops, stage)
    assert not seen.complaints
    page.context.close()


def test_signing_in_alone_ends_on_ones_own_page(stage, scripts):
    page = stage.window(java_script_enabled=scripts)
    seen = watch(page)
    page.goto(stage.lived_in.url("/login"))
    sign_in(page, stage.lived_in.email("alice"))
    page.get_by_role("heading", name="Agents acting for you").wait_for()
    assert not seen.complaints
    page.context.close()
