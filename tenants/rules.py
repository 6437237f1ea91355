"""Judgements about tenants: which slugs may be given, what a role may see."""

import re

from tenants.models import Membership

LONGEST_ACCESS_TOKEN = 3600
"""Seconds; a retired key is kept for longer than that (tokens.rotation), so that no token outlives its key."""
DEEPEST_CHAIN = 16
"""How often authority may be handed on at most, whatever a tenant says: a chain stands in every token of it, one level
of JSON for each actor, and `kit.jose` reads a few more levels than that."""
_SLUG = re.compile(r"[a-z0-9-]{2,40}")


def is_slug(text: str) -> bool:
    """Say whether a text may name a tenant in a URL."""
    return _SLUG.fullmatch(text) is not None


def may_see_console(member: Membership) -> bool:
    """Say whether a member may look at what everybody's agents do."""
    return member.role in {
        Membership.Role.ADMIN,
        Membership.Role.SECURITY,
        Membership.Role.APPROVER,
        Membership.Role.AUDITOR,
    }
