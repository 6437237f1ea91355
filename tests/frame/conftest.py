"""What several of these files start from: alice, and her approving an agent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.principals import Kind, Principal
from delegations import actions
from delegations.actions import Agreement, Allowed
from kit import context


@pytest.fixture
def alice(world):
    return Principal(Kind.USER, world.people["alice"].pk, "Alice")


@pytest.fixture
def agree(world, alice):
    """Return a function with which alice approves; what it makes is one delegation of hers."""
    client = world.public_client().client

    def approve(scopes=("events:read",), *, days=7.0, server=None):
        server = server or world.calendar
        agreement = Agreement(
            member=world.people["alice"],
            client=client,
            redirect_host="http://127.0.0.1",
            allowed=[Allowed(server.identifier, frozenset(scopes), server)],
            shown={"title": "Let Scout use Calendar?"},
            expires_at=timezone.now() + timedelta(days=days),
        )
        with context.use(world.tenant):
            return actions.approve(agreement, by=alice)[1][0]

    return approve
