"""What every play has: a teller, alice at her browser, and every answer that the agent's SDK gets."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from mcp.shared.auth import AuthorizationCodeResult

from examples.agent import Errand
from examples.person import Person
from examples.plays.stage import ISSUER, Teller, Unexpected


class Play:
    """`seen` holds the SDK's answers, `asked_for` the parameters of each authorization request."""

    def __init__(self, teller: Teller, alice: Person) -> None:
        self.teller = teller
        self.alice = alice
        self.seen: list[httpx2.Response] = []
        self.asked_for: list[Mapping[str, str]] = []

    async def show(self, person: str, url: str) -> AuthorizationCodeResult:
        """Play the agent's browser."""
        self.asked_for.append({name: values[0] for name, values in parse_qs(urlsplit(url).query).items()})
        return await self.alice.decide(url)

    async def see(self, response: httpx2.Response) -> None:
        """Play the agent's witness."""
        await response.aread()
        self.seen.append(response)

    def answered(self, method: str, path: str) -> httpx2.Response:
        """Return the first answer that the SDK got there."""
        for response in self.seen:
            if (response.request.method, response.url.path) == (method, path):
                return response
        raise Unexpected(f"the SDK never asked {method} {path}")

    async def end(self, errand: Errand) -> None:
        """Let alice end what the errand lives on."""
        is_gone = await self.alice.end(claims_of(errand)["delegation_id"])
        self.teller.step(
            f"alice presses End access on {ISSUER}/me/agents",
            "the access is gone from the page" if is_gone else "the access is still there",
            "one button, and no admin is needed",
            expected=is_gone,
        )


async def refresh(errand: Errand, proof: Mapping[str, str]) -> httpx2.Response:
    """Use an errand's refresh token by hand, without any SDK in between."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": errand.tokens.refresh_token or "",
        "client_id": errand.client_id,
    }
    async with httpx2.AsyncClient(timeout=20) as http:
        return await http.post(f"{ISSUER}/token", data={**form, **proof})


def sent(response: httpx2.Response) -> Mapping[str, str]:
    """Return the form that an answer answers."""
    return dict(parse_qsl(response.request.content.decode()))


def refusal(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("error", "")


def claims_of(errand: Errand) -> dict[str, Any]:
    return claims_in(errand.tokens.access_token)


def claims_in(token: str) -> dict[str, Any]:
    return _part(token, 1)


def header_in(token: str) -> dict[str, Any]:
    return _part(token, 0)


def _part(token: str, number: int) -> dict[str, Any]:
    part = token.split(".")[number]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
