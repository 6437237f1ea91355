"""A list as a person saved it: what narrows it and in which order it stands, under a name of their own.

It is theirs alone until it is shared; then everybody of the tenant finds it above the list, under its owner's name.
"""

from django.db import models
from django.utils import timezone

from kit import identifiers
from tenants.scoping import TenantScoped


def _view_id() -> str:
    return identifiers.make("viw")


class SavedView(TenantScoped):
    """One of a person's in a tenant. `query` are the words of the address; they are read anew whenever it is opened."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_view_id, editable=False)
    member = models.ForeignKey("tenants.Membership", on_delete=models.CASCADE, related_name="views")
    listing = models.CharField(max_length=20, help_text="Which list it is of.")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    shared_at = models.DateTimeField(
        null=True, help_text="Since when everybody of the tenant finds it; empty: nobody else does."
    )
    version = models.PositiveBigIntegerField(default=1)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "member", "listing", "name"], name="one_view_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name
