"""What the console's pages cost in the large tenant of the demonstration, as its admin asks for them.

The WSGI handler in one process, one request at a time; wall-clock and CPU of ours, and how many statements both
connections sent. Nothing is kept from one page to the next but what the product keeps itself.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import database
from bench.ours import crowd
from delegations.models import Delegation
from kit import context
from remit import demo, demo_large
from tenants.models import Tenant
from tokens import caches

FRAMES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SELECT SET_CONFIG(")
"""What frames the work and is not part of it: transactions, and whose tenant it is."""


def places(tenant: Tenant) -> Mapping[str, str]:
    """Return the pages that are asked for, by what they are called: one delegation and its agent stand for all."""
    with context.use(tenant):
        part = Delegation.objects.filter(depth=1).first()
    assert part is not None
    agent, delegations = f"/console/agents/{part.agent_id}", "/console/delegations"
    return {
        "overview": "/console",
        "approvals": "/console/approvals",
        "approvals of high risk": "/console/approvals?high_risk=true",
        "agents": "/console/agents",
        "agents of high risk": "/console/agents?high_risk=true",
        "an agent": agent,
        "its tokens": f"{agent}/tokens",
        "its activity": f"{agent}/activity",
        "delegations": delegations,
        "delegations that nobody used for 30 days": f"{delegations}?unused_since=30d",
        "delegations of a name": f"{delegations}?q=person+19",
        "delegations by their end": f"{delegations}?order=ends",
        "delegations by person": f"{delegations}?group=person",
        "delegations by agent": f"{delegations}?group=agent",
        "a delegation": f"{delegations}/{part.pk}",
        "ending all that match": f"{delegations}/end?unused_since=30d",
        "resources": "/console/resources",
        "trust": "/console/trust",
        "keys": "/console/keys",
        "activity": "/console/activity",
        "activity, refusals": "/console/activity?refused=true",
        "members": "/console/members",
        "members of a name": "/console/members?q=person+19",
        "settings": "/console/settings",
        "access check": "/console/check",
    }


def measure(times: int) -> dict[str, dict[str, Any]]:
    """Return of each page: milliseconds of wall-clock and CPU for each time, statements when nothing is kept, bytes."""
    tenant = demo_large.seed()
    database.settle(crowd.place().rpartition("/")[2])
    browser = _signed_in(tenant)
    return {title: _page(browser, f"/t/{tenant.slug}{path}", times) for title, path in places(tenant).items()}


def _page(browser: Client, path: str, times: int) -> dict[str, Any]:
    caches.forget_all()
    cache.clear()
    with _counted() as sent:
        cold = _asked(browser, path)
    walls, own = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        _asked(browser, path)
        own.append((time.process_time() - cpu) * 1000)
        walls.append((time.perf_counter() - wall) * 1000)
    return {"walls": walls, "own": own, "statements": len(sent), "bytes": len(cold)}


def _asked(browser: Client, path: str) -> bytes:
    answer = browser.get(path, secure=True)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered with {answer.status_code}")
    return bytes(answer.content)


def _signed_in(tenant: Tenant) -> Client:
    browser = Client(SERVER_NAME=str(urlsplit(settings.PUBLIC_ORIGIN).hostname))
    email = f"ada@{tenant.slug}.example"
    for step in ({"login": email}, {"login": email, "password": demo.PASSWORD}):
        browser.post(f"/t/{tenant.slug}/login", step, secure=True)
    return browser


@contextmanager
def _counted() -> Iterator[Sequence[str]]:
    """Give the statements that the block sends over any connection, once it is over."""
    sent: list[str] = []
    with ExitStack() as stack:
        captured = [stack.enter_context(CaptureQueriesContext(each)) for each in connections.all()]
        yield sent
    said = (query["sql"] or "prepared" for each in captured for query in each)
    sent += [sql for sql in said if not sql.upper().startswith(FRAMES)]
