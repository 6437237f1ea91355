"""The first play: an agent that registers itself, as the unmodified MCP SDK does by default."""

from datetime import datetime

import httpx2

from examples.agent import Agent, Errand, post_call
from examples.person import Person
from examples.plays.play import Play, claims_of, refresh, refusal
from examples.plays.stage import INTROSPECTOR, ISSUER, Teller


class FirstPlay(Play):
    """Alice, her agent, and two servers."""

    def __init__(self, teller: Teller, alice: Person, calendar: str, notes: str) -> None:
        super().__init__(teller, alice)
        self.calendar, self.notes = calendar, notes
        self.agent = Agent("Travel planner", self.show, witness=self.see)

    async def play(self) -> None:
        self.teller.play("First play: an agent that nobody knows registers itself.")
        errand = self.agent.acting_for("alice", self.calendar)
        await self._first_call(errand)
        await self._elsewhere(errand)
        await self._refresh(errand)
        await self._step_up(errand)
        await self.end(errand)
        await self._after_the_end(errand)

    async def _first_call(self, errand: Errand) -> None:
        said = await errand.call("list_events")
        self._found_the_issuer()
        self._registered_and_asked()
        self._got_a_token(errand)
        claims = claims_of(errand)
        self.teller.step(
            "agent calls list_events with the token",
            f"“{said}”",
            "the server checked signature, issuer, audience and expiry itself, and knows whom and through whom",
            expected=claims["sub"] in said and claims["act"]["sub"] in said,
        )

    def _found_the_issuer(self) -> None:
        stranger = self.answered("POST", "/mcp")
        challenge = stranger.headers["www-authenticate"]
        self.teller.step(
            "agent calls the calendar with no token",
            f"401 {challenge}",
            "the server says where its metadata is, and the scope to ask for",
            expected=stranger.status_code == 401 and "resource_metadata=" in challenge and "scope=" in challenge,
        )
        described = self.answered("GET", "/.well-known/oauth-protected-resource/mcp")
        self.teller.step(
            f"GET {described.url}",
            f"200 authorization_servers {described.json()['authorization_servers']}",
            "protected resource metadata (RFC 9728): whose tokens are good there",
            expected=described.json()["authorization_servers"] == [ISSUER],
        )
        metadata = self.answered("GET", "/.well-known/oauth-authorization-server/t/acme")
        self.teller.step(
            f"GET {metadata.url}",
            f"200 issuer {metadata.json()['issuer']}",
            "authorization server metadata (RFC 8414): one issuer for each tenant, and the same to the letter",
            expected=metadata.json()["issuer"] == ISSUER,
        )

    def _registered_and_asked(self) -> None:
        registered = self.answered("POST", "/t/acme/register")
        self.teller.step(
            "POST /t/acme/register",
            f"201 client_id {registered.json()['client_id']}",
            "dynamic registration (RFC 7591): the tenant lets agents introduce themselves; it may do nothing yet",
            expected=registered.status_code == 201,
        )
        asked = self.asked_for[-1]
        self.teller.step(
            f"GET /t/acme/authorize scope={asked['scope']!r} resource={asked['resource']}",
            "alice signs in, reads the consent page, and presses Allow; code, state and iss come back",
            f"PKCE {asked['code_challenge_method']} ties the code to this agent, resource ties it to this server",
            expected=asked["code_challenge_method"] == "S256" and asked["resource"] == self.calendar,
        )

    def _got_a_token(self, errand: Errand) -> None:
        claims, tokens = claims_of(errand), errand.tokens
        self.teller.step(
            "POST /t/acme/token with code and verifier",
            f"200 {tokens.token_type}, {tokens.expires_in} s, scope {tokens.scope!r}, aud {claims['aud']}",
            f"for alice ({claims['sub']}), in the hands of the agent ({claims['act']['sub']}), good at one server",
            expected=claims["aud"] == self.calendar and bool(tokens.refresh_token),
        )

    async def _elsewhere(self, errand: Errand) -> None:
        refused = await post_call(self.notes, errand.tokens.access_token, "list_notes")
        self.teller.step(
            "the same token at the notes server",
            f"{refused.status_code} {refused.json().get('error_description', '')}",
            "another audience: a server that was given a token cannot use it next door",
            expected=refused.status_code == 401,
        )

    async def _refresh(self, errand: Errand) -> None:
        before = errand.tokens
        errand.expire()
        said = await errand.call("list_events")
        after = errand.tokens
        self.teller.step(
            "POST /t/acme/token with the refresh token",
            f"200 a new access token and a new refresh token; list_events says “{said}”",
            "rotation: the old refresh token is spent, and nobody had to be asked",
            expected=after.access_token != before.access_token and after.refresh_token != before.refresh_token,
        )

    async def _step_up(self, errand: Errand) -> None:
        self.seen.clear()
        said = await errand.call("create_event", title="Dinner with Bob")
        refused = next(response for response in self.seen if response.status_code == 403)
        self.teller.step(
            "agent calls create_event",
            f"403 {refused.headers['www-authenticate']}",
            "the token may only read, and the server says what this call needs",
            expected='scope="events:write"' in refused.headers["www-authenticate"],
        )
        self.teller.step(
            f"GET /t/acme/authorize scope={self.asked_for[-1]['scope']!r}",
            f"alice is shown what is new, and allows it; the SDK calls again: “{said}”",
            "a wider consent is a new question to the person, and what she allowed before stays",
            expected="created" in said and "events:write" in (errand.tokens.scope or ""),
        )

    async def _after_the_end(self, errand: Errand) -> None:
        refused = await refresh(errand, {})
        async with httpx2.AsyncClient(timeout=20) as http:
            known = await http.post(
                f"{ISSUER}/introspect", data={"token": errand.tokens.access_token}, auth=INTROSPECTOR
            )
        self.teller.step(
            "POST /t/acme/token with the refresh token",
            f"{refused.status_code} {refused.json()['error']}",
            "no new token from the moment she pressed",
            expected=refusal(refused) == (400, "invalid_grant"),
        )
        self.teller.step(
            f"POST /t/acme/introspect as {INTROSPECTOR[0]}",
            f"{known.status_code} {known.text}",
            "a server that asks knows at once",
            expected=known.json() == {"active": False},
        )
        await self._what_is_left(claims_of(errand)["exp"], errand)

    async def _what_is_left(self, until: int, errand: Errand) -> None:
        said = await errand.call("list_events")
        moment = datetime.fromtimestamp(until).astimezone()
        seconds = until - int(datetime.now().timestamp())
        self.teller.step(
            "agent calls list_events once more",
            f"“{said}”",
            f"honestly: this server asks nobody, so the last token works there until {moment:%H:%M:%S}"
            f" ({seconds} s from now), then never again. Sooner: shorter access_token_seconds; at once: introspection",
            expected="Dinner with Bob" in said,
        )
