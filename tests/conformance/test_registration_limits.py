"""How many may register, and what becomes of those that nobody uses."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.db.models import F
from django.test import Client as Caller
from django.test import override_settings
from django.utils import timezone

from agents import admission
from agents.models import Agent, Approval, Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness import keyholder
from tests.harness.footprint import leaves_only
from tests.harness.registering import MINIMAL, Managed
from tests.spec import spec
from tokens import stops, upkeep
from tokens.models import DeviceGrant
from tokens.tasks import retire_idle


def knock(world, address="192.0.2.1", method="post", path="/register", **headers):
    caller = Caller(SERVER_NAME=urlsplit(world.origin).hostname, REMOTE_ADDR=address)
    place = f"/t/{world.tenant.slug}{path}"
    return getattr(caller, method)(place, dict(MINIMAL), content_type="application/json", headers=headers)


@pytest.fixture(autouse=True)
def _forgotten():
    cache.clear()


@spec("RFC 7591", "5")
def test_a_tenant_takes_so_many_a_minute_from_all_addresses_together(world, elsewhere):
    with override_settings(TENANT_REGISTRATIONS_PER_MINUTE=3):
        assert [knock(world, f"192.0.2.{number}").status_code for number in range(3)] == [201] * 3
        with leaves_only(world):
            refusal = knock(world, "192.0.2.9")
        assert knock(elsewhere, "192.0.2.9").status_code == 201
    assert (refusal.status_code, refusal.json()["error"]) == (429, "temporarily_unavailable")
    assert refusal.headers["Retry-After"] == "60"


@spec("RFC 7591", "5")
def test_an_address_over_its_limit_does_not_use_up_the_tenants(world):
    with override_settings(REGISTRATIONS_PER_MINUTE=1, TENANT_REGISTRATIONS_PER_MINUTE=2):
        assert [knock(world).status_code for _ in range(4)] == [201, 429, 429, 429]
        assert knock(world, "192.0.2.2").status_code == 201
        assert knock(world, "192.0.2.3").status_code == 429


@spec("RFC 7592", "2.2")
def test_changing_a_registration_counts_as_one_and_ending_it_does_not(world):
    scout = Managed.register(world)
    path = urlsplit(scout.uri).path.removeprefix(f"/t/{world.tenant.slug}")
    held = {"Authorization": f"Bearer {scout.token}"}
    with override_settings(REGISTRATIONS_PER_MINUTE=0):
        with leaves_only(world):
            assert knock(world, method="put", path=path, **held).status_code == 429
        assert knock(world, method="get", path=path, **held).status_code == 200
        assert knock(world, method="delete", path=path, **held).status_code == 204


def age(world, client, days=31):
    world.rewrite(client, created=F("created") - timedelta(days=days))


def tick(world):
    with context.use(world.tenant):
        return upkeep.retire_idle(timezone.now())


def status(world, client):
    with context.use(world.tenant):
        found = Client.objects.select_related("agent").get(pk=client.pk)
    return found.status, found.agent.status


OVER, LIVES = ("disabled", "retired"), ("active", "active")


def test_a_client_that_nobody_used_for_thirty_days_is_retired(world):
    idle, young = Managed.register(world), Managed.register(world)
    age(world, idle.row)
    age(world, young.row, days=29)
    assert [tick(world), tick(world)] == [1, 0]
    assert [status(world, each.row) for each in (idle, young)] == [OVER, LIVES]
    assert idle.ask().status_code == 401
    (entry,) = world.entries("client.unregistered")
    assert (entry.principal_kind, entry.reason) == ("system", upkeep.IDLE)


def test_a_client_that_was_ever_used_stays(world):
    used = world.public_client()
    world.grant(used)
    with context.use(world.tenant):
        (delegation,) = world.delegations()
    world.rewrite(delegation, ended_at=timezone.now())
    age(world, used.client)
    assert tick(world) == 0
    assert status(world, used.client) == LIVES


def test_a_client_that_somebody_is_just_deciding_on_stays(world):
    asked = world.public_client()
    world.ask(asked, "alice")
    age(world, asked.client)
    assert tick(world) == 0


def test_a_client_that_an_admin_registered_stays(world):
    with context.use(world.tenant):
        worker = world.introspector()
    age(world, worker.client)
    assert tick(world) == 0


# --- arrivals by document


@pytest.fixture
def arrival(world, documents):
    """An agent that came by its document five weeks ago and waits; nobody looked at it since."""
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, documents="admission")
    keyholder.document(documents, "/arrival.json")
    come(world, documents.url("/arrival.json"))
    forget_the_visit(world)
    return documents.url("/arrival.json")


def come(world, url):
    world.token(keyholder.as_credentials(url), {"grant_type": "refresh_token", "refresh_token": "rtf_unknown.0.x"})


def forget_the_visit(world):
    with context.use(world.tenant):
        client = Client.objects.get(registration_source="cimd")
    age(world, client)
    world.rewrite(client, cimd_expires_at=timezone.now() - timedelta(days=8))


def left(world):
    with context.use(world.tenant):
        return [each.objects.count() for each in (Client, Agent, Approval)]


@spec("CIMD", "8.4")
def test_an_arrival_that_nobody_decided_on_is_forgotten_whole_and_may_come_again(world, documents, arrival):
    assert left(world) == [1, 1, 1]
    assert [tick(world), tick(world)] == [1, 0]
    assert left(world) == [0, 0, 0]
    assert [(each.principal_kind, each.reason) for each in world.entries("client.unregistered")] == [
        ("system", upkeep.IDLE)
    ]
    come(world, arrival)
    assert left(world) == [1, 1, 1]


@spec("CIMD", "8.4")
@pytest.mark.parametrize("how", ["denied", "paused", "approved", "just looked at", "asked for from a device"])
def test_an_arrival_that_somebody_dealt_with_stays(world, documents, arrival, how):
    with context.use(world.tenant):
        question, ada = Approval.objects.get(), world.people["ada"]
        agent, client = Agent.objects.get(), Client.objects.get()
        if how == "denied":
            admission.deny(question, by=ada, reason="no")
        elif how == "approved":
            admission.approve(question, by=ada, owner=ada, ceiling=None)
        elif how == "paused":
            stops.pause_agent(agent, by=SYSTEM, reason="strange")
        elif how == "just looked at":
            Client.objects.update(cimd_expires_at=timezone.now())
        else:
            DeviceGrant.objects.create(
                client=client, device_code="x", user_code="x", expires=timezone.now(), parameters={}, poll_seconds=5
            )
    assert tick(world) == 0
    assert left(world) == [1, 1, 1]


def test_idle_clients_go_in_bounded_batches(world, monkeypatch):
    monkeypatch.setattr(upkeep, "IDLE_BATCH", 2)
    for _ in range(3):
        age(world, world.public_client().client)
    assert [tick(world), tick(world), tick(world)] == [2, 1, 0]


@pytest.mark.walks
def test_how_long_is_a_setting_and_the_clock_does_it_in_every_tenant(world, elsewhere):
    idle = [each.public_client().client for each in (world, elsewhere)]
    for which, client in zip((world, elsewhere), idle, strict=True):
        age(which, client, days=2)
    with override_settings(IDLE_REGISTRATION_DAYS=1):
        assert retire_idle() >= 2
    with context.use(world.tenant):
        assert Agent.objects.get().status == "retired"
