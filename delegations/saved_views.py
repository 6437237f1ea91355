"""Saved lists: which lists can be saved, what of their words means something today, and the verbs.

A list is saved as the words of its address, as far as its filter and its orders know them. They are asked again when it
is opened: a word that means nothing any more is said, and not passed over. One that is shared stays its owner's: others
open it, and see of its rows what they may see anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import django_filters
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from agents import owning, ranking
from agents.filters import AgentFilter
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from delegations.event_filters import EventFilter
from delegations.filters import DelegationFilter
from delegations.groups import By
from kit import context
from tenants.errors import IdentifierTaken, NotActive, NotYours, Stale, Unusable
from tenants.models import Membership, Tenant
from tenants.roles import Act, may
from tenants.rules import may_see_console
from tenants.saved_view import SavedView

MOST, LONGEST_NAME, LONGEST_QUERY = 30, 60, 2000
MOST_SHARED = 30
"""In a tenant: they all stand above a list."""
MOVES, ORDER, GROUP, COLUMNS = ("before", "after", "ticked"), "order", "group", "columns"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that can be saved: its filter, the words of its orders, its page's path, its groups and its columns."""

    filter: type[django_filters.FilterSet]
    orders: tuple[str, ...]
    path: str
    groups: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


LISTS: Mapping[str, Listed] = {
    "agents": Listed(
        AgentFilter,
        tuple(ranking.ORDERS),
        "console/agents",
        columns=("status", "owner", "acting", "refused", "secret", "registered"),
    ),
    "delegations": Listed(
        DelegationFilter,
        ("newest", "oldest", "person", "ends"),
        "console/delegations",
        tuple(By),
        ("agent", "resource", "ends", "used", "allowed"),
    ),
    "events": Listed(EventFilter, ("newest",), "console/activity"),
}


def plain(query: str) -> str:
    """Return the words of an address that make a list, in one order: none that is empty or says where in it one is."""
    words = QueryDict(query)
    kept = QueryDict(mutable=True)
    for name in sorted(words):
        if name not in MOVES and (values := [each for each in words.getlist(name) if each]):
            kept.setlist(name, values)
    return kept.urlencode()


def flaws(listing: str, query: str) -> list[str]:
    """Return what of a query means nothing for a list today, as people read it."""
    known, words = LISTS[listing], QueryDict(query)
    found = [
        _("“%(word)s” narrows nothing here.") % {"word": name[:60]}
        for name in words
        if name not in known.filter.base_filters and name not in _further(known)
    ]
    twice = [name for name in words if len(words.getlist(name)) > 1 and name != COLUMNS]
    found += [_("“%(word)s” is said twice.") % {"word": name[:60]} for name in twice]
    found += [
        _("There is no column “%(word)s” here.") % {"word": word[:60]}
        for word in (words.getlist(COLUMNS) if known.columns else [])
        if word not in known.columns
    ]
    if words.get(ORDER, known.orders[0]) not in known.orders:
        found.append(_("There is no such order: %(order)s.") % {"order": words[ORDER][:60]})
    if known.groups and words.get(GROUP, known.groups[0]) not in known.groups:
        found.append(_("It cannot be grouped by that: %(group)s.") % {"group": words[GROUP][:60]})
    model: Any = known.filter._meta.model
    form = known.filter(words, model.unscoped.none()).form
    return [*found, *(f"{name}: {error}" for name, errors in form.errors.items() for error in errors)]


def _further(known: Listed) -> set[str]:
    """Return the words of a list's address that narrow nothing and mean something."""
    return {ORDER, *((GROUP,) if known.groups else ()), *((COLUMNS,) if known.columns else ())}


def words(listing: str, query: str) -> str:
    """Return a query as people read it: by the labels of the filter's fields, as far as it has them."""
    known = LISTS[listing].filter.base_filters
    labels = {name: str(each.label) for name, each in known.items() if each.label} | {
        ORDER: _("Order"),
        GROUP: _("Group by"),
        COLUMNS: _("Columns"),
    }
    return ", ".join(f"{labels.get(name, name)}: {', '.join(values)}" for name, values in QueryDict(query).lists())


def of(member: Membership, listing: str = "") -> "QuerySet[SavedView]":
    """Return a person's own, by name; of one list, or of all."""
    mine = SavedView.objects.filter(member=member).order_by("listing", "name", "pk")
    return mine.filter(listing=listing) if listing else mine


def above(member: Membership, listing: str) -> "QuerySet[SavedView]":
    """Return what stands above a list that a person opened: their own, and what is shared."""
    found = SavedView.objects.filter(Q(member=member) | Q(shared_at__isnull=False), listing=listing)
    return found.select_related("member__user").order_by("name", "pk")


def shared_with(member: Membership) -> "QuerySet[SavedView]":
    """Return what is shared, by name, for whoever may open the lists at all."""
    shared = SavedView.objects.filter(shared_at__isnull=False).select_related("member__user")
    can_open = may_see_console(member) or owning.theirs(member).exists()
    return shared.order_by("listing", "name", "pk") if can_open else shared.none()


