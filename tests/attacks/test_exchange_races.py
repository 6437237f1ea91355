"""Many exchanges at the same moment: one part for each agent, and nothing outlives the end of what it hangs on."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from kit.oauth import TokenType
from tests.harness import chain as chains
from tests.harness import rush
from tests.harness.browser import answer
from tests.harness.keyholder import Keyholder
from tests.harness.rush import MANY, alive, answers, around, minted, start_together, tokens, verdicts
from tests.harness.world import claims, pkce
from tests.spec import spec
from tokens import actions as token_actions

ROUNDS = 2
GRANTED, REFUSED = (200, ""), (400, "invalid_request")


@pytest.fixture
def crowd(world):
    with rush.callers(world) as pool:
        yield pool


def agree_anew(chain, hops=0):
    """Let the person agree once more, and let this many agents of the chain take their parts of it up."""
    chain.tokens[:] = [chains.allow(chain.world, chain.agents[0], prompt="consent")["access_token"]]
    for _ in range(hops):
        chain.hand_on()


def asking(chain, *places):
    """Return how the agents at these places ask, each for its part of the token above it."""
    return [partial(chain.world.exchange, chain.agents[place], chain.tokens[place - 1]) for place in places]


def parts(parent):
    """Return the parts of a delegation that were made, whether they live or not."""
    with context.use(parent.tenant):
        return list(Delegation.objects.filter(parent=parent).order_by("pk"))


def living_below(world, root):
    """Return the parts that live and hang on a delegation."""
    with context.use(world.tenant):
        return list(Delegation.objects.live(timezone.now()).filter(ancestry__ancestor=root).order_by("pk"))


def hung_on(found):
    """Return the delegations that access tokens hang on."""
    return {claims(each)["delegation_id"] for each in found}


def end_in_the_browser(world, delegation):
    """Return what ends a delegation: alice's press of the button on a page that is open already."""
    browser = world.browser("alice")
    browser.go(world.url("/me/agents"))
    return partial(browser.submit, browser.form(f"{delegation.pk}/end"))


def end_here(delegation):
    """Return what ends a delegation in this process: no answer waits behind those that the end should wait for."""
    return partial(token_actions.end_delegation, delegation, by=SYSTEM, reason="enough")


def assert_nothing_outlives(world, crowd, found):
    """What was asked before the end had returned came in time or was refused; all else was refused, and all is dead."""
    assert verdicts(found.during) <= {GRANTED, REFUSED}
    assert verdicts(found.after) == {REFUSED}
    assert minted(world) == found.minted
    assert found.tokens
    assert not any(alive(world, crowd, found.tokens))


# --- an end in the middle of it


@spec("RFC 8693", "1.1")
def test_no_exchange_in_flight_outlives_the_end_of_the_person_s_consent(world, crowd):
    chain = chains.make(world)
    for _ in range(ROUNDS):
        root = chain.delegation(0)
        with context.use(world.tenant):
            found = around(world, crowd, asking(chain, 1), end_here(root))
        assert_nothing_outlives(world, crowd, found)
        assert chain.delegation(0).ended_at
        (part,) = parts(root)
        assert hung_on(found.tokens) == {part.pk}
        assert living_below(world, root) == []
        agree_anew(chain)


@spec("RFC 8693", "1.1")
def test_no_exchange_in_flight_outlives_the_end_of_the_part_above_the_token_that_it_brought(world, crowd):
    chain = chains.make(world, 3)
    for _ in range(ROUNDS):
        agree_anew(chain, 3)
        root, middle, below = (chain.delegation(place) for place in range(3))
        narrowing = partial(world.exchange, chain.agents[2], chain.tokens[2], scope="events:read")
        with context.use(world.tenant):
            found = around(world, crowd, [*asking(chain, 2, 3), narrowing], end_here(middle))
        assert_nothing_outlives(world, crowd, found)
        assert hung_on(found.tokens) == hung_on(chain.tokens[2:])
        assert [len(parts(each)) for each in (middle, below)] == [1, 1]
        assert living_below(world, root) == []
        assert alive(world, crowd, chain.tokens) == [True, False, False, False]
        assert world.exchange(chain.agents[0], chain.tokens[0]).status_code == 200


