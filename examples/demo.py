"""`make demo`: the whole journey, one line for each step. Ends with 0 only if every step went as told."""

import base64
import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import anyio
import httpx2
from mcp.shared.auth import AuthorizationCodeResult

from examples import running
from examples.agent import Agent, Errand
from examples.person import Person

ORIGIN = os.environ.get("REMIT_PUBLIC_ORIGIN", "http://localhost:8000")
ISSUER = f"{ORIGIN}/t/acme"
CALENDAR, NOTES = 9401, 9402
# What `manage.py up` seeds and prints; worth nothing anywhere else.
EMAIL, PASSWORD = "alice@acme.example", "correct horse battery staple"
INTROSPECTOR = (f"server-{CALENDAR}", "demo-only-secret-of-the-calendar-server")


class Unexpected(Exception):
    """A step went another way than told."""


class Teller:
    """Says each step, and stops where one is not as told."""

    def __init__(self) -> None:
        self._count = 0

    def step(self, asked: str, came: str, why: str, *, expected: bool) -> None:
        self._count += 1
        print(f"{self._count:2}. {asked} → {came} | {why}", flush=True)
        if not expected:
            raise Unexpected(f"step {self._count} was not as expected")


class Journey:
    """Alice, her agent, and two servers. Every answer that the agent's SDK gets is kept in `seen`."""

    def __init__(self, calendar: str, notes: str) -> None:
        self.teller = Teller()
        self.calendar, self.notes = calendar, notes
        self.alice = Person(ISSUER, EMAIL, PASSWORD)
        self.seen: list[httpx2.Response] = []
        self.asked_for: list[Mapping[str, str]] = []
        self.agent = Agent("Travel planner", self._show, witness=self._see)

    async def play(self) -> None:
        errand = self.agent.acting_for("alice", self.calendar)
        await self._first_call(errand)
        await self._elsewhere(errand)
        await self._refresh(errand)
        await self._step_up(errand)
        await self._end(errand)
        await self.alice.close()

    async def _first_call(self, errand: Errand) -> None:
        said = await errand.call("list_events")
        self._found_the_issuer()
        self._registered_and_asked()
        self._got_a_token(errand)
        claims = _claims(errand)
        self.teller.step(
            "agent calls list_events with the token",
            f"“{said}”",
            "the server checked signature, issuer, audience and expiry itself, and knows whom and through whom",
            expected=claims["sub"] in said and claims["act"]["sub"] in said,
        )

    def _found_the_issuer(self) -> None:
        stranger = self._answered("POST", "/mcp")
        challenge = stranger.headers["www-authenticate"]
        self.teller.step(
            "agent calls the calendar with no token",
            f"401 {challenge}",
            "the server says where its metadata is, and the scope to ask for",
            expected=stranger.status_code == 401 and "resource_metadata=" in challenge and "scope=" in challenge,
        )
        described = self._answered("GET", "/.well-known/oauth-protected-resource/mcp")
        self.teller.step(
            f"GET {described.url}",
            f"200 authorization_servers {described.json()['authorization_servers']}",
            "protected resource metadata (RFC 9728): whose tokens are good there",
            expected=described.json()["authorization_servers"] == [ISSUER],
        )
        metadata = self._answered("GET", "/.well-known/oauth-authorization-server/t/acme")
        self.teller.step(
            f"GET {metadata.url}",
            f"200 issuer {metadata.json()['issuer']}",
            "authorization server metadata (RFC 8414): one issuer for each tenant, and the same to the letter",
            expected=metadata.json()["issuer"] == ISSUER,
        )

    def _registered_and_asked(self) -> None:
        registered = self._answered("POST", "/t/acme/register")
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
        claims, tokens = _claims(errand), errand.tokens
        self.teller.step(
            "POST /t/acme/token with code and verifier",
            f"200 {tokens.token_type}, {tokens.expires_in} s, scope {tokens.scope!r}, aud {claims['aud']}",
            f"for alice ({claims['sub']}), in the hands of the agent ({claims['act']['sub']}), good at one server",
            expected=claims["aud"] == self.calendar and bool(tokens.refresh_token),
        )

    async def _elsewhere(self, errand: Errand) -> None:
        refused = await _raw_call(self.notes, errand.tokens.access_token, "list_notes")
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

    async def _end(self, errand: Errand) -> None:
        claims = _claims(errand)
        is_gone = await self.alice.end(claims["delegation_id"])
        self.teller.step(
            f"alice presses End access on {ISSUER}/me/agents",
            "the access is gone from the page" if is_gone else "the access is still there",
            "one button, and no admin is needed",
            expected=is_gone,
        )
        async with httpx2.AsyncClient() as http:
            refused = await http.post(f"{ISSUER}/token", data=_refreshing(errand))
            known = await http.post(
                f"{ISSUER}/introspect", data={"token": errand.tokens.access_token}, auth=INTROSPECTOR
            )
        self.teller.step(
            "POST /t/acme/token with the refresh token",
            f"{refused.status_code} {refused.json()['error']}",
            "no new token from the moment she pressed",
            expected=(refused.status_code, refused.json()["error"]) == (400, "invalid_grant"),
        )
        self.teller.step(
            f"POST /t/acme/introspect as {INTROSPECTOR[0]}",
            f"{known.status_code} {known.text}",
            "a server that asks knows at once",
            expected=known.json() == {"active": False},
        )
        await self._what_is_left(claims["exp"], errand)

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

    async def _show(self, person: str, url: str) -> AuthorizationCodeResult:
        self.asked_for.append({name: values[0] for name, values in parse_qs(urlsplit(url).query).items()})
        return await self.alice.decide(url)

    async def _see(self, response: httpx2.Response) -> None:
        await response.aread()
        self.seen.append(response)

    def _answered(self, method: str, path: str) -> httpx2.Response:
        """Return the first answer that the SDK got there."""
        for response in self.seen:
            if (response.request.method, response.url.path) == (method, path):
                return response
        raise Unexpected(f"the SDK never asked {method} {path}")


async def _raw_call(url: str, token: str, tool: str) -> httpx2.Response:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient() as http:
        return await http.post(url, json=message, headers=headers)


def _refreshing(errand: Errand) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "refresh_token": errand.tokens.refresh_token or "",
        "client_id": errand.client_id,
    }


def _claims(errand: Errand) -> dict[str, Any]:
    payload = errand.tokens.access_token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def _root(error: Exception) -> Exception:
    """Return what went wrong first: the SDK's task groups wrap it."""
    return _root(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def main() -> int:
    logging.disable(logging.CRITICAL)  # The SDK logs a refusal with its traceback; here refusals are the point.
    try:
        with ExitStack() as stack:
            stack.enter_context(running.remit(ORIGIN))
            calendar = stack.enter_context(
                running.protected_server(CALENDAR, ISSUER, "Calendar", "events:read", "events:write")
            )
            notes = stack.enter_context(running.protected_server(NOTES, ISSUER, "Notes", "notes:read", "notes:write"))
            anyio.run(Journey(calendar, notes).play)
    except (Unexpected, RuntimeError, LookupError, PermissionError, httpx2.HTTPError, ExceptionGroup) as error:
        print(f"The demo stops: {_root(error)}", file=sys.stderr)
        return 1
    print("All as told.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
