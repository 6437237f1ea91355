"""How lists of questions about agents are narrowed, on pages and in the API alike."""

import json

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from agents.models import Approval, Client, Plea
from kit.oauth import AuthMethod
from tenants import directory


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

    class Meta:
        model = Approval
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        words = value.replace("\x00", "")
        return queryset.filter(Q(agent__name__icontains=words) | Q(client__client_id__icontains=words))

    def asking_to_write(self, queryset: "QuerySet[Approval]", name: str, value: bool) -> "QuerySet[Approval]":
        writing = _writing()
        return (
            queryset.filter(pk__in=_asking(queryset, writing))
            if value
            else queryset.exclude(pk__in=_asking(queryset, writing))
        )

    def of_high_risk(self, queryset: "QuerySet[Approval]", name: str, value: bool) -> "QuerySet[Approval]":
        # As risk.of says it first of all: nobody has checked who runs it, and it asks to change things.
        by_key = Q(registration_source=Client.RegistrationSource.CIMD, auth_method=AuthMethod.PRIVATE_KEY_JWT)
        vouched = Q(registration_source=Client.RegistrationSource.MANUAL) | by_key
        unchecked = Exists(Client.objects.filter(pk=OuterRef("client")).exclude(vouched))
        risky = Q(unchecked, pk__in=_asking(queryset, _writing()))
        return queryset.filter(risky if value else ~risky)

    def of_member(self, queryset: "QuerySet[Approval]", name: str, value: str) -> "QuerySet[Approval]":
        member = value.replace("\x00", "")
        wants = Exists(Plea.objects.filter(approval=OuterRef("pk"), member=member))
        return queryset.filter(Q(agent__owner=member) | wants)


def _writing() -> dict[str, frozenset[str]]:
    """Return the scopes that change things, by resource."""
    servers = directory.resource_servers()
    return {
        identifier: frozenset(name for name, scope in server.scopes.items() if scope.is_writing)
        for identifier, server in servers.items()
    }


def _asking(queryset: "QuerySet[Approval]", writing: dict[str, frozenset[str]]) -> list[str]:
    """Return the questions with scopes among these: found as text, because SQLite looks into no list, then read."""
    names = sorted(frozenset().union(*writing.values())) if writing else []
    if not names:
        return []
    maybe = Q()
    for name in names:
        maybe |= Q(asked_text__contains=json.dumps(name))
    found = queryset.annotate(asked_text=Cast("asked", TextField())).filter(maybe).order_by()
    lines = found.values_list("pk", "asked").iterator(chunk_size=1000)
    return [
        pk for pk, asked in lines if any(writing.get(at, frozenset()) & set(scopes) for at, scopes in asked.items())
    ]
