"""Two hundred agents that nobody knows, within a minute: none is lost, none may do anything, each costs the same."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from django.core.cache import cache
from django.test import Client as Caller
from django.test import override_settings
from django.utils import timezone

from agents.models import Agent, Approval, Client
from audit.principals import SYSTEM
from console.admin.approvals import SIZE
from kit import context
from tenants import actions as tenant_actions
from tests.harness import inside
from tests.harness.keyholder import document
from tests.harness.registering import MINIMAL
from tests.spec import spec
from tokens import caches
from trust import outbound
from trust.models import OutboundHost

REGISTERED, BY_DOCUMENT, AT_ONCE = 160, 40, 8


@pytest.fixture
def world(world):
    policy = {"registration": "admission", "documents": "admission"}
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, **policy)
    return world


def publish(documents):
    path = f"/crowd/{secrets.token_hex(6)}.json"
    document(documents, path)
    return documents.url(path)


def as_document(url):
    return {"grant_type": "refresh_token", "refresh_token": "rtf_unknown.0.x", "client_id": url}


def arrive(world, url=""):
    """Let one agent arrive inside this process: by its document, or by registering."""
    if url:
        return inside.post(world, "/token", as_document(url))
    caller = Caller(SERVER_NAME=urlsplit(world.origin).hostname)
    return caller.post(f"/t/{world.tenant.slug}/register", json.dumps(dict(MINIMAL)), content_type="application/json")


@spec("RFC 7591", "5")
def test_none_of_two_hundred_is_lost_and_none_may_do_anything(world, documents):
    urls = [publish(documents) for _ in range(BY_DOCUMENT)]
    limits = httpx.Limits(max_connections=AT_ONCE)
    with httpx.Client(timeout=60, limits=limits) as http, ThreadPoolExecutor(AT_ONCE) as pool:

        def come(number):
            if number < BY_DOCUMENT:
                return http.post(world.url("/token"), data=as_document(urls[number]))
            return http.post(world.url("/register"), json={**MINIMAL, "client_name": f"Agent {number}"})

        found = list(pool.map(come, range(REGISTERED + BY_DOCUMENT)))
    assert [each.status_code for each in found].count(201) == REGISTERED
    assert [each.json().get("error") for each in found].count("invalid_grant") == BY_DOCUMENT
    with context.use(world.tenant):
        came = Client.objects.exclude(registration_source="manual")
        assert came.filter(registration_source="cimd", client_id__in=urls).count() == BY_DOCUMENT
        assert came.count() == Agent.objects.filter(status="pending").count() == REGISTERED + BY_DOCUMENT
        assert Approval.objects.filter(status="waiting").count() == REGISTERED + BY_DOCUMENT
        assert not Agent.objects.exclude(status="pending").exists()
    page = world.browser("ada")
    page.go(world.url("/console/approvals"))
    assert page.page.text.count('class="card approval"') == SIZE
    assert "200 wait" in page.words()
    assert "Older" in page.words()


@spec("RFC 7591", "5")
def test_one_that_looked_at_the_clock_first_and_comes_second_is_not_turned_away(world):
    now = timezone.now()
    with context.use(world.tenant):
        for moment in (now, now - timedelta(seconds=1)):
            outbound._spend("agents.example", moment)
        assert OutboundHost.objects.get(authority="agents.example").fetches == 2


@spec("RFC 7591", "5")
@pytest.mark.parametrize("way", ["registration", "document"])
def test_the_hundredth_costs_what_the_first_cost(world, documents, way):
    def cost():
        url = publish(documents) if way == "document" else ""
        caches.forget_all()
        with inside.counted() as statements:
            answer = arrive(world, url)
        assert answer.status_code == (400 if url else 201)
        return len(statements)

    cost()
    first = cost()
    with context.use(world.tenant):
        agents = Agent.objects.bulk_create(Agent(name=f"Agent {number}", status="pending") for number in range(100))
        Client.objects.bulk_create(
            Client(client_id=f"dcr_{agent.pk}", registration_source="dcr", agent=agent) for agent in agents
        )
        Approval.objects.bulk_create(Approval(kind="admission", agent=agent) for agent in agents)
    assert cost() == first


@spec("CIMD", "8.7")
@pytest.mark.parametrize("way", ["registration", "document"])
def test_a_tenants_limit_is_its_own(world, elsewhere, documents, way):
    cache.clear()
    good, full = (400, 401) if way == "document" else (201, 429)

    def come(which):
        return arrive(which, publish(documents) if way == "document" else "").status_code

    with override_settings(TENANT_REGISTRATIONS_PER_MINUTE=2):
        assert [come(world) for _ in range(3)] == [good, good, full]
        assert come(elsewhere) == good
    with context.use(world.tenant):
        assert Client.objects.exclude(registration_source="manual").count() == 2


@spec("RFC 7591", "5")
def test_a_name_in_letters_that_look_like_others_is_shown_and_marked_wherever_somebody_decides(world):
    odd = world.public_client("Cl\u0430ude")
    browser = world.ask(odd, "alice")
    assert "Cl\u0430ude is new here" in browser.words()
    console = world.browser("ada")
    console.go(world.url("/console/approvals"))
    assert "Its name holds letters that look like others" in console.words()


@spec("RFC 7591", "5")
@pytest.mark.parametrize(
    ("name", "is_marked"), [("Cl\u0430ude", True), ("Claude", False), ("\u041a\u043b\u043e\u0434", False)]
)
def test_the_person_is_told_of_them_too(elsewhere, name, is_marked):
    page = elsewhere.ask(elsewhere.public_client(name), "alice")
    assert name in page.words()
    assert ("letters that look like others" in page.words()) == is_marked
