"""An invitation: a place in a tenant that is kept for an address, until whoever reads mail there takes it."""

from django.db import models
from django.utils import timezone

from kit import identifiers
from tenants.scoping import TenantScoped


def _invitation_id() -> str:
    return identifiers.make("inv")


class Invitation(TenantScoped):
    """Good once, and for a while. Only the digest of its secret is kept; the secret stands in the mail alone."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_invitation_id, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=12)
    digest = models.CharField(max_length=64)
    invited_by = models.ForeignKey("tenants.Membership", on_delete=models.PROTECT, related_name="invitations")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "digest"], name="one_invitation_of_a_secret"),
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="one_open_invitation",
            ),
        ]

    def __str__(self) -> str:
        return self.email
