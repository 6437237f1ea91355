"""How lists of issuers, and of servers elsewhere, are narrowed: on pages and in the API alike."""

import json
from typing import Any

import django_filters
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit import search
from kit.search import SearchFilter, Word
from tenants.filters import resources_in
from trust import keys
from trust.models import Audience, TrustedIssuer

_STATUS = {"on": "true", "off": "false"}
_ON_OFF = (("true", _("On")), ("false", _("Off")))


class _ByName(django_filters.FilterSet):
    """What lists of both narrow: a word of the name or of the issuer, and on or off."""

    q = SearchFilter(
        issuer=Word("issuer"),
        resource=Word("resource"),
        scope=Word("scope"),
        status=Word("enabled", values=_STATUS),
    )
    issuer = django_filters.CharFilter(method="called", label=_("Issuer"))
    resource = django_filters.CharFilter(method="at_resource", label=_("Resource"))
    scope = django_filters.CharFilter(method="with_scope", label=_("Scope"))
    enabled = django_filters.ChoiceFilter(method="is_on", choices=_ON_OFF, label=_("State"), empty_label=_("On or off"))

    def search(self, queryset: "QuerySet[Any]", value: str) -> "QuerySet[Any]":
        return queryset.filter(Q(name__icontains=value) | Q(issuer__icontains=value))

    def called(self, queryset: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        return queryset.filter(Q(pk=value) | Q(name__icontains=value) | Q(issuer__icontains=value))

    def at_resource(self, queryset: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        found: QuerySet[Any] = queryset.alias(at=Cast("resources", TextField())).filter(resources_in("at", value))
        return found

    def with_scope(self, queryset: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        texts = queryset.alias(scopes_of=Cast("resources", TextField()))
        found: QuerySet[Any] = texts.filter(scopes_of__contains=search.in_list(value))
        return found

    def is_on(self, queryset: "QuerySet[Any]", name: str, value: str) -> "QuerySet[Any]":
        return queryset.filter(is_enabled=value == "true")


class IssuerFilter(_ByName):
    """Whose word counts here, about what, and which of them want somebody. Without `removed`: those that were not."""

    q = SearchFilter(
        issuer=Word("issuer"),
        purpose=Word("purpose"),
        resource=Word("resource"),
        scope=Word("scope"),
        status=Word("enabled", values=_STATUS),
    )
    purpose = django_filters.ChoiceFilter(
        method="of_purpose",
        choices=TrustedIssuer.Purpose.choices,
        label=_("Believed about"),
        empty_label=_("Anything"),
    )
    silent = django_filters.BooleanFilter(method="gives_no_keys", label=_("Gives no keys"))
    swapped = django_filters.BooleanFilter(
        field_name="keys_swapped_at", lookup_expr="isnull", exclude=True, label=_("Keys swapped")
    )
    removed = django_filters.BooleanFilter(method="was_removed", label=_("Removed"))

    class Meta:
        model = TrustedIssuer
        fields: list[str] = []

    def filter_queryset(self, queryset: "QuerySet[TrustedIssuer]") -> "QuerySet[TrustedIssuer]":
        found: QuerySet[TrustedIssuer] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("removed") is not None else self.was_removed(found, "removed", False)

    def was_removed(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: bool) -> "QuerySet[TrustedIssuer]":
        return queryset.filter(removed_at__isnull=not value)

    def of_purpose(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: str) -> "QuerySet[TrustedIssuer]":
        # As text, because SQLite looks into no list.
        return queryset.annotate(said=Cast("purposes", TextField())).filter(said__contains=json.dumps(value))

    def gives_no_keys(self, queryset: "QuerySet[TrustedIssuer]", name: str, value: bool) -> "QuerySet[TrustedIssuer]":
        silent = keys.silent(timezone.now()).values("pk")
        return queryset.filter(pk__in=silent) if value else queryset.exclude(pk__in=silent)


class AudienceFilter(_ByName):
    """Which servers elsewhere believe us."""

    class Meta:
        model = Audience
        fields: list[str] = []
