"""A delegation is made smaller and never wider: what is below it, and what is out, by the very next request."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.utils import timezone

from audit.events import Event
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from delegations.rules import Limits
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens import actions, narrowing

READ, WRITE, CONTACTS = "events:read", "events:write", "contacts:read"
SCOPE = "delegations:narrow"


@pytest.fixture
def chain(world):
    """A planner that alice allowed to read, write and see contacts, and two that each hold all of it."""
    return chains.handed_on(world, 2, scope=f"{READ} {WRITE} {CONTACTS}")


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPE)


def smaller(delegation, *scopes, expires_at=None):
    limits = Limits(frozenset(scopes) if scopes else None, expires_at)
    with context.use(delegation.tenant):
        return narrowing.narrow_delegation(delegation, limits, by=SYSTEM, reason="less will do")


def seen(world, token):
    world.reader = world.reader or world.introspector()
    return world.introspect(world.reader, token)


def scopes_of(world, token):
    return set(seen(world, token).get("scope", "").split())


@spec("RFC 8693", "2.1")
def test_what_is_taken_away_is_gone_from_every_part_and_from_every_token_in_the_next_request(world, chain, ada):
    root, part, last = (chain.delegation(place) for place in range(3))
    only = world.exchange(chain.agents[0], chain.tokens[0], scope=WRITE).json()["access_token"]
    answer = ada("PATCH", f"/delegations/{root.pk}", {"scopes": [READ, CONTACTS], "reason": "it need not write"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["scopes"], told["taken"]) == ([CONTACTS, READ], [WRITE])
    assert [(each["delegation"], each["taken"]) for each in told["parts"]] == [(part.pk, [WRITE]), (last.pk, [WRITE])]
    (left,) = told["tokens"]
    assert (left["checks"], left["tokens"]) == ("jwt", 4)
    assert told["time_to_zero"] > 200
    for place in range(3):
        assert chain.delegation(place).scope_set == {READ, CONTACTS}
        assert scopes_of(world, chain.tokens[place]) == {READ, CONTACTS}
    assert not world.is_active(only)
    person = world.url("/who-decides")  # Whom the person's own agent may ask for more.
    for ask, page in (
        (partial(world.exchange, chain.agents[0], chain.tokens[0], scope=WRITE), person),
        (partial(world.exchange, chain.agents[1], chain.tokens[0], scope=WRITE), ""),
        (partial(world.exchange, chain.agents[2], chain.tokens[1], scope=f"{READ} {WRITE}"), ""),
        (partial(world.refresh, chain.agents[0], chain.granted["refresh_token"], scope=WRITE), person),
    ):
        chains.assert_refuses(world, ask, "invalid_scope", page=page)
    again = world.exchange(chain.agents[1], chain.tokens[0]).json()
    assert set(again["scope"].split()) == {READ, CONTACTS}
    (entry,) = world.entries(Event.DELEGATION_NARROWED)
    assert (entry.principal_id, entry.reason) == (world.people["ada"].pk, "it need not write")
    assert (entry.on_behalf_of, entry.detail["scopes"]) == (world.people["alice"].pk, [CONTACTS, READ])
    assert entry.detail["receipt"]["taken"] == [WRITE]


@spec("RFC 8693", "2.2.1")
def test_an_earlier_end_holds_for_parts_tokens_and_what_is_made_of_them(world, chain):
    root = chain.delegation(0)
    ends = timezone.now() + timedelta(seconds=100)
    told = smaller(root, expires_at=ends)
    assert {cut.left.expires_at for cut in told.cuts} == {ends}
    assert [chain.delegation(place).expires_at for place in range(3)] == [ends] * 3
    for token in chain.tokens:
        assert seen(world, token)["exp"] == int(ends.timestamp())
    for made in (
        world.refresh(chain.agents[0], chain.granted["refresh_token"]).json(),
        world.exchange(chain.agents[2], chain.tokens[2]).json(),
        world.exchange(chain.agents[1], chain.tokens[0]).json(),
    ):
        assert 0 < made["expires_in"] <= 100
    for place in range(3):
        world.rewrite(chain.delegation(place), expires_at=timezone.now())
    assert not any(map(world.is_active, chain.tokens))
    assert world.refresh(chain.agents[0], chain.granted["refresh_token"]).json()["error"] == "invalid_grant"


FAR = "2999-01-01T00:00:00Z"
REFUSED = {
    "wider": ({"scopes": [READ, WRITE, CONTACTS, "notes:read"]}, 409, "It is only made smaller"),
    "longer": ({"expires_at": FAR}, 409, "It is only made smaller"),
    "narrower and longer": ({"scopes": [READ], "expires_at": FAR}, 409, "It is only made smaller"),
    "nothing": ({"scopes": []}, 422, "What was said cannot hold"),
    "the past": ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "What was said cannot hold"),
    "the same": ({"scopes": [READ, WRITE, CONTACTS]}, 422, "What was said cannot hold"),
    "no limit": ({}, 422, "What was said cannot hold"),
    "no list": ({"scopes": READ}, 400, "The request cannot be read"),
    "no date": ({"expires_at": "soon"}, 400, "The request cannot be read"),
}


@spec("RFC 9700", "2.3")
def test_it_is_never_made_wider_or_longer_and_never_to_nothing(world, chain, ada):
    root = chain.delegation(0)
    with leaves_only(world):
        for query in ("", "?dry_run=true"):
            for name, (said, status, title) in REFUSED.items():
                answer = ada("PATCH", f"/delegations/{root.pk}{query}", {**said, "reason": "because"})
                assert (answer.status_code, answer.json()["title"]) == (status, title), (name, answer.text)
    assert ada("PATCH", f"/delegations/{root.pk}", {"scopes": [READ], "reason": "because"}).status_code == 200


@spec("RFC 9110", "13.1.1")
def test_a_dry_run_says_the_same_and_writes_nothing_and_the_second_of_two_is_told_who_was_first(world, chain, ada):
    root, path = chain.delegation(0), f"/delegations/{chain.delegation(0).pk}"
    said = {"scopes": [READ], "reason": "less will do"}
    with leaves_only(world):
        first = ada("PATCH", f"{path}?dry_run=true", said)
    version = {"If-Match": first.headers["etag"]}
    done = ada("PATCH", path, said, **version)
    assert done.status_code == 200, done.text
    moving = ("dry_run", "narrowed_at", "time_to_zero")
    assert {**first.json(), **dict.fromkeys(moving)} == {**done.json(), **dict.fromkeys(moving)}
    second = ada("PATCH", path, {**said, "scopes": [CONTACTS]}, **version)
    assert second.status_code == 412
    assert second.json()["changed_by"] == world.people["ada"].pk
    smaller(root, expires_at=timezone.now() + timedelta(hours=1))
    assert ada("PATCH", path, said, **{"If-Match": done.headers["etag"]}).status_code == 412
    with context.use(world.tenant):
        actions.end_delegation(chain.delegation(0), by=SYSTEM, reason="over")
    assert ada("PATCH", path, {"expires_at": "2020-01-01T00:00:00Z", "reason": "x"}).status_code == 409


@spec("RFC 9700", "2.3")
def test_people_make_their_own_smaller_and_of_others_only_who_may_end_them_and_says_why(world, chain):
    root = chain.delegation(0)
    path, said = f"/delegations/{root.pk}", {"scopes": [READ, CONTACTS]}
    ada, bob, alice = (asker(world, name, SCOPE) for name in ("ada", "bob", "alice"))
    reader = asker(world, "alice", "delegations:read")
    with leaves_only(world):
        assert bob("PATCH", path, said).status_code == 404
        assert ada("PATCH", path, said).status_code == 400
        assert reader("PATCH", path, said).status_code == 403
    world.rewrite(world.people["bob"], role="auditor")
    with leaves_only(world):
        assert bob("PATCH", path, {**said, "reason": "because"}).status_code == 404
    assert alice("PATCH", path, said).status_code == 200
    (entry,) = world.entries(Event.DELEGATION_NARROWED)
    assert (entry.principal_id, entry.reason) == (world.people["alice"].pk, "")


# --- what would come back by itself


@spec("RFC 8693", "2.1")
def test_what_was_taken_of_a_part_no_exchange_brings_back_before_the_person_agrees_anew(world, chain):
    part = chain.delegation(1)
    smaller(part, READ, CONTACTS)
    again = partial(world.exchange, chain.agents[1], chain.tokens[0])
    chains.assert_refuses(world, partial(again, scope=f"{READ} {WRITE}"), "invalid_scope")
    assert set(again().json()["scope"].split()) == {READ, CONTACTS}
    assert chain.delegation(0).scope_set == {READ, WRITE, CONTACTS}
    world.rewrite(chain.delegation(1), expires_at=timezone.now())
    assert set(again().json()["scope"].split()) == {READ, CONTACTS}
    assert chain.delegation(1).pk != part.pk
    chains.assert_refuses(world, partial(again, scope=WRITE), "invalid_scope")
    chain.tokens[:] = [chains.allow(world, chain.agents[0], scope=f"{READ} {WRITE}", prompt="consent")["access_token"]]
    world.rewrite(chain.delegation(1), expires_at=timezone.now())
    assert world.exchange(chain.agents[1], chain.tokens[0], scope=WRITE).status_code == 200


@spec("RFC 8693", "2.1")
def test_a_part_whose_earlier_end_came_is_not_made_again(world, chain):
    part = chain.delegation(1)
    smaller(part, expires_at=timezone.now() + timedelta(hours=1))
    world.rewrite(part, expires_at=timezone.now())
    ask = partial(world.exchange, chain.agents[1], chain.tokens[0])
    assert chains.assert_refuses(world, ask).startswith("NotHandedOn")
    assert world.refresh(chain.agents[0], chain.granted["refresh_token"]).status_code == 200


@spec("RFC 8693", "2.1")
def test_a_part_that_was_ended_comes_back_no_wider_than_what_it_hangs_on_is_by_then(world, chain):
    root, last = chain.delegation(0), chain.delegation(2)
    with context.use(world.tenant):
        actions.end_delegation(last, by=SYSTEM, reason="enough")
        smaller(root, READ, CONTACTS)
        restored = delegation_actions.undo(chain.delegation(2), by=SYSTEM)
    assert restored.scope_set == {READ, CONTACTS}


@spec("RFC 8693", "2.1")
def test_a_part_of_which_nothing_is_left_ends(world):
    chain = chains.make(world, 1, scope=f"{READ} {WRITE}")
    chain.hand_on(scope=WRITE)
    told = smaller(chain.delegation(0), READ)
    assert [cut.ends for cut in told.cuts] == [False, True]
    part = chain.delegation(1)
    assert (part.ended_reason, part.scope_set) == ("nothing was left of it", {WRITE})
    assert not world.is_active(chain.tokens[1])


@spec("RFC 9728", "5.3")
def test_the_api_itself_goes_by_what_is_left(world):
    token = world.own_api_token(world.worker())
    ask = partial(world.http.get, world.url("/api/v1/self"), headers={"Authorization": f"Bearer {token}"})
    assert datetime.fromisoformat(ask().json()["token_expires_at"])
    held = [each for each in world.delegations() if each.audience == world.tenant.api_identifier][-1]
    smaller(held, "delegations:read")
    assert ask().status_code == 403
