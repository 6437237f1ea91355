"""How lists of questions about agents are narrowed, on pages and in the API alike."""

import json

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents import risk, writing
from agents.models import Approval, Plea
from kit import search
from kit.search import SearchFilter, Word
from tenants.filters import resources_in


class ApprovalFilter(django_filters.FilterSet):
    """What waits or was decided, what it would let happen, and whose it is."""

    q = SearchFilter(
        agent=Word("agent"),
        person=Word("concerns"),
        owner=Word("owner"),
        assigned=Word("assigned_to"),
        resource=Word("resource"),
        scope=Word("scope"),
        kind=Word("kind"),
        status=Word("status"),
    )
    status = django_filters.ChoiceFilter(
        choices=Approval.Status.choices, label=_("Status"), empty_label=_("Any status")
    )
    kind = django_filters.ChoiceFilter(choices=Approval.Kind.choices, label=_("Kind"), empty_label=_("Any kind"))
    agent = django_filters.CharFilter(method="of_agent", label=_("Agent"))
    owner = django_filters.CharFilter(method="of_owner", label=_("Owner"))
    resource = django_filters.CharFilter(method="at_resource", label=_("Resource"))
    scope = django_filters.CharFilter(method="with_scope", label=_("Scope"))
    writes = django_filters.BooleanFilter(method="asking_to_write", label=_("Writes"))
    high_risk = django_filters.BooleanFilter(method="of_high_risk", label=_("High risk"))
    concerns = django_filters.CharFilter(method="of_member", label=_("Whose"))
    assigned_to = django_filters.CharFilter(method="decided_by_one", label=_("Who decides"))

    class Meta:
        model = Approval
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Approval]", value: str) -> "QuerySet[Approval]":
        words = value.replace("\x00", "")
        return queryset.filter(Q(agent__name__icontains=words) | Q(client__client_id__icontains=words))

    def of_agent(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        words = value.replace("\x00", "")
        return queryset.filter(Q(agent=words) | Q(agent__name__icontains=words))

    def of_owner(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        return queryset.filter(_named("agent__owner", value))

    def decided_by_one(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        return queryset.filter(_named("assigned_to", value))

    def at_resource(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        return queryset.alias(asked_words=Cast("asked", TextField())).filter(resources_in("asked_words", value))

    def with_scope(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        texts = queryset.alias(asked_scopes=Cast("asked", TextField()))
        return texts.filter(asked_scopes__contains=search.in_list(value))

    def asking_to_write(self, queryset: "QuerySet[Approval]", name: str, value: bool) -> "QuerySet[Approval]":
        found = Q(pk__in=_asking(queryset))
        return queryset.filter(found if value else ~found)

    def of_high_risk(self, queryset: "QuerySet[Approval]", name: str, value: bool) -> "QuerySet[Approval]":
        found = Q(pk__in=risk.high_approvals(queryset, now=timezone.now()))
        return queryset.filter(found if value else ~found)

    def of_member(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        wants = Exists(Plea.objects.filter(_named("member", value), approval=OuterRef("pk")).order_by())
        return queryset.filter(_named("agent__owner", value) | wants)


def _named(who: str, value: str) -> Q:
    words = value.replace("\x00", "")
    by_name = Q(**{f"{who}__user__name__icontains": words}) | Q(**{f"{who}__user__email__icontains": words})
    return Q(**{who: words}) | by_name


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
