"""Clients that go on whatever happens: they redeem, refresh, mint, end and look, and ask again if nobody answered."""

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx
from django.db import connections

from tests.faults.history import CUT, Answer, History, Kind
from tests.faults.processes import PATIENCE
from tests.harness.world import REDIRECT, Credentials, World, pkce

PAUSE = 0.01
PAUSE_AFTER_A_FAILURE = 0.2
TRIES = 60
FAILURES = frozenset({CUT, 503})
_PAGES = ("/login", "/me/agents", "/console", "/jwks.json", "/.well-known/openid-configuration", "/api/v1/delegations")


@dataclass
class Traffic:
    """What the threads share. `prepare` has to be called while everything works."""

    world: World
    history: History
    codes: "queue.Queue[tuple[str, str]]" = field(default_factory=lambda: queue.Queue(maxsize=6))
    families: "queue.Queue[str]" = field(default_factory=lambda: queue.Queue(maxsize=2))
    over: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)

    def prepare(self, *, ends: int) -> None:
        """Let alice allow an app, and make agents that will give their authority back."""
        world = self.world
        self.scout, self.reader, self.worker = world.public_client(), world.introspector(), world.worker()
        world.grant(self.scout, scope="events:read")
        self.browser = world.browser("alice")
        self.ending = [(who := world.worker(), world.own_api_token(who)) for _ in range(ends)]
        at_the_calendar = [each for each in world.delegations() if each.resource_server_id == world.calendar.pk]
        names = {who.client.pk: who.id for who, _ in self.ending}
        self.held = {names[each.client_id]: each.pk for each in at_the_calendar if each.client_id in names}

    # --- one client each
    def ask_for_codes(self) -> None:
        verifier, challenge = pkce()
        answer = self._read(lambda: self.browser.http.get(self.world.authorize_url(self.scout, challenge)))
        if not answer.get("code"):
            self.over.wait(PAUSE_AFTER_A_FAILURE)
        else:
            with suppress(queue.Full):
                self.codes.put((answer["code"][0], verifier), timeout=1)

    def redeem(self) -> None:
        with suppress(queue.Empty):
            code, verifier = self.codes.get(timeout=0.5)
            first = self._until_answered(lambda: self._redeem(code, verifier))
            self._redeem(code, verifier)
            if first.successor:
                with suppress(queue.Full):
                    self.families.put_nowait(first.successor)

    def refresh(self) -> None:
        """Refresh one family until it is over, as it is for whoever comes back later than the grace lasts."""
        token = ""
        with suppress(queue.Empty):
            token = self.families.get(timeout=0.5)
        while token and not self.over.is_set():
            answer = self._until_answered(self._refreshing(token))
            token = answer.successor
            self.over.wait(PAUSE)

    def mint(self) -> None:
        answer = self.history.ask(Kind.MINT, self.worker.id, lambda: self.world.own_token(self.worker))
        if answer.token:
            self._introspect(self.worker, answer.token)
        self.over.wait(PAUSE if answer.token else PAUSE_AFTER_A_FAILURE)

    def end(self) -> None:
        """Give an authority back, and look whether anything of it is alive after the answer."""
        if not self.ending:
            self.over.wait(0.5)
            return
        who, api_token = self.ending.pop()
        minting = functools.partial(self.history.ask, Kind.MINT, who.id, lambda: self.world.own_token(who))
        minted = self._until_answered(minting)
        url, bearer = (
            self.world.url(f"/api/v1/delegations/{self.held[who.id]}"),
            {"Authorization": f"Bearer {api_token}"},
        )
        end = functools.partial(self.world.http.delete, url, headers=bearer)
        self._until_answered(lambda: self.history.ask(Kind.END, who.id, end))
        for _ in range(5):
            self._introspect(who, minted.token)
            minting()
            self.over.wait(PAUSE_AFTER_A_FAILURE)

    def look(self) -> None:
        for page in _PAGES:
            accept = {"Accept": "text/html" if page in _PAGES[:3] else "application/json"}
            url = self.world.url(page)
            answer = self.history.ask(Kind.READ, page, functools.partial(self.browser.http.get, url, headers=accept))
            self.over.wait(PAUSE_AFTER_A_FAILURE if answer.status in FAILURES else PAUSE)

    # --- what a test waits for
    def until(self, served: int, *, since: float) -> None:
        """Wait until so many tokens were handed out to whoever asked after a moment."""
        self.until_true(lambda: sum(1 for each in self.history.after(since) if each.token) >= served)

    def until_status(self, status: int, *, number: int = 10) -> None:
        """Wait until so many more requests got an answer with a status."""
        since = time.monotonic()
        self.until_true(lambda: sum(1 for each in self.history.after(since) if each.status == status) >= number)

    def until_true(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.history.statuses()
            assert not self.failures, self.failures
            time.sleep(0.05)

    # --- what they have in common
    def _until_answered(self, ask: Callable[[], Answer]) -> Answer:
        """Ask again as long as nobody answers, or the answer is to ask again."""
        answer = ask()
        for _ in range(TRIES):
            if answer.status not in FAILURES or self.over.is_set():
                break
            self.over.wait(PAUSE_AFTER_A_FAILURE)
            answer = ask()
        return answer

    def _redeem(self, code: str, verifier: str) -> Answer:
        return self.history.ask(Kind.REDEEM, code, lambda: self.world.redeem(self.scout, code, verifier))

    def _refreshing(self, token: str) -> Callable[[], Answer]:
        return lambda: self.history.ask(Kind.REFRESH, token, lambda: self.world.refresh(self.scout, token))

    def _introspect(self, who: Credentials, token: str) -> None:
        form, basic = {"token": token}, self.reader.basic
        url = self.world.url("/introspect")
        self.history.ask(Kind.INTROSPECT, who.id, lambda: self.world.http.post(url, data=form, auth=basic))

    def _read(self, request: Callable[[], httpx.Response]) -> dict[str, list[str]]:
        location = []

        def go() -> httpx.Response:
            response = request()
            location.append(response.headers.get("location", ""))
            return response

        self.history.ask(Kind.READ, "/authorize", go)
        return parse_qs(urlsplit(location[0]).query) if location and location[0].startswith(REDIRECT) else {}


@contextmanager
def flowing(world: World, history: History, *, ends: int = 6) -> Iterator[Traffic]:
    """Let clients ask as long as the block lasts, and a moment longer; a client that fails fails the test."""
    traffic = Traffic(world, history)
    traffic.prepare(ends=ends)
    doing = (
        traffic.ask_for_codes, traffic.redeem, traffic.redeem, traffic.refresh, traffic.refresh, traffic.mint,
        traffic.end, traffic.look,
    )  # fmt: skip
    threads = [threading.Thread(target=_go_on, args=(traffic, each)) for each in doing]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.over.set()
        for thread in threads:
            thread.join(timeout=60)
    assert not traffic.failures, traffic.failures
    assert not any(thread.is_alive() for thread in threads)


def _go_on(traffic: Traffic, what: Callable[[], None]) -> None:
    try:
        while not traffic.over.is_set():
            what()
    except Exception as failure:  # A thread's own: the test names it.
        traffic.failures.append(failure)
    finally:
        connections.close_all()
