"""Refusals of this app that are not on the wire (those are in `kit.oauth`).

TokenError
├── Stale         what was read from a cache has changed since: the door reads again, once
└── NoActiveKey   the tenant has no key to sign with; an operator must look
"""


class TokenError(Exception):
    """Something that the door must handle."""


class Stale(TokenError):
    pass


class NoActiveKey(TokenError):
    pass
