"""The first journey, with the unmodified MCP SDK on both sides and people in real Chromium."""

import time

import pytest

from audit.principals import SYSTEM
from tenants import actions as tenant_actions
from tests.harness import server as live_server
from tests.harness.world import claims
from tests.interop.cast import raw_call
from tests.interop.person import NobodyAnswers
from tests.spec import spec

pytestmark = [pytest.mark.interop, pytest.mark.browser]


@spec("MCP", "authorization")
def test_an_agent_finds_the_issuer_by_itself_asks_the_person_and_works(world, serve, cast):
    calendar, play = serve(world), cast(world)
    said = play.call("alice", calendar, "list_events")
    token = play.claims("alice", calendar)
    slug = world.tenant.slug
    assert play.seen[:5] == [
        ("POST", "/mcp", 401),
        ("GET", "/.well-known/oauth-protected-resource/mcp", 200),
        ("GET", f"/.well-known/oauth-authorization-server/t/{slug}", 200),
        ("POST", f"/t/{slug}/register", 201),
        ("POST", f"/t/{slug}/token", 200),
    ]
    assert token["aud"] == calendar.url
    assert token["sub"] == world.people["alice"].pk
    assert f"for {token['sub']} through {token['act']['sub']}" in said


@spec("RFC 8707", "2")
def test_the_token_of_one_server_is_refused_at_the_next(world, serve, cast):
    calendar, notes, play = serve(world), serve(world, "notes"), cast(world)
    play.call("alice", calendar, "list_events")
    refused = raw_call(notes, play.token("alice", calendar), "list_notes")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


@spec("MCP", "authorization")
def test_a_refresh_asks_nobody(world, serve, cast):
    calendar, play = serve(world), cast(world)
    play.call("alice", calendar, "list_events")
    before = play.errand("alice", calendar).tokens
    play.errand("alice", calendar).expire()
    play.call("alice", calendar, "list_events")
    after = play.errand("alice", calendar).tokens
    assert after.access_token != before.access_token
    assert after.refresh_token != before.refresh_token
    assert len(play.people.asked) == 1


@spec("MCP", "authorization, scope challenge")
def test_a_403_leads_to_a_wider_consent_that_keeps_what_was_allowed(world, serve, cast):
    calendar, play = serve(world), cast(world)
    play.call("alice", calendar, "list_events")
    said = play.call("alice", calendar, "create_event", title="Dinner")
    token = play.claims("alice", calendar)
    assert ("POST", "/mcp", 403) in play.seen
    assert "created 'Dinner'" in said
    assert set(token["scope"].split()) == {"events:read", "events:write"}
    assert len(world.delegations()) == 1


@spec("RFC 7009", "2.1")
def test_after_the_end_refresh_and_introspection_say_no_at_once(world, serve, cast):
    calendar, play = serve(world), cast(world)
    play.call("alice", calendar, "list_events")
    play.end_access("alice", calendar)
    refused = play.refresh("alice", calendar)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    introspector = world.introspector(calendar.row)
    assert world.introspect(introspector, play.token("alice", calendar)) == {"active": False}


@spec("RFC 9068", "4")
def test_after_the_end_the_last_token_works_until_its_expiry_and_no_longer(world, serve, cast):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, access_token_seconds=6)
    time.sleep(1.2)  # The live server reads the policy anew after a second.
    calendar, play = serve(world), cast(world)
    play.call("alice", calendar, "list_events")
    token, until = play.token("alice", calendar), play.claims("alice", calendar)["exp"]
    play.end_access("alice", calendar)
    assert time.time() < until, "the browser took longer than the token lives"
    assert raw_call(calendar, token).status_code == 200
    time.sleep(until - time.time() + 0.2)
    refused = raw_call(calendar, token)
    assert (refused.status_code, refused.json()["error_description"]) == (401, "The token is over.")


@spec("MCP", "authorization")
def test_after_the_end_the_agent_stands_before_the_consent_page_again(world, serve, cast):
    calendar, play = serve(world), cast(world)
    play.call("alice", calendar, "list_events")
    play.end_access("alice", calendar)
    play.errand("alice", calendar).expire()
    play.people.absent.add("alice")
    with pytest.raises(BaseException) as refusal:  # The SDK wraps it in groups.
        play.call("alice", calendar, "list_events")
    assert _cause(refusal.value, NobodyAnswers)


def test_one_agent_serves_two_people_and_never_mixes_their_tokens_up(world, serve, cast):
    calendar, play = serve(world), cast(world)
    people = {name: world.people[name].pk for name in ("alice", "bob")}
    play.call_together([(name, calendar, "list_events", {}) for name in people])
    calls = [(name, calendar, "create_event", {"title": f"{name} {turn}"}) for turn in range(3) for name in people]
    said = play.call_together(calls)
    for (name, *_), answer in zip(calls, said, strict=True):
        assert f"created '{name}" in answer
        assert f"for {people[name]} through" in answer
    for name, other in (("alice", "bob"), ("bob", "alice")):
        listed = play.call(name, calendar, "list_events")
        assert f"{name} 2" in listed
        assert other not in listed


def test_bobs_end_leaves_alices_access_alone(world, serve, cast):
    calendar, play = serve(world), cast(world)
    play.call_together([(name, calendar, "list_events", {}) for name in ("alice", "bob")])
    play.end_access("bob", calendar)
    assert play.refresh("bob", calendar).json()["error"] == "invalid_grant"
    play.errand("alice", calendar).expire()
    assert world.people["alice"].pk in play.call("alice", calendar, "list_events")


def test_a_week_later_a_month_still_holds_and_a_day_is_over(world, serve, cast):
    calendar, play = serve(world), cast(world)
    play.people.duration = {"alice": "month", "bob": "today"}
    play.call_together([(name, calendar, "list_events", {}) for name in ("alice", "bob")])
    now, port = time.time(), str(live_server.free_port())
    with live_server.running(wrapper=("faketime", "-f", "+7d"), port=port):
        allowed = play.refresh("alice", calendar, at=port)
        refused = play.refresh("bob", calendar, at=port)
    assert allowed.status_code == 200, allowed.text
    lives_until = claims(allowed.json()["access_token"])["exp"]
    assert lives_until - now == pytest.approx(7 * 86400 + world.tenant.access_token_seconds, abs=60)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def _cause(error: BaseException, kind: type[BaseException]) -> bool:
    """Say whether an error, or one that it wraps, is of a kind."""
    if isinstance(error, kind):
        return True
    inner = [*getattr(error, "exceptions", ()), *filter(None, (error.__cause__, error.__context__))]
    return any(_cause(each, kind) for each in inner)
