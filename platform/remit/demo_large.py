"""A tenant with much in it: fifty agents, two thousand people, ten thousand delegations; to look at, and to measure.

Its ledger holds what the product would have written of these, and some agents wait for a decision.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from agents.models import Agent, Client
from audit.models import Entry
from audit.principals import SYSTEM
from delegations.models import Ancestry, Delegation
from kit import context, identifiers
from kit.progress import bar
from remit import demo, demo_ledger
from tenants import actions as tenant_actions
from tenants.models import Membership, ResourceServer, Tenant, User
from tokens.models import AccessToken
from tokens.opening import open_tenant

SLUG = "large"
BATCH = 2000
LIVES = (timedelta(hours=9), timedelta(days=5), timedelta(days=30), None)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is made; every person lets `each` agents act, and one in twenty of them hands part on."""

    agents: int = 50
    people: int = 2000
    each: int = 5
    waiting: int = 12


def seed(slug: str = SLUG, size: Size | None = None) -> Tenant:
    """Make the tenant, once; its admin is `ada@<slug>.example`, with the demonstration's password."""
    there = Tenant.objects.filter(slug=slug).first()
    return there or _make(slug, size or Size())


@transaction.atomic
def _make(slug: str, size: Size) -> Tenant:
    tenant = open_tenant(slug, slug.title(), by=SYSTEM)
    with context.use(tenant):
        ada = User.objects.create_user(f"ada@{slug}.example", demo.PASSWORD, name="Ada Admin")
        owner = tenant_actions.add_member(ada, Membership.Role.ADMIN, by=SYSTEM)
        servers = [
            tenant_actions.add_resource_server(f"https://{name}.{slug}.example/mcp", name.title(), scopes, by=SYSTEM)
            for name, scopes in (("calendar", demo.CALENDAR_SCOPES), ("notes", demo.NOTES_SCOPES))
        ]
        clients = _agents(size.agents, owner)
        people = _people(size.people, slug)
        delegations = list(_delegations(people, clients, servers, size.each))
        parts = list(_parts(delegations, clients))
        _write(Delegation, delegations)
        _write(Delegation, parts)
        _write(Ancestry, [Ancestry(delegation=part, ancestor=part.parent, distance=1) for part in parts])
        tokens = _write(AccessToken, list(_tokens([*delegations, *parts])))
        _write(Entry, demo_ledger.entries(delegations, tokens, people))
        demo_ledger.waiting(size.waiting, slug)
    return tenant


def _write(model: Any, rows: list[Any]) -> list[Any]:
    """Write rows in batches, and show how far it is."""
    with bar(str(model._meta.verbose_name_plural), len(rows)) as seen:
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            model._default_manager.bulk_create(batch)
            seen(len(batch))
    return rows


def _agents(number: int, owner: Membership) -> list[Client]:
    agents = [
        Agent(name=f"Agent {place:02}", owner=owner if place % 5 else None, created_at=_ago(60))
        for place in range(number)
    ]
    Agent.objects.bulk_create(agents)
    clients = [
        Client(
            client_id=f"agent-{place:02}",
            name=agent.name,
            agent=agent,
            registration_source=Client.RegistrationSource.DCR if place % 3 else Client.RegistrationSource.MANUAL,
        )
        for place, agent in enumerate(agents)
    ]
    return Client.objects.bulk_create(clients)


def _people(number: int, slug: str) -> list[Membership]:
    nobody_enters = make_password(None)
    users = [
        User(email=f"person-{place:04}@{slug}.example", name=f"Person {place:04}", password=nobody_enters)
        for place in range(number)
    ]
    return _write(Membership, [Membership(user=user) for user in _write(User, users)])


def _delegations(
    people: list[Membership], clients: list[Client], servers: list[ResourceServer], each: int
) -> Iterator[Delegation]:
    now, step = timezone.now(), max(len(clients) // each, 1)
    for place, person in enumerate(people):
        for turn in range(each):
            number = (place + turn * step) % len(clients)
            server, life = servers[number % len(servers)], LIVES[(place + turn) % len(LIVES)]
            read, write = sorted(scope.name for scope in server.scopes.all())[-2:]
            yield Delegation(
                subject=person.pk,
                member=person,
                agent=clients[number].agent,
                client=clients[number],
                resource_server=server,
                audience=server.identifier,
                scopes=[read, write] if turn % 2 else [read],
                expires_at=now + life if life else None,
                origin=Delegation.Origin.CONSENT,
                created_at=_ago(place % 45),
            )


def _parts(delegations: list[Delegation], clients: list[Client]) -> Iterator[Delegation]:
    for place, parent in enumerate(delegations):
        if place % 20 == 0:
            client = clients[(place // 20 + 1) % len(clients)]
            if client.pk != parent.client_id:
                yield _part(parent, client)


def _part(parent: Delegation, client: Client) -> Delegation:
    return Delegation(
        subject=parent.subject,
        member=parent.member,
        agent=client.agent,
        client=client,
        resource_server=parent.resource_server,
        audience=parent.audience,
        scopes=parent.scopes[:1],
        expires_at=parent.expires_at,
        origin=Delegation.Origin.HANDED_ON,
        parent=parent,
        depth=1,
        created_at=parent.created_at,
    )


def _tokens(delegations: list[Delegation]) -> Iterator[AccessToken]:
    """Make one token of two in three: the others were never used."""
    for place, delegation in enumerate(delegations):
        if place % 3:
            issued = max(delegation.created_at, _ago(place % 40))
            yield AccessToken(
                id=identifiers.make("tok"),
                subject=delegation.subject,
                actor=delegation.agent_id or "",
                client=delegation.client,
                audience=delegation.audience,
                delegation=delegation,
                scope=" ".join(delegation.scopes),
                grant_type="authorization_code",
                created=issued,
                expires=issued + timedelta(minutes=5),
            )


def _ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
