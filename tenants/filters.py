"""How lists of people, resource servers and invitations are narrowed, on pages and in the API alike."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from tenants.invitation import Invitation
from tenants.models import Membership, ResourceServer

_YES_NO = (("true", _("Yes")), ("false", _("No")))


class ResourceFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    retired = django_filters.ChoiceFilter(
        method="is_retired", choices=_YES_NO, label=_("Retired"), empty_label=_("Any")
    )

    class Meta:
        model = ResourceServer
        fields: list[str] = []

    def search(self, queryset: "QuerySet[ResourceServer]", name: str, value: str) -> "QuerySet[ResourceServer]":
        return queryset.filter(Q(name__icontains=value) | Q(identifier__icontains=value))

    def is_retired(self, queryset: "QuerySet[ResourceServer]", name: str, value: str) -> "QuerySet[ResourceServer]":
        return queryset.filter(retired_at__isnull=value != "true")


class MemberFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Search"))
    role = django_filters.ChoiceFilter(choices=Membership.Role.choices, label=_("Role"), empty_label=_("Any role"))
    status = django_filters.ChoiceFilter(
        choices=Membership.Status.choices, label=_("Status"), empty_label=_("Any status")
    )

    class Meta:
        model = Membership
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Membership]", name: str, value: str) -> "QuerySet[Membership]":
        return queryset.filter(Q(user__name__icontains=value) | Q(user__email__icontains=value))


class InvitationFilter(django_filters.FilterSet):
    open = django_filters.ChoiceFilter(method="is_open", choices=_YES_NO, label=_("Open"), empty_label=_("Any"))

    class Meta:
        model = Invitation
        fields: list[str] = []

    def is_open(self, queryset: "QuerySet[Invitation]", name: str, value: str) -> "QuerySet[Invitation]":
        waits = Q(accepted_at=None, withdrawn_at=None)
        return queryset.filter(waits if value == "true" else ~waits)
