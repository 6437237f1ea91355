"""How lists of resource servers and invitations are narrowed, on pages and in the API alike."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit.search import SearchFilter, Word
from tenants.invitation import Invitation
from tenants.models import ResourceServer

QUIET = timedelta(days=30)
"""After how long without a question a server that should ask about each token is looked at."""
_YES_NO = (("true", _("Yes")), ("false", _("No")))
_CHECKS = (("asks", _("Asks each time")), ("itself", _("By itself")))
_ASKS = Q(token_format=ResourceServer.TokenFormat.OPAQUE) | Q(asks_each_time=True)


class ResourceFilter(django_filters.FilterSet):
    """What is protected here, how it checks tokens, and which of them want somebody."""

    q = SearchFilter(
        resource=Word("resource"),
        scope=Word("scope"),
        kind=Word("kind"),
        checks=Word("checks"),
        status=Word("retired", values={"active": "false", "retired": "true"}),
    )
    resource = django_filters.CharFilter(method="called", label=_("Resource"))
    scope = django_filters.CharFilter(method="with_scope", label=_("Scope"))
    kind = django_filters.ChoiceFilter(choices=ResourceServer.Kind.choices, label=_("Kind"), empty_label=_("Any kind"))
    checks = django_filters.ChoiceFilter(
        method="checking", choices=_CHECKS, label=_("Checks tokens"), empty_label=_("In any way")
    )
    retired = django_filters.ChoiceFilter(
        method="is_retired", choices=_YES_NO, label=_("Retired"), empty_label=_("Any")
    )
    idle = django_filters.BooleanFilter(method="without_access", label=_("Nobody is let in"))
    silent = django_filters.BooleanFilter(method="never_asks", label=_("Should ask and does not"))
    failed = django_filters.BooleanFilter(method="failed_its_test", label=_("Test failed"))

    class Meta:
        model = ResourceServer
        fields: list[str] = []

    def search(self, queryset: "QuerySet[ResourceServer]", value: str) -> "QuerySet[ResourceServer]":
        return queryset.filter(Q(name__icontains=value) | Q(identifier__icontains=value))

    def called(self, queryset: "QuerySet[ResourceServer]", name: str, value: str) -> "QuerySet[ResourceServer]":
        return queryset.filter(called(value))

    def with_scope(self, queryset: "QuerySet[ResourceServer]", name: str, value: str) -> "QuerySet[ResourceServer]":
        beginning = value.removesuffix("*")
        how = {"scopes__name": value} if beginning == value else {"scopes__name__startswith": beginning}
        return queryset.filter(Exists(ResourceServer.objects.filter(pk=OuterRef("pk"), **how).order_by()))

    def checking(self, queryset: "QuerySet[ResourceServer]", name: str, value: str) -> "QuerySet[ResourceServer]":
        return queryset.filter(_ASKS if value == "asks" else ~_ASKS)

    def is_retired(self, queryset: "QuerySet[ResourceServer]", name: str, value: str) -> "QuerySet[ResourceServer]":
        return queryset.filter(retired_at__isnull=value != "true")

    def without_access(
        self, queryset: "QuerySet[ResourceServer]", name: str, value: bool
    ) -> "QuerySet[ResourceServer]":
        # Delegations belong to a room above, and are asked for through the relation.
        runs = Q(delegations__expires_at=None) | Q(delegations__expires_at__gt=timezone.now())
        held = ResourceServer.objects.filter(
            runs, pk=OuterRef("pk"), delegations__isnull=False, delegations__ended_at=None
        )
        return queryset.filter(~Exists(held.order_by()) if value else Exists(held.order_by()))

    def failed_its_test(
        self, queryset: "QuerySet[ResourceServer]", name: str, value: bool
    ) -> "QuerySet[ResourceServer]":
        return queryset.exclude(probe_failed="") if value else queryset.filter(probe_failed="")

    def never_asks(self, queryset: "QuerySet[ResourceServer]", name: str, value: bool) -> "QuerySet[ResourceServer]":
        quiet = Q(asked_at=None) | Q(asked_at__lt=timezone.now() - QUIET)
        silent = _ASKS & quiet & Q(retired_at=None)
        # Written out: what is NULL is neither in a condition nor in its opposite.
        found = ResourceServer.objects.filter(silent).values("pk")
        return queryset.filter(pk__in=found) if value else queryset.exclude(pk__in=found)


def resources_in(texts: str, value: str) -> Exists:
    """Say whether resources that are called so stand in a column of JSON, by identifier; `texts` is it as text."""
    text: Any = ExpressionWrapper(OuterRef(texts), output_field=TextField())
    is_in = Concat(Value('"'), F("identifier"), Value('"'), output_field=TextField())
    return Exists(ResourceServer.objects.filter(called(value)).alias(text=text).filter(text__contains=is_in).order_by())


def called(value: str) -> Q:
    """Say that a resource server is called so: by its id, its identifier, or a part of its name."""
    words = value.replace("\x00", "")
    return Q(pk=words) | Q(identifier=words) | Q(name__icontains=words)


class InvitationFilter(django_filters.FilterSet):
    open = django_filters.ChoiceFilter(method="is_open", choices=_YES_NO, label=_("Open"), empty_label=_("Any"))

    class Meta:
        model = Invitation
        fields: list[str] = []

    def is_open(self, queryset: "QuerySet[Invitation]", name: str, value: str) -> "QuerySet[Invitation]":
        waits = Q(accepted_at=None, withdrawn_at=None)
        return queryset.filter(waits if value == "true" else ~waits)
