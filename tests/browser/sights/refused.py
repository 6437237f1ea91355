"""Pages that say no, and the one before any tenant."""

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from audit.models import Inspection
from audit.principals import SYSTEM
from kit import context
from remit import outage_pages, outages
from tenants import pausing
from tests.browser.sight import Arrive, Sight, at, go
from tests.browser.stage import Stage, say_who, sign_in
from tests.harness import company, domains, front
from tests.harness.world import make
from tokens import stops
from trust import actions as trust_actions

_HEADERS = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": outages.ALONE}


def _paused(stage: Stage, page: Page) -> None:
    """Look at a paused tenant as one of its admins; it is served again for the next who look."""
    tenant = stage.empty.tenant
    stops.pause_tenant(tenant, by=SYSTEM, name=tenant.name, reason="An agent writes where it should read: we look.")
    try:
        domains.wait()
        page.goto(stage.empty.url("/"))
    finally:
        pausing.resume_tenant(tenant, by=SYSTEM)
        domains.wait()


def _forged_form(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login"))
    page.context.clear_cookies()
    say_who(page, "x@example.com")
    page.get_by_role("heading", name="This form is too old to send").wait_for()


def _too_large(stage: Stage, page: Page) -> None:
    """Send a form that holds more than is read."""
    page.goto(stage.lived_in.url("/login"))
    page.get_by_label("E-mail").evaluate("field => { field.type = 'text'; field.value = 'x'.repeat(70000) }")
    page.get_by_role("button", name="Go on", exact=True).click()
    page.get_by_role("heading", name="That is more than we read at once").wait_for()


def _too_often(stage: Stage, page: Page) -> None:
    """Prove who one is wrongly until it counts no more; by somebody whom no other page is looked at by."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    page.goto(world.url("/login"))
    sign_in(page, world.email("bob"))
    page.wait_for_url("**/me/agents")
    page.goto(world.url("/login/again"))
    while page.get_by_label("Password").count():
        page.get_by_label("Password").fill("not it")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_load_state()


def _tampered(stage: Stage, page: Page) -> None:
    """Look at the activity of a tenant whose chain was found not to hold; what others count is whole again then."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    found = {"broken_at": 3, "why": "an entry is not what was sealed", "reached": 2, "reached_at": timezone.now()}
    broken = Inspection.unscoped.using(settings.OPERATOR_ALIAS).create(
        tenant_id=world.tenant.pk, began_at=timezone.now(), digest="0" * 64, **found
    )
    page.goto(world.url("/login"))
    sign_in(page, world.email("ada"))
    page.wait_for_url("**/me/agents")
    page.goto(world.url("/console/activity"))
    page.get_by_text("does not hold").wait_for()
    broken.delete(using=settings.OPERATOR_ALIAS)


def _company(*, is_off: bool = False, query: str = "") -> Arrive:
    """Set out to a company sign-in where none answers, or that was switched off."""

    def arrive(stage: Stage, page: Page) -> None:
        world = make(stage.lived_in.origin, stage.lived_in.http)
        provider = company.let_sign_in_at(world, "https://accounts.initech.example", "remit", "x")
        if is_off:
            with context.use(world.tenant):
                trust_actions.change_issuer(provider.issuer, by=SYSTEM, is_enabled=False)
        page.goto(world.url(f"/login/company?{query or f'at={provider.pk}'}"))

    return arrive


def _broken(stage: Stage, page: Page) -> None:
    """Look at what we answer where a page fell over, with the style that the server has for it."""
    url = stage.lived_in.url("/me/agents")
    said = outage_pages.answered(500, language="en-gb", reference="req_01k9x2v7d3m8q4t6w0y5z1b2n7")
    page.route(url, lambda route: route.fulfill(status=500, body=said, headers=_HEADERS))
    page.goto(url)


def _down(status: int) -> Arrive:
    """Look at what a proxy has in our place."""

    def arrive(stage: Stage, page: Page) -> None:
        with front.standing(status, outage_pages.filed(status)) as origin:
            page.goto(f"{origin}/t/acme/me/agents")

    return arrive


def _as(role: str, path: str) -> Arrive:
    """Open an address as somebody who has another role for so long."""

    def arrive(stage: Stage, page: Page) -> None:
        bob = stage.lived_in.people["bob"]
        stage.lived_in.rewrite(bob, role=role)
        page.goto(stage.lived_in.url(path))
        stage.lived_in.rewrite(bob, role="member")

    return arrive


def _outside(path: str) -> Arrive:
    return lambda stage, page: go(page, f"{stage.lived_in.origin}{path}")


SIGHTS = (
    Sight("paused", _paused, "ada", is_empty=True, status=503),
    Sight("console-forbidden", at("/console/agents"), "alice", status=403),
    Sight("tenants", _outside("/t/"), "ada"),
    Sight("tenants-none", _outside("/t/")),
    Sight("console-role-lacking", _as("developer", "/console/members"), "bob", status=403),
    Sight("console-agents-looked-at", _as("auditor", "/console/agents"), "bob"),
    Sight("not-found", at("/nothing-here"), "alice", status=404),
    Sight("not-found-outside", _outside("/t/no-such-tenant-here/login"), status=404),
    Sight("forged-form", _forged_form, status=403),
    Sight("too-large", _too_large, status=413),
    Sight("too-often", _too_often, status=429),
    Sight("console-activity-tampered", _tampered),
    Sight("company-away", _company(), status=502),
    Sight("company-off", _company(is_off=True), status=400),
    Sight("company-unknown", _company(query="email=peter@nowhere.example"), status=400),
    Sight("broken", _broken, status=500),
    Sight("broken-file", _down(500), status=500),
    Sight("down-file", _down(502), status=502),
    Sight("welcome", _outside("/")),
)
