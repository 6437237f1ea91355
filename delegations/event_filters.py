"""How the ledger is narrowed, on pages and in the API alike: who, which agent, for whom, what, to what, when."""

import re
from datetime import datetime

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit import naming
from audit.events import Event
from audit.models import Entry
from kit import identifiers
from kit.moments import AgoField
from kit.search import SearchFilter, Word

_ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")
REQUESTS = (Event.TOKEN_REFUSED, Event.AUTHORIZATION_REFUSED)
"""Refusals of what programs ask for; what people refuse is a decision."""


class EventFilter(django_filters.FilterSet):
    """`event` takes a name, or the beginning of one and `.*`; `since` and `until` take a moment with its zone."""

    q = SearchFilter(
        who=Word("who"),
        agent=Word("agent"),
        person=Word("person"),
        resource=Word("resource"),
        event=Word("event"),
        request=Word("request"),
        result=Word("refused", values={"refused": "true", "requests": "requests"}),
        since=Word("since", ">", field=AgoField()),
        until=Word("until", "<", field=AgoField()),
    )
    who = django_filters.CharFilter(method="by_whom", label=_("Who"))
    agent = django_filters.CharFilter(method="by_agent", label=_("Agent"))
    person = django_filters.CharFilter(method="for_whom", label=_("For whom"))
    resource = django_filters.CharFilter(method="at_resource", label=_("Resource"))
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
        return queryset.filter(_is("agent", value, "principal_id", "through", "about_id"))

    def by_whom(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        if _ID.fullmatch(value):
            return queryset.filter(principal_id=value)
        return queryset.filter(Q(principal_id=value) | Q(principal_label__icontains=value))

    def for_whom(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        return queryset.filter(_is("person", value, "on_behalf_of"))

    def at_resource(self, queryset: "QuerySet[Entry]", name: str, value: str) -> "QuerySet[Entry]":
        return queryset.filter(_is("resource", value, "about_id"))

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
        return (
            queryset.filter(event__in=REQUESTS) if value == "requests" else queryset.filter(event__endswith=".refused")
        )


def _is(noun: str, value: str, *columns: str) -> Q:
    """Say that one of the columns is an id, or the id of what is called so; an id alone asks no other table."""
    found = Q()
    for column in columns:
        found |= Q(**{column: value})
        if not _ID.fullmatch(value):
            found |= Q(**{f"{column}__in": naming.ids(noun, value)})
    return found
