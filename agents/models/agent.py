"""The principals that are not people, and which of them may work for which."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models.looks import Looks
from kit import identifiers, looks
from kit.marks import initials
from tenants.models import Membership
from tenants.scoping import TenantScoped
from trust.models import TrustedIssuer


def _agent_id() -> str:
    return identifiers.make("agt")


class Agent(TenantScoped):
    """A non-human principal. Its id is `sub` where it acts for itself, and `act.sub` where it acts for a person."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waits for an admin")
        DENIED = "denied", _("Denied")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Paused")
        RETIRED = "retired", _("Ended")

    class Registration(models.TextChoices):
        MANUAL = "manual", _("By an admin")
        DYNAMIC = "dynamic", _("By itself")
        DOCUMENT = "document", _("By a document")
        WORKLOAD = "workload", _("By a trusted issuer's word")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_agent_id, editable=False)
    name = models.CharField(max_length=100)
    purpose = models.CharField(
        max_length=500, blank=True, default="", db_default="", help_text="What it is for, in words of who keeps it."
    )
    looks = Looks(
        max_length=looks.MOST, default="", db_default="", editable=False, help_text="What its name looks like."
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    registration = models.CharField(max_length=12, choices=Registration.choices, default=Registration.MANUAL)
    owner = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="agents")
    sponsor = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", help_text="Who vouches for what it is for."
    )
    successor = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", help_text="Who follows an owner who leaves."
    )
    owner_left_at = models.DateTimeField(null=True, help_text="When the clock saw that its owner is here no more.")
    confirm_asked_at = models.DateTimeField(
        null=True, help_text="When its owners were last asked whether it is needed."
    )
    confirmed_at = models.DateTimeField(null=True, help_text="When one of its owners last said that it is.")
    confirmed_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", help_text="Who said so."
    )
    retired_at = models.DateTimeField(null=True, help_text="When it was ended; it may be restored for thirty days.")
    retired_from = models.CharField(max_length=12, choices=Status.choices, blank=True)
    ended_at = models.DateTimeField(null=True, help_text="When that was over for good, and its credentials went.")
    ceiling = models.JSONField(
        null=True,
        blank=True,
        help_text="Scopes by resource that it never gets more of. Null: as much as people allow; empty: nothing.",
    )
    people = models.JSONField(
        null=True,
        blank=True,
        help_text="Members and groups whom alone it may act for. Null: whoever allows it; empty: nobody.",
    )
    longest_seconds = models.PositiveIntegerField(
        null=True, help_text="How long anything that it is allowed lasts at most."
    )
    approved_until = models.DateTimeField(null=True, help_text="When its approval is over and it is asked about anew.")
    issuer = models.ForeignKey(
        TrustedIssuer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="agents",
        help_text="By whose word it is here, and under which subject.",
    )
    foreign_subject = models.CharField(max_length=255, blank=True)
    admitted_at = models.DateTimeField(null=True, help_text="When an admin last decided that it may act.")
    is_quarantined = models.BooleanField(default=False, help_text="Whether nobody has decided on it yet.")
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "issuer", "foreign_subject"],
                condition=Q(issuer__isnull=False),
                name="one_agent_of_a_foreign_subject",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="agent_newest"),
            models.Index(fields=["tenant", "looks"], condition=Q(status="active"), name="agent_looks"),
            models.Index(
                fields=["tenant", "approved_until"], condition=Q(approved_until__isnull=False), name="agent_due"
            ),
            models.Index(
                fields=["tenant", "retired_at"],
                condition=Q(status="retired", ended_at=None),
                name="agent_retired",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return initials(self.name)

    def under_ceiling(self, audience: str, scopes: frozenset[str]) -> frozenset[str]:
        """Return what is left of scopes at a resource under the agent's own ceiling."""
        return under(self.ceiling, audience, scopes)

    def may_act_for(self, member: Membership) -> bool:
        """Say whether a person is among those for whom it was approved."""
        if self.people is None:
            return True
        groups = frozenset(self.people.get("groups", ()))
        return member.pk in self.people.get("members", ()) or not groups.isdisjoint(member.groups)

    def waits(self, now: datetime) -> bool:
        """Say whether it needs somebody's decision before it gets anything: nobody decided, or that is over."""
        is_over = self.approved_until is not None and self.approved_until <= now
        return self.status == self.Status.PENDING or (self.status == self.Status.ACTIVE and is_over)

    def latest_end(self, now: datetime) -> datetime | None:
        """Return when whatever it is allowed now ends at the latest; None where nobody said so."""
        longest = now + timedelta(seconds=self.longest_seconds) if self.longest_seconds is not None else None
        return earliest(longest, self.approved_until)


def under(ceiling: Mapping[str, Iterable[str]] | None, audience: str, scopes: frozenset[str]) -> frozenset[str]:
    """Return what is left of scopes at a resource under a ceiling; None bounds nothing."""
    return scopes if ceiling is None else scopes & frozenset(ceiling.get(audience, ()))


class CoOwner(TenantScoped):
    """A further member who answers for an agent, beside its owner, and steps up at once where the owner leaves."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="co_owners")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "agent", "member"], name="one_co_owner_of_an_agent")]

    def __str__(self) -> str:
        return f"{self.member_id} owns {self.agent_id}"


class Handover(TenantScoped):
    """An admin's word that one agent may hand part of its authority to another."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="handovers")
    to_agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="handovers_to_it")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "agent", "to_agent"], name="one_handover_to_an_agent")]

    def __str__(self) -> str:
        return f"{self.agent_id} → {self.to_agent_id}"


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the earliest of some moments, of which those that are None say nothing."""
    said: Iterable[datetime] = (moment for moment in moments if moment is not None)
    return min(said, default=None)
