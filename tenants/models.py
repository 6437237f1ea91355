"""Who is served: Tenant, User, Membership. What a tenant protects: `tenants.protected`."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit import identifiers
from kit.marks import initials
from tenants.emblem import Emblem as Emblem
from tenants.invitation import Invitation as Invitation
from tenants.protected import Downstream as Downstream
from tenants.protected import ResourceServer as ResourceServer
from tenants.protected import Scope as Scope
from tenants.saved_view import SavedView as SavedView
from tenants.scoping import TenantScoped
from tenants.sign_in import SignIn as SignIn
from tenants.user import User as User
from tenants.user import _person_id as _person_id  # A migration names it here.


def _tenant_id() -> str:
    return identifiers.make("ten")


def _subject() -> str:
    return identifiers.make("usr")


CHOICES = ("hour", "today", "week", "month")
"""What a consent page may offer of how long: an hour, the rest of the day, 7 days, 30 days."""


def usual_choices() -> list[str]:
    return list(CHOICES)


class Tenant(models.Model):
    """An organisation that is served: exactly one issuer, and the policy that bounds everything below it."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        SUSPENDED = "suspended", _("Suspended")
        DELETED = "deleted", _("Deleted")

    class Registration(models.TextChoices):
        OFF = "off", _("Nobody")
        ADMISSION = "admission", _("Whoever an admin approves")
        HOSTS = "hosts", _("Named hosts at once, others when an admin approves")
        OPEN = "open", _("Everybody, at once")

    class Handing(models.TextChoices):
        OFF = "off", _("Never")
        CONSENT = "consent", _("Where the person agreed to it")
        POLICY = "policy", _("Wherever an admin lets one agent work for another")

    class Devices(models.TextChoices):
        OFF = "off", _("Nowhere")
        TRUSTED = "trusted", _("In named networks")
        ANYWHERE = "anywhere", _("Anywhere")

    class Environment(models.TextChoices):
        UNSAID = "", _("Not said")
        PRODUCTION = "production", _("Production")
        STAGING = "staging", _("Staging")
        DEVELOPMENT = "development", _("Development")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_tenant_id, editable=False)
    slug = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    environment = models.CharField(
        max_length=12,
        choices=Environment.choices,
        default=Environment.UNSAID,
        blank=True,
        help_text="What depends on it: each page of the console says so, so that nobody acts in the wrong place.",
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    registration = models.CharField(
        max_length=12,
        choices=Registration.choices,
        default=Registration.ADMISSION,
        help_text="Whether clients may register themselves (RFC 7591).",
    )
    registration_needs_token = models.BooleanField(
        default=False, help_text="Whether it takes a token that an admin made (RFC 7591 §3)."
    )
    documents = models.CharField(
        max_length=12,
        choices=Registration.choices,
        default=Registration.ADMISSION,
        help_text="Whether clients may be known by their metadata document (CIMD).",
    )
    admitted_hosts = models.JSONField(default=list, help_text="Hosts whose agents need no approval, by such a policy.")
    workloads = models.CharField(
        max_length=12,
        choices=(("off", _("Off")), ("open", _("On"))),
        default=Registration.OFF,
        help_text="Whether trusted platforms may bring agents that were never seen (workload grant).",
    )
    device_codes = models.CharField(
        max_length=8, choices=Devices.choices, default=Devices.OFF, help_text="Where device codes (RFC 8628) are good."
    )
    trusted_networks = models.JSONField(default=list, help_text="Networks (CIDR) in which device codes are good.")
    access_token_seconds = models.PositiveIntegerField(default=300, help_text="1 to 3600.")
    longest_delegation_days = models.PositiveIntegerField(default=30)
    consent_choices = models.JSONField(
        default=usual_choices, help_text="Which choices of how long a consent page offers, within the longest."
    )
    handing_on = models.CharField(
        max_length=8,
        choices=Handing.choices,
        default=Handing.CONSENT,
        help_text="When an agent may hand part of a person's delegation to another agent.",
    )
    deepest_chain = models.PositiveSmallIntegerField(
        default=4, help_text="How often authority may be handed on, counted from the consent."
    )
    key_days = models.JSONField(default=dict, help_text="After how many days a signing key is replaced, by algorithm.")
    owner_grace_days = models.PositiveSmallIntegerField(
        default=14, help_text="How long an agent acts on after its owner left, while somebody else may take it over."
    )
    unused_days = models.PositiveSmallIntegerField(default=0, help_text="Days until unused access ends; 0: never.")
    time_zone = models.CharField(max_length=40, default="UTC")
    language = models.CharField(
        max_length=10, blank=True, help_text="What people read who chose nothing; empty: English."
    )
    default_resource = models.CharField(
        max_length=512,
        blank=True,
        help_text="The resource of requests that name none; empty means that they are refused.",
    )
    keep_days = models.PositiveSmallIntegerField(
        default=0, help_text="Days that mail and long work stay after they are over; 0: as long as the installation's."
    )
    accent = models.CharField(max_length=7, blank=True, help_text="The colour of its pages, as #rrggbb; empty: ours.")
    accent_dark = models.CharField(
        max_length=7, blank=True, help_text="The same on dark pages; empty: as light as it must be to be read there."
    )
    logo = models.CharField(max_length=16, blank=True, help_text="The name of its picture; empty: it has none.")
    fixed = models.JSONField(
        default=list,
        help_text="Settings that whoever runs the installation fixed: no admin of the tenant changes them.",
    )
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Tenant"]] = models.Manager()

    class Meta:
        constraints = [
            # Keys are kept for two hours after they signed last (tokens.rotation): no token may outlive that.
            models.CheckConstraint(
                condition=models.Q(access_token_seconds__gte=1, access_token_seconds__lte=3600),
                name="access_tokens_live_up_to_an_hour",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def issuer(self) -> str:
        """The tenant's OAuth identity; made of the configured origin, never of a request."""
        return f"{settings.PUBLIC_ORIGIN}/t/{self.slug}"

    @property
    def api_identifier(self) -> str:
        """The audience of this product's own REST API."""
        return f"{self.issuer}/api/v1"

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def logo_place(self) -> str:
        """Where on our origin its logo is, under a name that changes with it; or ""."""
        return f"/t/{self.slug}/logo/{self.logo}.png" if self.logo else ""


class Membership(TenantScoped):
    """A person's place in a tenant. Its id is the `sub` of every token about the person there."""

    class Role(models.TextChoices):
        ADMIN = "admin", _("Admin")
        SECURITY = "security", _("Security")
        APPROVER = "approver", _("Approver")
        DEVELOPER = "developer", _("Developer")
        AUDITOR = "auditor", _("Auditor")
        MEMBER = "member", _("Member")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_subject, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.MEMBER)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    role_until = models.DateTimeField(
        null=True, help_text="When the role ends: a member is left. Empty: it has no end."
    )
    groups = models.JSONField(default=list, help_text="Names of groups that policies speak of.")
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_tenant")]
        indexes = [
            models.Index(
                fields=["tenant", "role_until"], condition=models.Q(role_until__isnull=False), name="roles_that_end"
            )
        ]

    def __str__(self) -> str:
        return str(self.user)

    @property
    def email(self) -> str:
        return self.user.email

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def role_now(self) -> str:
        """The role that counts: one that ended is none, whether the clock was here since or not."""
        is_over = self.role_until is not None and self.role_until <= timezone.now()
        return self.Role.MEMBER if is_over else self.role

    @property
    def role_label(self) -> str:
        return str(self.Role(self.role_now).label)

    @property
    def is_admin(self) -> bool:
        return self.role_now in {self.Role.ADMIN, self.Role.SECURITY}
