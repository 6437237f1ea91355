"""The initial access token (RFC 7591 §3): an admin's word that somebody may register clients, so many and so long."""

from django.db import models
from django.utils import timezone

from kit import identifiers
from tenants.models import Membership
from tenants.scoping import TenantScoped


def _token_id() -> str:
    return identifiers.make("rgt")


class RegistrationToken(TenantScoped):
    """Good for so many registrations until it expires. The token itself is shown once; its digest is kept."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_token_id, editable=False)
    name = models.CharField(max_length=100, help_text="For whom or what it is.")
    digest = models.CharField(max_length=64)
    uses = models.PositiveIntegerField(default=1, help_text="How many registrations it is good for.")
    uses_left = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="one_registration_token_of_a_digest")]

    def __str__(self) -> str:
        return self.name
