"""A tenant's logo as it is kept: a PNG of our own making, apart from the tenant's row, which each request reads."""

from django.db import models

from kit import identifiers
from tenants.scoping import TenantScoped


def _emblem_id() -> str:
    return identifiers.make("lgo")


class Emblem(TenantScoped):
    """The one picture of a tenant; `Tenant.logo` says which it is."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_emblem_id, editable=False)
    png = models.BinaryField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_emblem_of_a_tenant")]

    def __str__(self) -> str:
        return self.id
