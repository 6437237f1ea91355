"""What surrounds a client that registered itself: the token that let it (RegistrationToken), and its picture (Logo)."""

from django.db import models
from django.utils import timezone

from agents.models.client import Client
from kit import identifiers
from tenants.scoping import TenantScoped


def _logo_id() -> str:
    return identifiers.make("lgo")


class Logo(TenantScoped):
    """The picture at a client's `logo_uri` as it was fetched once, in our own encoding; empty where it was no good."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_logo_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="logos")
    uri = models.CharField(max_length=2000)
    png = models.BinaryField(default=bytes)
    tried_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "client"], name="one_logo_of_a_client")]

    def __str__(self) -> str:
        return self.uri
