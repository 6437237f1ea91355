"""A tenant with much in it: made quickly, once, and shown by as many statements as one with little."""

from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client as InProcess
from django.utils import timezone

from agents.models import Agent, CoOwner, Handover
from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM
from delegations.models import Ancestry, Delegation
from kit import caching, context
from notices.models import Job
from remit import demo, demo_large
from tenants.models import Membership
from tests.harness.browser import Browser
from tests.harness.inside import counted
from tokens import caches
from tokens.models import AccessToken
from trust import actions as trust_actions
from trust.models import Audience, TrustedIssuer

pytestmark = pytest.mark.xdist_group("a large tenant")

MOST = 12
SMALL = demo_large.Size(agents=10, people=60, each=3)


@pytest.fixture(scope="module")
def large(origin):
    """Return a seeded tenant, and a client of its admin inside this process."""
    tenant = demo_large.seed("large-of-tests", SMALL)
    with context.use(tenant):
        scopes = {"key_source": "metadata", "purposes": ["id_jag", "sign_in", "workload"]}
        trust_actions.trust_issuer("https://idp.elsewhere.example", by=SYSTEM, **scopes)
        trust_actions.add_audience("https://login.elsewhere.example", by=SYSTEM)
    browser = Browser(origin)
    browser.go(f"{tenant.issuer}/login")
    browser.sign_in(f"ada@{tenant.slug}.example", demo.PASSWORD)
    inside = InProcess(SERVER_NAME=urlsplit(origin).hostname)
    name = f"{settings.SESSION_COOKIE_NAME}-{tenant.slug}"
    inside.cookies[name] = browser.http.cookies[name]
    browser.http.close()
    # Django asks SQLite once in a process whether it knows JSON.
    inside.get(f"/t/{tenant.slug}/console/activity")
    return tenant, inside


def test_it_is_made_once_and_every_part_hangs_where_it_says(large):
    tenant, _ = large
    assert demo_large.seed(tenant.slug, SMALL) == tenant
    with context.use(tenant):
        assert Delegation.objects.filter(parent=None).count() == SMALL.people * SMALL.each
        parts = Delegation.objects.filter(depth=1)
        assert 0 < parts.count() == Ancestry.objects.count()


def paths(tenant):
    """Return the pages of the console as an admin finds them; one delegation stands for all."""
    with context.use(tenant):
        part = Delegation.objects.filter(depth=1).first()
        issuer, audience = TrustedIssuer.objects.get(), Audience.objects.get()
    lists = ("/console/agents", "/console/delegations")
    kinds = ("?high_risk=true", "?can_write=true&unverified=true", "?order=risk", "?order=secret", "?order=refused")
    words = ("", "?order=ends", "?unused_since=30d&handed_on=true", "?order=person&q=person")
    return [
        "/console",
        "/console/approvals",
        "/console/approvals?high_risk=true&q=a",
        "/console/activity",
        "/console/settings",
        "/console/members",
        "/console/resources",
        f"/console/resources/{part.resource_server_id}",
        f"/console/resources/{part.resource_server_id}/retire",
        "/me/agents",
        "/me/agents/past",
        "/console/keys",
        "/console/ways-in",
        "/console/webhooks",
        "/console/trust",
        "/console/trust/audiences",
        f"/console/trust/issuers/{issuer.pk}",
        f"/console/trust/issuers/{issuer.pk}/off",
        f"/console/trust/audiences/{audience.pk}",
        f"/console/trust/audiences/{audience.pk}/off",
        *(f"/console/delegations?group={by}" for by in ("agent", "person", "resource")),
        f"/console/agents/many?verb=pause&chosen=rows&ids={part.agent_id}",
        f"/console/agents/{part.agent_id}",
        f"/console/delegations/{part.pk}",
        *(f"/console/agents/{part.agent_id}{tab}" for tab in ("/tokens", "/credentials", "/activity")),
        *(f"{path}{query}" for path in lists for query in words),
        *(f"/console/agents{query}" for query in kinds),
        f"/console/agents?order=risk&high_risk=true&not_confirmed=false&before={part.agent_id}",
    ]


def test_no_page_of_the_console_asks_more_than_a_dozen_times(large):
    tenant, inside = large
    costs = {path: cost(tenant, inside, path) for path in paths(tenant)}
    assert not {path: cost for path, cost in costs.items() if cost > MOST}, costs


def test_a_list_above_which_long_work_stands_asks_as_little(large):
    tenant, inside = large
    with context.use(tenant):
        ada = Membership.objects.get(user__email__startswith="ada@")
        job = Job.objects.create(kind=Job.Kind.END, asked_by=ada, total=3)
    found = cost(tenant, inside, "/console/delegations")
    with context.use(tenant):
        Job.objects.filter(pk=job.pk).delete()
    assert found <= MOST


@pytest.mark.parametrize("what", ["delegations", "agents"])
def test_what_draws_a_chain_takes_a_dozen_once_its_tenant_is_known(large, monkeypatch, what):
    monkeypatch.setattr(caching, "time", SimpleNamespace(monotonic=lambda: 0.0))
    tenant, inside = large
    with context.use(tenant):
        part = Delegation.objects.filter(depth=1).first()
        path = f"/console/{what}/{part.pk if what == 'delegations' else part.agent_id}"
    inside.get(f"/t/{tenant.slug}{path}")
    with counted() as statements:
        assert inside.get(f"/t/{tenant.slug}{path}").status_code == 200
    assert len(statements) <= MOST


def test_an_agent_of_whom_everything_is_to_be_said_has_a_page_that_asks_a_dozen_times(large):
    tenant, inside = large
    long_ago = timezone.now() - timedelta(days=61)
    with context.use(tenant):
        handed_on = Delegation.objects.filter(depth=1).select_related("parent").first()
        agent = Agent.objects.get(pk=handed_on.parent.agent_id)
        held = Delegation.objects.filter(agent=agent, depth=0)
        scopes = max((each.scopes for each in held), key=len)
        held.update(created_at=long_ago, scopes=scopes)
        AccessToken.objects.filter(delegation__in=held).update(scope=scopes[0])
        somebody = list(Membership.objects.order_by("pk")[:3])
        CoOwner.objects.create(agent=agent, member=somebody[0])
        Handover.objects.create(agent=agent, to_agent=handed_on.agent)
        bounds = {"people": {"members": [each.pk for each in somebody], "groups": ["staff"]}, "longest_seconds": 86400}
        asked = {"confirm_asked_at": timezone.now(), "sponsor": somebody[1], "successor": somebody[2]}
        Agent.objects.filter(pk=agent.pk).update(created_at=long_ago, **bounds, **asked)
        record(Event.TOKEN_REFUSED, by=SYSTEM, about=agent, through=agent)
    path = f"/console/agents/{agent.pk}"
    found, page = cost(tenant, inside, path), inside.get(f"/t/{tenant.slug}{path}").text
    for part in ("?without=unused", "/confirm", str(somebody[0]), "refused"):
        assert part in page, part
    assert found <= MOST


def cost(tenant, inside, path):
    """Return how many statements a page takes when nothing is kept, in this process or beside it."""
    caches.forget_all()
    cache.clear()
    with counted() as statements:
        assert inside.get(f"/t/{tenant.slug}{path}").status_code == 200, path
    # Whose tenant it is frames the work, as BEGIN does.
    return sum("set_config(" not in sql for sql in statements)
