"""What changed of a client between two sayings of itself, and which of that is risky.

Risky is what could lead somebody's authority to somebody else, or make an agent look like another one: the hosts that
codes are sent to, and where there, where it is called back, keys, how it authenticates, its grants, its name, who
vouches for it (CIMD §8.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.models import Client
from agents.registration import pinning
from agents.registration.metadata import CALLBACK
from kit import uris
from trust.models import TrustedIssuer

RISKY = frozenset(
    {"redirect hosts", "redirect_uris", "called at", "keys", "auth_method", "grant_types", "name", "vouched for by"}
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed, in words; a key by its thumbprint."""

    what: str
    before: str
    after: str

    @property
    def is_risky(self) -> bool:
        return self.what in RISKY


def between(
    client: Client, columns: Mapping[str, Any], issuer: TrustedIssuer | None = None, *, now: datetime
) -> list[Change]:
    """Return what would change of a client with these columns and whoever vouches for it, ordered by name."""
    before, after = _said({name: getattr(client, name) for name in _READ}), _said(columns)
    found = [Change(name, before[name], after[name]) for name in before if before[name] != after[name]]
    if client.software_issuer_id != (issuer.pk if issuer else None):
        found.append(Change("vouched for by", _name(client.software_issuer), _name(issuer)))
    return sorted([*found, *_keys(client, columns, now=now)], key=lambda change: change.what)


def pins(client: Client, columns: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the columns that pin a client's keys as they would be; of a new place the first look pins."""
    if client.jwks_uri != columns["jwks_uri"]:
        return {"key_pins": {}, "key_turns": client.key_turns + 1}
    if client.jwks_uri:
        return {}
    moved = pinning.moved(client.key_pins, client.jwks, columns["jwks"], now=now)
    return {"key_pins": moved.pins, "key_turns": client.key_turns + int(moved.is_swapped)}


_READ = ("name", "auth_method", "redirect_uris", "grant_types", "metadata")


def _said(columns: Mapping[str, Any]) -> dict[str, str]:
    redirects = columns["redirect_uris"]
    return {
        "name": columns["name"],
        "auth_method": columns["auth_method"],
        "grant_types": " ".join(sorted(columns["grant_types"])),
        "redirect hosts": " ".join(sorted({uris.remembered_host(uri) for uri in redirects})),
        "redirect_uris": " ".join(sorted(redirects)),
        "called at": columns["metadata"].get(CALLBACK, ""),
        "pages": " ".join(f"{name}={value}" for name, value in sorted(columns["metadata"].items()) if name != CALLBACK),
    }


def _keys(client: Client, columns: Mapping[str, Any], *, now: datetime) -> list[Change]:
    """Keys that are fetched move by themselves, and are judged when they are fetched (`agents.keys`)."""
    if client.jwks_uri != columns["jwks_uri"]:
        after = columns["jwks_uri"] or pinning.in_words(columns["jwks"])
        return [Change("keys", client.jwks_uri or pinning.in_words(client.jwks), after)]
    if client.jwks_uri or client.jwks == columns["jwks"]:
        return []
    moved = pinning.moved(client.key_pins, client.jwks, columns["jwks"], now=now)
    # Where there was no key, or is none any more, the way in which it authenticates changed.
    is_other = moved.is_swapped or not moved.before or not moved.after
    return [Change("keys" if is_other else "some keys", moved.before, moved.after)]


def _name(issuer: TrustedIssuer | None) -> str:
    return issuer.name if issuer is not None else ""
