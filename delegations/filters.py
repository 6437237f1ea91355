"""How lists of delegations are narrowed, on pages and in the API alike."""

import django_filters
from django.db.models import Q, QuerySet

from delegations.models import Delegation


class DelegationFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label="Search")

    class Meta:
        model = Delegation
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Delegation]", name: str, value: str) -> "QuerySet[Delegation]":
        words = value.replace("\x00", "")
        return queryset.filter(
            Q(agent__name__icontains=words)
            | Q(member__user__name__icontains=words)
            | Q(member__user__email__icontains=words)
            | Q(resource_server__name__icontains=words)
        )
