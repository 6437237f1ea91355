"""How somebody comes in: sign-in in its steps, an invitation, and out again."""

from playwright.sync_api import Page

from audit.principals import SYSTEM
from kit import context
from tenants import actions, logo, members
from tests.browser.sight import Sight, at
from tests.browser.stage import Stage, say_who, sign_in
from tests.harness import company, pictures
from tests.harness.signing_in import cookie
from tests.harness.world import PASSWORD, make


def _second_step(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login"))
    say_who(page, stage.lived_in.email("bob"))
    page.get_by_label("Password").wait_for()


def _second_step_with_a_company(stage: Stage, page: Page) -> None:
    """Say an e-mail whose domain a company signs in, where its button and the password are."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    company.let_sign_in_at(world, "https://accounts.initech.example", "remit", "x", email_domains=["initech.example"])
    page.goto(world.url("/login"))
    say_who(page, "peter@initech.example")
    page.get_by_role("link", name=company.NAME).wait_for()


def _wrong_password(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login"))
    sign_in(page, stage.lived_in.email("bob"), "not the password")
    page.get_by_role("alert").wait_for()


def _wrong_password_again(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login/again"))
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("Incorrect password.").wait_for()


def _signed_out_meanwhile(stage: Stage, page: Page) -> None:
    """Lose the session while a denial is typed, and come back to it."""
    world = stage.lived_in
    page.goto(world.url("/login"))
    sign_in(page, world.email("ada"), PASSWORD)
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(world.url("/console/approvals"))
    page.context.clear_cookies(name=cookie(world.tenant))
    card = page.locator("article").first
    card.locator("summary", has_text="Deny").click()
    card.get_by_label("Own words").fill("Nobody here knows who runs it.")
    card.locator("form[action*='/deny'] button").click()
    sign_in(page, world.email("ada"), PASSWORD)
    page.get_by_text("You were signed out meanwhile.").wait_for()


def _unknown_domain(stage: Stage, page: Page) -> None:
    """Say an e-mail whose domain no company sign-in has, where there is one of another."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    company.let_sign_in_at(world, "https://accounts.initech.example", "remit", "x", email_domains=["initech.example"])
    page.goto(world.url("/login"))
    say_who(page, "peter@initrode.example")
    page.get_by_text("No password?").click()


def _coloured(stage: Stage, page: Page) -> None:
    """Look at the sign-in of a tenant with a colour and a logo of its own."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    logo.set_logo(world.tenant, pictures.picture(), by=SYSTEM)
    actions.change_policy(world.tenant, by=SYSTEM, accent="#7a1f5c")
    page.goto(world.url("/login"))


def _invitation(stage: Stage, page: Page) -> None:
    letters: list[str] = []
    world = stage.lived_in
    with context.use(world.tenant):
        members.invite(
            "linus@elsewhere.example", "auditor", by=world.people["ada"], tell=lambda _, secret: letters.append(secret)
        )
    page.goto(world.url(f"/invitation/{letters[0]}"))


SIGHTS = (
    Sight("sign-in", at("/login")),
    Sight("sign-in-password", _second_step),
    Sight("sign-in-company", _second_step_with_a_company),
    Sight("sign-in-unknown-domain", _unknown_domain),
    Sight("sign-in-refused", _wrong_password),
    Sight("signed-out-meanwhile", _signed_out_meanwhile),
    Sight("nothing-read", at("/console/settings/change"), status=405),
    Sight("sign-in-again", at("/login/again"), "alice"),
    Sight("sign-in-again-refused", _wrong_password_again, "bob"),
    Sight("sign-out", at("/logout"), "alice"),
    Sight("sign-up-closed", at("/signup")),
    Sight("login-coloured", _coloured),
    Sight("invitation", _invitation),
)
