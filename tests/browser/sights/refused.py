"""Pages that say no, and the one before any tenant."""

from playwright.sync_api import Page

from audit.principals import SYSTEM
from tenants import pausing
from tests.browser.sight import Arrive, Sight, at, go
from tests.browser.stage import Stage, say_who
from tests.harness import domains
from tokens import stops


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


def _outside(path: str) -> Arrive:
    return lambda stage, page: go(page, f"{stage.lived_in.origin}{path}")


SIGHTS = (
    Sight("paused", _paused, "ada", is_empty=True, status=503),
    Sight("console-forbidden", at("/console/agents"), "alice", status=403),
    Sight("not-found", at("/nothing-here"), "alice", status=404),
    Sight("not-found-outside", _outside("/t/no-such-tenant-here/login"), status=404),
    Sight("forged-form", _forged_form, status=403),
    Sight("welcome", _outside("/")),
)
