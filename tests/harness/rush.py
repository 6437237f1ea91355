"""A rush: fifty callers with a connection each ask at one moment, or go on asking while something ends."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from kit import context
from tests.harness.world import World
from tokens.models import AccessToken

MANY = 50
Ask = Callable[[], httpx.Response]


@contextmanager
def callers(world: World) -> Iterator[ThreadPoolExecutor]:
    """Give fifty callers, and whoever stands beside them, a connection each."""
    limits = httpx.Limits(max_connections=MANY + 1, max_keepalive_connections=MANY + 1)
    with httpx.Client(timeout=60, limits=limits) as http, ThreadPoolExecutor(MANY) as pool:
        world.http = http
        yield pool


def start_together(pool: ThreadPoolExecutor, ask: Ask) -> list[Future[httpx.Response]]:
    """Let every caller wait at one gate, and open it."""
    gate = threading.Barrier(MANY)

    def go() -> httpx.Response:
        gate.wait(timeout=30)
        return ask()

    return [pool.submit(go) for _ in range(MANY)]


def answers(pending: list[Future[httpx.Response]]) -> list[httpx.Response]:
    return [each.result(timeout=60) for each in pending]


@dataclass(frozen=True, slots=True)
class Rush:
    """What was answered around an end: to what was asked before it had returned, and to what was asked after that."""

    during: list[httpx.Response]
    after: list[httpx.Response]
    minted: int
    """How many access tokens there were when the end had returned."""

    @property
    def tokens(self) -> list[str]:
        return tokens(self.during)


def around(world: World, pool: ThreadPoolExecutor, asks: Iterable[Ask], end: Callable[[], object]) -> Rush:
    """Let every caller go on asking while something ends, and once more after that; each asks in turn of `asks`.

    So there are requests in flight at the end, however long it waits. It begins once each of `asks` was answered.
    """
    turns, going, over, gate = list(asks), threading.Event(), threading.Event(), threading.Barrier(MANY)
    answered: set[int] = set()

    def go(number: int) -> tuple[list[httpx.Response], httpx.Response]:
        turn, found = number % len(turns), []
        gate.wait(timeout=30)
        while not over.is_set():
            found.append(turns[turn]())
            answered.add(turn)
            if len(answered) == len(turns):
                going.set()
        return found, turns[turn]()

    pending = [pool.submit(go, number) for number in range(MANY)]
    try:
        assert going.wait(timeout=30)
        end()
        count = minted(world)
    finally:
        over.set()
    done = [each.result(timeout=60) for each in pending]
    return Rush([answer for found, _ in done for answer in found], [last for _, last in done], count)


def tokens(found: Iterable[httpx.Response]) -> list[str]:
    """Return the access tokens that were handed out."""
    return [answer.json()["access_token"] for answer in found if answer.status_code == 200]


def verdicts(found: Iterable[httpx.Response]) -> set[tuple[int, str]]:
    """Return which answers there were: status and error, which is empty where there is none."""
    return {(answer.status_code, answer.json().get("error", "")) for answer in found}


def alive(world: World, pool: ThreadPoolExecutor, asked: Iterable[str]) -> list[bool]:
    """Say what the calendar learns of each of these access tokens."""
    world.reader = world.reader or world.introspector()
    return list(pool.map(world.is_active, asked))


def minted(world: World) -> int:
    """Return how many access tokens were minted so far."""
    with context.use(world.tenant):
        return AccessToken.objects.count()
