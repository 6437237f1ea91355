"""What is known of a credential beside itself: when it came, by which clients' use, and what lets it end."""

from django.db import models

from agents.models.client import Client
from tenants.scoping import TenantScoped


class CredentialStory(TenantScoped):
    """What became of one credential of a client; of one that nothing is known of there is none."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="credential_stories")
    credential = models.CharField(max_length=64, help_text="Its id; of a key its thumbprint (RFC 7638).")
    made_at = models.DateTimeField(null=True, help_text="When a key was added; of the others they say it themselves.")
    first_used_at = models.DateTimeField(null=True, help_text="When the client first got a token with it.")
    last_used_at = models.DateTimeField(null=True, help_text="When last, to the minute.")
    successor = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="By whose first use its days are counted."
    )
    overlap_days = models.PositiveSmallIntegerField(null=True, help_text="How long it goes on from then.")

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "client", "credential"], name="one_story_of_a_credential")
        ]
        indexes = [
            models.Index(
                fields=["tenant", "client"], condition=models.Q(overlap_days__isnull=False), name="credential_ends"
            )
        ]

    def __str__(self) -> str:
        return f"{self.credential} of {self.client_id}"
