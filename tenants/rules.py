"""Judgements about tenants: which slugs may be given, what a role may see."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.utils.translation import gettext as _

from kit import client_ids
from kit.oauth import IDENTITY_SCOPES
from tenants import brand
from tenants.errors import BadSetting, NotYours, Unusable
from tenants.models import CHOICES, Membership, ResourceServer, Scope, Tenant
from tenants.roles import TABLE, Act, may

LONGEST_ACCESS_TOKEN = 3600
"""Seconds; a retired key is kept for longer than that (tokens.rotation), so that no token outlives its key."""
DEEPEST_CHAIN = 16
"""How often authority may be handed on at most, whatever a tenant says: a chain stands in every token of it, one level
of JSON for each actor, and `kit.jose` reads a few more levels than that."""
LONGEST_DELEGATION = 3650
LONGEST_KEY = 365
"""Days after which a signing key is replaced at the latest, whatever a tenant says."""
LEAST_UNUSED = 30
"""Days without use after which access may end at the earliest: when its person was told that it is quiet."""
LEAST_KEPT, LONGEST_KEPT = 7, 3650
"""Days that mail and long work may be kept when they are over: for a week somebody asks what became of them."""
LONGEST_ROLE = timedelta(days=3660)
"""A role that ends later than that was meant to have no end."""
LONGEST_GRACE = 365
"""Days that an agent may go on without its owner, whatever a tenant says."""
_SLUG = re.compile(r"[a-z0-9-]{2,40}")


_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")


def is_slug(text: str) -> bool:
    """Say whether a text may name a tenant in a URL."""
    return _SLUG.fullmatch(text) is not None


def is_scope_name(text: str) -> bool:
    """Say whether a text may name a scope of a resource server (RFC 6749 §3.3), and is none of the server's own."""
    return _SCOPE.fullmatch(text) is not None and text not in IDENTITY_SCOPES | {"offline_access"}


def check_scope(is_writing: bool, weight: str, longest_seconds: int | None) -> None:
    """Raise Unusable where what is said of a scope cannot hold together."""
    if weight not in {"", *Scope.Weight.values}:
        raise Unusable(_("One of these: %(words)s.") % {"words": ", ".join(Scope.Weight.values)})
    if weight and not is_writing:
        raise Unusable(_("What cannot be undone, or speaks as a person, changes things: say so as well."))
    if longest_seconds is not None and not 1 <= longest_seconds <= LONGEST_ACCESS_TOKEN:
        words = _("A token with it lives for %(least)s to %(most)s seconds.")
        raise Unusable(words % {"least": 1, "most": LONGEST_ACCESS_TOKEN})


def check_policy(said: Mapping[str, Any], *, resources: Collection[str]) -> None:
    """Raise BadSetting where a policy says what cannot hold; `resources` are the identifiers that are served here."""
    for name, value in said.items():
        if words := _CHECKS[name](value) if name in _CHECKS else "":
            raise BadSetting(name, words)
    if (named := said.get("default_resource", "")) and named not in resources:
        raise BadSetting("default_resource", _("The identifier of one of your resources, or nothing."))


def check_may_give(by: Membership, member: Membership | None, role: str, *, until: datetime | None = None) -> None:
    """Raise NotYours where a person may not give a role, to a member or (None) to somebody who is invited.

    It ends at `until`; None is no end. Nobody gives more than there was for longer than they have their own role.
    """
    if role not in TABLE:
        raise Unusable(_("A role is one of these: %(words)s.") % {"words": ", ".join(TABLE)})
    before, ended = (member.role_now, member.role_until) if member else ("", None)
    is_more = not TABLE[role] <= TABLE.get(before, frozenset()) or (bool(TABLE[role]) and _outlasts(until, ended))
    if member is not None and member.pk == by.pk and is_more:
        raise NotYours(_("Nobody raises themselves."))
    if is_more and _outlasts(until, by.role_until):
        raise NotYours(_("Your own role ends before that: nobody gives for longer than they have."))
    is_other = role != before or until != ended
    if Membership.Role.ADMIN in {role, before} and is_other and not may(by, Act.ADMINS_APPOINT):
        raise NotYours(_("Only an admin makes somebody an admin, or takes that away."))


def is_day(until: datetime, *, now: datetime) -> bool:
    """Say whether a role may end at a moment: it lies ahead, and not so far that it is no end."""
    return now < until <= now + LONGEST_ROLE


def is_here(member: Membership | None) -> bool:
    """Say whether somebody has a place in the tenant at this moment."""
    return member is not None and member.status == Membership.Status.ACTIVE and member.user.is_active


def takes_device_codes(tenant: Tenant, address: str) -> bool:
    """Say whether device codes are good for whoever comes from an address; no network named is none."""
    if tenant.device_codes != Tenant.Devices.TRUSTED:
        return tenant.device_codes == Tenant.Devices.ANYWHERE
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    # A socket for both families tells an IPv4 peer as ::ffff:192.0.2.1.
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(plain in ip_network(each) for each in tenant.trusted_networks)


