"""What must be so: the tree of delegations, the tokens made of it, and what each request may get; in plain Python.

Nothing of the product is asked here. The names of agents and places are the roles of `tests.properties.stage`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

LIFE = timedelta(seconds=300)
DEEPEST = 3
ASKER, BROKER = "planner", "broker"
CALENDAR, NOTES = "calendar", "notes"
AGENTS = (ASKER, "summariser", "writer", "checker", "clerk", BROKER, "stranger")
HANDOVERS: Mapping[str, tuple[str, ...]] = {
    ASKER: ("summariser", "checker"),
    "summariser": ("writer",),
    "writer": ("checker",),
    "checker": ("clerk", "summariser", ASKER),
    BROKER: ("clerk",),
}
NAMED = frozenset({"summariser", "writer", "checker", "clerk"})
"""Whom the consent page of the asker names: all that its authority may come to."""
SERVES = {BROKER: CALENDAR}
OFFERS = {
    CALENDAR: ("events:read", "events:write", "contacts:read"),
    NOTES: ("notes:read", "notes:write"),
}
EDGES: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]] = {
    (CALENDAR, NOTES): {"events:read": ("notes:read",), "events:write": ("notes:read", "notes:write")}
}
CEILINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "clerk": {CALENDAR: ("events:read", "contacts:read"), NOTES: ("notes:read",)}
}


class Shown:
    """Is printed by Hypothesis as it prints itself."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


@dataclass(eq=False)
class Node(Shown):
    """A delegation; `agreed` is the step in which the person agreed to it last, `ended` the one that ended it, and
    `narrowed` the one in which it was made smaller last, by what was taken or by an end that was set.
    """

    id: str
    person: str
    agent: str
    place: str
    scopes: frozenset[str]
    expires_at: datetime
    parent: "Node | None" = None
    agreed: int = 0
    ended: int = 0
    was_ended_by_calendar: bool = False
    narrowed: int = 0
    taken: frozenset[str] = frozenset()
    is_shortened: bool = False

    @property
    def line(self) -> "tuple[Node, ...]":
        return (self, *(self.parent.line if self.parent else ()))

    @property
    def depth(self) -> int:
        return len(self.line) - 1

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(node.agent for node in self.line)

    @property
    def way(self) -> tuple[object, ...]:
        """Through whom it came, and where: the same for what is made anew."""
        return (self.person, *((node.agent, node.place) for node in self.line))

    def is_over(self, now: datetime) -> bool:
        return bool(self.ended) or self.expires_at <= now

    def __repr__(self) -> str:
        return f"<{' ← '.join(self.agents)} for {self.person} at {self.place}{', ended' if self.ended else ''}>"


@dataclass(eq=False)
class Family(Shown):
    """What one code bought: its refresh tokens, oldest first; late, once the one before the last is good no more."""

    node: Node
    scopes: frozenset[str]
    written: list[str]
    is_late: bool = False
    is_revoked: bool = False

    def __repr__(self) -> str:
        return f"<family of {self.node}>"


@dataclass(eq=False)
class Token(Shown):
    """An access token as its holder knows it, and what it was exchanged from."""

    number: int
    text: str
    node: Node
    scopes: frozenset[str]
    expires_at: datetime
    family: Family
    parent: "Token | None" = None
    is_revoked: bool = False

    @property
    def left(self) -> frozenset[str]:
        """What of it its delegation still has."""
        return self.scopes & self.node.scopes

    def __repr__(self) -> str:
        return f"<token {self.number}: {' '.join(sorted(self.scopes))} by {self.node}>"


@dataclass(frozen=True)
class Grant:
    """What an exchange must give: scopes, by which node; without one, a part that is to be made."""

    parent: Node
    agent: str
    place: str
    scopes: frozenset[str]
    node: Node | None = None


