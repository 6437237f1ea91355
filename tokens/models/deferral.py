"""A token request that waits for somebody's decision (Deferred Token Response)."""

from django.db import models
from django.utils import timezone

from agents.models import Agent, Approval, Client
from delegations.models import Consent
from kit import identifiers
from tenants.models import Membership
from tenants.scoping import TenantScoped


def _deferral_id() -> str:
    return identifiers.make("dfr")


class Deferral(TenantScoped):
    """A token request as it came, frozen until it is answered. Whether it may be is asked of what it waits for.

    A used one stays as a tombstone. `turn` counts the addresses at which the person was asked: each is good once.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits"
        ALLOWED = "allowed", "The person allowed it"
        DENIED = "denied", "The person said no"
        CANCELLED = "cancelled", "The client took it back"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_deferral_id, editable=False)
    code = models.CharField(max_length=64, unique=True, help_text="Digest.")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="deferrals")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="deferrals")
    request = models.TextField(help_text="The form as it came, without the client's own proof; sealed.")
    asked = models.JSONField(default=dict, help_text="Scopes by resource that somebody is asked for.")
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, null=True, related_name="deferrals")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    turn = models.PositiveIntegerField(default=0)
    turned_at = models.DateTimeField(null=True, help_text="When the person opened the latest address.")
    handle = models.CharField(max_length=64, blank=True, help_text="Digest of the handle in the page shown last.")
    shown = models.JSONField(default=dict, help_text="The page as it was shown last.")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True, related_name="+")
    delegations = models.JSONField(default=list)
    scope = models.TextField(blank=True)
    auth_time = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WAITING)
    poll_seconds = models.PositiveIntegerField()
    polled_at = models.DateTimeField(null=True)
    callback = models.TextField(blank=True, help_text="Where and with what its client is called back; sealed.")
    call_at = models.DateTimeField(null=True, help_text="From when on it is called, once somebody decided.")
    calls = models.PositiveSmallIntegerField(default=0)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        indexes = [
            models.Index(fields=["tenant", "expires"], name="deferral_due"),
            models.Index(fields=["tenant", "client", "status"], name="deferral_by_client"),
            models.Index(
                fields=["tenant", "call_at"],
                condition=models.Q(call_at__isnull=False, used_at=None),
                name="deferral_to_call",
            ),
        ]

    def __str__(self) -> str:
        return f"deferral {self.pk}"
