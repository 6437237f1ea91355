"""Who answers for a foreign word: it stands for nobody who may do more than they (docs/decisions/0043)."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from django.utils.translation import gettext as _

from audit.principals import Kind, Principal
from tenants import roles
from tenants.errors import NotYours
from tenants.models import Membership
from trust.models import IdentityProvider, TrustedIssuer

WHOSE = frozenset(
    {"key_source", "jwks_uri", "jwks", "algorithms", "purposes", "mappings", "email_domains", "required_claims"}
)
"""What decides whose word an issuer's is, and whom it may name. The rest of its fields are ceilings."""
Pairs = Sequence[Sequence[str]]


def role_of(by: Principal) -> str:
    """Return the role with which somebody answers for a word: an operator's is all; one that ends answers for none."""
    if by.kind is Kind.SYSTEM:
        return Membership.Role.ADMIN
    lasting = Membership.objects.filter(pk=by.id, status=Membership.Status.ACTIVE, role_until=None)
    return lasting.values_list("role", flat=True).first() or ""


def check_change(before: TrustedIssuer, said: Mapping[str, Any], *, by: Principal) -> None:
    """Raise NotYours where a change moves whose word an issuer's is, and somebody mightier answers for it."""
    is_moved = any(getattr(before, name) != said[name] for name in WHOSE & said.keys())
    if is_moved and not roles.covers(role_of(by), before.vouched_as):
        raise NotYours(_("Admins come in on this word. Only an admin changes whose it is and whom it may name."))


def check_link(member: Membership, *, by: Principal) -> None:
    """Raise NotYours where a subject would be somebody who may do more than whoever says so, or for longer."""
    if not roles.covers(role_of(by), member.role_now):
        raise NotYours(
            _("Whoever is linked to this person may do what they may: your role does not let you give that.")
        )


def check_provider(
    issuer: TrustedIssuer, before: IdentityProvider | None, client_id: str, claim: str, pairs: Pairs, *, by: Principal
) -> None:
    """Raise NotYours where somebody changes to whom a role goes that they may not give.

    A pair is as it was where the claim is and each pair before it: the first that fits counts.
    """
    there = before or IdentityProvider(client_id=client_id, groups_claim=claim)
    mine = role_of(by)
    if there.client_id != client_id and not roles.covers(mine, issuer.vouched_as):
        raise NotYours(_("Admins come in on this word. Only an admin changes whose it is and whom it may name."))
    old, new = [list(each) for each in there.roles], [list(each) for each in pairs]
    same = len(list(takewhile(lambda both: both[0] == both[1], zip(old, new, strict=False))))
    moved = [*old, *new] if there.groups_claim != claim else [*old[same:], *new[same:]]
    for _group, role in moved:
        if not roles.covers(mine, role):
            raise NotYours(_("Your role does not let you give or move this one: %(role)s.") % {"role": role})
