"""One object for every question that somebody who looks after the tenant decides (Approval), who asked for it (Plea),
and what was said about it before it was decided (Remark)."""

from collections.abc import Iterable, Mapping

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models.agent import Agent
from agents.models.client import Client
from kit import identifiers
from kit.languages import plainly
from tenants.models import Membership
from tenants.scoping import TenantScoped


def _approval_id() -> str:
    return identifiers.make("apr")


def _plea_id() -> str:
    return identifiers.make("ple")


def _remark_id() -> str:
    return identifiers.make("rem")


class Approval(TenantScoped):
    """A question about an agent: may it act here, go on with what changed of it, or get more? Decided once."""

    class Kind(models.TextChoices):
        ADMISSION = "admission", _("New agent")
        CHANGE = "change", _("What it says of itself changed")
        RENEWAL = "renewal", _("Its approval ended")
        SCOPES = "scopes", _("It asks for more")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        APPROVED = "approved", _("Approved")
        DENIED = "denied", _("Denied")
        LAPSED = "lapsed", _("Nobody decided")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_approval_id, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="approvals")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, related_name="approvals")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WAITING)
    asked = models.JSONField(default=dict, help_text="Scopes by resource that people's requests named.")
    own = models.JSONField(default=dict, help_text="What of it the agent asked to do for itself, with no person.")
    changes = models.JSONField(default=list, help_text="What changed, as [what, before, after].")
    ceiling = models.JSONField(null=True, help_text="What was approved, by resource.")
    people = models.JSONField(null=True, help_text="For whom it was approved: members and groups.")
    longest_seconds = models.PositiveIntegerField(null=True, help_text="How long what people allow lasts at most.")
    until = models.DateTimeField(null=True, help_text="When the approval itself ends.")
    before = models.JSONField(null=True, help_text="The agent's ceiling before more was approved.")
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    assigned_to = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, related_name="+", help_text="Who is to decide on it."
    )
    reason = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "agent"], condition=Q(status="waiting"), name="one_open_question_about_an_agent"
            )
        ]
        indexes = [models.Index(fields=["tenant", "status", "-id"], name="approval_by_status")]

    def __str__(self) -> str:
        with plainly():  # The ledger keeps it.
            return f"{self.get_kind_display()}: {self.agent}"

    def answers(self, asked: Mapping[str, Iterable[str]], *, is_own: bool) -> bool:
        """Say whether it was approved with these scopes before the decider's eyes, so that what is left is the answer.

        That an agent may act says nothing of what it may do for itself, nor that it is the same agent of how much.
        """
        read = self.own if is_own else self.asked
        is_about_it = self.kind == self.Kind.SCOPES or (not is_own and self.kind != self.Kind.CHANGE)
        was_read = all(set(scopes) <= set(read.get(resource, ())) for resource, scopes in asked.items())
        return self.status == self.Status.APPROVED and is_about_it and was_read


class Plea(TenantScoped):
    """That a person wants an agent, and why."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_plea_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="pleas")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "approval", "member"], name="one_plea_of_a_person")]

    def __str__(self) -> str:
        return f"{self.member_id} for {self.approval_id}"


class Remark(TenantScoped):
    """What an approver asked before deciding, or what somebody answered."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_remark_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="remarks")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    is_question = models.BooleanField()
    words = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "approval", "id"], name="remark_by_approval")]

    def __str__(self) -> str:
        return f"{self.member_id} about {self.approval_id}"
