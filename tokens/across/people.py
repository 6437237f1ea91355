"""Who a foreign subject is here (ID-JAG §4.4, §9.5).

A link that was made once decides; no claim moves it. What else may find a person is an admin's explicit setting, in
this order: our own id of the person, a verified e-mail address of a domain that the issuer may speak of, a new member.
Nobody is found by a bare e-mail address.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from audit.principals import Kind, Principal
from kit import context, identifiers
from kit.oauth import BadAssertion
from tenants import actions as tenant_actions
from tenants import roles
from tenants.models import Membership, User
from tokens import rows
from tokens.errors import Stale
from tokens.values import Arrival
from trust import actions
from trust.models import TrustedIssuer

MAX_SUBJECT = 255
NOBODY = "members.invalid"
"""A domain that no mail reaches (RFC 2606 §2): members whose address is not known."""


class Closed(BadAssertion):
    """Whoever is meant is known, and has no place here any more."""


def find(
    issuer: TrustedIssuer, claims: Mapping[str, Any], *, now: datetime
) -> tuple[Membership, datetime, Arrival | None]:
    """Return who the subject of verified claims is, since when, and what must be written where that is new.

    Raises BadAssertion where nobody is found, whoever is found has no place here any more, or they may do more than
    whoever answers for the word (`trust.vouching`).
    """
    subject = readable(claims.get("sub"))
    linked = rows.linked(issuer.pk, subject)
    if linked is not None:
        member, linked_at, is_active, vouched_as = linked
        if not is_active:
            raise Closed(f"{member.pk} has no place here any more")
        _check_vouched(member, vouched_as, issuer.vouched_as)
        return member, linked_at, None
    arrival = _by_our_own_id(issuer, subject, claims) or _by_email(issuer, subject, claims)
    arrival = arrival or _as_new_member(issuer, subject, claims)
    if arrival is None:
        raise BadAssertion(f"{subject[:64]!r} of {issuer.issuer[:120]} is nobody here")
    is_new = arrival.how == TrustedIssuer.Mapping.NEW_MEMBER
    # Whoever is found by a claim was not linked by anybody's newer word: what was ended for them stays so.
    if is_new:
        return arrival.member, now, arrival
    member = _active(arrival.member)
    _check_vouched(member, issuer.vouched_as)
    return member, issuer.created_at, arrival


def readable(subject: object) -> str:
    """Return a subject as it may be kept; raises BadAssertion."""
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or "\x00" in subject:
        raise BadAssertion("sub")
    return subject


@transaction.atomic
def welcome(arrival: Arrival) -> None:
    """Write down who a foreign subject is, as a member where they are none yet; raises Stale where that was done."""
    by = Principal(Kind.SYSTEM, arrival.issuer.issuer, arrival.issuer.name)
    try:
        with transaction.atomic():
            if arrival.how == TrustedIssuer.Mapping.NEW_MEMBER:
                _make_member(arrival, by=by)
            actions.link_subject(arrival.issuer, arrival.subject, arrival.member, by=by, how=arrival.how)
    except IntegrityError as error:
        raise Stale(f"{arrival.subject[:64]!r} was linked by another request") from error


def _make_member(arrival: Arrival, *, by: Principal) -> None:
    """Make an account that opens this tenant alone: nobody but its own provider said whose address it is."""
    address = arrival.email or f"{arrival.member.pk}@{NOBODY}"
    user = User(email=address, name=arrival.name, home_id=context.require_id())
    user.set_unusable_password()
    user.save(force_insert=True)
    tenant_actions.welcome_member(arrival.member, user, by=by)


def _by_our_own_id(issuer: TrustedIssuer, subject: str, claims: Mapping[str, Any]) -> Arrival | None:
    named = claims.get("aud_sub")
    if TrustedIssuer.Mapping.AUD_SUB not in issuer.mappings or not isinstance(named, str):
        return None
    if "\x00" in named or len(named) > identifiers.LENGTH:
        return None
    member = Membership.objects.select_related("user").filter(pk=named).first()
    return Arrival(issuer, subject, member, TrustedIssuer.Mapping.AUD_SUB) if member else None


def _by_email(issuer: TrustedIssuer, subject: str, claims: Mapping[str, Any]) -> Arrival | None:
    address = _vouched_address(issuer, claims)
    if TrustedIssuer.Mapping.EMAIL not in issuer.mappings or not address:
        return None
    member = Membership.objects.select_related("user").filter(user__email=address).first()
    return Arrival(issuer, subject, member, TrustedIssuer.Mapping.EMAIL) if member else None


def _as_new_member(issuer: TrustedIssuer, subject: str, claims: Mapping[str, Any]) -> Arrival | None:
    """Return somebody new. A person who has an account already is not taken over: theirs is not the address given."""
    if TrustedIssuer.Mapping.NEW_MEMBER not in issuer.mappings:
        return None
    address = _vouched_address(issuer, claims)
    if address and User.objects.filter(Q(home=None) | Q(home=context.require_id()), email=address).exists():
        address = ""
    name = claims.get("name")
    kept = name[:100] if isinstance(name, str) and "\x00" not in name else ""
    member = Membership(pk=identifiers.make("usr"), role=Membership.Role.MEMBER)
    return Arrival(issuer, subject, member, TrustedIssuer.Mapping.NEW_MEMBER, email=address, name=kept)


def _vouched_address(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> str:
    """Return an address that the issuer verified, of a domain that it may speak of; "" otherwise."""
    address, is_verified = claims.get("email"), claims.get("email_verified")
    if not isinstance(address, str) or is_verified is not True or len(address) > 254 or not address.isascii():
        return ""
    local, at, domain = address.lower().rpartition("@")
    return address.lower() if local and at and domain in issuer.email_domains and "\x00" not in address else ""


def _active(member: Membership) -> Membership:
    if member.status != Membership.Status.ACTIVE or not member.user.is_active:
        raise Closed(f"{member.pk} has no place here any more")
    return member


def _check_vouched(member: Membership, *roles_of_others: str) -> None:
    if not all(roles.covers(each, member.role_now) for each in roles_of_others):
        raise BadAssertion(f"{member.pk} may do more than whoever answers for this word: an admin has to")
