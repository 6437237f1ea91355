"""The keys that sign, and who fetched the public ones."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kit import identifiers
from tenants.scoping import TenantScoped


def _key_id() -> str:
    return identifiers.make("key")


def _fetch_id() -> str:
    return identifiers.make("kfe")


class SigningKey(TenantScoped):
    """A key pair of a tenant: next → active → retired → destroyed, with the times that make it so.

    From any of the first three it may become compromised: from then on nothing that it signed is believed.
    """

    class Status(models.TextChoices):
        NEXT = "next", "Next"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"
        DESTROYED = "destroyed", "Destroyed"
        COMPROMISED = "compromised", "Leaked"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_key_id, editable=False)
    kid = models.CharField(max_length=64, help_text="RFC 7638 thumbprint.")
    algorithm = models.CharField(max_length=8)
    sealed_private = models.TextField(blank=True)
    public = models.JSONField()
    status = models.CharField(max_length=12, choices=Status.choices)
    created_at = models.DateTimeField(default=timezone.now)
    activate_at = models.DateTimeField()
    retire_at = models.DateTimeField(null=True)
    destroy_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kid"], name="one_kid_per_tenant"),
            models.UniqueConstraint(
                fields=["tenant", "algorithm"], condition=Q(status="active"), name="one_active_key_per_algorithm"
            ),
            models.UniqueConstraint(
                fields=["tenant", "algorithm"], condition=Q(status="next"), name="one_next_key_per_algorithm"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} key {self.kid[:8]}"


class KeyFetch(TenantScoped):
    """Who fetches the key set, coarsely: a program in a network, when it was first seen and when last.

    No address is kept: of IPv4 the first three bytes, of IPv6 the first 48 bits, and the row goes when nobody came
    for a month.
    """

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_fetch_id, editable=False)
    program = models.CharField(max_length=60, help_text="The first product of the User-Agent.")
    network = models.CharField(max_length=50)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    longest_pause = models.DurationField(default=timedelta, help_text="The longest between two fetches.")

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "program", "network"], name="one_row_of_a_fetcher")]
        indexes = [models.Index(fields=["tenant", "last_at"], name="fetch_due")]

    def __str__(self) -> str:
        return f"{self.program} in {self.network}"
