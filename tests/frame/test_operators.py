"""The operators' admin: every tenant to look at, nothing to touch."""

import secrets

import pytest

from agents.models import Client
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from tenants.models import User
from tests.harness.browser import Browser
from tests.harness.world import PASSWORD, World, hashed_password
from tokens import actions as token_actions
from tokens.models import SigningKey

PLACE = "/operators-of-tests"
PAGES = (
    "tenants/tenant", "tenants/user", "tenants/membership", "tenants/resourceserver", "agents/agent", "agents/client",
    "delegations/delegation", "tokens/signingkey", "audit/entry",
)  # fmt: skip


def signed_in(world: World, *, is_staff: bool = True) -> Browser:
    email = f"operator-{secrets.token_hex(4)}@remit.example"
    User.objects.create(email=email, password=hashed_password(), is_staff=is_staff)
    browser = Browser(world.origin)
    world.browsers.append(browser)
    browser.go(f"{world.origin}{PLACE}/login/")
    browser.submit(browser.form("/login/"), {"username": email, "password": PASSWORD})
    return browser


@pytest.mark.parametrize("page", PAGES)
def test_an_operator_sees_what_is_there_in_every_tenant(world, elsewhere, page):
    for each in (world, elsewhere):
        each.grant(each.public_client())
    browser = signed_in(world)
    listing = browser.go(f"{world.origin}{PLACE}/{page}/")
    assert listing.status_code == 200
    if page != "tenants/user":
        searched = browser.go(f"{world.origin}{PLACE}/{page}/?q={world.tenant.slug}")
        assert searched.status_code == 200


def test_active_delegations_stand_first(world):
    first, second = world.public_client("First"), world.public_client("Second")
    world.grant(first)
    world.grant(second)
    with context.use(world.tenant):
        ended = Delegation.objects.get(client=second.client)
        token_actions.end_delegation(ended, by=SYSTEM, reason="a test")
        alive = Delegation.objects.get(client=first.client)
    text = signed_in(world).go(f"{world.origin}{PLACE}/delegations/delegation/?q={world.tenant.slug}").text
    assert text.index(alive.pk) < text.index(ended.pk)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_can_be_added_changed_or_deleted(world, page):
    browser = signed_in(world)
    assert browser.go(f"{world.origin}{PLACE}/{page}/add/").status_code == 403
    listing = browser.go(f"{world.origin}{PLACE}/{page}/").text
    assert "addlink" not in listing
    assert "deletelink" not in listing


def test_a_key_shows_its_public_part_alone_and_a_client_no_secret(world):
    client = world.secret_client().client
    with context.use(world.tenant):
        key = SigningKey.objects.filter(status="active").first()
        stored = Client.objects.get(pk=client.pk).client_secret
    browser = signed_in(world)
    shown = browser.go(f"{world.origin}{PLACE}/tokens/signingkey/{key.pk}/change/")
    assert shown.status_code == 200
    assert key.kid in shown.text
    assert key.sealed_private not in shown.text
    shown = browser.go(f"{world.origin}{PLACE}/agents/client/{client.pk}/change/")
    assert shown.status_code == 200
    assert stored not in shown.text


def test_an_ordinary_person_is_not_let_in(world):
    browser = signed_in(world, is_staff=False)
    assert "/login/" in str(browser.go(f"{world.origin}{PLACE}/tenants/tenant/").url)


def test_a_tenants_admin_is_not_an_operator(world):
    browser = world.browser("ada")
    assert "/login/" in str(browser.go(f"{world.origin}{PLACE}/").url)


def test_the_admin_is_nowhere_else(world):
    for place in ("/admin/", "/operators/", f"/t/{world.tenant.slug}{PLACE}/"):
        assert world.http.get(f"{world.origin}{place}").status_code == 404
