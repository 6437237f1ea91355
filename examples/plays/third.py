"""The third play: an agent passes part of its work on, and that agent part of its own. Alice ends it in the middle."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import httpx
from mcp.shared.auth import AuthorizationCodeResult

from examples.agent import Errand, Orchestrator, Part, Refused, SubAgent, exchange, post_call
from examples.person import Person
from examples.plays.play import Play, claims_in
from examples.plays.stage import ISSUER, NOTES_INTROSPECTOR, ORIGIN, STRANGER, TEAM, Teller, Unexpected, known_as

REDIRECT = "http://127.0.0.1/callback"
ORCHESTRATOR, RESEARCHER, SUMMARISER = (known_as(client_id) for client_id in TEAM)
NOTE = "Ask Bob about Lisbon"


class ThirdPlay(Play):
    """Alice, three agents that work for each other, one that nobody named, and a server that asks about each token."""

    def __init__(self, teller: Teller, alice: Person, notes: str) -> None:
        super().__init__(teller, alice)
        self.notes = notes
        self.orchestrator = Orchestrator(
            "Orchestrator", self.show, ORCHESTRATOR, redirect_uri=REDIRECT, witness=self.see
        )
        self.researcher = SubAgent(RESEARCHER)
        self.names: dict[str, str] = {}
        self.until = 0

    async def play(self) -> None:
        self.teller.play("Third play: an agent has a helper, and the helper has one too.")
        errand = self.orchestrator.acting_for("alice", self.notes)
        await self._first_hop(errand)
        passed = await self._narrowed(errand)
        part = await self._second_hop(errand, passed)
        last = await self._third_hop(part)
        await self._refused(passed)
        await self._cut(errand, part, last)
        await self._known_at_once(errand, part, last)
        await self._no_way_back(passed, part)
        await self._taken_back(errand, passed)

    async def show(self, person: str, url: str) -> AuthorizationCodeResult:
        """Play the agent's browser, and say what is missing where Remit does not know the agent."""
        try:
            return await super().show(person, url)
        except LookupError as error:
            raise Unexpected(
                f"Remit at {ORIGIN} does not know the agent {ORCHESTRATOR.client_id}. Whoever started it before this"
                " play was written ends it and starts it again: `make run` brings what is missing"
            ) from error

    async def _first_hop(self, errand: Errand) -> None:
        said = await errand.call("create_note", title=NOTE)
        asked, named = self.asked_for[-1], "Orchestrator may hand part of this to"
        self.teller.step(
            f"GET /t/acme/authorize client_id={asked['client_id']} scope={asked['scope']!r}",
            f"the page says “{named if named in self.alice.read else '?'}” Researcher, Summariser; alice allows it",
            "an admin said which agent may hand on to which, and the page names all whom it can come to: what alice did"
            " not read is handed to nobody",
            expected=asked["client_id"] == ORCHESTRATOR.client_id
            and f"{named} Researcher Summariser" in self.alice.read,
        )
        held = errand.tokens.access_token
        self._learn("orchestrator", held)
        self.until = claims_in(held)["exp"]
        self.teller.step(
            "orchestrator calls create_note on the MCP SDK's client",
            f"“{said}”; {self._words(held)}",
            "it may do part of the work itself",
            expected="created" in said and claims_in(held)["act"]["sub"] in said,
        )

    async def _narrowed(self, errand: Errand) -> str:
        passed = await self.orchestrator.less(errand, "notes:read")
        whole, less = claims_in(errand.tokens.access_token), claims_in(passed)
        self.teller.step(
            "orchestrator: POST /t/acme/token, token exchange (RFC 8693) of its own token, scope='notes:read'",
            f"scope {whole['scope']!r} becomes {less['scope']!r}; {self._words(passed)}",
            "the same delegation, and less of it: it passes this one on, and keeps the other",
            expected=less["scope"] == "notes:read"
            and less["delegation_id"] == whole["delegation_id"]
            and less["exp"] <= whole["exp"],
        )
        return passed

    async def _second_hop(self, errand: Errand, passed: str) -> Part:
        part = await self.researcher.take(passed, self.notes, scope="notes:read")
        self._learn("researcher", part.token)
        self._tell_of_a_part("researcher", passed, part.token, "researcher ← orchestrator for alice")
        said = await part.call("list_notes")
        self.teller.step(
            "researcher calls list_notes on the MCP SDK's client",
            f"“{said}”",
            "to the server it is alice's, through the researcher, and the server is told of whom it came from",
            expected=NOTE in said and f"{self._id('researcher')} ← {self._id('orchestrator')}" in said,
        )
        return part

    async def _third_hop(self, part: Part) -> str:
        token = await exchange(SUMMARISER, part.token, scope="notes:read")
        self._learn("summariser", token)
        self._tell_of_a_part("summariser", part.token, token, "summariser ← researcher ← orchestrator for alice")
        answer = await post_call(self.notes, token, "list_notes")
        self.teller.step(
            "summariser calls list_notes with plain httpx",
            f"{answer.status_code} “{_said(answer)}”",
            "a form and a JSON body: an agent needs no SDK to work for another one",
            expected=answer.status_code == 200 and NOTE in _said(answer),
        )
        return token

    def _tell_of_a_part(self, who: str, shown: str, token: str, chain: str) -> None:
        above, claims = claims_in(shown), claims_in(token)
        self.teller.step(
            f"{who}: POST /t/acme/token, token exchange of what it was passed, as itself",
            f"200 {self._words(token)}",
            f"a delegation of its own below {above['delegation_id']}, for the same person, and over no later than the"
            " first token",
            expected=self._chain(claims) == chain
            and claims["sub"] == above["sub"]
            and claims["client_id"] == who
            and claims["delegation_id"] != above["delegation_id"]
            and claims["exp"] <= self.until,
        )

    async def _refused(self, passed: str) -> None:
        error = await _error(self.researcher.take(passed, self.notes, scope="notes:read notes:write"))
        self.teller.step(
            "researcher: token exchange of what it was passed, scope='notes:read notes:write'",
            f"400 {error}",
            "alice lets the orchestrator write, and the orchestrator passed on reading: nobody gets more than that",
            expected=error == "invalid_scope",
        )
        error = await _error(exchange(known_as(STRANGER), passed, scope="notes:read"))
        self.teller.step(
            f"{STRANGER}: token exchange of the same token",
            f"400 {error}",
            "an agent of the same tenant that nobody named: to have a token is not enough",
            expected=error == "invalid_request",
        )

    async def _cut(self, errand: Errand, part: Part, last: str) -> None:
        first, middle, end = (_delegation(token) for token in (errand.tokens.access_token, part.token, last))
        are_there = await self.alice.can_end(first, middle, end)
        is_gone = await self.alice.end(middle)
        self.teller.step(
            f"alice presses End access of the researcher on {ISSUER}/me/agents",
            f"“{self.alice.told}”",
            "each agent has a row and a button there, and the middle one takes what hangs on it along",
            expected=are_there
            and is_gone
            and "Researcher no longer uses" in self.alice.told
            and await self.alice.can_end(first)
            and not await self.alice.can_end(end),
        )

    async def _known_at_once(self, errand: Errand, part: Part, last: str) -> None:
        for who, token in (("researcher", part.token), ("summariser", last)):
            known = await _ask("introspect", token, NOTES_INTROSPECTOR)
            refused = await post_call(self.notes, token, "list_notes")
            self.teller.step(
                f"{who} calls list_notes; the server asks at /t/acme/introspect",
                f"{known.text}, so {refused.status_code} {refused.json()['error_description']}",
                "a server that asks stops now; time to zero at one that asks nobody, as the calendar of the first play:"
                f" {_left(token)} s",
                expected=known.json() == {"active": False} and refused.status_code == 401,
            )
        said = await errand.call("list_notes")
        known = await _ask("introspect", errand.tokens.access_token, NOTES_INTROSPECTOR)
        self.teller.step(
            "orchestrator calls list_notes",
            f"active {known.json()['active']}, “{said}”",
            "what is above the cut goes on",
            expected=known.json()["active"] is True and NOTE in said,
        )

    async def _no_way_back(self, passed: str, part: Part) -> None:
        errors = [
            await _error(exchange(RESEARCHER, passed, scope="notes:read")),
            await _error(exchange(SUMMARISER, part.token, scope="notes:read")),
        ]
        self.teller.step(
            "researcher and summariser: token exchange of what they were passed, once more",
            f"400 {errors[0]}, 400 {errors[1]}",
            "what alice ended stays ended, until she allows it on the page again",
            expected=errors == ["invalid_request", "invalid_request"],
        )

    async def _taken_back(self, errand: Errand, passed: str) -> None:
        before = await _ask("introspect", passed, NOTES_INTROSPECTOR)
        revoked = await _ask("revoke", passed, (ORCHESTRATOR.client_id, ORCHESTRATOR.secret))
        after = await _ask("introspect", passed, NOTES_INTROSPECTOR)
        own = await _ask("introspect", errand.tokens.access_token, NOTES_INTROSPECTOR)
        self.teller.step(
            "orchestrator: POST /t/acme/revoke with the token that it passed on",
            f"{revoked.status_code}; active {before.json()['active']} becomes {after.json()['active']}, and of its own"
            f" token it is {own.json()['active']}",
            "honestly: what it passed on was still its own, to read with until it is over. So it takes that back when"
            " the work is done",
            expected=[each.json()["active"] for each in (before, after, own)] == [True, False, True],
        )

    def _learn(self, name: str, token: str) -> None:
        """Remember whose id is whose: a token says ids only."""
        claims = claims_in(token)
        self.names |= {claims["act"]["sub"]: name, claims["sub"]: "alice"}

    def _id(self, name: str) -> str:
        return next(key for key, known in self.names.items() if known == name)

    def _words(self, token: str) -> str:
        claims = claims_in(token)
        moment = datetime.fromtimestamp(claims["exp"]).astimezone()
        return f"scope {claims['scope']!r}, {self._chain(claims)}, {claims['delegation_id']}, until {moment:%H:%M:%S}"

    def _chain(self, claims: dict[str, Any]) -> str:
        """Say who acts for whom, the one that acts now first (RFC 8693 §4.1)."""
        ids, act = [], claims.get("act")
        while act:
            ids.append(act["sub"])
            act = act.get("act")
        return f"{' ← '.join(self.names[each] for each in ids)} for {self.names[claims['sub']]}"


async def _error(asked: Awaitable[object]) -> str:
    """Return the error code of an exchange that is refused."""
    try:
        await asked
    except Refused as refusal:
        return refusal.error
    return "no error at all"


async def _ask(endpoint: str, token: str, who: tuple[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.post(f"{ISSUER}/{endpoint}", data={"token": token}, auth=who)


def _said(answer: httpx.Response) -> str:
    return str(answer.json()["result"]["content"][0]["text"]) if answer.status_code == 200 else answer.text


def _delegation(token: str) -> str:
    return str(claims_in(token)["delegation_id"])


def _left(token: str) -> int:
    return int(claims_in(token)["exp"] - datetime.now().timestamp())