@dataclass
class Tree:
    """Everything that happened, and the judgement over what is asked next."""

    step: int = 0
    nodes: list[Node] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    families: list[Family] = field(default_factory=list)
    suspended: list[str] = field(default_factory=list)

    # --- judgement
    def holds(self, node: Node, now: datetime) -> bool:
        """Say whether a delegation, all that it hangs on and all agents of its line are alive."""
        return not any(above.is_over(now) or above.agent in self.suspended for above in node.line)

    def stands(self, token: Token, now: datetime) -> bool:
        """Say whether a token is good for what its delegation has of it, be it nothing."""
        is_dead = token.is_revoked or token.family.is_revoked or token.expires_at <= now
        return not is_dead and self.holds(token.node, now)

    def lives(self, token: Token, now: datetime) -> bool:
        return self.stands(token, now) and bool(token.left)

    def living(self, now: datetime) -> list[Token]:
        return [token for token in self.tokens if self.lives(token, now)]

    def receivers(self, node: Node) -> list[str]:
        """Return the agents that part of a delegation may be handed to, as the person read it."""
        if node.depth >= DEEPEST:
            return []
        return [each for each in HANDOVERS.get(node.agent, ()) if each in NAMED and each not in node.agents]

    def judge(self, agent: str, token: Token, asked: frozenset[str], place: str, now: datetime) -> Grant | None:
        """Return what this agent must get for a token, or None where it must be refused."""
        if not self.lives(token, now) or agent in self.suspended:
            return None
        if agent == token.node.agent:
            is_within = place in {"", token.node.place} and asked <= token.scopes
            got = (asked or token.scopes) & token.node.scopes
            return Grant(token.node, agent, token.node.place, got, token.node) if is_within and got else None
        return self._part(agent, token, asked, place or token.node.place, now)

    def end_of(self, node: Node, now: datetime, *others: datetime) -> datetime:
        """Return when a token by this delegation must end at the latest."""
        return min(now + LIFE, *(above.expires_at for above in node.line), *others)

    def root_of(self, person: str, place: str) -> Node | None:
        """Return the delegation that a consent made and nobody ended."""
        return self._open(lambda node: node.parent is None and (node.person, node.place) == (person, place))

    def refreshed(self, family: Family, age: int, asked: frozenset[str], now: datetime) -> frozenset[str] | None:
        """Return the scopes that a family's refresh token buys when it is this many generations old, or None."""
        if family.is_revoked or age > 1 or not self.holds(family.node, now) or not asked <= family.scopes:
            return None
        return (asked or family.scopes) & family.node.scopes or None

    def is_open(self, agent: str, token: Token, asked: frozenset[str], place: str, now: datetime) -> bool:
        """Say whether somebody could allow a holder more than its token holds; of another's token nobody is asked."""
        is_its_own = agent == token.node.agent and self.stands(token, now)
        return is_its_own and self._could_be(token.node, asked, place or token.node.place, now)

    def is_refresh_open(self, family: Family, age: int, asked: frozenset[str], now: datetime) -> bool:
        """Say whether somebody could allow more than a refresh token that is good holds."""
        is_good = not family.is_revoked and age <= 1 and self.holds(family.node, now)
        return is_good and self._could_be(family.node, asked, family.node.place, now)

    def receiving(self) -> list[Token]:
        """Return the tokens that are alive or may come to life again, and of which a part may be handed on."""
        return [token for token in self.tokens if self.receivers(token.node) and not _is_spent(token)]

    def refreshable(self, now: datetime) -> list[Family]:
        return [family for family in self.families if self.refreshed(family, 0, frozenset(), now)]

    def again(self, now: datetime) -> list[tuple[Node, Token]]:
        """Return every part that ever was, with each living token of whoever holds what it hung on."""
        parts = {(node.way, node.place): node for node in self.nodes if node.parent}.values()
        living = self.living(now)
        return [(part, token) for part in parts for token in living if token.node.way == _above(part.way)]

    def running(self, now: datetime) -> list[Node]:
        return [node for node in self.nodes if not node.is_over(now)]

    # --- what happens
    def agree(
        self, person: str, place: str, scopes: frozenset[str], node_id: str, now: datetime, *, is_asked: bool
    ) -> Node:
        """Make or extend the delegation of a consent; a person who agreed to all of it before is not asked again."""
        node = self.root_of(person, place)
        if node is not None and node.expires_at <= now:
            node.ended, node.was_ended_by_calendar, node = self.step, True, None
        if node is not None and scopes <= node.scopes and not is_asked:
            return node
        if node is None:
            node = Node(node_id, person, ASKER, place, scopes, now)
            self.nodes.append(node)
        node.scopes |= scopes
        node.agreed, node.is_shortened = self.step, False
        return node

    def revoke(self, token: Token) -> None:
        """Revoke a token with all that came of it; one that a code or a refresh bought takes its family with it."""
        if token.parent is None:
            token.family.is_revoked = True
        for each in self.descendants(token):
            each.is_revoked = True

    def add_part(self, grant: Grant, node_id: str, now: datetime) -> Node:
        """Make or widen the part of a grant."""
        part = self._part_of(grant)
        taken, until = self._taken(grant)
        if part is not None and part.expires_at <= now:
            part.ended, part.was_ended_by_calendar, part = self.step, True, None
        if part is None:
            ends = min(*(above.expires_at for above in grant.parent.line), until or datetime.max.replace(tzinfo=UTC))
            part = Node(node_id, grant.parent.person, grant.agent, grant.place, grant.scopes, ends, grant.parent)
            part.taken, part.is_shortened = taken, until is not None
            part.narrowed = self.step if taken or until else 0
            self.nodes.append(part)
        part.scopes |= grant.scopes
        return part

    def make_smaller(self, node: Node, scopes: frozenset[str], expires_at: datetime) -> bool:
        """Make a delegation smaller with all that hangs on it; False where that is not smaller, or would be nothing."""
        is_smaller = scopes <= node.scopes and expires_at <= node.expires_at
        if not is_smaller or not scopes or (scopes, expires_at) == (node.scopes, node.expires_at):
            return False
        node.taken = (node.taken | node.scopes) - scopes
        node.is_shortened |= expires_at < node.expires_at
        node.narrowed = self.step
        self._cut(node, scopes, expires_at)
        return True

    def _cut(self, node: Node, scopes: frozenset[str], expires_at: datetime) -> None:
        had, node.scopes, node.expires_at = node.scopes, scopes, expires_at
        for part in [each for each in self.nodes if each.parent is node]:
            opened = scopes if part.place == node.place else _opened(scopes, EDGES.get((node.place, part.place)))
            left = part.scopes if had == scopes else part.scopes & opened
            ends = min(part.expires_at, expires_at)
            if not left and not part.ended:
                part.ended = self.step
            # What ended is not rewritten, and counts below as what it would be.
            kept = (part.scopes, part.expires_at) if part.ended else None
            self._cut(part, left, ends)
            if kept is not None:
                part.scopes, part.expires_at = kept[0], ends if part.ended == self.step else kept[1]

    def descendants(self, token: Token) -> Iterator[Token]:
        yield token
        for below in self.tokens:
            if below.parent is token:
                yield from self.descendants(below)

    # ---
    def _part(self, agent: str, token: Token, asked: frozenset[str], place: str, now: datetime) -> Grant | None:
        held, receivers = token.node, self.receivers(token.node)
        edge = EDGES.get((held.place, place))
        is_called = SERVES.get(agent) == held.place and edge is not None
        if agent in held.agents or held.depth >= DEEPEST or not (is_called or agent in receivers):
            return None
        offered = _offered(token.left, agent, place, edge, is_same=place == held.place)
        taken, until = self._taken(Grant(held, agent, place, offered))
        if until is not None and until <= now:
            return None
        offered -= taken
        scopes = asked or offered
        if not scopes or not scopes <= offered:
            return None
        grant = Grant(held, agent, place, scopes)
        is_gone = self._part_of(grant) is None and self._stays_ended(grant)
        return None if is_gone else grant

    def _part_of(self, grant: Grant) -> Node | None:
        key = (grant.parent, grant.agent, grant.place)
        return self._open(lambda node: (node.parent, node.agent, node.place) == key)

    def _could_be(self, held: Node, asked: frozenset[str], place: str, now: datetime) -> bool:
        """Say whether a decision is missing: an admin's beyond the ceiling, or else the person's own."""
        if not asked or not asked <= set(OFFERS[place]):
            return False  # Nobody can allow what is not there.
        if not asked <= set(CEILINGS.get(held.agent, OFFERS).get(place, ())):
            return True
        root = self.root_of(held.person, place)
        return held.agent != ASKER or root is None or root.is_over(now) or not asked <= root.scopes

    def _taken(self, grant: Grant) -> tuple[frozenset[str], datetime | None]:
        """Return the scopes that somebody took of such a part since the person agreed last, and the end they set."""
        found, since = self._part_of(grant), grant.parent.line[-1].agreed
        such = [found] if found else [node for node in self.nodes if node.parent and node.way == _way(grant)]
        lasting = [node for node in such if node.narrowed > since]
        ends = [node.expires_at for node in lasting if node.is_shortened]
        return frozenset().union(*(node.taken for node in lasting)), min(ends, default=None)

    def _stays_ended(self, grant: Grant) -> bool:
        """Say whether somebody ended this very part since the person agreed last."""
        way = _way(grant)
        since = grant.parent.line[-1].agreed
        return any(
            node.way == way and node.ended > since and not node.was_ended_by_calendar
            for node in self.nodes
            if node.parent
        )

    def _open(self, is_meant) -> Node | None:  # type: ignore[no-untyped-def]
        return next((node for node in self.nodes if not node.ended and is_meant(node)), None)


def _way(grant: Grant) -> tuple[object, ...]:
    return (grant.parent.person, (grant.agent, grant.place), *grant.parent.way[1:])


def _above(way: tuple[object, ...]) -> tuple[object, ...]:
    return way[:1] + way[2:]


def _is_spent(token: Token) -> bool:
    return token.is_revoked or token.family.is_revoked or any(node.ended for node in token.node.line)


def _offered(
    held: frozenset[str], agent: str, place: str, edge: Mapping[str, tuple[str, ...]] | None, *, is_same: bool
) -> frozenset[str]:
    bound = CEILINGS.get(agent, OFFERS).get(place, ())
    return (held if is_same else _opened(held, edge)) & frozenset(bound)


def _opened(held: frozenset[str], edge: Mapping[str, tuple[str, ...]] | None) -> frozenset[str]:
    return frozenset(each for scope in held for each in (edge or {}).get(scope, ()))
