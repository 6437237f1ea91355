"""What an admin makes smaller counts for what is out already, rule by rule: a token, a refresh, an exchange."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import handovers
from agents.models import Agent
from audit.principals import SYSTEM
from kit import context
from tenants import resources
from tenants.models import Scope
from tests.harness import chain, domains
from tests.harness.keyholder import as_credentials, document
from tests.harness.platforms import eventually
from tests.spec import spec
from tokens import stops

READ, WRITE, CONTACTS = "events:read", "events:write", "contacts:read"


@pytest.fixture
def granted(world):
    """A helper that exchanges, an agent whom alice lets read and write, and what it got."""
    agent, helper = chain.asker(world), world.helper()
    world.let_hand_on(agent, helper)
    tokens = chain.allow(world, agent, scope=f"{READ} {WRITE}")
    return agent, helper, tokens


def retire_scope(world, agent):
    resources.retire_scope(Scope.objects.get(resource_server=world.calendar, name=WRITE), by=SYSTEM)


def lower_the_ceiling(world, agent):
    ceiling = {world.calendar.identifier: [READ]}
    handovers.set_limits(Agent.objects.get(pk=agent.client.agent_id), ceiling=ceiling, by=SYSTEM)


def seen(world, token):
    """Return the scopes that the calendar learns of a token; none where it is not active."""
    world.reader = world.reader or world.introspector()
    return set(world.introspect(world.reader, token).get("scope", "").split())


@spec("RFC 7662", "2.2")
@pytest.mark.parametrize("narrow", [retire_scope, lower_the_ceiling])
def test_a_token_that_is_out_shows_what_is_left_of_it(world, granted, narrow):
    agent, _, tokens = granted
    writing = world.exchange(agent, tokens["access_token"], scope=WRITE).json()["access_token"]
    assert seen(world, tokens["access_token"]) == {READ, WRITE}
    with context.use(world.tenant):
        narrow(world, agent)
    assert eventually(lambda: seen(world, tokens["access_token"]) == {READ})
    assert not world.is_active(writing)
    own = world.introspect(agent, tokens["access_token"])
    assert own["scope"] == READ


@spec("RFC 6749", "6")
@pytest.mark.parametrize("narrow", [retire_scope, lower_the_ceiling])
def test_a_refresh_and_an_exchange_get_what_is_left_and_are_refused_the_rest(world, granted, narrow):
    agent, helper, tokens = granted
    with context.use(world.tenant):
        narrow(world, agent)
    refused = world.refresh(agent, tokens["refresh_token"], scope=WRITE)
    assert refused.json()["error"] == "invalid_scope"
    assert world.refresh(agent, tokens["refresh_token"]).json()["scope"] == READ
    assert world.exchange(agent, tokens["access_token"], scope=WRITE).json()["error"] == "invalid_scope"
    if narrow is retire_scope:
        assert world.exchange(helper, tokens["access_token"], scope=WRITE).json()["error"] == "invalid_scope"


@spec("RFC 9700", "4.14")
def test_what_people_allowed_for_longer_than_is_allowed_now_ends_earlier_and_nothing_else_moves(world):
    long, short = world.public_client("Long"), world.public_client("Short")
    tokens = world.grant(long, duration="month")
    world.grant(short, duration="hour")
    worker = world.worker()
    before = {each.client_id: each.expires_at for each in world.delegations()}
    world.tenant = stops.change_policy(world.tenant, by=SYSTEM, longest_delegation_days=2)
    after = {each.client_id: each.expires_at for each in world.delegations()}
    ends = timezone.now() + timedelta(days=2)
    assert abs(after[long.client.pk] - ends) < timedelta(seconds=20)
    assert after[short.client.pk] == before[short.client.pk]
    assert after[worker.client.pk] is None
    assert world.refresh(long, tokens["refresh_token"]).status_code == 200
    (told,) = world.entries("delegation.shortened")
    assert told.detail["delegations"] == 1
    (delegation,) = [each for each in world.delegations() if each.client_id == long.client.pk]
    world.rewrite(delegation, expires_at=timezone.now())
    assert world.refresh(long, tokens["refresh_token"]).json()["error"] == "invalid_grant"


@spec("CIMD", "4.2")
def test_where_documents_are_switched_off_their_clients_get_nothing_more(world, documents):
    document(documents, "/narrowed.json")
    who = as_credentials(documents.url("/narrowed.json"))
    tokens = world.grant(who)
    stops.change_policy(world.tenant, by=SYSTEM, documents="off")
    assert eventually(lambda: world.refresh(who, tokens["refresh_token"]).status_code == 401)
    stops.change_policy(world.tenant, by=SYSTEM, documents="open")
    assert eventually(lambda: world.refresh(who, tokens["refresh_token"]).status_code == 200)


@spec("RFC 7591", "5")
def test_who_was_let_in_stays_in_where_fewer_are_let_in_from_now_on(world):
    before = world.public_client()
    tokens = world.grant(before)
    world.tenant = stops.change_policy(world.tenant, by=SYSTEM, registration="admission")
    assert world.refresh(before, tokens["refresh_token"]).status_code == 200
    assert world.public_client().client.agent.status == "pending"


# --- rules for other domains


@pytest.fixture
def across(world, elsewhere):
    across = domains.make(world, elsewhere)
    across.token = across.cross(scope=f"{READ} {WRITE}")
    assert elsewhere.is_active(across.token)
    return across


def allow(across, **changes):
    said = {"scopes": domains.SCOPES, "everyone": True, **changes}
    resource = across.globex.calendar.identifier
    return stops.allow_across(across.here.client, across.audience, resource, by=SYSTEM, **said)


def fewer_scopes(across):
    allow(across, scopes=[READ])


def other_people(across):
    allow(across, everyone=False, members=[across.acme.people["bob"]])


def fewer_scopes_there(across):
    resources_there = {across.globex.calendar.identifier: [READ]}
    stops.change_audience(across.audience, by=SYSTEM, resources=resources_there)


@spec("ID-JAG", "9.3")
@pytest.mark.parametrize("narrow", [fewer_scopes, other_people, fewer_scopes_there])
def test_what_stands_elsewhere_on_more_than_is_left_is_recalled(across, narrow):
    with context.use(across.acme.tenant):
        narrow(across)
    assert not across.globex.is_active(across.token)
    domains.wait()
    if narrow is other_people:
        across.refuses("access_denied")
    else:
        assert seen(across.globex, across.cross(scope=READ)) == {READ}


@spec("ID-JAG", "9.3")
def test_a_rule_that_is_saved_again_or_made_wider_recalls_nothing(across):
    with context.use(across.acme.tenant):
        allow(across)
        stops.change_audience(across.audience, by=SYSTEM, name="Globex, Incorporated")
    assert across.globex.is_active(across.token)
    assert not across.acme.entries("delegation.recalled")
