"""How the ledger is narrowed, on pages and in the API alike: who, for whom, what, where, from where, and when.

Names are looked for first (`delegations.called`): the ledger is asked for ids. What a person did and what was done for
them but tokens goes by indexes of theirs, a request by the moment in its id; the others walk back through the tenant's
entries, and what hardly any entry has (a resource, a network) no further than a month where nobody says since when.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from audit.events import Event
from audit.models import Entry
from delegations import called
from delegations.called import Called
from delegations.filters import AgoFilter
from delegations.models import Delegation
from kit import addresses, identifiers
from kit.search import SearchFilter, Word

REQUESTS = (Event.TOKEN_REFUSED, Event.AUTHORIZATION_REFUSED)
"""Refusals of what programs ask for; what people refuse is a decision."""
WINDOW, OF_TOKENS = timedelta(days=30), timedelta(days=7)
AROUND = timedelta(minutes=10), timedelta(hours=1)
"""How long before a request's own moment, by clocks that differ, and how long after it its entries are written."""
_KINDS = {"who": called.SOMEBODY, "person": called.SOMEBODY, "agent": called.PROGRAM, "resource": called.RESOURCE}
NO_ADDRESS = _("Write an address (203.0.113.7), or the network it is in (203.0.113.0/24).")


class NetworkField(forms.CharField):
    """An address or its network; the ledger keeps no more than the network."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text:
            return ""
        found = addresses.network_of(text)
        if found is None:
            raise ValidationError(NO_ADDRESS, code="no_address")
        return found


class NetworkFilter(django_filters.CharFilter):
    field_class = NetworkField


class EventFilter(django_filters.FilterSet):
    """People, agents and resources by name or id; `event` by its name, or the beginning of one and `.*`."""

    resolves: ClassVar[bool] = True
    """Whether names are looked for: who may not see everybody is not told by a filter who is here."""

    q = SearchFilter(
        who=Word("who"),
        agent=Word("agent"),
        person=Word("person"),
        resource=Word("resource"),
        event=Word("event"),
        address=Word("address"),
        request=Word("request"),
        result=Word("refused", values={"ok": "false", "refused": "true", "requests": "requests"}),
        since=Word("since", ">"),
        until=Word("until", "<"),
    )
    who = django_filters.CharFilter(method="by_whom", label=_("Who"))
    agent = django_filters.CharFilter(method="by_agent", label=_("Agent"))
    person = django_filters.CharFilter(method="for_whom", label=_("For whom"))
    resource = django_filters.CharFilter(method="at_resource", label=_("Resource"))
    event = django_filters.CharFilter(method="named", label=_("Event"))
    object = django_filters.CharFilter(field_name="about_id", label=_("Object"))
    address = NetworkFilter(method="from_network", label=_("Address or network"))
    request = django_filters.CharFilter(method="of_request", label=_("Request"))
    since = AgoFilter(method="from_then_on", label=_("Since"))
    until = AgoFilter(method="up_to_then", label=_("Until"))
    refused = django_filters.ChoiceFilter(
        method="only_refusals",
        choices=[
            ("true", _("Refusals alone")),
            ("requests", _("Requests that were refused")),
            ("false", _("All but refusals")),
        ],
        label=_("Result"),
        empty_label=_("Any"),
    )

    class Meta:
        model = Entry
        fields: list[str] = []

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.stood: dict[str, Called] = {}
        """What each text that was looked for stands for."""
        self.known: dict[tuple[str, str], Called] = {}
        self.looked_since: datetime | None = None
        """Since when entries were looked at, where nobody said it."""

    @property
    def stands_for(self) -> Mapping[str, list[str]]:
        """The ids that each text was taken for; none where nobody and nothing is called so."""
        return {text: found.ids for text, found in self.stood.items()}

    @property
    def notes(self) -> list[str]:
        """What a page says of how it was asked."""
        said = [_note(text, found) for text, found in self.stood.items() if not identifiers.is_one(text)]
        if self.looked_since is not None:
            words = gettext("Looked at are the last %(days)s days. Say since when, for more.")
            said.append(words % {"days": WINDOW.days})
        return said

    def by_whom(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        found = self._called(called.SOMEBODY, value)
        by_people = Q(principal_kind="user", principal_id__in=found.people)
        if found.people and not found.programs:
            return queryset.filter(by_people)
        return queryset.filter(by_people | Q(principal_id__in=found.programs or {value}))

    def by_agent(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        ids = self._called(called.PROGRAM, value).programs or {value}
        return queryset.filter(Q(principal_id__in=ids) | Q(through__in=ids) | Q(about_id__in=ids))

    def for_whom(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        found = self._called(called.SOMEBODY, value)
        return queryset.filter(on_behalf_of__in=(found.people | found.programs) or {value})

    def at_resource(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        found = self._called(called.RESOURCE, value)
        held = Delegation.objects.get_queryset().filter(audience__in=found.audiences).order_by().values("pk")
        itself = Q(about_kind="resourceserver", about_id__in=found.servers or {value})
        at_it = Q(detail__audience__in=sorted(found.audiences or {value}))
        within = self._within(queryset)
        return within.filter(itself | at_it | Q(about_kind="delegation", about_id__in=held))

    def from_network(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        return self._within(queryset).filter(network=value)

    def of_request(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        try:
            at = identifiers.moment(value)
            around = (at - AROUND[0], at + AROUND[1]) if at is not None else ()
        except (ValueError, OverflowError):
            around = ()  # Beyond the years that there are: nobody was given such an id.
        if not around:
            return queryset.none()
        since, until = (identifiers.at("evt", moment) for moment in around)
        return queryset.filter(pk__gte=since, pk__lt=until, request_id=value)

    def search(self, queryset: "QuerySet[Entry]", value: str) -> "QuerySet[Entry]":
        is_it = Q(event=value) | Q(about_id=value) | Q(principal_id=value) | Q(request_id=value)
        return queryset.filter(is_it | Q(principal_label__icontains=value) | Q(about_label__icontains=value))

    def named(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        beginning = value.removesuffix("*")
        return queryset.filter(event__startswith=beginning) if beginning != value else queryset.filter(event=value)

    # By id and not by `at`: ids grow with time, and the index has them.
    def from_then_on(self, queryset: "QuerySet[Entry]", name: str, value: datetime) -> "QuerySet[Entry]":
        return queryset.filter(pk__gte=identifiers.at("evt", value))

    def up_to_then(self, queryset: "QuerySet[Entry]", name: str, value: datetime) -> "QuerySet[Entry]":
        return queryset.filter(pk__lt=identifiers.at("evt", value))

    def only_refusals(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        if value == "requests":
            return queryset.filter(event__in=REQUESTS)
        is_refusal = Q(event__endswith=".refused")
        return queryset.filter(~is_refusal if value == "false" else is_refusal)

    def _called(self, kind: str, value: str) -> Called:
        """Return what a text stands for; whatever else is asked for by name is looked for with the first of them."""
        if not self.resolves and not identifiers.is_one(value):
            return Called()
        if (kind, value) not in self.known:
            self.known |= called.look([(kind, value), *self._named()])
        found = self.known[kind, value]
        if self.resolves:
            self.stood[value] = found
        return found

    def _named(self) -> list[tuple[str, str]]:
        """Return every text by which somebody or something is asked for, and what it is to be."""
        asked = self.form.cleaned_data.get("q")
        words = [*self.form.cleaned_data.items(), *(asked.terms if asked is not None else ())]
        found = [(_KINDS[name], value) for name, value in words if name in _KINDS and value]
        return [each for each in found if self.resolves or identifiers.is_one(each[1])]

    def _within(self, queryset: "QuerySet[Entry]") -> "QuerySet[Entry]":
        """Return the entries of WINDOW, where nobody says since when."""
        asked = self.form.cleaned_data.get("q")
        if self.form.cleaned_data.get("since") or (asked is not None and asked.says("since")):
            return queryset
        self.looked_since = self.looked_since or timezone.now() - WINDOW
        return queryset.filter(pk__gte=identifiers.at("evt", self.looked_since))


class PlainEventFilter(EventFilter):
    """The same for whoever may not see everybody: ids are ids, and a name stands for nobody."""

    resolves = False


class OwnEventFilter(django_filters.FilterSet):
    """What narrows a person's own entries; of tokens issued for them those of a week, where they are wanted."""

    event = django_filters.CharFilter(method="named", label=_("Event"))
    agent = django_filters.CharFilter(field_name="through", label=_("Agent"))
    request = django_filters.CharFilter(method="of_request", label=_("Request"))
    since = AgoFilter(method="from_then_on", label=_("Since"))
    until = AgoFilter(method="up_to_then", label=_("Until"))
    refused = EventFilter.base_filters["refused"]
    tokens = django_filters.BooleanFilter(method="with_tokens", label=_("With tokens"))

    named, of_request, only_refusals = EventFilter.named, EventFilter.of_request, EventFilter.only_refusals
    from_then_on, up_to_then = EventFilter.from_then_on, EventFilter.up_to_then

    class Meta:
        model = Entry
        fields: list[str] = []

    def filter_queryset(self, queryset: "QuerySet[Entry]") -> "QuerySet[Entry]":
        found: QuerySet[Entry] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("tokens") else found.exclude(about_kind="accesstoken")

    def with_tokens(self, queryset: "QuerySet[Entry]", name: str, value: bool) -> "QuerySet[Entry]":
        return queryset.filter(pk__gte=identifiers.at("evt", timezone.now() - OF_TOKENS)) if value else queryset

    @property
    def notes(self) -> list[str]:
        """What a page says of how it was asked."""
        if not self.form.cleaned_data.get("tokens"):
            return []
        return [gettext("With tokens, these are the last %(days)s days.") % {"days": OF_TOKENS.days}]


def _note(text: str, found: Called) -> str:
    if not found.number:
        return gettext("Nobody and nothing here is called “%(text)s”: it is looked for as it stands.") % {"text": text}
    if not found.is_all:
        words: str | Promise = gettext("“%(text)s” stands for more than %(most)s here, and the first are looked for.")
        return str(words) % {"text": text, "most": number_format(called.MOST)}
    words = ngettext("“%(text)s” stands for one here.", "“%(text)s” stands for %(number)s here.", found.number)
    return words % {"text": text, "number": found.number}
