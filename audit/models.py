"""Entries, the seals that chain them, and the clock's leases and dead letters."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from kit import context, identifiers


def _entry_id() -> str:
    return identifiers.make("evt")


class OfCurrentTenant(models.Manager["Entry"]):
    def get_queryset(self) -> "models.QuerySet[Entry]":
        return super().get_queryset().filter(tenant_id=context.require_id())


class Entry(models.Model):
    """One thing that happened: who, for whom, through which agent, what, to what, when, why. Never a secret."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_entry_id, editable=False)
    tenant_id = models.CharField(max_length=identifiers.LENGTH)
    at = models.DateTimeField(default=timezone.now)
    event = models.CharField(max_length=40)
    principal_kind = models.CharField(max_length=12)
    principal_id = models.CharField(max_length=255)
    principal_label = models.CharField(max_length=255, blank=True)
    on_behalf_of = models.CharField(max_length=255, blank=True)
    through = models.CharField(max_length=255, blank=True)
    about_kind = models.CharField(max_length=40, blank=True)
    about_id = models.CharField(max_length=255, blank=True)
    about_label = models.CharField(max_length=512, blank=True)
    reason = models.CharField(max_length=512, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    network = models.CharField(
        max_length=50, blank=True, default="", db_default="",
        help_text="Where the request came from, as wide as sign-ins are kept: never a whole address.",
    )  # fmt: skip
    proof = models.CharField(
        max_length=80, blank=True, default="", db_default="",
        help_text="By what whoever asked showed who they are (`kit.context.Proof`).",
    )  # fmt: skip
    proved_at = models.DateTimeField(null=True, help_text="When a person showed it last.")
    detail = models.JSONField(default=dict)

    objects = OfCurrentTenant()
    unscoped: ClassVar[models.Manager["Entry"]] = models.Manager()

    class Meta:
        base_manager_name = "unscoped"
        indexes = [
            models.Index(fields=["tenant_id", "id"], name="entry_by_tenant"),
            # What happened to one thing. Tokens are left out: nobody asks, and most entries are theirs.
            models.Index(
                fields=["tenant_id", "about_kind", "about_id", "id"],
                condition=~models.Q(about_kind="accesstoken"),
                name="entry_by_thing",
            ),
            # What a person did, and what was done for them. Tokens are left out again: no mint writes a line here.
            models.Index(
                fields=["tenant_id", "principal_id", "id"],
                condition=models.Q(principal_kind="user"),
                name="entry_by_person",
            ),
            models.Index(
                fields=["tenant_id", "on_behalf_of", "id"],
                condition=~models.Q(on_behalf_of="") & ~models.Q(about_kind="accesstoken"),
                name="entry_for_person",
            ),
            # Refusals, which the clock counts by agent: few among all entries.
            models.Index(
                fields=["tenant_id", "id", "through"],
                condition=models.Q(event__in=("token.refused", "authorization.refused")),
                name="entry_refused",
            ),
            # The same of one agent at a time, for lists that are sorted by them.
            models.Index(
                fields=["tenant_id", "through", "id"],
                condition=models.Q(event__in=("token.refused", "authorization.refused")),
                name="entry_refused_by_agent",
            ),
            # What an issuer's word was taken for, and what for it was not: as few.
            models.Index(
                fields=["tenant_id", "id"],
                condition=models.Q(event__in=("token.issued", "token.refused"), detail__has_key="issuer"),
                name="entry_of_issuer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.about_kind} {self.about_id}"


class Seal(models.Model):
    """One link of a tenant's hash chain: the place of an entry, and the digest of everything up to it."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.CharField(max_length=identifiers.LENGTH)
    sequence = models.BigIntegerField()
    entry_id = models.CharField(max_length=identifiers.LENGTH, unique=True)
    digest = models.CharField(max_length=64)

    unscoped: ClassVar[models.Manager["Seal"]] = models.Manager()

    class Meta:
        base_manager_name = "unscoped"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "sequence"], name="seal_sequence_once")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.sequence}"


class InspectionOfTenant(models.Manager["Inspection"]):
    def get_queryset(self) -> "models.QuerySet[Inspection]":
        return super().get_queryset().filter(tenant_id=context.require_id())


class Inspection(models.Model):
    """How far the clock walked a tenant's chain: where this walk stands, how far any reached, and where it broke.

    A walk begins anew after a day, at the beginning: what held yesterday may have been changed since.
    """

    tenant_id = models.CharField(max_length=identifiers.LENGTH)
    began_at = models.DateTimeField()
    sequence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64)
    reached = models.BigIntegerField(default=0)
    reached_entry = models.CharField(max_length=identifiers.LENGTH, blank=True)
    reached_at = models.DateTimeField(null=True)
    broken_at = models.BigIntegerField(null=True, help_text="The sequence of the first link that does not hold.")
    why = models.CharField(max_length=120, blank=True)

    objects = InspectionOfTenant()
    unscoped: ClassVar[models.Manager["Inspection"]] = models.Manager()

    class Meta:
        base_manager_name = "unscoped"
        constraints = [models.UniqueConstraint(fields=["tenant_id"], name="one_inspection_of_a_tenant")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.reached}"


class Lease(models.Model):
    """Who runs a job of the clock just now. Two beats do no harm: one conditional UPDATE decides."""

    name = models.CharField(primary_key=True, max_length=60)
    holder = models.CharField(max_length=64)
    until = models.DateTimeField()

    objects = models.Manager()

    def __str__(self) -> str:
        return self.name


class DeadLetter(models.Model):
    """A job of the clock that failed after all its tries, as a whole or in one tenant: how often, and until when.

    Of what went wrong only its kind and its place are kept: a message may hold what somebody sent.
    """

    job = models.CharField(max_length=80)
    of_tenant = models.CharField(max_length=identifiers.LENGTH, blank=True)
    error = models.CharField(max_length=120)
    place = models.CharField(max_length=200)
    failures = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    recovered_at = models.DateTimeField(null=True, help_text="When the same job was done again.")

    objects = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "of_tenant"], name="one_letter_of_a_job")]

    def __str__(self) -> str:
        return f"{self.job} {self.of_tenant}".rstrip()