@spec("RFC 8693", "1.1")
def test_a_pause_in_the_middle_refuses_what_is_in_flight_and_what_came_in_time_lives_again_after_it(world, crowd):
    chain = chains.handed_on(world, 2)
    middle = chain.agents[1].client.agent
    for _ in range(ROUNDS):
        with context.use(world.tenant):
            pause = partial(agent_actions.suspend_agent, middle, by=SYSTEM, reason="strange")
            found = around(world, crowd, asking(chain, 2), pause)
        assert_nothing_outlives(world, crowd, found)
        assert alive(world, crowd, chain.tokens) == [True, False, False]
        with context.use(world.tenant):
            agent_actions.resume_agent(middle, by=SYSTEM)
        assert all(alive(world, crowd, [*chain.tokens, *found.tokens]))
        assert verdicts(answers(start_together(crowd, *asking(chain, 2)))) == {GRANTED}
    assert [len(parts(chain.delegation(place))) for place in (0, 1)] == [1, 1]


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("place", [0, 1])
def test_no_exchange_in_flight_outlives_the_revocation_of_the_token_that_it_hangs_on(world, crowd, place):
    chain = chains.make(world, 3)
    for _ in range(ROUNDS):
        agree_anew(chain, 2)
        beside = world.exchange(chain.agents[1], chain.tokens[0]).json()["access_token"]
        revoke = partial(world.revoke, chain.agents[place], chain.tokens[place])
        found = around(world, crowd, asking(chain, place + 1, place + 2), revoke)
        assert_nothing_outlives(world, crowd, found)
        assert hung_on(found.tokens) == {chain.delegation(place + below).pk for below in (1, 2)}
        # The first one's token was its family's: whatever came of that is dead, here it is one branch.
        assert alive(world, crowd, [*chain.tokens, beside]) == [place > 0, False, False, place > 0]
        fresh = beside if place else world.grant(chain.agents[0])["access_token"]
        assert world.exchange(chain.agents[place + 1], fresh).status_code == 200
        assert not any(each.ended_at for each in world.delegations())


def end_and_agree(world, end, pages):
    """Let the person end and agree at once, then agree again."""
    pressed = [partial(browser.decide, duration="week", scope=ticks(world)) for browser, _ in pages]
    with ThreadPoolExecutor(2) as beside:
        ended, agreed = beside.submit(end), beside.submit(pressed[0])
        assert ended.result().status_code == 200
        agreed.result()
    pressed[1]()


def ticks(world):
    return [f"{world.calendar.pk} {each}" for each in chains.SCOPES.split()]


@spec("RFC 8693", "1.1")
def test_a_consent_at_the_moment_of_the_end_brings_nothing_back_that_hung_on_what_ended(world, crowd):
    chain = chains.make(world)
    for _ in range(ROUNDS):
        root, pages = chain.delegation(0), [consent_page(world, chain.agents[0]) for _ in range(2)]
        end = end_in_the_browser(world, root)
        found = around(world, crowd, asking(chain, 1), partial(end_and_agree, world, end, pages))
        assert_nothing_outlives(world, crowd, found)
        assert not world.is_active(chain.tokens[0])
        raced, after = (redeemed(world, chain.agents[0], *page) for page in pages)
        now = chain.delegation(0)
        assert (now.ended_at, now.pk == root.pk) == (None, False)
        assert after.status_code == 200
        # Who agreed first agreed to what ended then.
        assert verdicts([raced]) <= {GRANTED, (400, "invalid_grant")}
        assert hung_on(tokens([raced])) <= {now.pk}
        assert all(alive(world, crowd, tokens([raced])))
        chain.tokens[0] = after.json()["access_token"]
        handed_on = tokens(answers(start_together(crowd, *asking(chain, 1))))
        assert len(handed_on) == MANY
        assert all(alive(world, crowd, [chain.tokens[0], *handed_on]))
        assert hung_on([chain.tokens[0]]) == {now.pk}
        assert {part.parent_id for part in living_below(world, now)} == {now.pk}


