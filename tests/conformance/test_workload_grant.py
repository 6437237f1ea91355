"""Agents of a platform that is trusted once, with nobody at a browser and no registration each (WAG)."""

import time

import pytest

from agents import actions as agent_actions
from agents.models import Agent
from audit.events import Event
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tests.harness import crowd, domains, platforms
from tests.harness.chain import assert_refuses
from tests.harness.footprint import events, leaves_only
from tests.harness.platforms import PLATFORM, SUBJECT, brings, named
from tests.harness.wire import assert_refused, verified
from tests.harness.world import World, claims
from tests.spec import spec


@pytest.fixture
def platform(world: World) -> platforms.Brings:
    """A platform of which the tenant has met no agent yet."""
    return brings(world, named(PLATFORM))


@pytest.fixture
def known(platform: platforms.Brings) -> platforms.Brings:
    """A platform of which an admin let one agent do everything that its word may open."""
    platform.admit()
    assert platform.present().status_code == 200
    return platform


def waits(answer) -> dict[str, str]:
    """Assert that an answer says that an admin must act, and where; return it."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"error", "error_description", "error_uri"}
    assert body["error"] == "invalid_grant"
    return dict(body)


def scopes(answer) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["scope"])


# --- the switch


@spec("WAG", "5")
def test_where_the_tenant_takes_no_agents_of_platforms_an_assertion_names_no_client(world, known):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, workloads="off")
    with leaves_only(world):
        answers = [known.present() for _ in range(2)]
    for answer in answers:
        assert_refused(answer, "invalid_client", 401)


def test_where_it_takes_none_a_client_s_own_proof_does_not_help(world, known):
    scout = domains.presenter(world)
    assert domains.present(world, scout, known.word(), resource=world.calendar.identifier).status_code == 200
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, workloads="off")
    ask = lambda: domains.present(world, scout, known.word(), resource=world.calendar.identifier)  # noqa: E731
    assert "bring no agents" in assert_refuses(world, ask, "invalid_grant")


# --- an agent that was never seen


@spec("WAG", "7")
def test_an_agent_that_was_never_seen_waits_and_its_platform_learns_who_must_act(world, platform):
    body = waits(platform.present())
    assert "administrator" in body["error_description"]
    assert body["error_uri"].startswith(world.tenant.issuer)
    (agent,) = platform.agents()
    assert (agent.status, agent.foreign_subject, agent.registration) == ("pending", SUBJECT, "workload")
    (entry,) = world.entries(Event.AGENT_ARRIVED)
    assert (entry.about_id, entry.detail) == (agent.pk, {"issuer": PLATFORM, "status": "pending"})
    assert len(world.entries(Event.TOKEN_REFUSED)) == 1
    assert not world.entries(Event.TOKEN_ISSUED)


@spec("WAG", "7")
def test_the_page_that_the_answer_names_is_there_for_an_admin(world, platform):
    place = waits(platform.present())["error_uri"]
    page = world.browser("ada").go(place)
    assert page.status_code == 200
    assert SUBJECT in page.text


@spec("WAG", "5.1")
def test_twenty_requests_at_once_bring_one_agent(world, platform):
    told = len(events(world))
    answers = crowd.at_once(20, lambda _: platform.present())
    assert {answer.status_code for answer in answers} == {400}
    assert all(waits(answer) for answer in answers)
    assert len(platform.agents()) == 1
    written = events(world)[told:]
    assert sorted(written) == [Event.AGENT_ARRIVED, Event.APPROVAL_ASKED, *[Event.TOKEN_REFUSED] * 20]
    with leaves_only(world, Event.TOKEN_REFUSED):
        waits(platform.present())


def test_an_assertion_that_had_to_wait_is_good_once_an_admin_decided(platform):
    assertion = platform.word()
    waits(platform.present(assertion))
    platform.admit()
    assert platform.present(assertion).status_code == 200
    platform.refuses("invalid_grant", assertion)


# --- an agent that an admin let in


@spec("WAG", "5")
def test_an_agent_that_was_let_in_gets_a_token_of_its_own(world, platform):
    agent = platform.admit()
    assertion = platform.word()
    answer = platform.present(assertion, scope="events:read")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    head, body = verified(world, answer.json()["access_token"])
    assert head["typ"] == "at+jwt"
    assert (body["sub"], body["client_id"]) == (agent.pk, f"wip:{platform.trusted.pk}")
    assert (body["iss"], body["aud"]) == (world.tenant.issuer, world.calendar.identifier)
    assert body["scope"] == "events:read"
    assert "act" not in body
    assert body["exp"] <= claims(assertion)["exp"]
    assert 0 < answer.json()["expires_in"] <= 240
    (delegation,) = world.delegations()
    assert (delegation.origin, delegation.subject, delegation.issuer_id) == ("workload", agent.pk, platform.trusted.pk)


@spec("WAG", "5")
def test_a_token_ends_with_its_assertion(platform):
    platform.admit()
    ends = int(time.time()) + 30
    answer = platform.present(platform.word(exp=ends))
    assert claims(answer.json()["access_token"])["exp"] <= ends
    assert answer.json()["expires_in"] <= 30


@spec("WAG", "5")
def test_a_client_may_present_it_and_the_token_is_the_agent_s_all_the_same(world, known):
    scout = domains.presenter(world)
    answer = domains.present(world, scout, known.word(), resource=world.calendar.identifier)
    body = claims(answer.json()["access_token"])
    assert (body["sub"], body["client_id"]) == (known.agents()[0].pk, f"wip:{known.trusted.pk}")


@spec("WAG", "5")
def test_a_client_that_fails_to_prove_itself_is_refused_though_none_is_needed(world, known):
    scout = domains.presenter(world)
    form = {"grant_type": GrantType.JWT_BEARER.value, "assertion": known.word()}
    with leaves_only(world):
        answer = world.http.post(world.url("/token"), data=form, auth=(scout.id, "wrong"))
    assert_refused(answer, "invalid_client", 401)


@spec("WAG", "5.1")
def test_one_subject_of_two_platforms_is_two_agents(world, known):
    other = brings(world, named("https://agents.other.example"))
    assert platforms.eventually(lambda: other.present().status_code == 400 and bool(other.agents()))
    theirs = other.admit()
    body = claims(other.present().json()["access_token"])
    assert body["sub"] == theirs.pk != known.agents()[0].pk
    assert body["client_id"] != claims(known.present().json()["access_token"])["client_id"]


@spec("WAG", "5.1")
def test_a_subject_is_told_from_another_by_every_letter(known):
    waits(known.present(known.word(sub=SUBJECT.upper())))
    assert [each.foreign_subject for each in known.agents()] == [SUBJECT, SUBJECT.upper()]


# --- how much


def test_more_than_the_admin_allowed_the_agent_is_refused(platform):
    platform.admit(["events:read"])
    assert scopes(platform.present()) == "events:read"
    assert scopes(platform.present(scope="events:read")) == "events:read"
    for more in ("events:write", "events:read events:write"):
        platform.refuses("invalid_scope", scope=more, is_open=True)
    for beyond_its_issuer in ("contacts:read", "openid"):
        platform.refuses("invalid_scope", scope=beyond_its_issuer)


def test_an_agent_that_was_let_in_for_nothing_gets_nothing(platform):
    platform.admit([])
    platform.refuses("invalid_scope", scope="events:read", is_open=True)
    platform.refuses("invalid_scope")


@spec("WAG", "5")
def test_the_assertion_s_own_scope_narrows_what_it_buys(known):
    assert scopes(known.present(known.word(scope="events:write"))) == "events:write"
    known.refuses("invalid_scope", known.word(scope="events:read"), scope="events:write")
    known.refuses("invalid_scope", known.word(scope=""))
    known.refuses("invalid_grant", known.word(scope=["events:read"]))
    both = known.present(known.word(scope="events:read events:write contacts:read"), scope="events:read events:write")
    assert scopes(both) == "events:read events:write"


@spec("RFC 8707", "2")
def test_a_resource_that_the_platform_s_word_does_not_open_is_no_target(world, known):
    for other in (world.notes.identifier, world.tenant.api_identifier, "https://nobody.example", "x"):
        known.refuses("invalid_target", resource=other)
    assert scopes(known.present(resource=None)) == "events:read"


def test_a_platform_that_opens_two_resources_needs_the_request_to_name_one(world):
    resources = {world.calendar.identifier: ["events:read"], world.notes.identifier: ["notes:read"]}
    platform = brings(world, named(PLATFORM), resources=resources)
    platform.admit(["events:read"])
    platform.refuses("invalid_target", resource=None)
    platform.refuses("invalid_scope", resource=world.notes.identifier)
    assert scopes(platform.present()) == "events:read"


# --- quarantine


@pytest.fixture
def quarantine(world: World) -> platforms.Brings:
    """A platform whose agents begin with the least."""
    least = {world.calendar.identifier: ["events:read"]}
    return brings(world, named(PLATFORM), unseen="quarantine", quarantine=least)


@spec("WAG", "9")
def test_a_quarantined_agent_gets_the_named_scopes_and_no_more_until_an_admin_decides(world, quarantine):
    assert scopes(quarantine.present()) == "events:read"
    (agent,) = quarantine.agents()
    assert (agent.status, agent.is_quarantined) == ("active", True)
    quarantine.refuses("invalid_scope", scope="events:write", is_open=True)
    quarantine.refuses("invalid_target", resource=world.notes.identifier)
    quarantine.admit()
    assert scopes(quarantine.present(scope="events:write")) == "events:write"
    assert not quarantine.agents()[0].is_quarantined


@spec("WAG", "9")
def test_a_quarantine_without_scopes_lets_nothing_through(world):
    platform = brings(world, named(PLATFORM), unseen="quarantine", quarantine={})
    assert_refused(platform.present(), "invalid_scope")
    platform.refuses("invalid_scope")
    assert [each.status for each in platform.agents()] == [Agent.Status.ACTIVE]


# --- how many


@spec("WAG", "8")
def test_a_platform_brings_as_many_agents_as_the_admin_said(world):
    platform = brings(world, named(PLATFORM), most_agents=2)
    for name in ("a", "b"):
        waits(platform.present(platform.word(sub=name)))
    platform.refuses("invalid_grant", platform.word(sub="c"))
    waits(platform.present(platform.word(sub="b")))
    assert len(platform.agents()) == 2


@spec("WAG", "8")
def test_the_limit_holds_for_twelve_at_once(world):
    platform = brings(world, named(PLATFORM), most_agents=3)
    answers = crowd.at_once(12, lambda number: platform.present(platform.word(sub=f"agent-{number}")))
    assert {answer.status_code for answer in answers} == {400}
    assert len(platform.agents()) == 3


# --- what is over


def test_a_paused_agent_is_refused_and_its_token_is_dead(world, known):
    token = known.present().json()["access_token"]
    assert world.is_active(token)
    with context.use(world.tenant):
        agent_actions.suspend_agent(known.agents()[0], by=SYSTEM, reason="a test")
    assert not world.is_active(token)
    known.refuses("invalid_grant")
    with context.use(world.tenant):
        agent_actions.resume_agent(known.agents()[0], by=SYSTEM)
    assert known.present().status_code == 200


def test_what_an_admin_ended_stays_ended_and_the_next_word_of_the_platform_changes_nothing(world, known):
    token = known.present().json()["access_token"]
    (delegation,) = world.delegations()
    with context.use(world.tenant):
        delegation_actions.revoke(delegation, by=SYSTEM, reason="a test")
    assert not world.is_active(token)
    assert "ended" in known.refuses("invalid_grant")
    assert "ended" in known.refuses("invalid_grant", scope="events:write")
