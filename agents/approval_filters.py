"""How lists of questions about agents are narrowed, on pages and in the API alike."""

import json

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents import risk, writing
from agents.models import Approval, Plea


class ApprovalFilter(django_filters.FilterSet):
    """What waits or was decided, what it would let happen, and whose it is."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    status = django_filters.ChoiceFilter(
        choices=Approval.Status.choices, label=_("Status"), empty_label=_("Any status")
    )
    kind = django_filters.ChoiceFilter(choices=Approval.Kind.choices, label=_("Kind"), empty_label=_("Any kind"))
    agent = django_filters.CharFilter(field_name="agent_id", label=_("Agent"))
    writes = django_filters.BooleanFilter(method="asking_to_write", label=_("Writes"))
    high_risk = django_filters.BooleanFilter(method="of_high_risk", label=_("High risk"))
    concerns = django_filters.CharFilter(method="of_member", label=_("Whose"))
    assigned_to = django_filters.CharFilter(field_name="assigned_to_id", label=_("Who decides"))

    class Meta:
        model = Approval
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        words = value.replace("\x00", "")
        return queryset.filter(Q(agent__name__icontains=words) | Q(client__client_id__icontains=words))

    def asking_to_write(self, queryset: "QuerySet[Approval]", name: str, value: bool) -> "QuerySet[Approval]":
        found = Q(pk__in=_asking(queryset))
        return queryset.filter(found if value else ~found)

    def of_high_risk(self, queryset: "QuerySet[Approval]", name: str, value: bool) -> "QuerySet[Approval]":
        found = Q(pk__in=risk.high_approvals(queryset, now=timezone.now()))
        return queryset.filter(found if value else ~found)

    def of_member(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        member = value.replace("\x00", "")
        wants = Exists(Plea.objects.filter(approval=OuterRef("pk"), member=member))
        return queryset.filter(Q(agent__owner=member) | wants)


def _asking(queryset: "QuerySet[Approval]") -> list[str]:
    """Return the questions with scopes that change things: found as text, as SQLite looks into no list, then read."""
    names = sorted(frozenset().union(*writing.scopes().values()))
    if not names:
        return []
    maybe = Q()
    for name in names:
        maybe |= Q(asked_text__contains=json.dumps(name))
    found = queryset.annotate(asked_text=Cast("asked", TextField())).filter(maybe).order_by()
    lines = found.values_list("pk", "asked").iterator(chunk_size=1000)
    return [pk for pk, asked in lines if writing.is_among(asked)]
