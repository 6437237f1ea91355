"""Who and what the ledger's ids are: the names of today, for all entries of a page in one statement."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db.models import CharField, F, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext

from agents.models import Agent
from audit.models import Entry
from delegations.models import Delegation
from tenants import directory
from tenants.models import Membership

_NOTHING = Value("", CharField())
_OF_A_TOKEN = "access token for "


class Known(NamedTuple):
    """What an id is called, and of a delegation the resource that it is for."""

    name: str
    audience: str


def of(entries: Sequence[Entry]) -> Mapping[str, Known]:
    """Return what is known by the ids of people, agents and delegations; what is gone is not in it."""
    ids = {each for entry in entries for each in (entry.on_behalf_of, entry.through)}
    held = {entry.about_id for entry in entries if entry.about_kind == "delegation"}
    shown = Coalesce(NullIf("user__name", Value("")), "user__email", output_field=CharField())
    people = Membership.objects.filter(pk__in=ids).annotate(shown=shown, place=_NOTHING)
    agents = Agent.objects.filter(pk__in=ids).annotate(shown=F("name"), place=_NOTHING)
    holder = Coalesce("agent__name", "client__name", output_field=CharField())
    delegations = Delegation.objects.get_queryset().filter(pk__in=held).annotate(shown=holder, place=F("audience"))
    columns = ("pk", "shown", "place")
    rows = people.order_by().values_list(*columns)
    both = (agents.order_by().values_list(*columns), delegations.order_by().values_list(*columns))
    return {key: Known(name, place) for key, name, place in rows.union(*both, all=True)}


def about(entry: Entry, known: Mapping[str, Known]) -> str:
    """Return what an entry is about as people call it; else as the ledger wrote it down."""
    if entry.about_kind == "delegation" and (found := known.get(entry.about_id)):
        return f"{found.name}, {resource_name(found.audience)}" if found.audience else found.name
    if entry.about_kind == "accesstoken" and entry.about_label.startswith(_OF_A_TOKEN):
        place = resource_name(entry.about_label.removeprefix(_OF_A_TOKEN))
        return gettext("for %(place)s") % {"place": place}
    return entry.about_label


def resource_name(audience: str) -> str:
    """Return what the resource server of an audience is called."""
    protected = directory.resource_server(audience)
    return protected.server.name if protected else audience