def may_see_console(member: Membership) -> bool:
    """Say whether a member may look at what everybody's agents do."""
    return may(member, Act.AGENTS_READ)


def may_decide(member: Membership) -> bool:
    """Say whether a member may approve agents."""
    return may(member, Act.APPROVALS_DECIDE)


def _outlasts(one: datetime | None, other: datetime | None) -> bool:
    return other is not None and (one is None or one > other)


Check = Callable[[object], str]
"""Returns what is wrong with a value, in the words of whoever reads it, or ""."""


def _number(least: int, most: int) -> Check:
    def check(value: object) -> str:
        is_good = type(value) is int and least <= value <= most
        return "" if is_good else _("A number from %(least)s to %(most)s.") % {"least": least, "most": most}

    return check


def _choice(choices: Collection[str]) -> Check:
    def check(value: object) -> str:
        return "" if value in choices else _("One of these: %(words)s.") % {"words": ", ".join(choices)}

    return check


def _yes_or_no(value: object) -> str:
    return "" if isinstance(value, bool) else _("True or false.")


def is_admittable(entry: object) -> bool:
    """Say whether an entry of `admitted_hosts` is a host in lower case, or the whole address of a document (CIMD)."""
    return isinstance(entry, str) and bool(_HOST.fullmatch(entry) or client_ids.is_document(entry))


def _hosts(value: object) -> str:
    listed = value if isinstance(value, list) else [value]
    wrong = next((each for each in listed if not is_admittable(each)), None)
    if wrong is None and isinstance(value, list):
        return ""
    words = _("%(entry)s is neither a host in lower case nor the whole https address of a document.")
    return words % {"entry": str(wrong)[:80]}


def _key_days(value: object) -> str:
    """An algorithm that is not named keeps the default."""
    said = value if isinstance(value, dict) else {"": 0}
    days = _number(1, LONGEST_KEY)
    is_good = said.keys() <= set(ResourceServer.SigningAlgorithm.values) and not any(map(days, said.values()))
    return "" if is_good else _("1 to %(most)s days for each algorithm.") % {"most": LONGEST_KEY}


def _unused_days(value: object) -> str:
    is_good = type(value) is int and (value == 0 or LEAST_UNUSED <= value <= LONGEST_DELEGATION)
    words = _("A number from %(least)s to %(most)s, or 0 for never.")
    return "" if is_good else words % {"least": LEAST_UNUSED, "most": LONGEST_DELEGATION}


def _keep_days(value: object) -> str:
    is_good = type(value) is int and (value == 0 or LEAST_KEPT <= value <= LONGEST_KEPT)
    words = _("A number from %(least)s to %(most)s, or 0 for as long as usual.")
    return "" if is_good else words % {"least": LEAST_KEPT, "most": LONGEST_KEPT}


def _is_network(value: object) -> bool:
    try:
        return isinstance(value, str) and "/" in value and bool(ip_network(value))
    except ValueError:
        return False


def _networks(value: object) -> str:
    listed = value if isinstance(value, list) else [value]
    wrong = next((each for each in listed if not _is_network(each)), None)
    if wrong is None and isinstance(value, list):
        return ""
    return _("%(entry)s is no network. Write networks like 192.0.2.0/24.") % {"entry": str(wrong)[:80]}


def _consent_choices(value: object) -> str:
    is_good = isinstance(value, list) and bool(value) and all(each in CHOICES for each in value)
    is_good = is_good and isinstance(value, list) and len(set(value)) == len(value)
    return "" if is_good else _("At least one of these: %(words)s.") % {"words": ", ".join(CHOICES)}


def _language(value: object) -> str:
    return _choice(("", *dict(settings.LANGUAGES)))(value)


def _zone(value: object) -> str:
    return "" if value in available_timezones() else _("A name like Europe/Vienna.")


_HOST = re.compile(r"[a-z0-9]([a-z0-9.:-]{0,252}[a-z0-9])?")
_CHECKS: Mapping[str, Check] = {
    "environment": _choice(Tenant.Environment.values),
    "registration": _choice(Tenant.Registration.values),
    "registration_needs_token": _yes_or_no,
    "documents": _choice(Tenant.Registration.values),
    "workloads": _choice(("off", "open")),
    "device_codes": _choice(Tenant.Devices.values),
    "trusted_networks": _networks,
    "admitted_hosts": _hosts,
    "access_token_seconds": _number(1, LONGEST_ACCESS_TOKEN),
    "longest_delegation_days": _number(1, LONGEST_DELEGATION),
    "consent_choices": _consent_choices,
    "handing_on": _choice(Tenant.Handing.values),
    "deepest_chain": _number(0, DEEPEST_CHAIN),
    "key_days": _key_days,
    "owner_grace_days": _number(0, LONGEST_GRACE),
    "unused_days": _unused_days,
    "time_zone": _zone,
    "language": _language,
    "keep_days": _keep_days,
    "accent": partial(brand.flaw, ground=brand.LIGHT),
    "accent_dark": partial(brand.flaw, ground=brand.DARK),
}
