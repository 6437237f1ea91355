"""How lists of delegations are narrowed, on pages and in the API alike."""

from typing import cast

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy

from delegations.models import Delegation, DelegationQuerySet
from kit import search
from kit.moments import AgoField, AheadField
from kit.search import SearchFilter, Word

STATES = (("active", gettext_lazy("Active")), ("over", gettext_lazy("Ended")), ("any", gettext_lazy("Any")))


class AheadFilter(django_filters.Filter):
    field_class = AheadField


class AgoFilter(django_filters.Filter):
    field_class = AgoField


class DelegationFilter(django_filters.FilterSet):
    """Who lets which agent do what, where, until when, last used: one word for each. Without `state`: what is live."""

    q = SearchFilter(
        agent=Word("agent"),
        person=Word("who"),
        resource=Word("resource"),
        scope=Word("scope"),
        owner=Word("owner"),
        until=Word("ends_before", "<"),
        unused=Word("unused_since", ">"),
        status=Word("state", values={"active": "active", "ended": "over", "any": "any"}),
    )
    state = django_filters.ChoiceFilter(
        choices=STATES, method="in_state", label=gettext_lazy("State"), empty_label=None, null_label=None
    )
    who = django_filters.CharFilter(method="of_person", label=gettext_lazy("Person"))
    agent = django_filters.CharFilter(method="of_agent", label=gettext_lazy("Agent"))
    resource = django_filters.CharFilter(method="at_resource", label=gettext_lazy("Resource"))
    scope = django_filters.CharFilter(method="with_scope", label=gettext_lazy("Scope"))
    owner = django_filters.CharFilter(method="of_owner", label=gettext_lazy("Owner"))
    ends_before = AheadFilter(method="ending", label=gettext_lazy("Ends before"))
    unused_since = AgoFilter(method="unused", label=gettext_lazy("Unused since"))
    never_used = django_filters.BooleanFilter(method="without_use", label=gettext_lazy("Never used"))
    no_end = django_filters.BooleanFilter(field_name="expires_at", lookup_expr="isnull", label=gettext_lazy("No end"))
    handed_on = django_filters.BooleanFilter(method="with_parts", label=gettext_lazy("With sub-agents"))

    class Meta:
        model = Delegation
        fields: list[str] = []

    def filter_queryset(self, queryset: "QuerySet[Delegation]") -> "QuerySet[Delegation]":
        found: QuerySet[Delegation] = super().filter_queryset(queryset)
        asked = self.form.cleaned_data.get("q")
        is_said = self.form.cleaned_data.get("state") or (asked and asked.says("status"))
        return found if is_said else self.in_state(found, "state", "active")

    def search(self, queryset: "QuerySet[Delegation]", value: str) -> "QuerySet[Delegation]":
        words = _clean(value)
        return queryset.filter(
            Q(agent__name__icontains=words)
            | Q(member__user__name__icontains=words)
            | Q(member__user__email__icontains=words)
            | Q(resource_server__name__icontains=words)
        )

    def in_state(self, queryset: "QuerySet[Delegation]", name: str, value: str) -> "QuerySet[Delegation]":
        found, now = cast(DelegationQuerySet, queryset), timezone.now()
        states = {"active": found.live(now), "over": found.over(now), "any": found}
        return states[value]

    def of_person(self, queryset: "QuerySet[Delegation]", name: str, value: str) -> "QuerySet[Delegation]":
        words = _clean(value)
        named = Q(member__user__name__icontains=words) | Q(member__user__email__icontains=words)
        return queryset.filter(Q(subject=words) | named)

    def of_agent(self, queryset: "QuerySet[Delegation]", name: str, value: str) -> "QuerySet[Delegation]":
        words = _clean(value)
        return queryset.filter(Q(agent=words) | Q(agent__name__icontains=words))

    def of_owner(self, queryset: "QuerySet[Delegation]", name: str, value: str) -> "QuerySet[Delegation]":
        words = _clean(value)
        named = Q(agent__owner__user__name__icontains=words) | Q(agent__owner__user__email__icontains=words)
        return queryset.filter(Q(agent__owner=words) | named)

    def at_resource(self, queryset: "QuerySet[Delegation]", name: str, value: str) -> "QuerySet[Delegation]":
        words = _clean(value)
        is_it = Q(resource_server=words) | Q(audience=words) | Q(resource_server__name__icontains=words)
        return queryset.filter(is_it | Q(elsewhere__name__icontains=words))

    def with_scope(self, queryset: "QuerySet[Delegation]", name: str, value: str) -> "QuerySet[Delegation]":
        texts = queryset.annotate(scopes_text=Cast("scopes", TextField()))
        return texts.filter(scopes_text__contains=search.in_list(value))

    def ending(self, queryset: "QuerySet[Delegation]", name: str, value: object) -> "QuerySet[Delegation]":
        return queryset.filter(expires_at__lt=value)

    def unused(self, queryset: "QuerySet[Delegation]", name: str, value: object) -> "QuerySet[Delegation]":
        return queryset.filter(~_used(access_tokens__created__gte=value), created_at__lt=value)

    def without_use(self, queryset: "QuerySet[Delegation]", name: str, value: bool) -> "QuerySet[Delegation]":
        used = _used(access_tokens__isnull=False)
        return queryset.filter(~used if value else used)

    def with_parts(self, queryset: "QuerySet[Delegation]", name: str, value: bool) -> "QuerySet[Delegation]":
        parts = Exists(Delegation.objects.filter(parent=OuterRef("pk")))
        return queryset.filter(parts if value else ~parts)


def _used(**how: object) -> Exists:
    """Say whether a delegation was used; tokens belong to a room above, and are asked for through the relation."""
    return Exists(Delegation.objects.filter(pk=OuterRef("pk"), **how).order_by())


def _clean(value: str) -> str:
    return value.replace("\x00", "")
