"""What is measured: which operations, how often each is asked in a window, and what a good answer looks like."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the table.

    `requests` go into a window; `target` is the capacity per core that we want, relative to node-oidc-provider;
    `expected` is a Lua pattern that each answer's body must match.
    """

    name: str
    title: str
    requests: int
    target: float | None
    expected: str
    is_single_use: bool = False


_TOKEN = '"access_token": *"[^"]+"'
OPERATIONS = (
    Operation("secret", "client_credentials, secret", 2000, 0.5, _TOKEN),
    Operation("stored", "the same; oidc-provider's token opaque, one row stored", 2000, None, _TOKEN),
    Operation("assertion", "client_credentials, private_key_jwt", 1200, 0.7, _TOKEN, is_single_use=True),
    Operation("code", "code exchange", 1200, 0.9, _TOKEN, is_single_use=True),
    Operation("refresh", "refresh with rotation", 1200, 0.9, _TOKEN, is_single_use=True),
    Operation("introspection", "introspection", 2000, 0.8, '"active": *true'),
    Operation("exchange", "token exchange, 1 hop, another agent", 1200, 0.5, _TOKEN),
    Operation("exchange4", "token exchange, the 4th hop", 1200, None, _TOKEN),
    Operation("introspection4", "introspection of a token 4 hops deep", 2000, None, '"active": *true'),
    Operation("grant", "ID-JAG, issue", 1200, 0.6, _TOKEN),
    Operation("redemption", "ID-JAG, redeem", 1200, 0.7, _TOKEN, is_single_use=True),
    Operation("jwks", "JWKS", 8000, 0.5, '"keys"'),
    Operation("discovery", "discovery", 8000, 0.7, '"issuer"'),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def named(names: str) -> tuple[Operation, ...]:
    """Return the operations that a list of words names, all of them for none; raises KeyError."""
    return tuple(BY_NAME[name] for name in names.split()) or OPERATIONS
