"""Who and what the ledger's ids are: the names of today, for all entries of a page in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import CharField, F, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from agents.models import Agent
from audit.events import Event
from audit.models import Entry
from delegations.models import Delegation
from delegations.sentence import in_a_sentence, listed
from tenants import directory
from tenants.models import Membership

_NOTHING = Value("", CharField())
MOST_TITLES = 3
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
    if entry.event == Event.TOKEN_REFUSED and isinstance(place := entry.detail.get("audience"), str) and place:
        return gettext("for %(place)s") % {"place": resource_name(place)}
    if entry.about_kind == "delegation" and (found := known.get(entry.about_id)):
        if what(entry, known):
            return found.name
        return f"{found.name}, {resource_name(found.audience)}" if found.audience else found.name
    if entry.about_kind == "accesstoken" and entry.about_label.startswith(_OF_A_TOKEN):
        place = resource_name(entry.about_label.removeprefix(_OF_A_TOKEN))
        return gettext("for %(place)s") % {"place": place}
    return entry.about_label


def what(entry: Entry, known: Mapping[str, Known]) -> str:
    """Return what an entry says was allowed, handed on or issued, where and until when; "" where it does not know."""
    held = known.get(entry.about_id) if entry.about_kind == "delegation" else None
    place, scopes = (held.audience, entry.detail.get("scopes")) if held else ("", None)
    if entry.about_kind == "accesstoken":
        place, scopes = entry.detail.get("audience", ""), str(entry.detail.get("scope", "")).split()
    if not place or not isinstance(scopes, list) or not scopes:
        return ""
    titles = _titles(str(place), [str(each) for each in scopes])
    if held is None:
        return titles
    said = gettext("%(what)s on %(place)s") % {"what": titles, "place": resource_name(held.audience)}
    if isinstance(until := entry.detail.get("until"), str):
        return gettext("%(said)s, until %(day)s") % {"said": said, "day": _day(until)}
    return said


def _titles(audience: str, scopes: Sequence[str]) -> str:
    """Return what scopes allow, in the words of a sentence: the first few, and how many more."""
    protected = directory.resource_server(audience)
    known = protected.scopes if protected else {}
    titles = [in_a_sentence(known[each].title) if each in known else each for each in scopes]
    if len(titles) <= MOST_TITLES:
        return listed(titles)
    more = len(titles) - MOST_TITLES
    shown = ", ".join(titles[:MOST_TITLES])
    return ngettext("%(shown)s and %(more)s more", "%(shown)s and %(more)s more", more) % {"shown": shown, "more": more}


def _day(text: str) -> str:
    """Return a day as people say it: with its year where that is another than this one."""
    zone = ZoneInfo(directory.current().time_zone)
    day, today = datetime.fromisoformat(text).astimezone(zone), timezone.now().astimezone(zone)
    return date_format(day, "MONTH_DAY_FORMAT" if day.year == today.year else "DATE_FORMAT")


def resource_name(audience: str) -> str:
    """Return what the resource server of an audience is called."""
    protected = directory.resource_server(audience)
    return protected.server.name if protected else audience
