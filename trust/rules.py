"""What an admin may say of an issuer or of another authorization server. A sentence that cannot hold is refused."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from kit import fetch, jwks, uris
from kit.jwks import BadKeys
from tenants import directory
from trust import keys
from trust.errors import Unusable
from trust.models import Audience, TrustedIssuer

LONGEST = 3600
Purpose, KeySource = TrustedIssuer.Purpose, TrustedIssuer.KeySource
_FOR_PEOPLE = frozenset({Purpose.ID_JAG, Purpose.SIGN_IN})


def check_identifier(issuer: str, own_issuer: str) -> None:
    """Raise Unusable where a string names no other domain. Whether a tenant here exists is asked when its word is."""
    if issuer == own_issuer:
        raise Unusable(_("An organisation does not trust itself: grants cross a domain."))
    if keys.is_our_own(issuer):
        return
    if not issuer.startswith("https://") or not fetch.is_fetchable(issuer) or "?" in issuer:
        raise Unusable(_("An issuer is an https URL with a host name, without query and fragment."))


def check_issuer(issuer: TrustedIssuer) -> None:
    """Raise Unusable, with words for the admin, where a trusted issuer as it would stand cannot be believed."""
    for name in ("purposes", "mappings", "algorithms", "clients", "email_domains"):
        check_words(name, getattr(issuer, name))
    if not isinstance(issuer.required_claims, dict) or not isinstance(issuer.jwks, dict):
        raise Unusable(_("Required claims and keys are objects."))
    _check_each("purpose", issuer.purposes, Purpose.values)
    _check_each("mapping", issuer.mappings, TrustedIssuer.Mapping.values)
    _check_each("algorithm", issuer.algorithms, jwks.ALGORITHMS)
    if not issuer.algorithms:
        raise Unusable(_("At least one algorithm is needed: an empty list accepts no signature."))
    if not 1 <= issuer.longest_seconds <= LONGEST:
        raise Unusable(_("Assertions live for 1 to %(most)s seconds.") % {"most": LONGEST})
    if TrustedIssuer.Mapping.EMAIL in issuer.mappings and not issuer.email_domains:
        raise Unusable(_("Finding people by e-mail needs the domains of which this issuer may name addresses."))
    check_scopes(issuer.resources)
    _check_within(issuer.quarantine, issuer.resources)
    _check_keys(issuer)


def check_audience(audience: Audience) -> None:
    """Raise Unusable where grants for another authorization server, as it would stand, would never be good."""
    _check_each("algorithm", [audience.algorithm], Audience.Algorithm.values)
    for resource, _scopes in _pairs(audience.resources):
        if not uris.is_resource_identifier(resource):
            words = _("%(resource)s is not a resource identifier (RFC 8707): an absolute URI, no fragment.")
            raise Unusable(words % {"resource": resource[:200]})
        if directory.resource_server(resource) is not None:
            words = _("%(resource)s is a resource of this organisation: no grant is needed to reach it.")
            raise Unusable(words % {"resource": resource[:200]})
        others = Audience.objects.exclude(pk=audience.pk).filter(resources__has_key=resource)
        if others.exists():
            raise Unusable(_("%(resource)s is behind another server already.") % {"resource": resource[:200]})


def check_words(name: str, values: object) -> None:
    """Raise Unusable where something is not a list of words."""
    if not isinstance(values, list) or not all(isinstance(each, str) and each for each in values):
        raise Unusable(_("%(name)s are listed, each as a word.") % {"name": name.replace("_", " ").capitalize()})


def check_scopes(resources: object) -> None:
    """Raise Unusable where scopes by resource name what this tenant does not have."""
    for resource, scopes in _pairs(resources):
        protected = directory.resource_server(resource)
        if protected is None:
            raise Unusable(
                _("%(resource)s is not a resource server of this organisation.") % {"resource": resource[:200]}
            )
        if unknown := set(scopes) - protected.scopes.keys():
            named = {"resource": resource[:200], "scopes": " ".join(sorted(unknown))[:200]}
            raise Unusable(_("%(resource)s has no scope %(scopes)s.") % named)


def _check_keys(issuer: TrustedIssuer) -> None:
    if keys.is_our_own(issuer.issuer):
        if set(issuer.purposes) - _FOR_PEOPLE:
            raise Unusable(_("An organisation of this installation is trusted about people alone."))
        return
    _check_each("key source", [issuer.key_source], KeySource.values)
    if issuer.key_source == KeySource.JWKS_URI and not fetch.is_fetchable(issuer.jwks_uri):
        raise Unusable(_("The address of the keys is an https URL with a host name."))
    if issuer.key_source == KeySource.PASTED:
        try:
            jwks.parse(issuer.jwks)
        except BadKeys as error:
            raise Unusable(_("The keys cannot be used: %(error)s.") % {"error": error}) from error


def _check_each(what: str, values: Iterable[object], known: Iterable[object]) -> None:
    if unknown := [str(value) for value in values if value not in list(known)]:
        raise Unusable(_("Unknown %(what)s: %(words)s.") % {"what": what, "words": ", ".join(unknown)[:200]})


def _check_within(inner: object, outer: Mapping[str, Iterable[str]]) -> None:
    for resource, scopes in _pairs(inner):
        if not set(scopes) <= set(outer.get(resource, ())):
            words = _("Quarantine opens more at %(resource)s than the issuer's word may.")
            raise Unusable(words % {"resource": resource[:200]})


def _pairs(resources: object) -> Iterable[tuple[str, Any]]:
    if not isinstance(resources, Mapping) or not all(
        isinstance(key, str) and isinstance(value, list) for key, value in resources.items()
    ):
        raise Unusable(_("Scopes are listed by resource."))
    for scopes in resources.values():
        check_words("scopes", scopes)
    return resources.items()
