"""The agents and people of the property, and what one can do with them: over HTTP, as everybody would."""

import json
from base64 import urlsafe_b64decode
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agents import actions as agent_actions
from agents import handovers
from agents.models import Client
from audit.principals import SYSTEM
from delegations.errors import AsItWas, DelegationWidened, NothingLeft
from delegations.models import Delegation
from delegations.rules import Limits
from kit import context
from kit.oauth import GrantType, TokenType
from tenants import actions as tenant_actions
from tenants import resources as tenant_resources
from tenants.models import ResourceServer
from tests.harness import database
from tests.harness.browser import Browser, answer
from tests.harness.caller import Answer, Caller
from tests.harness.world import REDIRECT, Credentials, World, pkce
from tests.properties import tree
from tokens import actions as token_actions
from tokens import narrowing
from tokens.models import RefreshToken

PEOPLE = ("alice", "bob")
GRANTS = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.TOKEN_EXCHANGE)


def claims(text: str) -> dict[str, Any]:
    payload = text.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@dataclass
class Stage:
    """One tenant in which everything is set up before the first request; `tried` and `succeeded` count by rule."""

    world: World
    caller: Caller
    who: dict[str, Credentials] = field(default_factory=dict)
    readers: dict[str, Credentials] = field(default_factory=dict)
    places: dict[str, ResourceServer] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)
    examples: int = 0

    def rates(self) -> dict[str, float]:
        """Return which part of each rule's steps was granted."""
        return {name: self.succeeded[name] / tried for name, tried in self.tried.items()}

    def tally(self) -> str:
        granted = ", ".join(f"{name} {self.succeeded[name]}/{tried}" for name, tried in sorted(self.tried.items()))
        deep = ", ".join(f"{depth}: {number}" for depth, number in sorted(self.depths.items()))
        return f"{self.tried.total()} steps, granted: {granted}; tokens by depth: {deep}"

    # --- what agents ask
    def exchange(self, agent: str, text: str, scopes: frozenset[str], place: str) -> Answer:
        form = {
            "grant_type": GrantType.TOKEN_EXCHANGE.value,
            "subject_token": text,
            "subject_token_type": TokenType.ACCESS_TOKEN.value,
            **({"scope": " ".join(sorted(scopes))} if scopes else {}),
            **({"resource": self.places[place].identifier} if place else {}),
        }
        return self.caller.post("/token", form, self.who[agent])

    def refresh(self, written: str, scopes: frozenset[str]) -> Answer:
        form = {"grant_type": "refresh_token", "refresh_token": written}
        asked = {"scope": " ".join(sorted(scopes))} if scopes else {}
        return self.caller.post("/token", {**form, **asked}, self.who[tree.ASKER])

    def revoke(self, agent: str, text: str) -> None:
        assert self.caller.post("/revoke", {"token": text}, self.who[agent]) == Answer(200, {})

    def introspect(self, token: tree.Token) -> dict[str, Any]:
        answered = self.caller.post("/introspect", {"token": token.text}, self.readers[token.node.place])
        assert answered.status == 200, answered
        return answered.body

    # --- what people decide
    def consent(self, person: str, place: str, scopes: frozenset[str], duration: str, *, anew: bool) -> Answer | None:
        """Return the token set that a person's decision on the page buys, or None where no page came."""
        verifier, challenge = pkce()
        asker, server, browser = self.who[tree.ASKER], self.places[place], self.browsers[person]
        asked = {"scope": " ".join(sorted(scopes)), "resource": server.identifier}
        url = self.world.authorize_url(asker, challenge, prompt="consent" if anew else None, **asked)
        opened = browser.go(url)
        if opened.status_code == 400:
            return None
        if opened.status_code == 200:
            browser.decide(scope=[f"{server.pk} {scope}" for scope in sorted(scopes)], duration=duration)
        code = answer(browser.page)["code"]  # type: ignore[arg-type]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": verifier}
        return self.caller.post("/token", form, asker)

    # --- what admins do
    def end(self, node_id: str) -> None:
        with context.use(self.world.tenant):
            found = Delegation.objects.get(pk=node_id)
            token_actions.end_delegation(found, by=SYSTEM, reason="enough")

    def make_smaller(self, node_id: str, scopes: frozenset[str], expires_at: datetime) -> bool:
        """Make a delegation smaller; False where that is refused."""
        with context.use(self.world.tenant):
            found = Delegation.objects.get(pk=node_id)
            try:
                narrowing.narrow_delegation(found, Limits(scopes, expires_at), by=SYSTEM, reason="less will do")
            except (DelegationWidened, NothingLeft, AsItWas):
                return False
        return True

    def suspend(self, agent: str) -> None:
        with context.use(self.world.tenant):
            agent_actions.suspend_agent(self.who[agent].client.agent, by=SYSTEM, reason="strange")
        self._read_anew(agent)

    def resume(self, agent: str) -> None:
        with context.use(self.world.tenant):
            agent_actions.resume_agent(self.who[agent].client.agent, by=SYSTEM)
        self._read_anew(agent)

    def _read_anew(self, agent: str) -> None:
        # The consent page may know a client for a second longer. One that revokes is read anew, and so is its agent.
        self.revoke(agent, "nothing")

    # --- looking behind
    def rows(self, since: str) -> dict[str, Delegation]:
        """Return all delegations that were made since this one."""
        with context.use(self.world.tenant):
            return {row.pk: row for row in Delegation.objects.filter(pk__gt=since).order_by("pk")}

    def newest(self) -> str:
        with context.use(self.world.tenant):
            return Delegation.objects.order_by("-pk").values_list("pk", flat=True).first() or ""

    def move_end(self, node_id: str, expires_at: datetime) -> None:
        with context.use(self.world.tenant):
            Delegation.objects.filter(pk=node_id).update(expires_at=expires_at)

    def age_family(self, written: str) -> None:
        """Let the ten seconds pass in which the refresh token before the last one is good."""
        with context.use(self.world.tenant):
            family = RefreshToken.objects.get(pk=written.partition(".")[0])
            rotated_at = family.rotated_at - timedelta(seconds=11)
            RefreshToken.objects.filter(pk=family.pk).update(rotated_at=rotated_at)

    def clear(self, suspended: list[str]) -> None:
        """Leave nothing alive for the next example."""
        self.examples += 1
        if self.examples in {2, 8, 32, 128}:
            database.count_rows()
        for agent in suspended:
            self.resume(agent)
        with context.use(self.world.tenant):
            for person in PEOPLE:
                token_actions.end_all(self.world.people[person], by=SYSTEM, reason="the example is over")


