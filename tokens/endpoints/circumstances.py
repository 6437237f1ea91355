"""Under which circumstances a person decides: in which browser, from which network, and what they had proved by then.

As coarsely as sign-ins are kept: neither the address nor what the browser calls itself.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from kit import browsers
from kit.addresses import network
from kit.context import UNPROVED, Proof
from tenants.models import User
from tokens.endpoints.request import TenantRequest

PASSWORD, PASSKEY, TOTP, RECOVERY_CODE = "password", "passkey", "totp", "recovery_code"
_OF_TYPES = {"webauthn": PASSKEY, "totp": TOTP, "recovery_codes": RECOVERY_CODE}


def of(request: TenantRequest) -> Mapping[str, Any]:
    """Return them as a consent keeps them; of each way to prove oneself when it was used last in this session."""
    assert request.member is not None
    browser, system = browsers.read(request.headers.get("User-Agent", ""))
    latest = dict(proved(request, request.member.user))
    return {
        "browser": browser,
        "system": system,
        "network": network(request.META.get("REMOTE_ADDR", "")),
        "proved": [{"by": method, "at": at.isoformat()} for method, at in latest.items()],
    }


def proved(request: HttpRequest, user: User) -> list[tuple[str, datetime]]:
    """Return what a person proved in this session and when, oldest first: password, passkey, totp, company…"""
    records = get_authentication_records(request, user)
    return [
        (_OF_TYPES.get(row.get("type", ""), row["method"]), datetime.fromtimestamp(row["at"], tz=UTC))
        for row in records
    ]


def proof(request: HttpRequest) -> Proof:
    """Return the same as the ledger keeps it of each thing that the person does: the ways, and when one was used last.

    A provider that did not say when it asked proves nothing of when.
    """
    if not isinstance(request.user, User):
        return UNPROVED
    found = proved(request, request.user)
    moments = [at for _, at in found if at.timestamp()]
    return Proof("+".join(dict(found)), max(moments, default=None))
