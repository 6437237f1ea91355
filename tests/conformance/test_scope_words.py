"""What is said of a scope beside its name holds: how long a token with it lives, and that it stays with its agent."""

from functools import partial

import pytest

from audit.principals import SYSTEM
from kit import context
from tenants import resources
from tenants.models import Scope
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec

READ, MEET = "events:read", "contacts:read"


def say(world, name, server=None, **words):
    """Say something of a scope of the calendar, unless another server is given."""
    with context.use(world.tenant):
        scope = Scope.objects.select_related("resource_server").get(resource_server=server or world.calendar, name=name)
        resources.change_scope(scope, by=SYSTEM, **words)


# --- how long


@spec("RFC 6749", "4.2.2")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_a_token_lives_as_long_as_the_gravest_of_its_scopes_lets_it(world, token_format):
    vault = chains.add_server(world, "vault", READ, MEET, token_format=token_format)
    scout = world.public_client()
    both = f"{READ} {MEET} offline_access"
    tokens = chains.allow(world, scout, server=vault, scope=both)
    assert tokens["expires_in"] == 300
    say(world, MEET, vault, longest_seconds=20)
    renewed = world.refresh(scout, tokens["refresh_token"]).json()
    assert (renewed["scope"].split(), renewed["expires_in"]) == ([MEET, "events:read"], 20)
    lesser = world.refresh(scout, renewed["refresh_token"], scope=READ).json()
    assert (lesser["scope"], lesser["expires_in"]) == (READ, 300)


@spec("RFC 8693", "2.2.1")
def test_an_exchanged_token_and_an_agents_own_live_no_longer_than_a_scope_lets_them(world):
    say(world, READ, longest_seconds=30)
    chain = chains.handed_on(world, 1)
    assert all(each["exp"] - each["iat"] <= 30 for each in map(claims, chain.tokens))
    own = world.own_token(world.worker()).json()
    assert own["expires_in"] == 30


@spec("RFC 6749", "4.2.2")
def test_a_scope_lengthens_no_token_beyond_what_the_tenant_lets_it_live(world):
    say(world, READ, longest_seconds=3600)
    assert world.own_token(world.worker()).json()["expires_in"] == 300


# --- what stays


@spec("RFC 8693", "2.2.2")
def test_what_stays_with_its_agent_reaches_no_other_and_goes_on_for_itself(world):
    chain = chains.make(world)
    planner, helper = chain.agents
    say(world, MEET, is_delegable=False)
    chains.assert_refuses(world, partial(world.exchange, helper, chain.tokens[0], scope=MEET), "invalid_scope")
    assert world.exchange(helper, chain.tokens[0]).json()["scope"] == READ
    assert world.exchange(planner, chain.tokens[0], scope=MEET).json()["scope"] == MEET


@spec("RFC 8693", "2.2.2")
def test_nothing_is_handed_on_where_all_of_it_stays(world):
    chain = chains.make(world)
    for name in (READ, MEET):
        say(world, name, is_delegable=False)
    chains.assert_refuses(world, partial(world.exchange, chain.agents[1], chain.tokens[0]), "invalid_scope")
    assert all(each.depth == 0 for each in world.delegations())


@spec("RFC 7662", "2.2")
def test_what_was_handed_on_before_it_stays_is_gone_from_the_token_and_from_the_next(world):
    chain = chains.handed_on(world, 1)
    helper = chain.agents[1]
    reader, ask = world.introspector(), asker(world, "ada")
    place = f"/resources/{world.calendar.pk}/scopes/{MEET}"
    assert world.introspect(reader, chain.tokens[1])["scope"] == f"{MEET} {READ}"
    assert ask("PATCH", place, {"is_delegable": False}).status_code == 200
    assert world.introspect(reader, chain.tokens[1])["scope"] == READ
    assert world.introspect(reader, chain.tokens[0])["scope"] == f"{MEET} {READ}"
    assert world.exchange(helper, chain.tokens[1]).json()["scope"] == READ
    chains.assert_refuses(world, partial(world.exchange, helper, chain.tokens[1], scope=MEET), "invalid_scope")
    assert ask("PATCH", place, {"is_delegable": True}).status_code == 200
    assert world.exchange(helper, chain.tokens[0]).json()["scope"] == f"{MEET} {READ}"


# --- what is read of it


