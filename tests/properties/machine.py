"""The rules: what agents, people and admins do in any order, each compared with what the tree says must come of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.utils import timezone
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from delegations.errors import DelegationOver
from tests.harness.caller import Answer
from tests.properties import tree
from tests.properties.checks import Checks
from tests.properties.stage import PEOPLE, Stage, claims
from tests.properties.tree import ASKER, Family, Node, Token, Tree

Thing = TypeVar("Thing")
people = st.sampled_from(PEOPLE)
places = st.sampled_from((tree.CALENDAR, tree.CALENDAR, tree.CALENDAR, tree.NOTES))
durations = st.sampled_from(("hour", "week"))
often, seldom = st.sampled_from((True, True, True, True, False)), st.sampled_from((False, False, False, True))
ends = st.sampled_from((-1, 60, 60, 1200, 40 * 24 * 3600)).map(lambda seconds: timedelta(seconds=seconds))

sooner = st.sampled_from((None, None, None, 60, 1200)).map(lambda each: each and timedelta(seconds=each))


def has_tokens(machine: "Chains") -> bool:
    """Dead tokens are asked for too, but not where there are no others."""
    return bool(machine.tree.living(timezone.now())) or bool(machine.tree.tokens and machine.tree.step % 5 == 0)


def has_families(machine: "Chains") -> bool:
    return bool(machine.tree.refreshable(timezone.now())) or bool(machine.tree.families and machine.tree.step % 5 == 0)


def is_time_to_agree(machine: "Chains") -> bool:
    return not machine.tree.living(timezone.now()) or machine.tree.step % 4 == 0


def is_time_to_end(machine: "Chains") -> bool:
    """Every second step: where everything is ended all the time, nothing grows."""
    return machine.tree.step % 2 == 0


class Chains(RuleBasedStateMachine):
    """One tenant, two people, seven agents."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.tree = Tree()
        self.checks = Checks(self.stage, self.tree)

    # --- choosing
    def pick(self, data: st.DataObject, things: Sequence[Thing], label: str) -> Thing:
        return data.draw(st.sampled_from(list(things)), label=label)

    def pick_token(self, data: st.DataObject) -> Token:
        """Choose among all tokens, mostly among those that live."""
        living = self.tree.living(timezone.now())
        return self.pick(data, living if living and data.draw(often) else self.tree.tokens, "token")

    def pick_node(self, data: st.DataObject, nodes: Sequence[Node]) -> Node:
        """Choose a delegation, mostly a part: with the consent's own one everything else is over."""
        parts = [node for node in nodes if node.parent]
        return self.pick(data, parts if parts and data.draw(often) else nodes, "delegation")

    def some(self, data: st.DataObject, scopes: Sequence[str], label: str = "scopes") -> frozenset[str]:
        return frozenset(data.draw(st.lists(st.sampled_from(sorted(scopes)), unique=True), label=label))

    def settle(self, name: str, is_success: bool) -> None:
        self.stage.tried[name] += 1
        self.stage.succeeded[name] += is_success

    # --- people
    @initialize(person=people, place=st.just(tree.CALENDAR), scopes=st.just(frozenset(tree.OFFERS[tree.CALENDAR])))
    def agree_to_everything(self, person: str, place: str, scopes: frozenset[str]) -> None:
        self.agree(person, place, scopes, "week", anew=False)

    @precondition(is_time_to_agree)
    @rule(person=people, place=places, duration=durations, anew=st.booleans(), data=st.data())
    def consent(self, person: str, place: str, duration: str, anew: bool, data: st.DataObject) -> None:
        scopes = self.some(data, tree.OFFERS[place]) or frozenset(tree.OFFERS[place])
        self.agree(person, place, scopes, duration, anew=anew)

    def agree(self, person: str, place: str, scopes: frozenset[str], duration: str, *, anew: bool) -> None:
        self.tree.step += 1
        now = timezone.now()
        answered = self.stage.consent(person, place, scopes, duration, anew=anew)
        self.settle("consent", answered is not None)
        assert (answered is None) == (ASKER in self.tree.suspended), answered
        if answered is None:
            return
        assert answered.status == 200, answered
        node_id = claims(answered.body["access_token"])["delegation_id"]
        node = self.tree.agree(person, place, scopes, node_id, now, is_asked=anew)
        if node.agreed == self.tree.step:
            hours = {"hour": 1, "week": 24 * 7}[duration]
            node.expires_at = self.checks.expiry_near(node, now + timedelta(hours=hours))
        family = Family(node, scopes, [])
        self.keep(answered, node, scopes, family, None, now)
        has_refresh = node.expires_at > now + tree.LIFE
        assert ("refresh_token" in answered.body) == has_refresh
        if has_refresh:
            family.written.append(answered.body["refresh_token"])
            self.tree.families.append(family)

    # --- agents
    @precondition(has_tokens)
    @rule(data=st.data())
    def exchange(self, data: st.DataObject) -> None:
        """Any agent, any token, any scopes, any place; often what could be granted."""
        token = self.pick_token(data)
        able = [token.node.agent, *self.tree.receivers(token.node)]
        agent = self.pick(data, able if data.draw(often) else tree.AGENTS, "agent")
        place = self.pick(data, ("", "", "", tree.CALENDAR, tree.NOTES), "place")
        asked = self.some(data, sorted(token.scopes) if data.draw(often) else tree.OFFERS[token.node.place])
        self.exchange_and_compare("exchange", agent, token, asked, place)

    @precondition(lambda self: any(token.node.place == tree.CALENDAR for token in self.tree.living(timezone.now())))
    @rule(data=st.data())
    def go_downstream(self, data: st.DataObject) -> None:
        """The server that was called, or an agent that is named, turns the calendar's token into one for the notes."""
        living = [token for token in self.tree.living(timezone.now()) if token.node.place == tree.CALENDAR]
        token = self.pick(data, living, "token")
        able = [*tree.SERVES, *tree.SERVES, *self.tree.receivers(token.node)]
        agent = self.pick(data, able if data.draw(often) else tree.AGENTS, "agent")
        asked = self.some(data, tree.OFFERS[tree.NOTES] if data.draw(often) else tree.OFFERS[tree.CALENDAR])
        self.exchange_and_compare("go downstream", agent, token, asked, tree.NOTES)

    @precondition(lambda self: self.tree.receiving())
    @rule(data=st.data())
    def hand_on_deeper(self, data: st.DataObject) -> None:
        """The next agent takes its part of the deepest token there is, or of another."""
        able = sorted(self.tree.receiving(), key=lambda token: -token.node.depth)
        token = able[0] if data.draw(st.booleans()) else self.pick(data, able, "token")
        agent = self.pick(data, self.tree.receivers(token.node), "agent")
        self.exchange_and_compare("hand on deeper", agent, token, self.some(data, sorted(token.scopes)), "")

    @precondition(lambda self: self.tree.again(timezone.now()))
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        """An agent that had a part before asks for it, whatever became of it and of all that it hung on."""
        able = self.tree.again(timezone.now())
        gone = [(part, token) for part, token in able if part.is_over(timezone.now())]
        part, token = self.pick(data, gone if gone and data.draw(seldom) else able, "part and token")
        self.exchange_and_compare("ask again", part.agent, token, self.some(data, sorted(token.scopes)), part.place)

    @precondition(has_tokens)
    @rule(data=st.data())
    def narrow(self, data: st.DataObject) -> None:
        """An agent exchanges what it holds for less."""
        token = self.pick_token(data)
        asked = self.some(data, sorted(token.scopes) if data.draw(often) else tree.OFFERS[token.node.place])
        self.exchange_and_compare("narrow", token.node.agent, token, asked, "")

    def exchange_and_compare(self, name: str, agent: str, token: Token, asked: frozenset[str], place: str) -> None:
        self.tree.step += 1
        now = timezone.now()
        grant = self.tree.judge(agent, token, asked, place, now)
        answered = self.stage.exchange(agent, token.text, asked, place)
        self.settle(name, answered.status == 200)
        note(f"{agent} asks {sorted(asked)} at {place!r} for {token}: {answered.status}")
        is_open = self.tree.is_open(agent, token, asked, place, now)
        self.checks.same_verdict(answered, grant is not None, is_open=is_open)
        if grant is None:
            return
        assert "refresh_token" not in answered.body
        node = grant.node or self.tree.add_part(grant, claims(answered.body["access_token"])["delegation_id"], now)
        self.keep(answered, node, grant.scopes, token.family, token, now)

    @precondition(has_families)
    @rule(data=st.data(), is_late=seldom)
    def refresh(self, data: st.DataObject, is_late: bool) -> None:
        """The asker presents the last refresh token, or one that it should have forgotten."""
        usable = self.tree.refreshable(timezone.now())
        family = self.pick(data, usable if usable and data.draw(often) else self.tree.families, "family")
        age = min(self.pick(data, (0, 0, 0, 0, 1, 2), "age"), len(family.written) - 1)
        offered = sorted(family.scopes) if data.draw(often) else tree.OFFERS[family.node.place]
        asked = self.some(data, offered)
        if is_late and not family.is_late:
            self.stage.age_family(family.written[-1])
            family.is_late = True
        self.refresh_and_compare(family, age, asked)

    def refresh_and_compare(self, family: Family, age: int, asked: frozenset[str]) -> None:
        self.tree.step += 1
        now = timezone.now()
        counts_as = 2 if age == 1 and family.is_late else age
        scopes = self.tree.refreshed(family, counts_as, asked, now)
        answered = self.stage.refresh(family.written[-1 - age], asked)
        self.settle("refresh", answered.status == 200)
        is_open = self.tree.is_refresh_open(family, counts_as, asked, now)
        self.checks.same_verdict(answered, scopes is not None, is_open=is_open)
        family.is_revoked |= counts_as > 1
        if scopes is None:
            return
        if age == 0:
            family.written.append(answered.body["refresh_token"])
            family.is_late = False
        assert answered.body["refresh_token"] == family.written[-1]
        self.keep(answered, family.node, scopes, family, None, now)

    @precondition(is_time_to_end)
    @precondition(has_tokens)
    @rule(data=st.data(), is_own=often)
    def revoke_token(self, data: st.DataObject, is_own: bool) -> None:
        """A client revokes its own token; somebody else's stays as it is."""
        self.tree.step += 1
        token = self.pick_token(data)
        lived = self.tree.lives(token, timezone.now())
        agent = token.node.agent if is_own else self.pick(data, tree.AGENTS, "agent")
        self.stage.revoke(agent, token.text)
        if agent == token.node.agent:
            self.tree.revoke(token)
        self.settle("revoke token", lived and not self.tree.lives(token, timezone.now()))

    # --- people and admins end things
    @precondition(is_time_to_end)
    @precondition(lambda self: self.tree.nodes)
    @rule(data=st.data(), is_open=often)
    def end_delegation(self, data: st.DataObject, is_open: bool) -> None:
        self.tree.step += 1
        opened = [node for node in self.tree.nodes if not node.ended]
        node = self.pick_node(data, opened if opened and is_open else self.tree.nodes)
        self.settle("end delegation", not node.ended)
        try:
            self.stage.end(node.id)
        except DelegationOver:
            assert node.ended
            return
        assert not node.ended
        node.ended = self.tree.step

    def less(self, data: st.DataObject, node: Node, ends_at: datetime) -> tuple[frozenset[str], datetime]:
        """Return what is smaller than a delegation: one scope less, or where it has but one, half of the time.

        Of its last minute nothing is taken: an end between a request and what is expected of it shows nothing.
        """
        if len(node.scopes) > 1:
            return node.scopes - {data.draw(st.sampled_from(sorted(node.scopes)))}, ends_at
        now = timezone.now()
        left = ends_at - now
        return node.scopes, now + left / 2 if left > timedelta(minutes=1) else ends_at

    @precondition(is_time_to_end)
    @precondition(lambda self: self.tree.nodes)
    @rule(data=st.data(), is_open=often, ends_in=sooner)
    def make_smaller(self, data: st.DataObject, is_open: bool, ends_in: timedelta | None) -> None:
        """A person or an admin takes scopes away, or sets an earlier end; now and then what they may not."""
        self.tree.step += 1
        now = timezone.now()
        lasting = [node for node in self.tree.nodes if not any(above.is_over(now) for above in node.line)]
        node = self.pick_node(data, lasting if lasting and is_open else self.tree.nodes)
        ends_at = node.expires_at if ends_in is None else now + ends_in
        if data.draw(often):
            scopes, ends_at = self.less(data, node, min(ends_at, node.expires_at))
        else:
            scopes = self.some(data, tree.OFFERS[node.place])
        try:
            done = self.stage.make_smaller(node.id, scopes, ends_at)
        except DelegationOver:
            assert node not in lasting or any(above.is_over(timezone.now()) for above in node.line)
            return
        self.settle("make smaller", done)
        assert done == self.tree.make_smaller(node, scopes, ends_at)

    @precondition(lambda self: self.tree.running(timezone.now()))
    @rule(data=st.data(), ends_in=ends)
    def move_the_end(self, data: st.DataObject, ends_in: timedelta) -> None:
        """The calendar comes sooner, or so late that only what it hangs on limits it."""
        self.tree.step += 1
        now = timezone.now()
        node = self.pick_node(data, self.tree.running(now))
        node.expires_at = now + ends_in
        self.stage.move_end(node.id, node.expires_at)
        self.settle("move the end", True)

    @precondition(is_time_to_end)
    @precondition(lambda self: len(self.tree.suspended) < 2)
    @rule(data=st.data())
    def suspend_agent(self, data: st.DataObject) -> None:
        self.tree.step += 1
        agent = self.pick(data, [each for each in tree.AGENTS if each not in self.tree.suspended], "agent")
        self.stage.suspend(agent)
        self.tree.suspended.append(agent)
        self.settle("suspend agent", True)

    @precondition(lambda self: self.tree.suspended)
    @rule()
    def resume_agent(self) -> None:
        self.tree.step += 1
        self.stage.resume(self.tree.suspended.pop(0))
        self.settle("resume agent", True)

    # --- what is always so
    def keep(
        self, answered: Answer, node: Node, scopes: frozenset[str], family: Family, parent: Token | None, now: datetime
    ) -> Token:
        """Remember a token, once it says what it must say."""
        token = self.checks.token(answered.body, node, scopes, family, parent, now)
        self.tree.tokens.append(token)
        self.stage.depths[node.depth] += 1
        return token

    @invariant()
    def the_rows_are_the_tree(self) -> None:
        self.checks.rows()

    @invariant()
    def no_token_is_active_but_those_of_the_tree(self) -> None:
        self.checks.introspection()

    def teardown(self) -> None:
        try:
            self.checks.everything()
        finally:
            self.stage.clear(self.tree.suspended)
            super().teardown()


def machine(stage: Stage) -> Any:
    """Return the state machine on this stage."""
    return type("Chains", (Chains,), {"stage": stage})
