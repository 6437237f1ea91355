"""An issuer on a server that we run: where its keys are, what is published there, and who comes for it."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from ssl import SSLSocket
from typing import Any

import httpx
from django.utils import timezone

from kit import context
from tests.harness import inside, platforms
from tests.harness.domains import Foreign
from tests.harness.hostile import Answer, Hostile, json_answer
from tests.harness.platforms import named, rsa, workload
from tests.harness.wire import assert_refused
from tests.harness.world import World
from tokens import caches
from trust import keys
from trust.models import OutboundHost, TrustedIssuer


def status(line: bytes, *headers: bytes) -> Answer:
    def answer(connection: SSLSocket) -> None:
        connection.sendall(b"\r\n".join([b"HTTP/1.1 " + line, *headers, b"Content-Length: 0", b"", b""]))

    return answer


NOT_FOUND, DOWN = status(b"404 Not Found"), status(b"503 Service Unavailable")


class Remote:
    """The issuer, and a client that its tokens prove."""

    def __init__(self, world: World, server: Hostile, source: str = "jwks_uri") -> None:
        self.world, self.server = world, server
        self.base = f"/{world.tenant.slug}"
        self.place = f"{self.base}/jwks"
        self.platform = named(server.url(self.base), "first")
        self.publish(self.place, self.platform.jwks)
        uri = server.url(self.place) if source == "jwks_uri" else ""
        self.runs = workload(world, self.platform, key_source=source, jwks={}, jwks_uri=uri)

    def publish(self, place: str, document: object) -> None:
        self.server.answers[place] = json_answer(json.dumps(document).encode())

    def asked(self, place: str = "") -> int:
        return self.server.seen.count(place or self.place)

    def token(self, kid: str = "", **header: Any) -> str:
        """Return a token signed with a key of this name; the first one, unless it is said."""
        key = rsa(kid) if kid else self.platform.key
        return platforms.job(Foreign(self.platform.url, key), self.world.tenant.issuer, **header)

    def ask(self, kid: str = "") -> int:
        answer = self.runs.ask(self.token(kid))
        if answer.status_code != 200:
            assert_refused(answer, "invalid_client", 401)
        return answer.status_code

    def ask_afresh(self) -> int:
        """Ask a process that keeps nothing yet."""
        caches.forget_all()
        return inside.post(self.world, "/token", self.runs.form(self.token())).status_code

    def age(self, *, fetched: timedelta | None = None, asked: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass since the keys were fetched, and since somebody last asked; and let the host be asked again."""
        now = timezone.now()
        fields: dict[str, Any] = {"keys_asked_at": now - asked}
        if fetched is not None:
            fields["keys_fetched_at"] = now - fetched
        self.world.rewrite(self.runs.trusted, **fields)
        with context.use(self.world.tenant):
            OutboundHost.objects.update(not_before=now, failures=0)

    @property
    def row(self) -> TrustedIssuer:
        with context.use(self.world.tenant):
            return TrustedIssuer.objects.get(pk=self.runs.trusted.pk)

    def fetch(self) -> None:
        with context.use(self.world.tenant):
            assert keys.refresh(self.runs.trusted, now=timezone.now())


@contextmanager
def held(remote: Remote) -> Iterator[Future[httpx.Response]]:
    """Keep whoever asks for the keys waiting inside the block, as a server does that takes ten seconds."""
    go = threading.Event()
    body = json.dumps(remote.platform.jwks).encode()
    before = remote.asked()

    def answer(connection: SSLSocket) -> None:
        go.wait(10)
        json_answer(body)(connection)

    remote.server.answers[remote.place] = answer
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(remote.runs.ask, remote.token())
        assert platforms.eventually(lambda: remote.asked() > before)
        try:
            yield waiting
        finally:
            go.set()
