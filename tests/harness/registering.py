"""A client that registers and manages itself over HTTP, and what a refusal of it looks like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from agents.models import Client
from kit import context
from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT, Credentials, World

MINIMAL: Mapping[str, Any] = {
    "client_name": "Scout",
    "redirect_uris": [REDIRECT],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
}


REFUSED = "client.refused"
"""The one thing that a bad registration leaves."""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def post(world: World, token: str = "", **document: Any) -> httpx.Response:
    """Register; a member that is None is left out."""
    said = {name: value for name, value in {**MINIMAL, **document}.items() if value is not None}
    return world.http.post(world.url("/register"), json=said, headers=bearer(token))


def assert_refused(response: httpx.Response, code: str = "invalid_client_metadata", status: int = 400) -> None:
    """Assert code and status, and an answer that no cache keeps and that holds nothing else."""
    assert (response.status_code, response.json().get("error")) == (status, code), response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"error", "error_description"}
    assert response.headers.get("www-authenticate", "").startswith("Bearer ") == (status == 401)


@dataclass
class Managed:
    """A client with its registration access token."""

    world: World
    answer: dict[str, Any]

    @classmethod
    def register(cls, world: World, **document: Any) -> "Managed":
        response = post(world, **document)
        assert response.status_code == 201, response.text
        return cls(world, response.json())

    @property
    def token(self) -> str:
        return str(self.answer["registration_access_token"])

    @property
    def uri(self) -> str:
        return str(self.answer["registration_client_uri"])

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.row, self.answer.get("client_secret", ""))

    @property
    def row(self) -> Client:
        with context.use(self.world.tenant):
            return Client.objects.select_related("agent").get(client_id=self.answer["client_id"])

    def ask(
        self, method: str = "GET", *, token: str | None = None, uri: str = "", body: object = None
    ) -> httpx.Response:
        sent = bearer(self.token if token is None else token)
        return self.world.http.request(method, uri or self.uri, headers=sent, json=body)

    def put(self, **changes: Any) -> httpx.Response:
        """Replace the registration by what was registered, with changes; None leaves a member out."""
        said = {**MINIMAL, "client_id": self.answer["client_id"], **changes}
        return self.ask("PUT", body={name: value for name, value in said.items() if value is not None})

    def refuses(self, code: str = "invalid_client_metadata", status: int = 400, **changes: Any) -> None:
        """Assert that a PUT is refused and changes nothing; what a holder says wrongly is in the ledger."""
        with leaves_only(self.world, *([REFUSED] if status == 400 else [])):
            assert_refused(self.put(**changes), code, status)
