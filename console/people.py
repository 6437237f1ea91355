"""People as forms name them: by their address, as everybody knows it, or by the id that programs use."""

from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from agents.errors import Unusable
from tenants.models import Membership

SUGGESTED = 8
"""How many people are offered while somebody types."""


def active() -> "QuerySet[Membership]":
    """Return the people who have a place here, by their names."""
    here = Membership.objects.filter(status=Membership.Status.ACTIVE, user__is_active=True)
    return here.select_related("user").order_by("user__name", "pk")


def named(text: str) -> Membership | None:
    """Return whom an address or an id means, or None for nobody of those who have a place here."""
    return next(iter(_found([_clean(text)])), None)


def all_named(text: str) -> list[Membership]:
    """Return whom addresses and ids with commas between them mean; raises Unusable, naming those that mean nobody."""
    words = list(dict.fromkeys(filter(None, map(_clean, text.split(",")))))
    found = _found(words)
    known = {word for each in found for word in (each.pk, each.email)}
    if unknown := [word for word in words if word not in known]:
        raise Unusable(gettext("Nobody here has this address: %(words)s.") % {"words": ", ".join(unknown)[:200]})
    return found


def addresses(ids: Iterable[str]) -> str:
    """Return the addresses of people by their ids, as a field shows them; of whoever left, too."""
    wanted = list(ids)
    found = Membership.objects.select_related("user").filter(pk__in=wanted) if wanted else ()
    by_id = {each.pk: each.email for each in found}
    return ", ".join(by_id[each] for each in wanted if each in by_id)


def groups() -> list[str]:
    """Return the groups that somebody of those who have a place here is in, in order."""
    held = active().exclude(groups=[]).order_by().values_list("groups", flat=True)
    return sorted({group for each in held for group in each})


def suggested(text: str) -> Iterable[Membership]:
    """Return a few people whose name or address begins like the last of what was typed; nobody for nothing."""
    word = _clean(text.rpartition(",")[2])
    if not word:
        return ()
    return active().filter(Q(user__name__icontains=word) | Q(user__email__istartswith=word))[:SUGGESTED]


def _found(words: Sequence[str]) -> list[Membership]:
    if not any(words):
        return []
    return list(active().filter(Q(pk__in=words) | Q(user__email__in=words)))


def _clean(text: str) -> str:
    """Return what was typed as addresses are kept; ids are in small letters, too."""
    return text.replace("\x00", "").strip().lower()[:254]
