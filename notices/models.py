"""What is to be told to whom (Notice), how far the ledger was read for it (Reading), what the calendar told of (Turn),
and who does not want it (OptOut); long work, each thing that it is done to, and its file (Job, JobItem, JobPart); other
people's programs that are told, too (Webhook), and what each of them was told (Delivery).

The ledger is the outbox. Its seals number the entries that are committed, in one order and without a gap, so that the
number of the last one read says of every entry whether it was read.
"""

from urllib.parse import urlsplit

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit import identifiers
from kit.languages import plainly
from tenants.models import Membership
from tenants.scoping import TenantScoped


def _notice_id() -> str:
    return identifiers.make("ntc")


def _job_id() -> str:
    return identifiers.make("job")


def _webhook_id() -> str:
    return identifiers.make("whk")


def _delivery_id() -> str:
    return identifiers.make("dlv")


class Notice(TenantScoped):
    """One entry of the ledger, told to one person."""

    class State(models.TextChoices):
        WAITING = "waiting", "To be sent"
        SENT = "sent", "Sent"
        MOOT = "moot", "Nothing to tell any more"
        GIVEN_UP = "given_up", "Nobody took it"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_notice_id, editable=False)
    entry_id = models.CharField(max_length=identifiers.LENGTH)
    kind = models.CharField(max_length=40)
    about_id = models.CharField(max_length=255, blank=True)
    recipient = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="notices")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entry_id", "kind", "recipient"], name="one_notice_of_an_entry_to_a_person"
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "next_try_at"], condition=models.Q(state="waiting"), name="notice_to_be_sent"
            ),
            models.Index(fields=["tenant", "created_at"], name="notice_over"),
            models.Index(fields=["tenant", "recipient", "kind", "about_id"], name="notice_about_a_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient_id}"


class Reading(TenantScoped):
    """Up to which seal a tenant's ledger was read."""

    sequence = models.BigIntegerField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_reading_of_a_ledger")]

    def __str__(self) -> str:
        return f"{self.tenant_id} up to {self.sequence}"


class OptOut(TenantScoped):
    """That a person wants no mail of a kind."""

    member = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="opt_outs")
    kind = models.CharField(max_length=40)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "member", "kind"], name="one_opt_out_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.member_id}: no {self.kind}"


class Turn(TenantScoped):
    """When the clock last told of something, so that it is told once: the UPDATE of this row decides (`turns.take`)."""

    name = models.CharField(max_length=40)
    about_id = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name", "about_id"], name="one_turn_of_a_thing")]
        indexes = [models.Index(fields=["tenant", "name", "at"], name="turn_due")]

    def __str__(self) -> str:
        return f"{self.name} {self.about_id}"


class Job(TenantScoped):
    """Long work on a selection that was frozen when it was asked for. What it promises holds from that moment on."""

    class Kind(models.TextChoices):
        END = "end", _("End access")
        RESTORE = "restore", _("Give access back")
        EXPORT = "export", _("Write a file")
        RECHECK = "recheck", _("Check against today's rules")

    class State(models.TextChoices):
        RUNNING = "running", _("At work")
        STOPPING = "stopping", _("Gives the rest back")
        STOPPED = "stopped", _("Stopped")
        DONE = "done", _("Done")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_job_id, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    selection = models.JSONField(default=dict, help_text="The words of the filter, as they were when it was asked for.")
    reason = models.CharField(max_length=512, blank=True)
    asked_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="jobs")
    noun = models.CharField(
        max_length=12, default="delegations", help_text="The list that was selected from (notices.lists)."
    )
    form = models.CharField(max_length=4, blank=True, help_text="Of the file that it writes: csv or json.")
    of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="restorations")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    noted = models.PositiveIntegerField(default=0, help_text="Of how many the report says something.")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True, help_text="When the clock tries once more what failed.")

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "of"], condition=models.Q(of__isnull=False), name="one_restoration_of_a_job"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="job_newest"),
            models.Index(
                fields=["tenant", "id"], condition=models.Q(state__in=["running", "stopping"]), name="job_unfinished"
            ),
            models.Index(
                fields=["tenant", "finished_at"], condition=models.Q(finished_at__isnull=False), name="job_over"
            ),
            models.Index(
                fields=["tenant", "retry_at"], condition=models.Q(retry_at__isnull=False), name="job_tried_again"
            ),
        ]

    def __str__(self) -> str:
        with plainly():  # The ledger keeps it.
            return f"{self.get_kind_display()}: {self.total}"

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.DONE, self.State.STOPPED}


class JobItem(TenantScoped):
    """One thing that a job is done to: once, whoever tries it again."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waits"
        DONE = "done", "Done"
        KEPT = "kept", "Given back"
        FAILED = "failed", "Failed"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items")
    object_id = models.CharField(max_length=identifiers.LENGTH)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    note = models.CharField(max_length=200, blank=True)
    # Its default is the database's: a selection is frozen by a statement that names no more than it must.
    is_second_try = models.BooleanField(default=False, db_default=False)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "job", "object_id"], name="one_item_of_a_job")]
        indexes = [
            models.Index(fields=["tenant", "job", "id"], condition=models.Q(state="waiting"), name="job_item_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.object_id}: {self.state}"


class Webhook(TenantScoped):
    """An address that is told of events, signed with a secret that its owner holds too.

    `on_since` is empty where it is switched off; nothing older than that is told. The secret before the present one
    signs as well until `old_secret_until`. `failures` are tries in a row that nobody took, since `failing_since`; until
    `rests_until` it is left alone.
    """

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_webhook_id, editable=False)
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(default=list, help_text="Names of events, or a family of them: agent.*")
    secret = models.CharField(max_length=512)
    old_secret = models.CharField(max_length=512, blank=True)
    old_secret_until = models.DateTimeField(null=True)
    on_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(default=timezone.now)
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "id"], name="webhook_of_tenant")]

    def __str__(self) -> str:
        # Of the address the host alone: some keep a secret in the path, and this stands in the ledger.
        return self.host

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def is_on(self) -> bool:
        return self.on_since is not None


class Delivery(TenantScoped):
    """One entry of the ledger, told to one webhook: how often it was tried, and what came of each of the last tries."""

    class State(models.TextChoices):
        WAITING = "waiting", _("To be sent")
        DELIVERED = "delivered", _("Delivered")
        GIVEN_UP = "given_up", _("Given up")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_delivery_id, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    entry_id = models.CharField(max_length=identifiers.LENGTH)
    event = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    last_attempt = models.PositiveIntegerField(help_text="The number of the try after which it is given up.")
    tries = models.JSONField(default=list, help_text="The last tries: at, status (0: no answer), milliseconds.")
    next_try_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "webhook", "entry_id"], name="one_delivery_of_an_entry")
        ]
        indexes = [
            models.Index(
                fields=["tenant", "webhook", "next_try_at"],
                condition=models.Q(state="waiting"),
                name="delivery_to_be_sent",
            ),
            models.Index(fields=["tenant", "webhook", "-id"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook_id}"


class JobPart(TenantScoped):
    """A piece of the file that a job writes: written with its chunk, so that it is there once or not at all."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="parts")
    number = models.BigIntegerField(help_text="The first item in it: parts in this order are the file.")
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "job", "number"], name="one_part_of_a_job")]
        indexes = [models.Index(fields=["tenant", "created_at"], name="job_part_due")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"
