"""What was approved is what runs: a document that changes afterwards is a new question (CIMD -02 §8.4)."""

import pytest
from django.utils import timezone

from agents import admission
from agents.models import Agent, Approval, Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness import keyholder
from tests.harness.world import pkce
from tests.spec import spec

PATH = "/pinned.json"


@pytest.fixture
def world(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, documents="admission")
    return world


@pytest.fixture
def approved(world, documents):
    """An agent known by its document, approved for reading, with a token of alice's."""
    keyholder.document(documents, PATH)
    who = keyholder.as_credentials(documents.url(PATH))
    world.ask(who, "alice")
    ada, ceiling = world.people["ada"], {world.calendar.identifier: ["events:read"]}
    with context.use(world.tenant):
        admission.approve(Approval.objects.get(status="waiting"), by=ada, owner=ada, ceiling=ceiling)
    return who, world.grant(who)


def publish(world, documents, **changes):
    """Publish the document anew, and let the product look at it as it does when a person is about to decide."""
    keyholder.document(documents, PATH, **changes)
    with context.use(world.tenant):
        Client.objects.filter(client_id=documents.url(PATH)).update(cimd_expires_at=timezone.now())


def agent(world):
    with context.use(world.tenant):
        return Agent.objects.get(registration="document")


@spec("CIMD", "8.4")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": "Scout Pro"},
        {"redirect_uris": ["http://127.0.0.1/callback", "https://elsewhere.example/cb"]},
    ],
)
def test_a_risky_change_holds_the_agent_back_until_somebody_read_it(world, documents, approved, changes):
    who, granted = approved
    assert world.is_active(granted["access_token"])
    publish(world, documents, **changes)
    browser = world.ask(who, "alice", challenge=pkce()[1])
    assert "has changed" in browser.words()
    assert agent(world).status == "pending"
    assert not world.is_active(granted["access_token"])
    with context.use(world.tenant):
        question = Approval.objects.get(status="waiting")
        assert question.kind == "change"
        assert [each[0] for each in question.changes] == (
            ["name"] if "client_name" in changes else ["redirect hosts", "redirect_uris"]
        )
        admission.approve(question, by=world.people["ada"], owner=world.people["ada"], ceiling=None)
    assert agent(world).ceiling == {world.calendar.identifier: ["events:read"]}
    assert world.is_active(granted["access_token"])


@spec("CIMD", "8.4")
def test_a_harmless_change_is_recorded_and_the_agent_goes_on(world, documents, approved):
    who, granted = approved
    publish(world, documents, tos_uri="https://scout.example/terms")
    world.ask(who, "alice")
    assert agent(world).status == "active"
    assert world.is_active(granted["access_token"])
    assert [entry.detail["changed"] for entry in world.entries("client.document_changed")] == [["metadata"]]


@spec("CIMD", "8.4")
def test_where_nobody_had_to_approve_it_a_change_asks_people_and_no_admin(world, documents):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, documents="open")
    keyholder.document(documents, PATH)
    who = keyholder.as_credentials(documents.url(PATH))
    world.grant(who)
    publish(world, documents, client_name="Scout Pro")
    browser = world.ask(who, "alice")
    assert "Let Scout Pro use Calendar for you?" in browser.words()
    assert agent(world).status == "active"
