"""What an issuer says of itself, and what of that would be believed: for an admin who is about to trust it.

It is asked as it would be once it is trusted, and nothing of the answer is kept: whoever trusts it has it asked anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit import jwks
from kit.fetch import Unfetchable
from kit.jose import Keys
from kit.jwks import BadKeys
from tokens import trust
from trust import actions, keys, outbound
from trust.errors import IssuerKnown
from trust.models import TrustedIssuer

LONGEST = 512
"""Characters of what a stranger says that are shown."""
KeySource = TrustedIssuer.KeySource


class Problem(StrEnum):
    """Why an issuer could not be believed as it stands."""

    NO_DOCUMENT = "no_document"
    ANOTHER_ISSUER = "another_issuer"
    NO_ADDRESS = "no_address"
    NO_KEYS = "no_keys"
    BAD_KEYS = "bad_keys"
    NONE_COUNTS = "none_counts"


@dataclass(frozen=True, slots=True)
class SaidKey:
    """A key that it publishes, and whether a signature by it would count."""

    kid: str
    algorithm: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """The issuer as it would be trusted, and what it says: in which document, who it is, and where its keys are."""

    planned: TrustedIssuer
    document: str = ""
    says: str = ""
    jwks_uri: str = ""
    keys: tuple[SaidKey, ...] = ()
    passed_over: int = 0
    """Keys that are for something else, or of a kind that is not known here."""
    problem: Problem | None = None


def of(issuer: str, *, now: datetime, **fields: Any) -> Preview:
    """Ask an issuer who it is and for its keys; raises what `trust_issuer` raises of the same words."""
    planned = actions.planned_issuer(issuer, **fields)
    if TrustedIssuer.objects.filter(issuer=issuer).exists():
        raise IssuerKnown(issuer)
    seen = Preview(planned)
    if keys.is_our_own(issuer):
        return _with(seen, trust.keys_of(planned, None, now))
    if planned.key_source == KeySource.PASTED:
        return _read(seen, planned.jwks)
    if planned.key_source == KeySource.JWKS_URI:
        return _fetched(replace(seen, jwks_uri=planned.jwks_uri))
    return _discovered(seen)


def _discovered(seen: Preview) -> Preview:
    """Read its metadata: of the first document that is about this very issuer, or of what else there is."""
    other = replace(seen, problem=Problem.NO_DOCUMENT)
    for place in keys.places(seen.planned.issuer):
        try:
            document = outbound.fetch_json(place, limit=keys.LIMIT, may_be_missing=True).document
        except Unfetchable:
            continue
        named, uri = document.get("issuer"), document.get("jwks_uri")
        found = replace(seen, document=place, says=_short(named), jwks_uri=_short(uri))
        if named != seen.planned.issuer:
            other = replace(found, problem=Problem.ANOTHER_ISSUER)
        elif not isinstance(uri, str):
            other = replace(found, problem=Problem.NO_ADDRESS)
        else:
            return _fetched(replace(found, jwks_uri=uri))
    return other


def _fetched(seen: Preview) -> Preview:
    try:
        document = outbound.fetch_json(seen.jwks_uri, limit=keys.LIMIT).document
    except Unfetchable:
        return replace(seen, jwks_uri=_short(seen.jwks_uri), problem=Problem.NO_KEYS)
    return _read(replace(seen, jwks_uri=_short(seen.jwks_uri)), document)


def _read(seen: Preview, document: Mapping[str, Any]) -> Preview:
    try:
        found = jwks.parse(document)
    except BadKeys:
        return replace(seen, problem=Problem.BAD_KEYS)
    return replace(_with(seen, found), passed_over=len(document["keys"]) - len(found))


def _with(seen: Preview, found: Keys) -> Preview:
    counting = seen.planned.algorithms
    said = tuple(SaidKey(_short(kid), algorithm, algorithm in counting) for kid, (algorithm, _) in found.items())
    problem = None if any(key.counts for key in said) else Problem.NONE_COUNTS
    return replace(seen, keys=said, problem=problem)


def _short(said: object) -> str:
    """Return what a stranger says as one may show it: nothing, where it is no text."""
    return said[:LONGEST].replace("\x00", "") if isinstance(said, str) else ""
