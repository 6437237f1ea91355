"""What is compared after each step: what tokens say, what the rows hold, and what a resource server is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from delegations.models import Ancestry
from kit import context
from tests.harness.caller import Answer
from tests.properties import tree
from tests.properties.stage import Stage, claims
from tests.properties.tree import Family, Node, Token, Tree
from tokens.models import AccessToken


class Checks:
    """Compares one example's tree with the product."""

    def __init__(self, stage: Stage, model: Tree) -> None:
        self.stage, self.tree = stage, model
        self.since = stage.newest()
        self.lived: set[Token] = set()
        self.turn = 0

    def same_verdict(self, answered: Answer, is_allowed: bool, *, is_open: bool) -> None:
        """`is_open` says that somebody's decision would change a refusal: then, and only then, it says whose."""
        assert (answered.status == 200) == is_allowed, answered
        if is_allowed:
            return
        said = dict(answered.body)
        assert said.pop("error_uri", None) == (self.stage.world.url("/who-decides") if is_open else None), answered
        assert answered.status == 400, answered
        assert said.keys() == {"error", "error_description"}, answered

    def expiry_near(self, node: Node, expected: datetime) -> datetime:
        """Return when the delegation of a consent ends: what the person chose, by the server's clock."""
        found = self.stage.rows(self.since)[node.id].expires_at
        assert found is not None
        assert abs(found - expected) < timedelta(seconds=10)
        return found

    def token(
        self,
        body: dict[str, Any],
        node: Node,
        scopes: frozenset[str],
        family: Family,
        parent: Token | None,
        now: datetime,
    ) -> Token:
        """Return a new token, after its claims and its row were compared with what it hangs on."""
        said = claims(body["access_token"])
        until = datetime.fromtimestamp(said["exp"], tz=UTC)
        token = Token(len(self.tree.tokens), body["access_token"], node, scopes, until, family, parent)
        with context.use(self.stage.world.tenant):
            row = AccessToken.objects.get(pk=said["jti"])
        earlier = [parent.expires_at] if parent else []
        least, most = (self.tree.end_of(node, moment, *earlier) for moment in (now, timezone.now()))
        assert least <= row.expires <= most, (token, least, row.expires, most)
        assert timedelta() <= row.expires - until < timedelta(seconds=2), token
        assert said["exp"] - said["iat"] == body["expires_in"]
        assert set(said["scope"].split()) == set(body["scope"].split()) == set(row.scope.split()) == scopes
        assert scopes <= node.scopes
        assert said["delegation_id"] == row.delegation_id == node.id
        assert (row.parent_id is None) == (parent is None)
        assert node.depth <= tree.DEEPEST
        assert said["act"] == self._act(node)
        assert said.get("may_act") == self._may_act(node)
        assert said["sub"] == row.subject == self.stage.world.people[node.person].pk
        assert said["client_id"] == self.stage.who[node.agent].id
        assert said["aud"] == self.stage.places[node.place].identifier
        return token

    def rows(self) -> None:
        """Every delegation is a node, and every node a delegation: as wide, as long, as deep."""
        found = self.stage.rows(self.since)
        assert found.keys() == {node.id for node in self.tree.nodes}
        for node in self.tree.nodes:
            row = found[node.id]
            assert row.scope_set == node.scopes, node
            assert (row.parent_id, row.depth) == (node.parent and node.parent.id, node.depth), node
            assert row.expires_at == node.expires_at, node
            assert (row.ended_at is not None) == bool(node.ended), node
            assert row.agent_id == self.stage.who[node.agent].client.agent_id

    def introspection(self) -> None:
        """Ask about all that just died, a few that live, and one that died before."""
        self.turn += 1
        living = self.tree.living(timezone.now())
        died = [token for token in self.tree.tokens if token in self.lived and token not in living]
        dead = [token for token in self.tree.tokens if token not in self.lived and token not in living]
        self.lived = set(living)
        buried = self._few(dead)[-1:] if self.turn % 3 == 0 else []
        for token in [*died, *self._few(living), *buried]:
            self.ask(token)

    def everything(self) -> None:
        """Ask about every token, and look at every line."""
        for token in self.tree.tokens:
            self.ask(token)
        with context.use(self.stage.world.tenant):
            steps = Ancestry.objects.filter(delegation__gt=self.since).values_list("delegation", "ancestor", "distance")
            found = set(steps)
        lines = {
            (node.id, above.id, place) for node in self.tree.nodes for place, above in enumerate(node.line) if place
        }
        assert found == lines

    def ask(self, token: Token) -> None:
        """Ask the resource server's question about a token."""
        answered = self.stage.introspect(token)
        lives = self.tree.lives(token, timezone.now())
        said = claims(token.text)
        left = {"scope": " ".join(sorted(token.left)), "exp": min(said["exp"], int(token.node.expires_at.timestamp()))}
        expected = {"active": True, "token_type": "Bearer", **said, **left} if lives else {"active": False}
        assert answered == expected, (token, answered)

    def _few(self, tokens: list[Token]) -> list[Token]:
        """Return the newest, and another one in turns."""
        return list(dict.fromkeys([*tokens[-1:], *tokens[self.turn % len(tokens) :][:1]])) if tokens else []

    def _act(self, node: Node) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for agent in reversed(node.agents):
            found = {**self._named(agent), "sub_profile": "ai_agent", **({"act": found} if found else {})}
        return found

    def _may_act(self, node: Node) -> dict[str, Any] | None:
        receivers = self.tree.receivers(node)
        return self._named(receivers[0]) if len(receivers) == 1 else None

    def _named(self, agent: str) -> dict[str, Any]:
        return {"iss": self.stage.world.tenant.issuer, "sub": self.stage.who[agent].client.agent_id}