def known_to(member: Membership) -> "QuerySet[SavedView]":
    """Return their own, and what is shared with them."""
    return SavedView.objects.filter(Q(member=member) | Q(pk__in=shared_with(member).order_by().values("pk")))


def may_unshare(member: Membership, view: SavedView) -> bool:
    """Say whether somebody may end that everybody finds a saved list: it is theirs, or their role lets them."""
    return view.member_id == member.pk or may(member, Act.VIEWS_SHARE)


@transaction.atomic
def save(member: Membership, listing: str, name: str, query: str, *, by: Principal) -> SavedView:
    """Save a list for a person; raises Unusable or IdentifierTaken."""
    said = {"name": _name(name), "query": _query(listing, query)}
    # Held, so that of two at once the second counts the first.
    Membership.objects.select_for_update(no_key=True).get(pk=member.pk)
    if SavedView.objects.filter(member=member).count() >= MOST:
        raise Unusable(_("You have %(most)s saved lists: that is as many as there can be.") % {"most": MOST})
    try:
        with transaction.atomic():
            view = SavedView.objects.create(member=member, listing=listing, **said)
    except IntegrityError as error:
        raise IdentifierTaken(said["name"]) from error
    record(Event.VIEW_SAVED, by=by, about=view, detail={"list": listing})
    return view


@transaction.atomic
def change(
    view: SavedView, *, by: Principal, name: str | None = None, query: str | None = None, version: int | None = None
) -> SavedView:
    """Give a saved list another name, or save other words under it; raises Unusable, IdentifierTaken or Stale.

    What everybody reads is changed by whoever may share it; anybody else takes it back first: NotYours.
    """
    if view.shared_at is not None and not may(view.member, Act.VIEWS_SHARE):
        raise NotYours(_("Everybody finds this list, and you may not share any more. End the sharing first."))
    said = {} if name is None else {"name": _name(name)}
    said |= {} if query is None else {"query": _query(view.listing, query)}
    as_read = {} if version is None else {"version": version}
    try:
        with transaction.atomic():
            changed = SavedView.objects.filter(pk=view.pk, **as_read).update(**said, version=F("version") + 1)
    except IntegrityError as error:
        raise IdentifierTaken(said["name"]) from error
    if not changed:
        raise Stale(view)
    record(Event.VIEW_CHANGED, by=by, about=view, detail={"list": view.listing, "changed": sorted(said)})
    return SavedView.objects.get(pk=view.pk)


@transaction.atomic
def remove(view: SavedView, *, by: Principal) -> None:
    """Forget a saved list; raises NotActive where somebody was faster."""
    removed, _each = SavedView.objects.filter(pk=view.pk).delete()
    if not removed:
        raise NotActive(view.pk)
    record(Event.VIEW_REMOVED, by=by, about=view, detail={"list": view.listing})


@transaction.atomic
def share(view: SavedView, *, by: Principal) -> SavedView:
    """Let everybody of the tenant find a saved list; raises NotYours, Unusable, or NotActive where they do already."""
    if not may(view.member, Act.VIEWS_SHARE):
        raise NotYours(_("Your role does not let you share lists."))
    # Held, so that of two at once the second counts the first.
    Tenant.objects.select_for_update(no_key=True).get(pk=context.require_id())
    if SavedView.objects.filter(shared_at__isnull=False).count() >= MOST_SHARED:
        raise Unusable(_("%(most)s lists are shared: that is as many as there can be.") % {"most": MOST_SHARED})
    now = timezone.now()
    if not SavedView.objects.filter(pk=view.pk, shared_at=None).update(shared_at=now, version=F("version") + 1):
        raise NotActive(view.pk)
    record(Event.VIEW_SHARED, by=by, about=view, detail={"list": view.listing})
    return SavedView.objects.get(pk=view.pk)


@transaction.atomic
def unshare(view: SavedView, *, member: Membership, by: Principal) -> SavedView:
    """Leave a shared list to its owner alone; raises NotYours, or NotActive where it is not shared any more."""
    if not may_unshare(member, view):
        raise NotYours(_("Who shared a list ends that, or an admin does."))
    shared = SavedView.objects.filter(pk=view.pk, shared_at__isnull=False)
    if not shared.update(shared_at=None, version=F("version") + 1):
        raise NotActive(view.pk)
    record(Event.VIEW_UNSHARED, by=by, about=view, detail={"list": view.listing})
    return SavedView.objects.get(pk=view.pk)


def _name(text: str) -> str:
    name = " ".join(text.replace("\x00", "").split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Unusable(_("A name has 1 to %(most)s characters.") % {"most": LONGEST_NAME})
    return name


def _query(listing: str, text: str) -> str:
    if listing not in LISTS:
        raise Unusable(_("There is no such list."))
    query = plain(text)
    if len(query) > LONGEST_QUERY or "%00" in query:
        raise Unusable(_("That is too much to save."))
    if found := flaws(listing, query):
        raise Unusable(found[0])
    return query
