"""Receipts of many delegations that ended at one moment, in as many queries as those of one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from delegations.models import Ancestry, Delegation
from tenants.rules import LONGEST_ACCESS_TOKEN
from tokens import families
from tokens.models import AccessToken, RefreshToken
from tokens.receipts import Receipt, Remainder, checks


def write(ended: Sequence[Delegation], *, at: datetime) -> Mapping[str, Receipt]:
    """Return a receipt by delegation, of what lived a moment before `at`."""
    below = _below(ended, at)
    kept = _families(ended, at)
    remainders = _remainders(ended, below, at)
    return {
        each.pk: Receipt(
            delegation_id=each.pk,
            at=at,
            delegations=1 + len(below[each.pk]),
            families=kept[each.pk],
            remainders=tuple(remainders[each.pk]),
        )
        for each in ended
    }


def _below(ended: Sequence[Delegation], at: datetime) -> Mapping[str, set[str]]:
    """Return what lived below each: over only by what ended at this very moment."""
    over = Q(ancestor__expires_at__lte=at) | (Q(ancestor__ended_at__isnull=False) & ~Q(ancestor__ended_at=at))
    roots = {each.pk for each in ended}
    alive = Q(delegation__ended_at=None) | Q(delegation__ended_at=at)
    alive &= Q(delegation__expires_at=None) | Q(delegation__expires_at__gt=at)
    pairs = Ancestry.objects.filter(alive, ancestor__in=roots).values_list("ancestor_id", "delegation_id")
    found = list(pairs)
    dead = set(
        Ancestry.objects.filter(over, delegation__in={below for _, below in found}).values_list("delegation", flat=True)
    )
    by_root: dict[str, set[str]] = defaultdict(set)
    for root, each in found:
        if each not in dead:
            by_root[root].add(each)
    return by_root


def _families(ended: Sequence[Delegation], at: datetime) -> Counter[str]:
    """Count the token families that could still be refreshed, by delegation."""
    clients, subjects = {each.client_id for each in ended}, {each.subject for each in ended}
    kept = RefreshToken.objects.filter(client__in=clients, subject__in=subjects, revoked=None).exclude(digest="")
    alive = (family for family in kept if not families.is_over(family, now=at))
    return Counter(delegation for family in alive for delegation in family.delegations)


def _remainders(
    ended: Sequence[Delegation], below: Mapping[str, set[str]], at: datetime
) -> Mapping[str, list[Remainder]]:
    everything = {each.pk for each in ended}.union(*below.values())
    youngest = at - timedelta(seconds=LONGEST_ACCESS_TOKEN)
    unexpired = AccessToken.objects.filter(delegation__in=everything, created__gte=youngest, expires__gt=at)
    grouped = unexpired.values("delegation", "audience").annotate(number=Count("pk"), latest=Max("expires"))
    of: dict[str, list[tuple[str, int, datetime]]] = defaultdict(list)
    for row in grouped:
        of[row["delegation"]].append((row["audience"], row["number"], row["latest"]))
    return {
        each.pk: _together(found for part in {each.pk, *below.get(each.pk, ())} for found in of[part]) for each in ended
    }


def _together(found: Iterable[tuple[str, int, datetime]]) -> list[Remainder]:
    by_audience: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
    for audience, number, latest in found:
        by_audience[audience].append((number, latest))
    return [
        Remainder(audience, checks(audience), sum(n for n, _ in rows), max(latest for _, latest in rows))
        for audience, rows in sorted(by_audience.items())
    ]
