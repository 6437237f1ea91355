"""The record of a run: every answer that a client got, and when, as the client saw it."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

CUT = 0
"""The status of a request whose answer nobody got: refused, reset, or in the middle of it the process was gone."""


class Kind(StrEnum):
    """What was asked."""

    REDEEM = "redeem"
    REFRESH = "refresh"
    MINT = "mint"
    INTROSPECT = "introspect"
    END = "end"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Answer:
    """One request and its answer; moments are seconds of one steady clock."""

    kind: Kind
    about: str
    """What was used up, ended or asked about: a code, a refresh token, whatever an authority is called here."""
    sent: float
    got: float
    status: int
    retry_after: str = ""
    request_id: str = ""
    token: str = field(default="", repr=False)
    """The access token that was handed out."""
    successor: str = field(default="", repr=False)
    """The refresh token that was handed out."""
    is_active: bool = False
    says: str = ""


@dataclass
class History:
    """All answers of a run, in the order in which they came; threads may write at once."""

    answers: list[Answer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, kind: Kind, about: str, request: Callable[[], httpx.Response]) -> Answer:
        """Send a request and write down what came of it."""
        sent, response = time.monotonic(), None
        with suppress(httpx.TransportError):
            response = request()
        answer = _read(kind, about, sent, response)
        with self._lock:
            self.answers.append(answer)
        return answer

    def of(self, *kinds: Kind) -> Iterator[Answer]:
        return (each for each in self.answers if each.kind in kinds)

    def after(self, moment: float) -> Iterator[Answer]:
        """Return what was asked after a moment."""
        return (each for each in list(self.answers) if each.sent > moment)

    def statuses(self) -> "Counter[int]":
        return Counter(each.status for each in self.answers)

    def first_good(self, since: float) -> float | None:
        """Return after how many seconds somebody was served who asked after a moment, by a request that writes."""
        good = [each.got for each in self.of(Kind.MINT, Kind.REFRESH, Kind.REDEEM) if each.sent >= since and each.token]
        return min(good) - since if good else None


def _read(kind: Kind, about: str, sent: float, response: httpx.Response | None) -> Answer:
    got = time.monotonic()
    if response is None:
        return Answer(kind, about, sent, got, CUT)
    body = {}
    if response.headers.get("content-type", "").startswith("application/json"):
        body = response.json()
    return Answer(
        kind, about, sent, got, response.status_code,
        retry_after=response.headers.get("retry-after", ""),
        request_id=response.headers.get("x-request-id", ""),
        token=body.get("access_token", "") if kind is not Kind.READ else "",
        successor=body.get("refresh_token", ""),
        is_active=body.get("active") is True,
        says=str(body.get("error", "")),
    )  # fmt: skip
