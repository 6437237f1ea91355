"""Refusals of this door: what a request says of itself, before any rule of the domain is asked.

Refusal
├── UnreadableQuery  400  a word of the query that means nothing here, or says nothing that can be
├── KeyReused        422  an Idempotency-Key that was used for something else
├── InFlight         409  a request of the same key is being answered at this moment
└── TooOften         429  the caller, or all callers of the tenant, asked too often in this minute
"""

from collections.abc import Mapping

from api import problem_kinds as kinds


class Refusal(Exception):
    """An expected no, with its problem details (RFC 9457)."""

    status = 400
    title = kinds.UNREADABLE
    headers: Mapping[str, str] = {}


class UnreadableQuery(Refusal):
    pass


class KeyReused(Refusal):
    status = 422
    title = kinds.KEY_REUSED


class InFlight(Refusal):
    status = 409
    title = kinds.IN_FLIGHT
    headers = {"Retry-After": "1"}


class TooOften(Refusal):
    status = 429
    title = kinds.TOO_MANY

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Ask again in {seconds} seconds.")
        self.headers = {"Retry-After": str(seconds)}
