"""How the ledger is narrowed, on pages and in the API alike: who, which agent, for whom, what, to what, when."""

from datetime import datetime

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.events import Event
from audit.models import Entry
from kit import identifiers

REQUESTS = (Event.TOKEN_REFUSED, Event.AUTHORIZATION_REFUSED)
"""Refusals of what programs ask for; what people refuse is a decision."""


class EventFilter(django_filters.FilterSet):
    """`event` takes a name, or the beginning of one and `.*`; `since` and `until` take a moment with its zone."""

    who = django_filters.CharFilter(field_name="principal_id", label=_("Who"))
    agent = django_filters.CharFilter(method="by_agent", label=_("Agent"))
    person = django_filters.CharFilter(field_name="on_behalf_of", label=_("For whom"))
    event = django_filters.CharFilter(method="named", label=_("Event"))
    object = django_filters.CharFilter(field_name="about_id", label=_("Object"))
    request = django_filters.CharFilter(field_name="request_id", label=_("Request"))
    since = django_filters.IsoDateTimeFilter(method="from_then_on", label=_("Since"))
    until = django_filters.IsoDateTimeFilter(method="up_to_then", label=_("Until"))
    refused = django_filters.ChoiceFilter(
        method="only_refusals",
        choices=[("true", _("Refusals alone")), ("requests", _("Requests that were refused"))],
        label=_("Result"),
        empty_label=_("Any"),
    )

    class Meta:
        model = Entry
        fields: list[str] = []

    def by_agent(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        return queryset.filter(Q(principal_id=value) | Q(through=value) | Q(about_id=value))

    def named(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        beginning = value.removesuffix("*")
        return queryset.filter(event__startswith=beginning) if beginning != value else queryset.filter(event=value)

    # By id and not by `at`: ids grow with time, and the index has them.
    def from_then_on(self, queryset: "QuerySet[Entry]", name: str, value: datetime) -> "QuerySet[Entry]":
        return queryset.filter(pk__gte=identifiers.at("evt", value))

    def up_to_then(self, queryset: "QuerySet[Entry]", name: str, value: datetime) -> "QuerySet[Entry]":
        return queryset.filter(pk__lt=identifiers.at("evt", value))

    def only_refusals(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        return (
            queryset.filter(event__in=REQUESTS) if value == "requests" else queryset.filter(event__endswith=".refused")
        )