def make(world: World, caller: Caller) -> Stage:
    """Set up agents, handovers, the way from the calendar to the notes and a ceiling; people sign in once."""
    stage = Stage(world, caller)
    stage.places = {tree.CALENDAR: world.calendar, tree.NOTES: world.notes}
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, deepest_chain=tree.DEEPEST)
    for agent in tree.AGENTS:
        served = stage.places.get(tree.SERVES.get(agent, ""))
        stage.who[agent] = _agent(world, agent, served)
    with context.use(world.tenant):
        for agent, others in tree.HANDOVERS.items():
            for other in others:
                handovers.allow_handover(*(stage.who[each].client.agent for each in (agent, other)), by=SYSTEM)
        for agent, ceiling in tree.CEILINGS.items():
            held = {stage.places[place].identifier: scopes for place, scopes in ceiling.items()}
            handovers.set_limits(stage.who[agent].client.agent, ceiling=held, by=SYSTEM)
        for (one, other), opened in tree.EDGES.items():
            tenant_resources.allow_downstream(stage.places[one], stage.places[other], opened, by=SYSTEM)
    stage.readers = {place: world.introspector(server) for place, server in stage.places.items()}
    stage.browsers = {person: world.browser(person) for person in PEOPLE}
    return stage


def _agent(world: World, name: str, served: ResourceServer | None) -> Credentials:
    redirects = (REDIRECT,) if name == tree.ASKER else ()
    with context.use(world.tenant):
        client, secret = agent_actions.register_agent(
            name.title(), by=SYSTEM, redirect_uris=redirects, grant_types=GRANTS, resource_server=served
        )
        return Credentials(Client.objects.select_related("agent").get(pk=client.pk), secret)
