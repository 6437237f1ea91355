"""An agent for itself: only as an admin allowed it, at one resource, and never with a refresh token (RFC 6749 §4.4)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from tenants import actions as tenant_actions
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions


@spec("RFC 6749", "4.4.3")
def test_an_agent_is_its_own_subject_and_gets_no_refresh_token(world):
    worker = world.worker()
    answer = world.own_token(worker)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    content = claims(answer.json()["access_token"])
    assert content["sub"] == worker.client.agent.pk
    assert content["client_id"] == worker.id
    assert "act" not in content


@spec("RFC 6749", "4.4")
@pytest.mark.parametrize("scope", ["events:write", "events:read events:write", "openid", "offline_access", "nothing"])
def test_more_than_an_admin_allowed_is_refused(world, scope):
    worker = world.worker()
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.own_token(worker, scope=scope)
    # What is unknown at the resource nobody can allow.
    page = world.url("/who-decides") if "events:write" in scope else ""
    assert_refused(answer, "invalid_scope", page=page)


@spec("RFC 6749", "3.3")
def test_without_a_scope_the_resource_s_default_is_given_as_far_as_it_is_allowed(world):
    assert world.own_token(world.worker("events:read events:write"), scope=None).json()["scope"] == "events:read"
    assert world.own_token(world.worker("events:write"), scope=None).json()["scope"] == "events:write"


@spec("RFC 8707", "2.2")
def test_a_resource_must_be_named(world):
    worker = world.worker()
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.own_token(worker, resource=None)
    assert_refused(answer, "invalid_target")


@spec("RFC 8707", "2.2")
def test_the_tenant_s_default_resource_stands_for_one_that_is_not_named(world):
    worker = world.worker()
    tenant_actions.change_policy(world.tenant, by=SYSTEM, default_resource=world.calendar.identifier)
    # A token for a named resource first: the mint sees that the policy changed, and the process reads it again.
    assert world.own_token(worker).status_code == 200
    answer = world.own_token(worker, resource=None)
    assert claims(answer.json()["access_token"])["aud"] == world.calendar.identifier


@spec("RFC 8707", "2")
def test_only_a_registered_resource_at_which_something_is_allowed_is_a_target(world):
    worker = world.worker()
    wrong = [world.notes.identifier, world.tenant.issuer, world.tenant.api_identifier, "https://nobody.example", "x"]
    wrong += [world.calendar.identifier + suffix for suffix in ("/", "/child", "#", "?", ".evil.example")]
    with leaves_only(world, *[Event.TOKEN_REFUSED] * len(wrong)):
        for each in wrong:
            # The product's own API knows a scope of this name, too: that an admin could allow.
            page = world.url("/who-decides") if each == world.tenant.api_identifier else ""
            assert_refused(world.own_token(worker, resource=each), "invalid_target", page=page)


@spec("RFC 8707", "2")
def test_scheme_and_host_of_a_resource_are_the_same_in_capitals_and_the_audience_is_as_registered(world):
    worker = world.worker()
    shouted = world.calendar.identifier.replace("https://calendar", "HTTPS://CALENDAR")
    answer = world.own_token(worker, resource=shouted)
    assert claims(answer.json()["access_token"])["aud"] == world.calendar.identifier


@spec("RFC 8707", "2.2")
def test_scopes_are_cut_down_to_what_the_resource_knows_and_the_answer_says_so(world):
    worker = world.worker()
    with context.use(world.tenant):
        delegation_actions.allow_agent(worker.client, world.notes, frozenset({"notes:read"}), by=SYSTEM)
    answer = world.own_token(worker, scope="events:read notes:read", resource=world.notes.identifier)
    assert answer.json()["scope"] == "notes:read"
    assert claims(answer.json()["access_token"])["scope"] == "notes:read"


@spec("RFC 6749", "4.4")
def test_an_agent_that_may_do_nothing_for_itself_gets_nothing(world):
    with context.use(world.tenant):
        client, secret = agent_actions.register_agent("Idle", by=SYSTEM)
    with leaves_only(world, Event.TOKEN_REFUSED):
        form = {"grant_type": "client_credentials", "resource": world.calendar.identifier}
        answer = world.http.post(world.url("/token"), data=form, auth=(client.client_id, secret))
    assert_refused(answer, "unauthorized_client", page=world.url("/who-decides"))


@spec("RFC 6749", "4.4")
@pytest.mark.parametrize("kind", ["public", "dynamic", "introspector"])
def test_only_a_client_that_an_admin_gave_the_grant_acts_for_itself(world, kind):
    who = {"public": world.public_client, "dynamic": world.secret_client, "introspector": world.introspector}[kind]()
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.own_token(who)
    assert_refused(answer, "unauthorized_client")


@spec("RFC 6749", "4.4")
def test_what_a_person_allowed_is_not_the_agent_s_own(world):
    with context.use(world.tenant):
        grants = ("authorization_code", "refresh_token", "client_credentials")
        client, secret = agent_actions.register_agent(
            "Both", by=SYSTEM, grant_types=grants, redirect_uris=["http://127.0.0.1/callback"]
        )
    both = type(world.worker())(client, secret)
    assert world.grant(both)["scope"] == "events:read"
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.own_token(both)
    assert_refused(answer, "unauthorized_client", page=world.url("/who-decides"))


@spec("RFC 6749", "4.4")
def test_an_agent_whose_access_was_ended_is_refused_at_once_in_every_process(world):
    worker = world.worker()
    token = world.own_token(worker).json()["access_token"]
    with context.use(world.tenant):
        token_actions.end_delegation(world.delegations()[0], by=SYSTEM, reason="enough")
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(world.own_token(worker), "unauthorized_client", page=world.url("/who-decides"))
    assert not world.is_active(token)


@spec("RFC 6749", "4.4")
def test_a_paused_agent_is_refused_at_once_in_every_process(world):
    worker = world.worker()
    token = world.own_token(worker).json()["access_token"]
    with context.use(world.tenant):
        agent_actions.suspend_agent(worker.client.agent, by=SYSTEM, reason="strange")
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(world.own_token(worker), "invalid_grant")
    assert not world.is_active(token)


@spec("RFC 6749", "4.4")
def test_no_token_outlives_what_an_admin_allowed(world):
    with context.use(world.tenant):
        client, secret = agent_actions.register_agent("Brief", by=SYSTEM)
        end = timezone.now() + timedelta(seconds=60)
        delegation_actions.allow_agent(client, world.calendar, frozenset({"events:read"}), by=SYSTEM, expires_at=end)
    answer = world.own_token(type(world.worker())(client, secret)).json()
    assert 0 < answer["expires_in"] <= 60
    assert claims(answer["access_token"])["exp"] <= end.timestamp()