def consent_page(world, who):
    """Return a browser in which the consent page is open, and the verifier of its request."""
    verifier, challenge = pkce()
    asked = {"resource": world.calendar.identifier, "scope": chains.SCOPES, "prompt": "consent"}
    return world.ask(who, "alice", challenge=challenge, **asked), verifier


def redeemed(world, who, browser, verifier):
    return world.redeem(who, answer(browser.page)["code"], verifier)


# --- one part, whoever was first


@pytest.fixture
def helpers(world):
    """One agent after the other, each new to what it gets a part of."""
    return [world.helper(f"Newcomer {number}") for number in range(ROUNDS)]


@spec("RFC 8693", "4.1")
def test_fifty_first_exchanges_at_once_make_one_part_and_one_chain(world, crowd, helpers):
    chain = chains.make(world, named=helpers)
    root = chain.delegation(0)
    for made, helper in enumerate(helpers, start=1):
        found = answers(start_together(crowd, partial(world.exchange, helper, chain.tokens[0])))
        assert verdicts(found) == {GRANTED}
        part = parts(root)[-1]
        assert [each.agent_id for each in parts(root)] == [each.client.agent_id for each in helpers[:made]]
        assert hung_on(tokens(found)) == {part.pk}
        assert [claims(each)["act"] for each in tokens(found)] == [chains.acting(world, chain.agents[0], helper)] * MANY
        assert len(world.entries(Event.DELEGATION_HANDED_ON)) == made
        assert living_below(world, root) == parts(root)
        assert all(alive(world, crowd, tokens(found)))


@spec("RFC 8693", "2.1")
def test_fifty_different_scopes_at_once_widen_one_part_to_all_of_them_and_each_token_has_its_own(world, crowd, helpers):
    names = [f"board:{number}" for number in range(12)]
    board = chains.add_server(world, "board", *names)
    world.reader = world.introspector(board)
    chain = chains.make(world, named=helpers, server=board, scope=" ".join(names))
    wanted = [" ".join(each) for each in combinations(names, 2)][:MANY]
    for helper in helpers:
        turns = iter(wanted)
        ask = partial(world.exchange, helper, chain.tokens[0])
        found = answers(start_together(crowd, lambda ask=ask, turns=turns: ask(scope=next(turns))))
        assert verdicts(found) == {GRANTED}
        assert sorted(each.json()["scope"] for each in found) == sorted(
            " ".join(sorted(each.split())) for each in wanted
        )
        part = parts(chain.delegation(0))[-1]
        assert hung_on(tokens(found)) == {part.pk}
        assert part.scope_set == {scope for each in wanted for scope in each.split()}
        assert all(alive(world, crowd, tokens(found)))


# --- a proof that is good once


@spec("RFC 8693", "2.1")
def test_of_fifty_that_bring_one_actor_token_one_gets_an_answer(world, crowd):
    chain = chains.make(world)
    helper = chain.agents[1]
    holder = Keyholder(helper.id)
    world.rewrite(helper.client, jwks=holder.jwks)
    for _ in range(ROUNDS):
        proof = holder.assertion(world, sub=helper.client.agent_id)
        ask = partial(asking(chain, 1)[0], actor_token=proof, actor_token_type=TokenType.JWT.value)
        before = minted(world)
        found = answers(start_together(crowd, ask))
        assert verdicts(found) == {GRANTED, REFUSED}
        assert len(tokens(found)) == 1
        assert minted(world) == before + 1
        assert all(alive(world, crowd, tokens(found)))
        refusals = world.entries(Event.TOKEN_REFUSED)[1 - MANY :]
        assert all("came again" in each.reason for each in refusals)
