"""A caller that keeps one connection and sends thousands of forms: a tenth of what a full HTTP library costs."""

import http.client
import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.harness.wire import FORM
from tests.harness.world import Credentials, World


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


class Caller:
    """One connection to the live server; any answer of 500 and above ends the test."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connection = http.client.HTTPConnection(urlsplit(world.origin).netloc, timeout=30)

    def post(self, path: str, form: dict[str, str], who: Credentials) -> Answer:
        """POST a form to an endpoint of the tenant as this client, which has a secret."""
        basic = b64encode(f"{who.id}:{who.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": FORM}
        self._connection.request("POST", urlsplit(self._world.url(path)).path, urlencode(form), headers)
        response = self._connection.getresponse()
        body = response.read()
        assert response.status < 500, f"{response.status} from {path}: {body[:500]!r}"
        return Answer(response.status, json.loads(body) if body else {})

    def close(self) -> None:
        self._connection.close()
