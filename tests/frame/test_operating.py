"""What an operator sets up: proxies in front, https, a first tenant; and what people see of a paused agent."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Inside
from django.test import RequestFactory
from django.utils import timezone

from agents import actions as agent_actions
from agents.models import Agent, UsedAssertion
from audit.principals import SYSTEM
from kit import context
from remit.middleware import _address
from tenants.models import Membership, Tenant, User
from tests.harness.footprint import leaves_only
from tests.harness.world import pkce
from tokens import caches


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "192.0.2.9"),
        (0, "198.51.100.1", "192.0.2.9"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.66, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "198.51.100.1", "192.0.2.9"),
        (1, "", "192.0.2.9"),
        (1, " , ", "192.0.2.9"),
    ],
)
def test_an_address_is_believed_from_our_own_proxies_alone(settings, proxies, forwarded, address):
    settings.PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert _address(RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.9")) == address


def test_a_page_of_a_tenant_that_is_not_there_cannot_be_framed_either(world):
    page = world.browser().go(f"{world.origin}/t/no-such-tenant-here/login")
    assert page.status_code == 404
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("seconds", "header"), [(63_072_000, "max-age=63072000"), (0, None)])
def test_protocol_answers_ask_for_https_where_it_is_served(settings, world, seconds, header):
    settings.SECURE_HSTS_SECONDS = seconds
    answer = Inside(headers={"host": "localhost"}).get(f"/t/{world.tenant.slug}/jwks.json")
    assert answer.headers.get("Strict-Transport-Security") == header


def test_a_tenant_is_opened_by_a_command_that_says_its_password_once(world):
    slug = f"{world.tenant.slug}-new"
    said = StringIO()
    call_command("open_tenant", slug, "Initech", admin=f"Grace@{slug}.example", stdout=said)
    tenant = Tenant.objects.get(slug=slug)
    password = said.getvalue().split("password")[1].split()[0]
    user = User.objects.get(email=f"grace@{slug}.example")
    assert user.check_password(password)
    with context.use(tenant):
        assert Membership.objects.get().role == "admin"
    assert tenant.issuer in said.getvalue()
    caches.forget_all()
    assert Inside(headers={"host": "localhost"}).get(f"/t/{slug}/jwks.json").json()["keys"]


def test_whoever_is_known_keeps_their_password_in_a_further_tenant(world):
    known = world.people["alice"].user
    said = StringIO()
    call_command("open_tenant", f"{world.tenant.slug}-two", "Second", admin=known.email, stdout=said)
    assert "keeps their password" in said.getvalue()
    assert User.objects.get(pk=known.pk).password == known.password


@pytest.mark.parametrize("slug", ["A", "with space", "x" * 41])
def test_a_slug_that_cannot_stand_in_a_url_opens_nothing(world, slug):
    before = Tenant.objects.count()
    with pytest.raises(CommandError):
        call_command("open_tenant", slug, "Nobody", admin="nobody@nobody.example", stdout=StringIO())
    assert Tenant.objects.count() == before
    assert not User.objects.filter(email="nobody@nobody.example").exists()


def test_a_slug_is_given_once(world):
    with pytest.raises(CommandError):
        call_command("open_tenant", world.tenant.slug, "Again", admin="x@nobody.example", stdout=StringIO())


def test_a_paused_agent_is_told_apart_and_nothing_is_shared(world):
    scout = world.public_client("Scout")
    with context.use(world.tenant):
        agent_actions.suspend_agent(Agent.objects.get(), by=SYSTEM, reason="a test")
    browser = world.browser("alice")
    with leaves_only(world):
        page = browser.go(world.authorize_url(scout, pkce()[1]))
    assert (page.status_code, "location" in page.headers) == (400, False)
    assert "Scout is paused" in browser.words()


def test_used_assertions_are_forgotten_when_they_are_over_and_not_before(world):
    worker = world.worker()
    now = timezone.now()
    with context.use(world.tenant):
        for jti, moment in (("over", now - timedelta(seconds=1)), ("good", now + timedelta(minutes=1))):
            UsedAssertion.objects.create(purpose="client", client=worker.client, jti=jti, expires_at=moment)
        assert agent_actions.forget_assertions(now) == 1
        assert [used.jti for used in UsedAssertion.objects.all()] == ["good"]
