"""Two locks on every tenant's rows: a manager that fails closed, and row-level security underneath.

The manager named `objects` filters by the current tenant and raises NoTenant outside of one. On PostgreSQL the
application's role sees no row of another tenant whatever SQL it sends (policy `remit_tenant`, FORCE); the operator's
role, which the clock's ledger and operators use, sees all (policy `remit_operator`).
"""

from collections.abc import Iterable
from typing import TypeVar

from django.apps import apps
from django.db import models

from kit import context

Row = TypeVar("Row", bound=models.Model)
GLOBAL_TABLES = frozenset(
    {
        "tenants_tenant",
        "tenants_user",
        "audit_lease",
        "audit_deadletter",  # docs/decisions/0021-what-the-clock-does.md
        # Of libraries, reached by keys of their own: docs/decisions/0003-global-tables.md.
        "account_emailaddress",
        "account_emailconfirmation",
        "mfa_authenticator",  # docs/decisions/0010-factors-belong-to-people.md
        "django_admin_log",
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
        "django_session",
    }
)
"""Every table without a tenant. A test walks the models: tenant-scoped, or named here."""


class TenantManager(models.Manager[Row]):
    """Filters by the current tenant; raises NoTenant where there is none."""

    def get_queryset(self) -> "models.QuerySet[Row]":
        return super().get_queryset().filter(tenant_id=context.require_id())


class TenantScoped(models.Model):
    """A row of one tenant."""

    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.PROTECT,
        default=context.require_id,
        editable=False,
        related_name="+",
        # Every look-up by tenant has a composite index; one of the tenant alone would lure the planner to read it all.
        db_index=False,
    )

    objects = TenantManager()
    unscoped = models.Manager()  # noqa: DJ012 - `objects` must stay first: it is the default manager

    class Meta:
        abstract = True
        base_manager_name = "unscoped"


def scoped_models() -> Iterable[type[models.Model]]:
    """Return every model whose rows belong to a tenant."""
    return [model for model in apps.get_models() if model._meta.db_table not in GLOBAL_TABLES]


def policies(table: str, *, application: str, operator: str) -> list[str]:
    """Return the statements that put row-level security on a table; they may run again."""
    # IS TRUE: no index can serve it. As a plain equation it offered the planner a way through all rows of the tenant
    # beside the way to one by its key; of a tenant it had not counted yet it took the former, once for each row joined.
    mine = "(tenant_id = nullif(current_setting('remit.tenant', true), '')) IS TRUE"
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'DROP POLICY IF EXISTS remit_tenant ON "{table}"',
        f'CREATE POLICY remit_tenant ON "{table}" TO "{application}" USING ({mine}) WITH CHECK ({mine})',
        f'DROP POLICY IF EXISTS remit_operator ON "{table}"',
        f'CREATE POLICY remit_operator ON "{table}" TO "{operator}" USING (true) WITH CHECK (true)',
    ]
