"""Taking back that a delegation was made smaller: within ten minutes, by whoever did it, as far as is allowed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import handovers
from agents.models import Agent
from audit.events import Event
from audit.principals import SYSTEM, Kind, Principal
from delegations.rules import UNDO
from kit import context
from tenants import resources
from tenants.models import Scope
from tests.conformance.test_made_smaller import scopes_of, seen, smaller
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens import actions, narrowing, stops

READ, WRITE, CONTACTS = "events:read", "events:write", "contacts:read"
ALL = {READ, WRITE, CONTACTS}
SCOPE = "delegations:narrow"
WHY = "it need not write"


@pytest.fixture
def chain(world):
    """A planner that alice allowed to read, write and see contacts, and two that each hold all of it."""
    return chains.handed_on(world, 2, scope=f"{READ} {WRITE} {CONTACTS}")


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPE)


def less(ask, delegation, **said):
    """Make it smaller over the API, and return where that is taken back."""
    said = said or {"scopes": [READ, CONTACTS]}
    answer = ask("PATCH", f"/delegations/{delegation.pk}", {**said, "reason": WHY})
    assert answer.status_code == 200, answer.text
    return f"/delegations/{delegation.pk}/put-back"


def limits(delegation):
    return delegation.scope_set, delegation.expires_at, delegation.withheld_set, delegation.shortened_by


def refuses(world, ask, path, code=409):
    """Assert that nothing is put back, and return the problem."""
    with leaves_only(world):
        answer = ask("POST", path)
    assert answer.status_code == code, answer.text
    return answer.json()


@spec("RFC 8693", "2.1")
def test_what_was_taken_away_is_back_on_every_part_and_every_token_by_the_next_request(world, chain, ada):
    before = [limits(chain.delegation(place)) for place in range(3)]
    ends = (timezone.now() + timedelta(hours=1)).isoformat()
    path = less(ada, chain.delegation(0), scopes=[READ, CONTACTS], expires_at=ends)
    assert all(scopes_of(world, token) == {READ, CONTACTS} for token in chain.tokens)
    answer = ada("POST", path)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["given"], told["parts_put_back"], told["parts_made_anew"]) == ([WRITE], 2, 0)
    assert [each["delegation"] for each in told["parts"]] == [chain.delegation(1).pk, chain.delegation(2).pk]
    assert [limits(chain.delegation(place)) for place in range(3)] == before
    assert chain.delegation(0).narrowed_at is None
    assert answer.headers["etag"] == f'"{chain.delegation(0).version}"'
    for token in chain.tokens:
        assert scopes_of(world, token) == ALL
    for agent, token in ((1, 0), (2, 1)):
        assert world.exchange(chain.agents[agent], chain.tokens[token], scope=WRITE).status_code == 200
    narrowed, back = (world.entries(each)[0] for each in (Event.DELEGATION_NARROWED, Event.DELEGATION_PUT_BACK))
    assert (back.principal_id, back.on_behalf_of) == (world.people["ada"].pk, world.people["alice"].pk)
    assert (back.detail["undoes"], back.detail["receipt"]["given"]) == (narrowed.pk, [WRITE])


@spec("RFC 8693", "2.1")
def test_a_part_that_ended_for_it_is_made_anew_with_what_hung_on_it_and_old_tokens_stay_dead(world):
    chain = chains.make(world, 2, scope=f"{READ} {WRITE}")
    chain.hand_on(scope=WRITE)
    chain.hand_on(scope=WRITE)
    old, ada = [chain.delegation(place).pk for place in range(3)], asker(world, "ada", SCOPE)
    path = less(ada, chain.delegation(0), scopes=[READ])
    assert all(chain.delegation(place).ended_at for place in (1, 2))
    told = ada("POST", path).json()
    assert (told["parts_put_back"], told["parts_made_anew"]) == (0, 2)
    made = [chain.delegation(place) for place in range(3)]
    assert [each.restored_from_id for each in made] == [None, old[1], old[2]]
    with context.use(world.tenant):
        assert [each.pk for each in made[2].line] == [each.pk for each in reversed(made)]
    assert [each.scope_set for each in made] == [{READ, WRITE}, {WRITE}, {WRITE}]
    assert [world.is_active(token) for token in chain.tokens] == [True, False, False]
    assert world.exchange(chain.agents[1], chain.tokens[0], scope=WRITE).status_code == 200
    assert chain.delegation(1).pk == made[1].pk


@spec("RFC 9110", "13.1.1")
def test_it_is_taken_back_once_and_by_whoever_did_it_within_ten_minutes(world, chain, ada):
    root = chain.delegation(0)
    path = less(ada, root)
    alice, bob, reader = asker(world, "alice", SCOPE), asker(world, "bob", SCOPE), asker(world, "ada", "agents:read")
    refuses(world, alice, path)
    refuses(world, bob, path, 404)
    refuses(world, reader, path, 403)
    world.rewrite(world.people["bob"], role="security")
    assert refuses(world, bob, path)["title"] == "It is too late to undo that"
    with leaves_only(world):
        assert ada("POST", path, **{"If-Match": '"1"'}).status_code == 412
    at = chain.delegation(0).cut_at
    late = at - UNDO
    world.rewrite(chain.delegation(0), cut_at=late)
    told = refuses(world, ada, path)
    assert (told["changed_by"], "was first" in told["detail"]) == (world.people["ada"].pk, True)
    world.rewrite(chain.delegation(0), cut_at=at)
    assert ada("POST", path).status_code == 200
    refuses(world, ada, path)
    refuses(world, ada, f"/delegations/{chain.delegation(1).pk}/put-back")


def ended(world, chain):
    actions.end_delegation(chain.delegation(0), by=SYSTEM, reason="over")


def above_ended(world, chain):
    actions.end_delegation(chain.delegation(0), by=SYSTEM, reason="over")


def narrowed_again(world, chain):
    smaller(chain.delegation(1), READ)


def above_narrowed(world, chain):
    smaller(chain.delegation(0), READ, WRITE)


def above_shortened(world, chain):
    smaller(chain.delegation(0), expires_at=timezone.now() + timedelta(hours=5))


def agreed_anew(world, chain):
    chains.allow(world, chain.agents[0], scope=f"{READ} {WRITE}", prompt="consent")


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("since", [above_ended, narrowed_again, above_narrowed, above_shortened, None])
def test_what_became_of_a_part_or_of_what_it_hangs_on_since_stays(world, chain, ada, since):
    path = less(ada, chain.delegation(1))
    if since is not None:
        with context.use(world.tenant):
            since(world, chain)
        refuses(world, ada, path)
    else:
        assert ada("POST", path).status_code == 200


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("since", [ended, agreed_anew, None])
def test_what_became_of_a_consents_own_delegation_since_stays(world, chain, ada, since):
    path = less(ada, chain.delegation(0))
    if since is not None:
        with context.use(world.tenant):
            since(world, chain)
        refuses(world, ada, path)
    else:
        assert ada("POST", path).status_code == 200


@spec("RFC 8693", "2.1")
def test_a_part_that_somebody_made_smaller_or_ended_in_between_stays_as_they_left_it(world, chain, ada):
    path = less(ada, chain.delegation(0))
    smaller(chain.delegation(1), READ)
    with context.use(world.tenant):
        actions.end_delegation(chain.delegation(2), by=SYSTEM, reason="enough")
    assert ada("POST", path).json()["parts"] == []
    assert [chain.delegation(place).scope_set for place in range(2)] == [ALL, {READ}]
    assert chain.delegation(2).ended_reason == "enough"


def scope_gone(world, chain):
    with context.use(world.tenant):
        resources.retire_scope(Scope.objects.get(resource_server=world.calendar, name=WRITE), by=SYSTEM)


def ceiling_lower(world, chain):
    with context.use(world.tenant):
        for agent in Agent.objects.filter(pk__in=[each.client.agent_id for each in chain.agents]):
            handovers.set_limits(agent, ceiling={world.calendar.identifier: [READ, CONTACTS]}, by=SYSTEM)


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("by_now", [scope_gone, ceiling_lower])
def test_what_is_not_allowed_by_now_is_not_put_back_and_stays_taken_away(world, chain, ada, by_now):
    path = less(ada, chain.delegation(0), scopes=[READ])
    by_now(world, chain)
    told = ada("POST", path).json()
    assert told["given"] == [CONTACTS]
    for place in range(3):
        assert chain.delegation(place).scope_set == {READ, CONTACTS}
    assert chain.delegation(0).withheld_set == {WRITE}


@spec("RFC 9700", "2.3")
def test_where_nothing_of_it_is_allowed_by_now_that_is_said(world, chain, ada):
    path = less(ada, chain.delegation(0))
    ceiling_lower(world, chain)
    assert refuses(world, ada, path, 422)["detail"] == "Nothing of what was taken is allowed by now."


@spec("RFC 9700", "4.14")
def test_an_end_that_is_put_back_is_no_later_than_people_may_allow_by_now(world):
    chain = chains.handed_on(world, 1, scope=f"{READ} {WRITE}", duration="month")
    ada = asker(world, "ada", SCOPE)
    path = less(ada, chain.delegation(0), expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    world.tenant = stops.change_policy(world.tenant, by=SYSTEM, longest_delegation_days=2)
    told = ada("POST", path)
    assert told.status_code == 200, told.text
    for place in range(2):
        assert abs(chain.delegation(place).expires_at - timezone.now() - timedelta(days=2)) < timedelta(seconds=20)
    assert chain.delegation(0).shortened_by == world.people["ada"].pk


@spec("RFC 8693", "2.1")
def test_a_second_cut_is_taken_back_and_the_first_one_stays(world, chain, ada):
    less(ada, chain.delegation(0), scopes=[READ, CONTACTS])
    first = limits(chain.delegation(0))
    path = less(ada, chain.delegation(0), scopes=[READ])
    assert ada("POST", path).status_code == 200
    assert limits(chain.delegation(0)) == first
    assert seen(world, chain.tokens[2])["scope"] == f"{CONTACTS} {READ}"
    refuses(world, ada, path)
    page = world.browser("ada")
    page.go(world.url(f"/console/delegations/{chain.delegation(0).pk}"))
    assert "It may no longer change your calendar at Calendar." in page.words()


@spec("RFC 9700", "2.3")
def test_on_the_pages_it_is_taken_back_as_over_the_api(world, chain):
    root = chain.delegation(0)
    before = limits(root)
    for name, path, back in (
        ("ada", f"/console/delegations/{root.pk}", "/put-back"),
        ("alice", "/me/agents", f"{root.pk}/put-back"),
    ):
        browser = world.browser(name)
        browser.go(world.url(path))
        browser.submit(browser.form(f"{root.pk}/narrow"), {"scope": [READ, CONTACTS], "reason": WHY})
        assert chain.delegation(0).scope_set == {READ, CONTACTS}
        form = browser.form(back)
        old = browser.form(back)
        old.fields = [(n, "1" if n == "version" else v) for n, v in old.fields]
        with leaves_only(world):
            assert browser.submit(old).status_code == 409
        assert "while you read" in browser.words()
        browser.go(world.url(path))
        assert browser.submit(form).status_code == 200
        assert limits(chain.delegation(0)) == before
        assert back not in browser.page.text
        form.fields = [*browser.form(f"{root.pk}/end").fields]
        with leaves_only(world):
            assert browser.submit(form).status_code == 409
        assert "while you read" in browser.words()
        form.fields += [("version", str(chain.delegation(0).version))]
        with leaves_only(world):
            assert browser.submit(form).status_code == 409
        assert "It is too late to undo that." in browser.words()
    assert [each.principal_id for each in world.entries(Event.DELEGATION_PUT_BACK)] == [
        world.people[name].pk for name in ("ada", "alice")
    ]


@spec("RFC 9700", "2.3")
def test_nobody_is_offered_to_take_back_what_somebody_else_did(world, chain):
    root = chain.delegation(0)
    member = world.people["ada"]
    with context.use(world.tenant):
        by = Principal(Kind.USER, member.pk, member.name)
        narrowing.narrow_delegation(root, narrowing.Limits(frozenset({READ})), by=by, reason=WHY)
    alice = world.browser("alice")
    alice.go(world.url("/me/agents"))
    assert "put-back" not in alice.page.text
    with leaves_only(world):
        form = alice.form(f"{root.pk}/end")
        form.action = form.action.replace("/end", "/put-back")
        form.fields += [("version", str(chain.delegation(0).version))]
        assert alice.submit(form).status_code == 409
    assert "It is too late to undo that." in alice.words()
    ada = world.browser("ada")
    ada.go(world.url(f"/console/delegations/{root.pk}"))
    assert "put-back" in ada.page.text
