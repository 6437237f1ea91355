"""Django's admin for the platform's operators: what is there, in every tenant, to look at and not to touch.

It is served at REMIT_OPERATORS_PATH alone (empty: nowhere), reads through the operator's role, and changes nothing:
what an operator may do is a command or a page with a rule behind it.
"""

from django.conf import settings
from django.contrib import admin
from django.db.models import Case, F, Model, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone

from agents.models import Agent, Client
from audit.models import DeadLetter, Entry
from delegations.models import Delegation
from tenants.models import Membership, ResourceServer, Tenant, User
from tokens.models import SigningKey


class OperatorSite(admin.AdminSite):
    site_header = site_title = "Remit operators"
    index_title = "Every tenant"
    site_url = None
    enable_nav_sidebar = False


site = OperatorSite(name="operators")


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # Generic for the type checker alone.
    """Everything to see, nothing to change; through the operator's alias, past the tenant's manager."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Model]":
        manager = getattr(self.model, "unscoped", self.model._default_manager)
        rows: QuerySet[Model] = manager.using(settings.OPERATOR_ALIAS)
        return rows.order_by(*self.get_ordering(request))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Return the columns to show: the stock way builds a form, whose choices need a tenant."""
        hidden = set(self.exclude or ())
        return tuple(field.name for field in self.model._meta.concrete_fields if field.name not in hidden)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Tenant, site=site)
class TenantAdmin(ReadOnly):
    list_display = ("slug", "name", "status", "registration", "documents", "created_at")
    list_filter = ("status", "registration", "documents")
    search_fields = ("slug", "name")
    ordering = ("slug",)


@admin.register(User, site=site)
class UserAdmin(ReadOnly):
    list_display = ("email", "name", "is_active", "is_staff", "last_login", "created_at")
    search_fields = ("email", "name")
    ordering = ("email",)
    exclude = ("password",)


@admin.register(Membership, site=site)
class MembershipAdmin(ReadOnly):
    list_display = ("id", "tenant", "user", "role", "status")
    list_select_related = ("tenant", "user")
    list_filter = ("role", "status")
    search_fields = ("id", "user__email", "tenant__slug")
    ordering = ("-id",)


@admin.register(ResourceServer, site=site)
class ResourceServerAdmin(ReadOnly):
    list_display = ("identifier", "name", "tenant", "signing_algorithm")
    list_select_related = ("tenant",)
    search_fields = ("identifier", "name", "tenant__slug")
    ordering = ("-id",)


@admin.register(Agent, site=site)
class AgentAdmin(ReadOnly):
    list_display = ("name", "tenant", "status", "registration", "owner", "created_at")
    list_select_related = ("tenant", "owner__user")
    list_filter = ("status", "registration")
    search_fields = ("id", "name", "tenant__slug")
    ordering = ("-id",)


@admin.register(Client, site=site)
class ClientAdmin(ReadOnly):
    list_display = ("client_id", "name", "tenant", "auth_method", "registration_source", "status")
    list_select_related = ("tenant",)
    list_filter = ("auth_method", "registration_source", "status")
    search_fields = ("client_id", "name", "tenant__slug")
    ordering = ("-id",)
    exclude = ("client_secret", "further_secrets")


@admin.register(Delegation, site=site)
class DelegationAdmin(ReadOnly):
    """The active ones first, newest first."""

    list_display = ("id", "tenant", "subject", "agent", "audience", "scope_words", "expires_at", "is_active")
    list_select_related = ("tenant", "agent", "client")
    search_fields = ("id", "subject", "agent__name", "audience", "tenant__slug")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Model]":
        rows = Delegation.unscoped.using(settings.OPERATOR_ALIAS)
        over = When(ended_at__isnull=False, then=Value(False)), When(expires_at__lte=timezone.now(), then=Value(False))
        return rows.annotate(is_active_now=Case(*over, default=Value(True))).order_by("-is_active_now", "-pk")

    @admin.display(boolean=True, ordering="is_active_now")
    def is_active(self, delegation: Delegation) -> bool:
        return not delegation.is_over(timezone.now())

    @admin.display(description="scopes")
    def scope_words(self, delegation: Delegation) -> str:
        return " ".join(delegation.scopes)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ()  # The queryset's own: the changelist would put the primary key first.


@admin.register(SigningKey, site=site)
class SigningKeyAdmin(ReadOnly):
    """Public parts only: the sealed private part is not a field of this page."""

    list_display = ("kid", "tenant", "algorithm", "status", "activate_at", "retire_at", "destroy_at")
    list_select_related = ("tenant",)
    list_filter = ("algorithm", "status")
    search_fields = ("kid", "tenant__slug")
    ordering = ("-id",)
    exclude = ("sealed_private",)


@admin.register(Entry, site=site)
class EntryAdmin(ReadOnly):
    list_display = ("at", "tenant_id", "event", "principal_label", "on_behalf_of", "about_label", "reason")
    list_filter = ("event",)
    search_fields = ("=tenant_id", "=about_id", "=principal_id", "=on_behalf_of", "=request_id")
    ordering = ("-id",)


@admin.register(DeadLetter, site=site)
class DeadLetterAdmin(ReadOnly):
    """What the clock could not do, the open ones first."""

    list_display = ("job", "of_tenant", "error", "place", "failures", "first_at", "last_at", "recovered_at")
    search_fields = ("job", "of_tenant", "error")
    ordering = (F("recovered_at").desc(nulls_first=True), "-last_at")
