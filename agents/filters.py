"""How lists of agents are narrowed, on pages and in the API alike."""

import django_filters
from django.db.models import QuerySet

from agents.models import Agent


class AgentFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label="Search")
    status = django_filters.ChoiceFilter(choices=Agent.Status.choices, label="Status", empty_label="Any status")

    class Meta:
        model = Agent
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        return queryset.filter(name__icontains=value.replace("\x00", ""))
