"""Refusals of this app that are not on the wire (those are in `kit.oauth`).

TokenError
├── Stale             what was read from a cache has changed since: the door reads again, once
├── NoActiveKey       the tenant has no key to sign with; an operator must look
├── InstallationOver  somebody or something ended it before
├── NotKnownYet       whoever keeps the key set may not have the next key yet; `ready_at` is when everybody has
├── KeyIsOver         the key signs nothing and vouches for nothing any more
└── NotCounted        a figure could not be had just now: the log knows why
"""

from datetime import datetime


class TokenError(Exception):
    """Something that the door must handle."""


class Stale(TokenError):
    pass


class NoActiveKey(TokenError):
    pass


class InstallationOver(TokenError):
    pass


class NotKnownYet(TokenError):
    def __init__(self, ready_at: datetime | None) -> None:
        super().__init__(f"not before {ready_at}")
        self.ready_at = ready_at


class KeyIsOver(TokenError):
    pass


class NotCounted(TokenError):
    pass
