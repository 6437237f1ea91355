"""The fourth play: one company decides that its people's agent works at another, and that it stops."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from mcp.shared.auth import AuthorizationCodeResult

from examples.agent import Company, CrossingAgent, Refused, SignedIn, Work, post_call
from examples.person import Person
from examples.plays.play import Play, claims_in, header_in, refusal, sent
from examples.plays.stage import (
    ADMIN_EMAIL,
    COURIER,
    COURIER_THERE,
    ISSUER,
    ORIGIN,
    OTHER_CALENDAR,
    OTHER_EMAIL,
    OTHER_INTROSPECTOR,
    OTHER_ISSUER,
    PASSWORD,
    Teller,
    Unexpected,
    known_as,
)

REDIRECT = "http://127.0.0.1/callback"
NOTE = "Bring the spare arm"
READING = "notes:read"
SCOPE = f"{READING} notes:write"
CONSOLE = "/console/agents?q=courier"


class FourthPlay(Play):
    """Alice at both companies, the admin of hers, an agent that both know, and a server of the other one."""

    def __init__(self, teller: Teller, alice: Person, notes: str) -> None:
        super().__init__(teller, alice)
        self.notes = notes
        self.alice_there = Person(OTHER_ISSUER, OTHER_EMAIL, PASSWORD)
        self.ada = Person(ISSUER, ADMIN_EMAIL, PASSWORD)
        self.there = Company(OTHER_ISSUER, known_as(COURIER_THERE, OTHER_ISSUER))
        self.agent = CrossingAgent(
            Company(ISSUER, known_as(COURIER)), self.show, redirect_uri=REDIRECT, witness=self.see
        )
        self.pages: list[str] = []

    async def play(self) -> None:
        self.teller.play("Fourth play: the company decides. One sign-in at acme, and an agent works at globex.")
        signed_in = await self._sign_in()
        work = await self._first_call(signed_in)
        await self._refused(signed_in)
        await self._seen_there(work)
        agent_id = claims_in(self._grant())["act"]["sub"]
        await self._pause(agent_id)
        try:
            await self._stopped(signed_in, work)
        finally:
            is_back = await self.ada.press(CONSOLE, f"/{agent_id}/resume")
        await self._resumed(work, is_back=is_back)
        await self.alice_there.close()
        await self.ada.close()

    async def show(self, person: str, url: str) -> AuthorizationCodeResult:
        """Play the agent's browser, and say what is missing where Remit does not know the agent."""
        self.pages.append(urlsplit(url).path)
        try:
            return await super().show(person, url)
        except LookupError as error:
            raise Unexpected(
                f"Remit at {ORIGIN} shows no page for the agent {COURIER}. Where somebody broke off this play it is"
                f" paused: ada resumes it on {ISSUER}{CONSOLE}. Whoever started Remit before this play was written ends"
                " it and starts it again: `make run` brings what is missing"
            ) from error

    async def _sign_in(self) -> SignedIn:
        signed_in = await self.agent.sign_in("alice")
        asked, claims = self.asked_for[-1], claims_in(signed_in.id_token)
        self.teller.step(
            f"GET /t/acme/authorize client_id={asked['client_id']} scope={asked['scope']!r}",
            "alice reads the page of her own company, and allows it",
            "OpenID Connect: the agent learns who she is. It is the one page of this play, and it opens no server",
            expected=asked["scope"] == "openid" and "resource" not in asked and "Courier" in self.alice.read,
        )
        self.teller.step(
            "POST /t/acme/token with code and verifier",
            f"200 an ID token: iss {claims['iss']}, sub {claims['sub']}, aud {claims['aud']}",
            "for the agent itself, which shows it to acme and to nobody else",
            expected=claims["iss"] == ISSUER and claims["aud"] == COURIER,
        )
        return signed_in

    async def _first_call(self, signed_in: SignedIn) -> Work:
        work = self.agent.working_at(self.notes, self.there, signed_in, scope=SCOPE)
        said = await work.call("create_note", title=NOTE)
        self._knew_whom_to_ask()
        self._got_a_grant()
        self._redeemed(work)
        claims = claims_in(work.tokens.access_token)
        self.teller.step(
            "agent calls create_note at globex with the token",
            f"“{said}”",
            "the server takes tokens of globex, asks globex about each, and is told through whom it came",
            expected=f"for {claims['sub']} through {' ← '.join(_chain(claims))}" in said,
        )
        return work

    def _knew_whom_to_ask(self) -> None:
        stranger = self.answered("POST", "/mcp")
        metadata = self.answered("GET", "/.well-known/oauth-authorization-server/t/globex")
        asked_the_server = [each.url.path for each in self.seen if "protected-resource" in each.url.path]
        self.teller.step(
            "agent calls globex's notes with no token, on the MCP SDK's identity assertion client",
            f"{stranger.status_code}; the SDK reads {metadata.url}",
            "the SDK asks the issuer that the agent was told of, and never whom the server names: no server lures a"
            " grant to a place of its own",
            expected=stranger.status_code == 401 and metadata.json()["issuer"] == OTHER_ISSUER and not asked_the_server,
        )

    def _got_a_grant(self) -> None:
        answer, grant = self.agent.grants[-1], self._grant()
        self.teller.step(
            "POST /t/acme/token, token exchange of the ID token, requested_token_type=…:id-jag,"
            f" audience={OTHER_ISSUER}, resource={self.notes}",
            f"200 issued_token_type …:{answer['issued_token_type'].rpartition(':')[2]}, token_type"
            f" {answer['token_type']}, {answer['expires_in']} s",
            "acme's admin keeps a table: which agent, at which company, for which resource, scopes and people",
            expected=answer["token_type"] == "N_A"
            and answer["issued_token_type"].endswith(":id-jag")
            and "refresh_token" not in answer,
        )
        claims, typ = claims_in(grant), header_in(grant)["typ"]
        left = claims["exp"] - claims["iat"]
        self.teller.step(
            "agent reads the grant (ID-JAG)",
            f"typ {typ}, aud {claims['aud']}, client_id {claims['client_id']}, sub {claims['sub']},"
            f" act {claims['act']}, resource {claims['resource']}, scope {claims['scope']!r}, exp in {left} s,"
            f" jti {claims['jti']}",
            "acme says to globex alone: my alice, through my agent that you call so, at this one resource, once",
            expected=typ == "oauth-id-jag+jwt"
            and (claims["aud"], claims["client_id"], claims["resource"]) == (OTHER_ISSUER, COURIER_THERE, self.notes)
            and claims["act"]["iss"] == ISSUER
            and set(claims["scope"].split()) == set(SCOPE.split())
            and left <= 300,
        )

    def _redeemed(self, work: Work) -> None:
        token = self.answered("POST", "/t/globex/token")
        self.teller.step(
            "POST /t/globex/token with the grant, grant_type=…:jwt-bearer",
            f"{token.status_code} {work.tokens.token_type}, {work.tokens.expires_in} s, scope {work.tokens.scope!r}",
            "globex's admin trusts acme for this resource and this agent. No page at globex, for anybody",
            expected=token.status_code == 200
            and sent(token)["assertion"] == self._grant()
            and work.tokens.refresh_token is None
            and self.pages == ["/t/acme/authorize"],
        )
        claims = claims_in(work.tokens.access_token)
        self.teller.step(
            "agent reads the token",
            f"iss {claims['iss']}, aud {claims['aud']}, sub {claims['sub']}, client_id {claims['client_id']},"
            f" act {claims['act']}",
            "alice as globex knows her, through the agent as globex knows it, and inside of that as acme does",
            expected=(claims["iss"], claims["aud"], claims["client_id"]) == (OTHER_ISSUER, self.notes, COURIER_THERE)
            and claims["sub"] != claims_in(self._grant())["sub"]
            and claims["act"]["iss"] == OTHER_ISSUER
            and _named(claims["act"]["act"]) == _named(claims_in(self._grant())["act"]),
        )

    async def _refused(self, signed_in: SignedIn) -> None:
        known = self.there.known_as
        async with httpx.AsyncClient(timeout=20) as http:
            again = await http.post(
                known.token_endpoint,
                data=sent(self.answered("POST", "/t/globex/token")),
                auth=(known.client_id, known.secret),
            )
        self.teller.step(
            "POST /t/globex/token with the same grant a second time",
            f"{again.status_code} {refusal(again)[1] or 'is taken'}",
            "its jti is good once, whoever brings it",
            expected=refusal(again) == (400, "invalid_grant"),
        )
        elsewhere = f"http://localhost:{OTHER_CALENDAR}/mcp"
        error = await self._error(signed_in, elsewhere)
        self.teller.step(
            f"POST /t/acme/token, the same exchange with resource={elsewhere}",
            f"400 {error}",
            "globex's calendar is not in acme's table, and what is not there is refused",
            expected=error == "invalid_target",
        )

    async def _seen_there(self, work: Work) -> None:
        row, said = await self._row_there("/me/agents", work), "Acme Robotics allowed this"
        self.teller.step(
            f"alice opens {OTHER_ISSUER}/me/agents, as {OTHER_EMAIL}",
            f"the page shows “Courier of Acme Robotics”, and “{said if said in row else '?'}”",
            "nobody asked her there, so the page says whose word it stands on. She may end it there too",
            expected="Courier of Acme Robotics" in row and said in row,
        )

    async def _pause(self, agent_id: str) -> None:
        is_paused = await self.ada.press(CONSOLE, f"/{agent_id}/pause")
        page = await self.ada.reads(CONSOLE)
        self.teller.step(
            f"ada presses Pause at the agent on {ISSUER}{CONSOLE}",
            "the page says “Courier … Paused”" if is_paused else "the agent is not paused",
            "acme's admin, at acme: she has no account at globex and needs none",
            expected=is_paused and "Courier In-house Paused" in page,
        )

    async def _stopped(self, signed_in: SignedIn, work: Work) -> None:
        token = work.tokens.access_token
        async with httpx.AsyncClient(timeout=20) as http:
            known = await http.post(f"{OTHER_ISSUER}/introspect", data={"token": token}, auth=OTHER_INTROSPECTOR)
        refused = await post_call(self.notes, token, "list_notes")
        self.teller.step(
            "agent calls list_notes; globex's server asks at /t/globex/introspect",
            f"{known.text}, so {refused.status_code} {refused.json()['error_description']}",
            f"recalled in the same moment. A server that asks nobody takes it until {_moment(token)}",
            expected=known.json() == {"active": False} and refused.status_code == 401,
        )
        error = await self._error(signed_in, self.notes)
        self.teller.step(
            "POST /t/acme/token, the exchange for a new grant",
            f"400 {error}",
            "and there is no next one: the sign-in counts for nothing while the agent is paused",
            expected=error == "invalid_grant",
        )
        row, by = await self._row_there("/me/agents/past", work), "by Acme Robotics"
        self.teller.step(
            f"alice opens {OTHER_ISSUER}/me/agents/past",
            f"the page shows “Courier of Acme Robotics … Ended … {by if by in row else '?'}”",
            "globex shows what became of it, and both ledgers say who ended it",
            expected=by in row and not await self._row_there("/me/agents", work),
        )

    async def _resumed(self, work: Work, *, is_back: bool) -> None:
        before, first = work.tokens.access_token, self._grant()
        said = await work.call("list_notes")
        self.teller.step(
            "ada presses Resume; agent calls list_notes on the MCP SDK's client",
            f"“{said}”",
            "the SDK was answered 401, asked for a new grant, and had a new token for it. The old one stays dead",
            expected=is_back
            and NOTE in said
            and work.tokens.access_token != before
            and claims_in(self._grant())["jti"] != claims_in(first)["jti"]
            and (await post_call(self.notes, before, "list_notes")).status_code == 401,
        )

    async def _row_there(self, path: str, work: Work) -> str:
        """Return what alice's page at globex says of the access on which the agent's token stands."""
        return await self.alice_there.reads_of(path, claims_in(work.tokens.access_token)["delegation_id"])

    def _grant(self) -> str:
        return str(self.agent.grants[-1]["access_token"])

    async def _error(self, signed_in: SignedIn, resource: str) -> str:
        """Return the error code of a grant that is refused."""
        try:
            await self.agent.grant(signed_in, OTHER_ISSUER, resource, scope=READING)
        except Refused as refused:
            return refused.error
        return "no error at all"


def _named(act: dict[str, Any]) -> tuple[str, str]:
    return act["iss"], act["sub"]


def _chain(claims: dict[str, Any]) -> list[str]:
    act = claims.get("act")
    return [act["sub"], *_chain(act)] if act else []


def _moment(token: str) -> str:
    return f"{datetime.fromtimestamp(claims_in(token)['exp']).astimezone():%H:%M:%S}"
