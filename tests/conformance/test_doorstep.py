"""`/t/`: which tenants a browser is signed in to, and where else its people have a place; each asks for itself."""

import pytest
from django.conf import settings

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.footprint import leaves_only
from tests.spec import spec


@pytest.fixture
def both(world, elsewhere):
    """Ada of the one tenant, with a place in the other, where somebody waits for a decision."""
    elsewhere.tenant = tenant_actions.change_policy(elsewhere.tenant, by=SYSTEM, registration="admission")
    elsewhere.public_client("Newcomer")
    with context.use(elsewhere.tenant):
        return tenant_actions.add_member(world.people["ada"].user, "approver", by=SYSTEM)


def links(page):
    return {line.split('"')[0] for line in page.text.split('<a href="')[1:] if "/t/" in line.split('"')[0]}


@spec("RFC 9700", "2.1")
def test_whoever_is_signed_in_somewhere_reads_their_tenants_with_role_and_what_waits(world, elsewhere, both):
    ada = world.browser("ada")
    with leaves_only(world):
        page = ada.go(f"{world.origin}/t/")
    assert (page.status_code, "no-store" in page.headers["Cache-Control"]) == (200, True)
    assert links(page) == {world.url("/console"), elsewhere.url("/console")}
    assert f"{elsewhere.tenant.name} Approver · 1 waits" in ada.words()
    without = ada.go(f"{world.origin}/t")
    assert str(without.url) == f"{world.origin}/t/"


@spec("RFC 9700", "2.1")
def test_somebody_with_one_place_reads_that_one(world):
    alice = world.browser("alice")
    assert links(alice.go(f"{world.origin}/t/")) == {world.url("/me/agents")}


@spec("RFC 9700", "2.1")
def test_whoever_is_signed_in_nowhere_learns_of_no_tenant(world, both):
    nobody = world.browser()
    page = nobody.go(f"{world.origin}/t/")
    assert (page.status_code, links(page)) == (200, set())
    assert "In this browser you are signed in to no organisation." in nobody.words()
    assert world.tenant.name not in page.text


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("change", ["moved to another tenant", "lost their place", "signed out", "made up"])
def test_a_cookie_that_opens_nothing_names_nothing(world, elsewhere, both, change):
    ada, name = world.browser("ada"), f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    key = ada.http.cookies[name]
    assert links(ada.go(f"{world.origin}/t/")) == {world.url("/console"), elsewhere.url("/console")}
    if change == "moved to another tenant":
        ada.http.cookies.clear()
        ada.http.cookies.set(f"{settings.SESSION_COOKIE_NAME}-{elsewhere.tenant.slug}", key)
    elif change == "lost their place":
        world.rewrite(world.people["ada"], status="suspended")
    elif change == "signed out":
        ada.go(world.url("/logout"))
        ada.submit(ada.form("/logout"))
        ada.http.cookies.set(name, key)
    else:
        ada.http.cookies.clear()
        ada.http.cookies.set(name, "a" * len(key))
    assert links(ada.go(f"{world.origin}/t/")) == set()


@spec("RFC 9110", "15.5.5")
@pytest.mark.parametrize("path", ["/t/no-such-tenant", "/t//", "/t/x"])
def test_what_is_below_and_no_tenant_stays_a_404(world, path):
    assert world.http.get(f"{world.origin}{path}").status_code == 404
