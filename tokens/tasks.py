"""The clock of keys, requests, clients that came by themselves, and agents whose time is over."""

from celery import shared_task
from django.utils import timezone

from agents import actions as agent_actions
from agents import lifecycle, owners
from audit import leases
from audit.principals import SYSTEM
from tenants.clock import in_each_tenant
from tokens import actions, callbacks, deferrals, device, forgetting, rotation, stops, upkeep


@shared_task(name="tokens.rotate_keys")  # type: ignore[untyped-decorator]  # Celery carries no types.
def rotate_keys() -> int:
    """Publish, activate and destroy the keys that are due, tenant by tenant."""
    with leases.held("tokens.rotate_keys") as mine:
        return in_each_tenant(lambda: rotation.rotate_due(timezone.now(), by=SYSTEM)) if mine else 0


@shared_task(name="tokens.forget_requests")  # type: ignore[untyped-decorator]  # Celery carries no types.
def forget_requests() -> int:
    """Remove requests of clients and devices and used assertions that are over, tenant by tenant."""
    with leases.held("tokens.forget_requests") as mine:
        return in_each_tenant(_forget) if mine else 0


@shared_task(name="tokens.call_back")  # type: ignore[untyped-decorator]  # Celery carries no types.
def call_back() -> int:
    """Call clients whose deferred answers can be fetched, tenant by tenant."""
    with leases.held("tokens.call_back", seconds=600) as mine:
        return in_each_tenant(lambda: callbacks.call_due(timezone.now())) if mine else 0


@shared_task(name="tokens.retire_idle")  # type: ignore[untyped-decorator]  # Celery carries no types.
def retire_idle() -> int:
    """End self-registered clients that nobody ever used, tenant by tenant."""
    with leases.held("tokens.retire_idle") as mine:
        return in_each_tenant(lambda: upkeep.retire_idle(timezone.now())) if mine else 0


@shared_task(name="tokens.refresh_documents")  # type: ignore[untyped-decorator]  # Celery carries no types.
def refresh_documents() -> int:
    """Fetch clients' documents before they are stale, tenant by tenant."""
    with leases.held("tokens.refresh_documents", seconds=600) as mine:
        return in_each_tenant(lambda: upkeep.refresh_documents(timezone.now())) if mine else 0


# These two stand here and not with agents: what they end may stand on in another tenant, and is recalled there.


@shared_task(name="tokens.pause_alone")  # type: ignore[untyped-decorator]  # Celery carries no types.
def pause_alone() -> int:
    """Pause agents whose owner left and whom nobody took over in time, tenant by tenant."""
    with leases.held("tokens.pause_alone") as mine:
        return in_each_tenant(_pause_alone) if mine else 0


@shared_task(name="tokens.end_retired")  # type: ignore[untyped-decorator]  # Celery carries no types.
def end_retired() -> int:
    """Take the credentials of agents that ended and that nobody restored, tenant by tenant."""
    with leases.held("tokens.end_retired", seconds=600) as mine:
        return in_each_tenant(_end_retired) if mine else 0


def _pause_alone() -> int:
    return sum(stops.pause_alone(agent) for agent in owners.alone_due(timezone.now())[: owners.BATCH])


def _end_retired() -> int:
    now = timezone.now()
    return sum(stops.end_for_good(agent, now=now) for agent in lifecycle.over_due(now)[: lifecycle.BATCH])


def _forget() -> int:
    now = timezone.now()
    requests = actions.forget_requests(now) + device.forget(now) + deferrals.forget(now)
    return requests + agent_actions.forget_assertions(now) + forgetting.forget(now)
