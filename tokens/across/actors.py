"""Who acted in another domain: `act` of an assertion, kept under the issuer's names (ID-JAG §9.7, RFC 8693 §4.1)."""

from collections.abc import Mapping
from typing import Any

from kit.oauth import BadAssertion

MAX_NAME = 512


def carried(claims: Mapping[str, Any], *, deepest: int) -> Mapping[str, Any] | None:
    """Return the verified chain with nothing in it but who: `iss`, `sub`, `sub_profile`, `act`; raises BadAssertion.

    A name without an issuer is one of the assertion's issuer. A chain that is longer than the tenant allows is refused.
    """
    act = claims.get("act")
    return None if act is None else _link(act, str(claims["iss"]), deepest)


def _link(act: Any, issuer: str, left: int) -> Mapping[str, Any]:
    if not isinstance(act, dict) or left < 1:
        raise BadAssertion("act is not a chain of actors, or too long")
    kept: dict[str, Any] = {"iss": _name(act.get("iss", issuer)), "sub": _name(act.get("sub"))}
    if "sub_profile" in act:
        kept["sub_profile"] = _name(act["sub_profile"])
    if "act" in act:
        kept["act"] = _link(act["act"], issuer, left - 1)
    return kept


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or "\x00" in value:
        raise BadAssertion("act names an actor that cannot be read")
    return value
