"""Many delegations at once, as rows: what a list of a large tenant holds."""

from datetime import timedelta

from django.utils import timezone

from agents.models import Agent, Client
from delegations.models import Delegation
from kit import context
from tenants.models import Membership, User
from tests.harness.world import World


def delegations(world: World, number: int, *, name: str = "Crowd worker") -> Agent:
    """Let so many people, whom nobody ever meets, let one agent read their calendar; return the agent."""
    now = timezone.now()
    with context.use(world.tenant):
        agent = Agent.objects.create(name=name)
        client = Client.objects.create(client_id=f"cli_{agent.pk}", name=name, agent=agent, redirect_uris=[])
        users = User.objects.bulk_create(
            User(email=f"{agent.pk}.{place}@{world.tenant.slug}.example", name=f"Person {place:05}", password="!")
            for place in range(number)
        )
        members = Membership.objects.bulk_create(Membership(user=user) for user in users)
        Delegation.objects.bulk_create(
            Delegation(
                subject=member.pk,
                member=member,
                agent=agent,
                client=client,
                resource_server=world.calendar,
                audience=world.calendar.identifier,
                scopes=["events:read"],
                origin=Delegation.Origin.CONSENT,
                expires_at=now + timedelta(days=7),
            )
            for member in members
        )
    return agent
