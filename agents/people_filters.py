"""How lists of people are narrowed, on pages and in the API alike."""

from datetime import datetime

import django_filters
from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents import people
from agents.filters import AgoFilter, AheadFilter
from agents.models import Agent
from kit.search import SearchFilter, Word
from tenants.models import Membership


class MemberFilter(django_filters.FilterSet):
    """Who has a place here, how they came and come in, and whose agents they are."""

    q = SearchFilter(
        person=Word("person"),
        agent=Word("agent"),
        role=Word("role"),
        status=Word("status"),
        came=Word("came_by"),
        until=Word("role_ends_before", "<"),
        unseen=Word("unseen_since", ">"),
    )
    person = django_filters.CharFilter(method="called", label=_("Person"))
    agent = django_filters.CharFilter(method="owning", label=_("Owns the agent"))
    role = django_filters.ChoiceFilter(choices=Membership.Role.choices, label=_("Role"), empty_label=_("Any role"))
    status = django_filters.ChoiceFilter(
        choices=Membership.Status.choices, label=_("Status"), empty_label=_("Any status")
    )
    came_by = django_filters.ChoiceFilter(
        method="by_way", choices=people.CameBy.choices, label=_("How they came"), empty_label=_("In any way")
    )
    unseen_since = AgoFilter(method="unseen", label=_("Not signed in since"))
    passkey = django_filters.BooleanFilter(method="with_passkey", label=_("Has a passkey"))
    role_ends_before = AheadFilter(method="with_role_ending", label=_("Role ends before"))
    owns_agents = django_filters.BooleanFilter(method="with_agents", label=_("Owns agents"))

    class Meta:
        model = Membership
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Membership]", value: str) -> "QuerySet[Membership]":
        words = value.replace("\x00", "")
        return queryset.filter(Q(user__name__icontains=words) | Q(user__email__icontains=words))

    def called(self, queryset: "QuerySet[Membership]", name: str, value: str) -> "QuerySet[Membership]":
        words = value.replace("\x00", "")
        named = Q(user__name__icontains=words) | Q(user__email__icontains=words)
        return queryset.filter(Q(pk=words) | named)

    def owning(self, queryset: "QuerySet[Membership]", name: str, value: str) -> "QuerySet[Membership]":
        words = value.replace("\x00", "")
        theirs = Agent.objects.filter(Q(pk=words) | Q(name__icontains=words), owner=OuterRef("pk"))
        return queryset.filter(Exists(theirs.order_by()))

    def by_way(self, queryset: "QuerySet[Membership]", name: str, value: str) -> "QuerySet[Membership]":
        return queryset.alias(way=people.came_by()).filter(way=value)

    def unseen(self, queryset: "QuerySet[Membership]", name: str, value: datetime) -> "QuerySet[Membership]":
        # Whoever came later had less time for it, and is no news.
        return queryset.filter(~people.signed_in_since(value), created_at__lt=value)

    def with_role_ending(self, queryset: "QuerySet[Membership]", name: str, value: datetime) -> "QuerySet[Membership]":
        # What ended already counts as no role, and the clock takes it away.
        return queryset.filter(role_until__gt=timezone.now(), role_until__lt=value)

    def with_passkey(self, queryset: "QuerySet[Membership]", name: str, value: bool) -> "QuerySet[Membership]":
        has = people.has_factor(Authenticator.Type.WEBAUTHN)
        return queryset.filter(has if value else ~has)

    def with_agents(self, queryset: "QuerySet[Membership]", name: str, value: bool) -> "QuerySet[Membership]":
        return queryset.filter(people.owns() if value else ~people.owns())
