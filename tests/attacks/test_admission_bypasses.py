"""Ways around a decision: each is one that somebody thought of, and none leads to an agent that nobody looked at."""

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from agents import admission
from agents.errors import AlreadyDecided, TooLateToUndo
from agents.models import Agent, Approval, Client
from agents.registration import metadata
from audit.principals import SYSTEM
from kit import context
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tests.harness.world import REDIRECT
from tests.spec import spec
from tokens import stops

GOOD, EVIL = "https://good.example/cb", "https://evil.example/cb"


@pytest.fixture
def world(world):
    policy = {"registration": "hosts", "documents": "hosts", "admitted_hosts": ["good.example"]}
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, **policy)
    return world


def status(world, who):
    with context.use(world.tenant):
        return Agent.objects.get(pk=who.client.agent_id).status


def replace(world, who, **document):
    """Say anew what a client is, as it may over RFC 7592."""
    said = {"client_name": "Scout", "redirect_uris": [GOOD], "token_endpoint_auth_method": "none", **document}
    with context.use(world.tenant):
        agent_actions.replace_registration(
            Client.objects.get(pk=who.client.pk), metadata.parse(said), now=timezone.now()
        )


def question(world):
    with context.use(world.tenant):
        return Approval.objects.select_related("agent").get(status="waiting")


def approve(world, version=None, by="ada"):
    with context.use(world.tenant):
        ada = world.people[by]
        admission.approve(question(world), by=ada, owner=ada, ceiling=None, version=version)


@spec("RFC 7592", "2.2")
def test_whoever_comes_by_a_named_host_and_leaves_for_another_is_asked_about(world):
    scout = world.public_client(redirect_uris=[GOOD])
    assert status(world, scout) == "active"
    replace(world, scout, redirect_uris=[EVIL])
    assert status(world, scout) == "pending"
    assert question(world).kind == "change"


@spec("RFC 8628", "5.4")
def test_a_named_host_vouches_for_no_agent_that_asks_from_devices(world):
    grants = ["authorization_code", GrantType.DEVICE_CODE.value]
    assert status(world, world.public_client(redirect_uris=[GOOD], grant_types=grants)) == "pending"
    plain = world.public_client(redirect_uris=[GOOD])
    replace(world, plain, grant_types=grants)
    assert status(world, plain) == "pending"


@spec("RFC 7592", "2.2")
def test_what_changes_while_a_question_waits_is_in_the_question_and_who_read_it_before_decides_nothing(world):
    scout = world.public_client(redirect_uris=[REDIRECT])
    read = question(world).version
    replace(world, scout, client_name="Claude", redirect_uris=[EVIL])
    with pytest.raises(AlreadyDecided):
        approve(world, version=read)
    now = question(world)
    assert {"name", "redirect hosts"} <= {each[0] for each in now.changes}
    approve(world, version=now.version)
    assert status(world, scout) == "active"


@spec("RFC 7592", "2.2")
def test_a_paused_agent_that_changed_waits_once_it_is_resumed(world):
    scout = world.public_client(redirect_uris=[GOOD])
    with context.use(world.tenant):
        agent = Agent.objects.get(pk=scout.client.agent_id)
        stops.pause_agent(agent, by=SYSTEM, reason="strange")
    replace(world, scout, redirect_uris=[EVIL])
    assert status(world, scout) == "suspended"
    with context.use(world.tenant):
        agent_actions.resume_agent(agent, by=SYSTEM)
    assert status(world, scout) == "pending"


@spec("RFC 7591", "5")
def test_an_approver_does_not_take_back_an_admins_pause(world):
    scout = world.public_client(redirect_uris=[REDIRECT])
    decided = question(world)
    approve(world)
    with context.use(world.tenant):
        stops.pause_agent(Agent.objects.get(pk=scout.client.agent_id), by=SYSTEM, reason="strange")
        with pytest.raises(TooLateToUndo):
            admission.undo(decided, by=world.people["ada"])
    assert status(world, scout) == "suspended"


@spec("RFC 7591", "5")
def test_an_agent_that_waits_is_paused_and_an_approval_does_not_let_it_go_on(world):
    scout = world.public_client(redirect_uris=[REDIRECT])
    with context.use(world.tenant):
        stops.pause_agent(Agent.objects.get(pk=scout.client.agent_id), by=SYSTEM, reason="strange")
    approve(world)
    assert status(world, scout) == "suspended"
    with context.use(world.tenant):
        agent_actions.resume_agent(Agent.objects.get(pk=scout.client.agent_id), by=SYSTEM)
    assert status(world, scout) == "active"


@spec("RFC 7592", "2.3")
def test_what_is_unregistered_is_no_question_any_more(world):
    scout = world.public_client(redirect_uris=[REDIRECT])
    with context.use(world.tenant):
        stops.unregister(Client.objects.get(pk=scout.client.pk), by=SYSTEM, reason="gone")
        assert not Approval.objects.filter(status="waiting").exists()
    assert status(world, scout) == "retired"


@spec("RFC 7591", "5")
def test_an_agent_whose_only_client_was_switched_off_is_no_question_any_more(world):
    scout = world.public_client(redirect_uris=[REDIRECT])
    with context.use(world.tenant):
        agent_actions.disable_client(Client.objects.get(pk=scout.client.pk), by=SYSTEM, reason="strange")
        assert not Approval.objects.filter(status="waiting").exists()


@spec("RFC 7591", "5")
def test_a_decision_with_a_newer_question_behind_it_is_not_taken_back(world):
    scout = world.public_client(redirect_uris=[REDIRECT])
    decided = question(world)
    approve(world)
    replace(world, scout, client_name="Claude", redirect_uris=[REDIRECT])
    with context.use(world.tenant), pytest.raises(TooLateToUndo):
        admission.undo(decided, by=world.people["ada"])


@spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "spoilt",
    [
        {"token_endpoint_auth_method": "federated"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "alg": []}]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "RSA", "generate": "RSA"}]}},
    ],
)
def test_metadata_that_tries_the_servers_patience_is_refused(world, spoilt):
    said = {"client_name": "Scout", "redirect_uris": [REDIRECT], **spoilt}
    answer = world.http.post(world.url("/register"), json=said)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
