"""The one notice above a person's agents: of all that acts for them, what most wants to be looked at."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext

from delegations.models import Delegation
from kit import uris


def worst(held: Iterable[tuple[Delegation, Mapping[str, Any]]]) -> Mapping[str, str] | None:
    """Return what is said of the worst of some delegations, which come with their rows, and its id; or None."""
    judged = [(*_judge(delegation, row), delegation.pk, row) for delegation, row in held]
    weight, words, pk, row = max(judged, key=lambda each: each[0], default=(0, "", "", {}))
    if not weight:
        return None
    facts = {"agent": row["agent_name"], "resource": row["resource_name"]}
    return {"text": words % facts, "id": pk}


def _judge(delegation: Delegation, row: Mapping[str, Any]) -> tuple[int, str]:
    """Return how bad it is, and why in words; 0 is not."""
    if _returns_elsewhere(delegation):
        return 4, gettext(
            "%(agent)s now has its answers sent to another address than when you allowed it %(resource)s."
        )
    if not any(scope["is_writing"] for scope in row["scopes"]):
        return 0, ""
    is_endless, is_unused = delegation.expires_at is None, row["last_used_at"] is None
    if is_endless and is_unused:
        return 3, gettext("%(agent)s can change things at %(resource)s, has no end date and was never used.")
    if is_unused and not row["is_verified"]:
        return 2, gettext("%(agent)s can change things at %(resource)s and was never used.")
    if is_endless:
        return 1, gettext("%(agent)s can change things at %(resource)s and has no end date.")
    return 0, ""


def _returns_elsewhere(delegation: Delegation) -> bool:
    """Say whether the place that a person was returned to is none of its client's any more."""
    agreed = delegation.consent.redirect_host if delegation.consent else ""
    return bool(agreed) and agreed not in {uris.remembered_host(uri) for uri in delegation.client.redirect_uris}
