"""How lists of agents are narrowed, on pages and in the API alike."""

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy

from agents import confirming, owning, ranking, writing
from agents.models import Agent, Client, Handover
from kit import search
from kit.moments import AgoField, AheadField
from kit.search import SearchFilter, Word


class AgoFilter(django_filters.Filter):
    field_class = AgoField


class AheadFilter(django_filters.Filter):
    field_class = AheadField


class AgentFilter(django_filters.FilterSet):
    """Which agents exist, who owns them, and which are worrying."""

    q = SearchFilter(
        agent=Word("agent"),
        owner=Word("owner"),
        person=Word("person"),
        resource=Word("resource"),
        scope=Word("scope"),
        status=Word("status"),
        registered=Word("registration"),
        unused=Word("unused_since", ">"),
    )
    status = django_filters.ChoiceFilter(
        choices=Agent.Status.choices, label=gettext_lazy("Status"), empty_label=gettext_lazy("Any status")
    )
    owner = django_filters.CharFilter(method="of_owner", label=gettext_lazy("Owner"))
    agent = django_filters.CharFilter(method="called", label=gettext_lazy("Agent"))
    person = django_filters.CharFilter(method="acting_for", label=gettext_lazy("Acts for"))
    resource = django_filters.CharFilter(method="acting_at", label=gettext_lazy("Acts at"))
    scope = django_filters.CharFilter(method="holding", label=gettext_lazy("Holds the scope"))
    answered_by = django_filters.CharFilter(method="of_whoever_answers", label=gettext_lazy("Among its owners"))
    registration = django_filters.ChoiceFilter(
        choices=Agent.Registration.choices, label=gettext_lazy("Registered"), empty_label=gettext_lazy("In any way")
    )
    unused_since = AgoFilter(method="unused", label=gettext_lazy("Unused since"))
    no_owner = django_filters.BooleanFilter(field_name="owner", lookup_expr="isnull", label=gettext_lazy("No owner"))
    unverified = django_filters.BooleanFilter(method="not_verified", label=gettext_lazy("Unverified"))
    can_write = django_filters.BooleanFilter(method="holding_writes", label=gettext_lazy("Can write"))
    high_risk = django_filters.BooleanFilter(method="of_high_risk", label=gettext_lazy("High risk"))
    not_confirmed = django_filters.BooleanFilter(method="unanswered", label=gettext_lazy("Not confirmed"))
    helps = django_filters.BooleanFilter(method="works_for_others", label=gettext_lazy("Sub-agents"))

    class Meta:
        model = Agent
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Agent]", value: str) -> "QuerySet[Agent]":
        return queryset.filter(name__icontains=_clean(value))

    def called(self, queryset: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        words = _clean(value)
        return queryset.filter(Q(pk=words) | Q(name__icontains=words))

    def acting_for(self, queryset: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        words = _clean(value)
        user = "delegations__member__user"
        named = Q(**{f"{user}__name__icontains": words}) | Q(**{f"{user}__email__icontains": words})
        return queryset.filter(Exists(_acting(Q(delegations__subject=words) | named)))

    def acting_at(self, queryset: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        words = _clean(value)
        is_it = Q(delegations__audience=words) | Q(delegations__resource_server=words)
        return queryset.filter(Exists(_acting(is_it | Q(delegations__resource_server__name__icontains=words))))

    def holding(self, queryset: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        # Filtered first and annotated then: so both are about the same delegation.
        texts = _acting(Q()).annotate(said=Cast("delegations__scopes", TextField()))
        return queryset.filter(Exists(texts.filter(said__contains=search.in_list(value))))

    def of_owner(self, queryset: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        words = _clean(value)
        named = Q(owner__user__name__icontains=words) | Q(owner__user__email__icontains=words)
        return queryset.filter(Q(owner=words) | named)

    def of_whoever_answers(self, queryset: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        return queryset.filter(owning.answered_by(_clean(value)))

    def unused(self, queryset: "QuerySet[Agent]", name: str, value: object) -> "QuerySet[Agent]":
        # Tokens belong to a room above, and are asked for through the relation.
        used = Client.objects.filter(agent=OuterRef("pk"), access_tokens__created__gte=value)
        return queryset.filter(~Exists(used.order_by()), created_at__lt=value)

    def not_verified(self, queryset: "QuerySet[Agent]", name: str, value: bool) -> "QuerySet[Agent]":
        found = ranking.is_verified()
        return queryset.filter(~found if value else found)

    def holding_writes(self, queryset: "QuerySet[Agent]", name: str, value: bool) -> "QuerySet[Agent]":
        return queryset.filter(Exact(writing.held(timezone.now()), value))

    def of_high_risk(self, queryset: "QuerySet[Agent]", name: str, value: bool) -> "QuerySet[Agent]":
        return queryset.filter(Exact(ranking.is_high(timezone.now()), value))

    def unanswered(self, queryset: "QuerySet[Agent]", name: str, value: bool) -> "QuerySet[Agent]":
        found = confirming.unanswered()
        return queryset.filter(found if value else ~found)

    def works_for_others(self, queryset: "QuerySet[Agent]", name: str, value: bool) -> "QuerySet[Agent]":
        named = Exists(Handover.objects.filter(to_agent=OuterRef("pk")))
        return queryset.filter(named if value else ~named)


def _acting(how: Q) -> "QuerySet[Agent]":
    """Return the agent of the row outside, if it acts so; delegations belong to a room above, as tokens do."""
    runs = Q(delegations__expires_at=None) | Q(delegations__expires_at__gt=timezone.now())
    held = Agent.objects.filter(runs, how, pk=OuterRef("pk"), delegations__isnull=False, delegations__ended_at=None)
    return held.order_by()


def _clean(value: str) -> str:
    return value.replace("\x00", "")
