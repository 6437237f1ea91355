"""Where people of a tenant sign in: the verbs, and finding the provider of a mail domain."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Principal
from kit import sealing
from tenants.models import Membership
from trust import vouching
from trust.errors import Unusable
from trust.models import IdentityProvider, TrustedIssuer

MAX_ROLES = 100
BACK = "/login/company/back"
"""Where a provider sends people back to, below the tenant's issuer."""


@transaction.atomic
def set_provider(
    issuer: TrustedIssuer,
    *,
    by: Principal,
    client_id: str,
    client_secret: str | None = None,
    groups_claim: str = "groups",
    roles: Sequence[Sequence[str]] = (),
) -> IdentityProvider:
    """Say who this tenant is at an issuer where people sign in; raises Unusable or NotYours.

    A secret of None keeps the old one.
    """
    _check(issuer, client_id, groups_claim, roles)
    before = IdentityProvider.objects.select_for_update().filter(issuer=issuer).first()
    vouching.check_provider(issuer, before, client_id, groups_claim, roles, by=by)
    said: dict[str, Any] = {
        "client_id": client_id,
        "groups_claim": groups_claim,
        "roles": [list(pair) for pair in roles],
    }
    if client_secret is not None:
        said["client_secret"] = sealing.seal(client_secret.encode(), settings.SEALING_KEYS) if client_secret else ""
    found, _ = IdentityProvider.objects.update_or_create(issuer=issuer, defaults=said)
    IdentityProvider.objects.filter(pk=found.pk).update(version=F("version") + 1)
    words = [f"{group}: {role}" for group, role in roles]
    detail: dict[str, JsonValue] = {
        "issuer": issuer.issuer,
        "client_id": client_id,
        "groups_claim": groups_claim,
        "roles": words,
    }
    record(Event.PROVIDER_SET, by=by, about=found, detail=detail)
    return found


@transaction.atomic
def remove_provider(provider: IdentityProvider, *, by: Principal) -> None:
    """Let nobody sign in there any more. Who was signed in stays so until the session ends."""
    record(Event.PROVIDER_REMOVED, by=by, about=provider, detail={"issuer": provider.issuer.issuer})
    provider.delete()


def usable() -> list[IdentityProvider]:
    """Return the providers at which people may sign in now, by name."""
    found = IdentityProvider.objects.select_related("issuer").order_by("issuer__name", "pk")
    return [each for each in found if each.issuer.serves(TrustedIssuer.Purpose.SIGN_IN)]


def of_address(address: str, among: Sequence[IdentityProvider]) -> IdentityProvider | None:
    """Return the provider that a mail address belongs to by its domain, among those that are usable."""
    domain = address.strip().lower().rpartition("@")[2]
    return next((each for each in among if domain and domain in each.issuer.email_domains), None)


def issuer_of(provider_id: str) -> TrustedIssuer | None:
    """Return the issuer of a provider, whether people may sign in there or not."""
    found = IdentityProvider.objects.select_related("issuer").filter(pk=provider_id).first()
    return found.issuer if found is not None else None


def secret_of(provider: IdentityProvider) -> str:
    """Return the secret that this tenant proves itself with there, or "" for a public client."""
    return sealing.unseal(provider.client_secret, settings.SEALING_KEYS).decode() if provider.client_secret else ""


def role_of(provider: IdentityProvider, groups: Sequence[str]) -> str:
    """Return the role that a person's groups give, or "" where none says anything, or more than its word may give."""
    given = next((role for group, role in provider.roles if group in groups), "")
    return given if given and provider.issuer.may_stand_for(given) else ""


def _check(issuer: TrustedIssuer, client_id: str, groups_claim: str, roles: Sequence[Sequence[str]]) -> None:
    if TrustedIssuer.Purpose.SIGN_IN not in issuer.purposes:
        raise Unusable(gettext("The issuer is not trusted for sign-in: give it that purpose first."))
    if not 0 < len(client_id) <= 255 or not client_id.isascii() or not 0 < len(groups_claim) <= 100:
        raise Unusable(gettext("A client id and the name of a claim are needed."))
    words = [each for pair in roles for each in pair]
    if len(roles) > MAX_ROLES or len(words) != 2 * len(roles) or not all(isinstance(each, str) for each in words):
        raise Unusable(gettext("Roles are pairs of a group and a role."))
    if unknown := [role for _, role in roles if role not in Membership.Role.values]:
        raise Unusable(gettext("Unknown role: %(words)s.") % {"words": unknown[0][:50]})
