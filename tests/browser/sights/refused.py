"""Pages that say no, and the one before any tenant."""

from playwright.sync_api import Page

from audit.principals import SYSTEM
from remit import outage_pages, outages
from tenants import pausing
from tests.browser.sight import Arrive, Sight, at, go
from tests.browser.stage import Stage, say_who
from tests.harness import domains, front
from tokens import stops

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
    Sight("console-role-lacking", _as("developer", "/console/members"), "bob", status=403),
    Sight("console-agents-looked-at", _as("auditor", "/console/agents"), "bob"),
    Sight("not-found", at("/nothing-here"), "alice", status=404),
    Sight("not-found-outside", _outside("/t/no-such-tenant-here/login"), status=404),
    Sight("forged-form", _forged_form, status=403),
    Sight("broken", _broken, status=500),
    Sight("broken-file", _down(500), status=500),
    Sight("down-file", _down(502), status=502),
    Sight("welcome", _outside("/")),
)
