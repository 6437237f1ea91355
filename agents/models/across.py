"""What ties clients to other domains: tokens that stand for a secret, names elsewhere, and who is let across."""

from django.db import models
from django.utils import timezone

from agents.models.client import Client
from kit import identifiers
from tenants.models import Membership
from tenants.scoping import TenantScoped
from trust.models import Audience, TrustedIssuer


def _credential_id() -> str:
    return identifiers.make("fed")


def _name_id() -> str:
    return identifiers.make("nam")


def _rule_id() -> str:
    return identifiers.make("rul")


class FederatedCredential(TenantScoped):
    """That a token of an issuer about this subject, with these claims, proves that it is this client."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_credential_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="federated_credentials")
    issuer = models.ForeignKey(TrustedIssuer, on_delete=models.CASCADE, related_name="credentials")
    subject = models.CharField(max_length=512, help_text="Exact, or with `*` for one part between `:` and `/`.")
    claims = models.JSONField(default=dict, help_text="Claims that it must hold, exactly: ids that are never reused.")
    audience = models.CharField(max_length=512, blank=True, help_text="Its one audience; empty means our issuer.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "client", "issuer", "subject"], name="one_credential_of_a_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.client_id}"


class NameElsewhere(TenantScoped):
    """Under which client id an authorization server elsewhere knows a client."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_name_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="names_elsewhere")
    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="names")
    client_id_there = models.CharField(max_length=255)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "client", "audience"], name="one_name_elsewhere"),
            models.UniqueConstraint(fields=["tenant", "audience", "client_id_there"], name="one_client_of_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} is {self.client_id_there}"


class AssertionRule(TenantScoped):
    """An admin's word that a client gets grants for a resource elsewhere, for these people. Empty means nobody."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_rule_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="assertion_rules")
    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="rules")
    resource = models.CharField(max_length=512)
    scopes = models.JSONField(default=list)
    members = models.JSONField(default=list, help_text="Ids of people.")
    groups = models.JSONField(default=list)
    everyone = models.BooleanField(default=False)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "client", "audience", "resource"], name="one_rule_of_a_resource")
        ]

    def __str__(self) -> str:
        return f"{self.client_id} → {self.resource}"

    def names(self, member: Membership) -> bool:
        """Say whether it is about this person."""
        return self.everyone or member.pk in self.members or bool(set(self.groups) & set(member.groups))
