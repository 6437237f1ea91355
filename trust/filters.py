"""How lists of issuers, and of servers elsewhere, are narrowed: on pages and in the API alike."""

import json

import django_filters
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from trust import keys
from trust.models import Audience, TrustedIssuer

_ON_OFF = (("true", _("On")), ("false", _("Off")))


class IssuerFilter(django_filters.FilterSet):
    """Whose word counts here, about what, and which of them want somebody. Without `removed`: those that were not."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    purpose = django_filters.ChoiceFilter(
        method="of_purpose",
        choices=TrustedIssuer.Purpose.choices,
        label=_("Believed about"),
        empty_label=_("Anything"),
    )
    enabled = django_filters.ChoiceFilter(method="is_on", choices=_ON_OFF, label=_("State"), empty_label=_("On or off"))
    silent = django_filters.BooleanFilter(method="gives_no_keys", label=_("Gives no keys"))
    removed = django_filters.BooleanFilter(method="was_removed", label=_("Removed"))

    class Meta:
        model = TrustedIssuer
        fields: list[str] = []

    def filter_queryset(self, queryset: "QuerySet[TrustedIssuer]") -> "QuerySet[TrustedIssuer]":
        found: QuerySet[TrustedIssuer] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("removed") is not None else self.was_removed(found, "removed", False)

    def was_removed(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: bool) -> "QuerySet[TrustedIssuer]":
        return queryset.filter(removed_at__isnull=not value)

    def search(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: str) -> "QuerySet[TrustedIssuer]":
        return queryset.filter(Q(name__icontains=value) | Q(issuer__icontains=value))

    def of_purpose(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: str) -> "QuerySet[TrustedIssuer]":
        # As text, because SQLite looks into no list.
        return queryset.annotate(said=Cast("purposes", TextField())).filter(said__contains=json.dumps(value))

    def is_on(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: str) -> "QuerySet[TrustedIssuer]":
        return queryset.filter(is_enabled=value == "true")

    def gives_no_keys(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: bool) -> "QuerySet[TrustedIssuer]":
        silent = keys.silent(timezone.now()).values("pk")
        return queryset.filter(pk__in=silent) if value else queryset.exclude(pk__in=silent)


class AudienceFilter(django_filters.FilterSet):
    """Which servers elsewhere believe us."""

    q = django_filters.CharFilter(method="search", label=_("Search"))
    enabled = django_filters.ChoiceFilter(method="is_on", choices=_ON_OFF, label=_("State"), empty_label=_("On or off"))

    class Meta:
        model = Audience
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Audience]", name: str, value: str) -> "QuerySet[Audience]":
        return queryset.filter(Q(name__icontains=value) | Q(issuer__icontains=value))

    def is_on(self, queryset: "QuerySet[Audience]", name: str, value: str) -> "QuerySet[Audience]":
        return queryset.filter(is_enabled=value == "true")
