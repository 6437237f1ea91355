"""What a tenant's own provider makes opens that tenant alone: accounts, passkeys, and what they become later."""

import importlib
import time
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connections, transaction

from audit.principals import SYSTEM
from kit import context
from tenants.models import Membership, User
from tests.conformance.test_company_sign_in import arrives, members_of, signed_in
from tests.conformance.test_invitations import link_to
from tests.conformance.test_resources_api import asker
from tests.harness import company, soft_key
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec
from trust import actions as trust_actions

pytestmark = pytest.mark.interop
migration = importlib.import_module("tenants.migrations.0026_accounts_find_home")


def comes(world, initech, provider, subject, **claims):
    """Return the browser of somebody whose company had them sign in just now."""
    return arrives(world, initech, provider, subject, name=subject.title(), auth_time=int(time.time()), **claims)


def provider_at(world, initech, **fields):
    return company.let_sign_in_at(world, initech.url, "remit", "a-secret-there", **fields)


def takes_place(world, address, role="admin"):
    """Return the browser of whoever reads mail at an address, on the page of their invitation."""
    made = asker(world, "ada", "members:read members:write")("POST", "/invitations", {"email": address, "role": role})
    assert made.status_code == 201, made.text
    browser = world.browser()
    browser.go(link_to(address))
    return browser


def opens_console(world, browser):
    return browser.go(world.url("/console/members")).status_code == 200 and "/login" not in str(browser.page.url)


@spec("RFC 9700", "2.1")
def test_an_account_that_a_tenants_provider_made_takes_no_place_that_another_keeps_for_its_address(
    world, elsewhere, initech
):
    victim, domain = f"ceo@{world.tenant.slug}.example", f"{world.tenant.slug}.example"
    hers = provider_at(elsewhere, initech, email_domains=[domain])
    mallory = comes(elsewhere, initech, hers, "ceo", email=victim, email_verified=True)
    key = soft_key.add(elsewhere, mallory)
    words = mallory.go(elsewhere.url("/me/security")).text
    assert "what you add here opens no other organisation" in words
    chief = takes_place(world, victim)
    chief.submit(chief.form(""), {"name": "Chief", "password": PASSWORD})
    chief.sign_in(victim, PASSWORD)
    assert opens_console(world, chief)
    assert "in every organisation that knows you" in chief.go(world.url("/me/security")).text
    thief = world.browser()
    with leaves_only(world):
        soft_key.sign_in(world, thief, key)
    assert not signed_in(world, thief)
    at_home = elsewhere.browser()
    soft_key.sign_in(elsewhere, at_home, key)
    assert signed_in(elsewhere, at_home)
    assert str(comes(elsewhere, initech, hers, "ceo").page.url).endswith("/login/second-factor")


@spec("RFC 9700", "2.1")
def test_a_tenant_that_a_person_joined_adds_no_passkey_to_their_account(world, elsewhere, initech):
    home = provider_at(world, initech, email_domains=["initech.example"])
    address = f"peter-{world.tenant.slug}@initech.example"
    peter = comes(world, initech, home, "peter", email=address, email_verified=True)
    his = soft_key.add(world, peter)
    joined = takes_place(elsewhere, address, "member")
    joined.submit(joined.form(""), {"name": "Peter", "password": PASSWORD})
    with context.use(elsewhere.tenant):
        place = Membership.objects.select_related("user").get(user__email=address)
    hers = provider_at(elsewhere, initech)
    with context.use(elsewhere.tenant):
        trust_actions.link_subject(hers.issuer, "puppet", place, by=SYSTEM, how="admin")
    mallory = comes(elsewhere, initech, hers, "puppet")
    assert signed_in(elsewhere, mallory)
    for page in ("passkeys/add", "app/add", "recovery-codes"):
        mallory.go(elsewhere.url(f"/me/security/{page}"))
        assert "password" in dict(mallory.form("/login/again").fields)
    with leaves_only(elsewhere):
        soft_key.sign_in(elsewhere, elsewhere.browser(), his)
    assert not Authenticator.objects.filter(user=place.user).exists()
    mallory.go(elsewhere.url("/me/security/passkeys/add"))
    mallory.submit(mallory.form("/login/again"), {"password": PASSWORD})
    soft_key.add(elsewhere, mallory)
    assert Authenticator.objects.filter(user=place.user, type="webauthn").count() == 1


@spec("RFC 9700", "2.1")
def test_an_account_of_before_that_nothing_proves_gets_no_factor_by_a_companys_word(world, initech):
    provider = provider_at(world, initech)
    browser = comes(world, initech, provider, "peter")
    User.objects.filter(pk=members_of(world)["Peter"].user_id).update(home=None)
    for page in ("passkeys/add", "app/add", "recovery-codes"):
        with leaves_only(world):
            assert browser.go(world.url(f"/me/security/{page}")).status_code == 403
        assert "no proof of its own" in browser.page.text
    User.objects.filter(pk=members_of(world)["Peter"].user_id).update(home=world.tenant)
    assert browser.go(world.url("/me/security/passkeys/add")).status_code == 200


@spec("RFC 9700", "2.1")
def test_an_invitation_gives_such_an_account_a_password_and_drops_what_opened_it(world):
    address = f"grace@{world.tenant.slug}.example"
    planted = User.objects.create(email=address, password=make_password(None))
    Authenticator.objects.create(user=planted, type="webauthn", data={"name": "Planted"})
    grace = takes_place(world, address)
    grace.submit(grace.form(""), {"name": "Grace", "password": PASSWORD})
    grace.sign_in(address, PASSWORD)
    assert opens_console(world, grace)
    assert not Authenticator.objects.filter(user=planted).exists()
    assert members_of(world)["Grace"].user_id == planted.pk


@pytest.mark.walks
@spec("RFC 9700", "2.1")
def test_accounts_of_earlier_releases_stay_where_they_were_made_and_people_keep_their_places(world, elsewhere):
    address = f"old@{world.tenant.slug}.example"
    planted = User.objects.create(email=address, name="Old", password=make_password(None))
    Authenticator.objects.create(user=planted, type="webauthn", data={"name": "Planted"})
    places = []
    for each in (elsewhere, world):
        with context.use(each.tenant):
            places.append(Membership.objects.create(user=planted, role="admin"))
    with_password = world.people["alice"].user
    with transaction.atomic(using=settings.OWNER_ALIAS):
        migration.find_home(apps, SimpleNamespace(connection=connections[settings.OWNER_ALIAS]))
    planted.refresh_from_db()
    assert planted.home_id == elsewhere.tenant.pk
    with context.use(elsewhere.tenant):
        assert Membership.objects.get(pk=places[0].pk).user_id == planted.pk
    with context.use(world.tenant):
        kept = Membership.objects.select_related("user").get(pk=places[1].pk)
    assert (kept.role, kept.user.email, kept.user.name) == ("admin", address, "Old")
    assert (kept.user.home, kept.user.has_usable_password()) == (None, False)
    assert not Authenticator.objects.filter(user=kept.user).exists()
    assert User.objects.get(pk=with_password.pk).home is None
