"""Which mail domains are this tenant's own, by the word of its issuers, and what each is good for. Pure reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trust import providers
from trust.models import IdentityProvider, TrustedIssuer

_OFF = _("Nothing: the issuer is switched off")
_IDLE = _("Nothing yet: the issuer finds nobody by an address")
_SIGN_IN = _("Sign-in: an address of it leads there")
_BEHIND = _("No sign-in: an address of it leads to another issuer")
_USES: Mapping[str, str | Promise] = {
    TrustedIssuer.Mapping.EMAIL: _("A verified address of it finds its member"),
    TrustedIssuer.Mapping.NEW_MEMBER: _("Whoever is not known becomes a member, with that address"),
}


@dataclass(frozen=True, slots=True)
class Domain:
    """A mail domain, who may name its addresses, and for what."""

    name: str
    issuer: TrustedIssuer
    uses: Sequence[str | Promise]


def all_of_them() -> list[Domain]:
    """Return each domain with each issuer that claims it, by name."""
    usable = providers.usable()
    found = [
        Domain(domain, issuer, _uses(domain, issuer, usable))
        for issuer in TrustedIssuer.objects.defer("jwks").order_by("name", "pk")
        for domain in issuer.email_domains
    ]
    return sorted(found, key=lambda each: each.name)


def _uses(domain: str, issuer: TrustedIssuer, usable: Sequence[IdentityProvider]) -> list[str | Promise]:
    if not issuer.is_enabled:
        return [_OFF]
    uses: list[str | Promise] = []
    if any(each.issuer_id == issuer.pk for each in usable):
        first = providers.of_address(f"@{domain}", usable)
        uses.append(_SIGN_IN if first is not None and first.issuer_id == issuer.pk else _BEHIND)
    uses += [words for mapping, words in _USES.items() if mapping in issuer.mappings]
    return uses or [_IDLE]
