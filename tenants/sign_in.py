"""Where a person is signed in: one row beside each session, so that they see it and end it."""

from django.db import models
from django.utils import timezone

from kit import identifiers
from tenants.scoping import TenantScoped


def _sign_in_id() -> str:
    return identifiers.make("sgn")


class SignIn(TenantScoped):
    """One sign-in of a member. The session says which row is its own; the row has the session's key sealed."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_sign_in_id, editable=False)
    member = models.ForeignKey("tenants.Membership", on_delete=models.CASCADE, related_name="sign_ins")
    sealed_key = models.TextField(help_text="Whoever has a session's key is its person: it is at rest sealed.")
    browser = models.CharField(max_length=20, blank=True)
    system = models.CharField(max_length=20, blank=True)
    network = models.CharField(max_length=50)
    created_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(help_text="When the clock looks whether the session is over.")

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "ends_at"], name="sign_in_due")]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.browser, self.system)))