@spec("RFC 6749", "3.3")
def test_a_person_reads_how_grave_a_scope_is_what_it_cannot_do_and_that_it_stays(world):
    say(world, READ, cannot="See events marked as private", longest_seconds=60)
    say(world, "events:write", weight="final", is_delegable=False)
    asked = world.ask(world.public_client(), "alice", scope="events:read events:write")
    page, shown = (
        asked.words(),
        asker(world, "ada")(
            "GET", f"/resources/{world.calendar.pk}/preview?scope=events:read&scope=events:write"
        ).json(),
    )
    assert [line["weight"] for line in shown["can"]] == ["", "final"]
    assert [line["lasts"] for line in shown["can"]] == ["for 1 minute each time", ""]
    assert shown["cannot"][:2] == [
        "See events marked as private", "Let another agent do this: Change your calendar",
    ]  # fmt: skip
    for words in ("cannot be undone", "for 1 minute each time", *shown["cannot"]):
        assert words in page
    assert "changes things" not in page


@spec("RFC 6749", "3.3")
@pytest.mark.parametrize("weight", ["", "final", "as_you"])
def test_what_cannot_be_undone_is_never_ticked_before_a_person_does(world, weight):
    say(world, "events:write", weight=weight)
    shown = asker(world, "ada")("GET", f"/resources/{world.calendar.pk}/preview?scope=events:write").json()
    assert [line["is_ticked"] for line in shown["can"]] == [not weight]


# --- how it is said


GOOD = {"name": "x:pay", "title": "Pay", "is_writing": True, "weight": "final", "cannot": "Pay strangers",
        "longest_seconds": 60, "is_delegable": False}  # fmt: skip


@spec("RFC 6749", "3.3")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 201), ({"weight": "as_you"}, 201), ({"longest_seconds": 3600}, 201), ({"longest_seconds": None}, 201),
        ({"weight": "grave"}, 400), ({"is_writing": False}, 422), ({"longest_seconds": 0}, 422),
        ({"longest_seconds": 3601}, 422), ({"longest_seconds": -1}, 400), ({"longest_seconds": "a"}, 400),
    ],
)  # fmt: skip
def test_a_scope_says_what_holds_together(world, changes, status):
    ask, place = asker(world, "ada"), f"/resources/{world.calendar.pk}/scopes"
    words = GOOD | changes
    if status == 201:
        made = ask("POST", place, words)
        assert (made.status_code, made.json()) == (
            201,
            {"description": "", "is_default": False, "is_needed": False} | words,
        )
        return
    with leaves_only(world):
        assert ask("POST", place, words).status_code == status


@spec("RFC 6749", "3.3")
def test_half_of_what_holds_together_is_not_changed_alone_and_a_change_is_told(world):
    ask, place = asker(world, "ada"), f"/resources/{world.calendar.pk}/scopes/events:write"
    assert ask("PATCH", place, {"weight": "as_you", "is_delegable": False}).json()["weight"] == "as_you"
    assert world.entries("scope.changed")[-1].detail == {
        "scope": "events:write",
        "before": ["is_delegable: True", "weight: "],
        "after": ["is_delegable: False", "weight: as_you"],
    }
    with leaves_only(world):
        assert ask("PATCH", place, {"is_writing": False}).status_code == 422
        assert ask("PATCH", f"/resources/{world.calendar.pk}/scopes/{READ}", {"weight": "final"}).status_code == 422
    assert ask("PATCH", place, {"is_writing": False, "weight": ""}).json()["is_writing"] is False


@spec("RFC 6749", "3.3")
def test_a_page_says_the_same_of_a_scope(world):
    ada = world.browser("ada")
    ada.go(world.url(f"/console/resources/{world.calendar.pk}/scopes/events:write"))
    answer = ada.submit(ada.form(""), {"weight": "final", "longest_seconds": "45", "cannot": "Invite strangers"})
    assert answer.status_code == 200
    for words in ("cannot be undone", "a token lasts 45 seconds", "Invite strangers"):
        assert words in answer.text
    ada.go(world.url(f"/console/resources/{world.calendar.pk}/scopes/events:read"))
    with leaves_only(world):
        refused = ada.submit(ada.form(""), {"weight": "as_you"})
    assert refused.status_code == 422
    assert "changes things: say so as well" in refused.text
