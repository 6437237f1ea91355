"""Who is served (Tenant, User, Membership), and what a tenant protects (ResourceServer, Scope)."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from kit import identifiers
from tenants.scoping import TenantScoped


def _tenant_id() -> str:
    return identifiers.make("ten")


def _person_id() -> str:
    return identifiers.make("per")


def _subject() -> str:
    return identifiers.make("usr")


def _resource_server_id() -> str:
    return identifiers.make("res")


class Tenant(models.Model):
    """An organisation that is served: exactly one issuer, and the policy that bounds everything below it."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        DELETED = "deleted", "Deleted"

    class Registration(models.TextChoices):
        OFF = "off", "Off"
        OPEN = "open", "Open"

    class Handing(models.TextChoices):
        OFF = "off", "Never"
        CONSENT = "consent", "Where the person agreed to it"
        POLICY = "policy", "Wherever an admin lets one agent work for another"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_tenant_id, editable=False)
    slug = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    registration = models.CharField(
        max_length=8,
        choices=Registration.choices,
        default=Registration.OFF,
        help_text="Whether clients may register themselves (RFC 7591).",
    )
    documents = models.CharField(
        max_length=8,
        choices=Registration.choices,
        default=Registration.OFF,
        help_text="Whether clients may be known by their metadata document (CIMD).",
    )
    access_token_seconds = models.PositiveIntegerField(default=300, help_text="1 to 3600.")
    longest_delegation_days = models.PositiveIntegerField(default=30)
    handing_on = models.CharField(
        max_length=8,
        choices=Handing.choices,
        default=Handing.CONSENT,
        help_text="When an agent may hand part of a person's delegation to another agent.",
    )
    deepest_chain = models.PositiveSmallIntegerField(
        default=4, help_text="How often authority may be handed on, counted from the consent."
    )
    time_zone = models.CharField(max_length=40, default="UTC")
    default_resource = models.CharField(
        max_length=512,
        blank=True,
        help_text="The resource of requests that name none; empty means that they are refused.",
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


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, **fields)


class User(AbstractBaseUser):
    """A person. What a person may do stands in their memberships, one per tenant."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_person_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


class Membership(TenantScoped):
    """A person's place in a tenant. Its id is the `sub` of every token about the person there."""

    class Role(models.TextChoices):
        ADMIN = "admin", "Admin"
        SECURITY = "security", "Security"
        APPROVER = "approver", "Approver"
        DEVELOPER = "developer", "Developer"
        AUDITOR = "auditor", "Auditor"
        MEMBER = "member", "Member"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_subject, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.MEMBER)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_tenant")]

    def __str__(self) -> str:
        return str(self.user)

    @property
    def email(self) -> str:
        return self.user.email

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def is_admin(self) -> bool:
        return self.role in {self.Role.ADMIN, self.Role.SECURITY}


class ResourceServer(TenantScoped):
    """An API or MCP server that accepts the tenant's tokens. Its identifier is their audience."""

    class SigningAlgorithm(models.TextChoices):
        ES256 = "ES256", "ES256"
        RS256 = "RS256", "RS256"

    class TokenFormat(models.TextChoices):
        JWT = "jwt", "JWT, which it can check by itself"
        OPAQUE = "opaque", "Opaque, which it must introspect"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_resource_server_id, editable=False)
    identifier = models.CharField(max_length=512)
    name = models.CharField(max_length=100)
    signing_algorithm = models.CharField(max_length=8, choices=SigningAlgorithm.choices, default=SigningAlgorithm.ES256)
    token_format = models.CharField(
        max_length=8,
        choices=TokenFormat.choices,
        default=TokenFormat.JWT,
        help_text="An opaque token is dead the moment that its delegation ends; a JWT may live to its last second.",
    )
    asks_each_time = models.BooleanField(
        default=False, help_text="Whether it introspects each token: then an end is immediate there, as receipts say."
    )
    hosts_metadata = models.BooleanField(
        default=False, help_text="Whether its RFC 9728 document is served here, for a server that has none."
    )
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "identifier"], name="one_identifier_per_tenant")]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return initials(self.name)


class Scope(TenantScoped):
    """One permission word at one resource server, in words that people understand."""

    resource_server = models.ForeignKey(ResourceServer, on_delete=models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=255, blank=True)
    is_writing = models.BooleanField(default=False, help_text="Whether it changes things.")
    is_default = models.BooleanField(default=False, help_text="Whether a request without scope gets it.")
    is_needed = models.BooleanField(default=False, help_text="Whether a person cannot untick it.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(fields=["resource_server", "name"], name="one_scope_per_name")]

    def __str__(self) -> str:
        return self.title


class Downstream(TenantScoped):
    """What a resource server may reach behind itself, for whoever called it: a token for `upstream` becomes one for
    `downstream`.

    `scopes` says, for each scope at the one, which scopes at the other it stands for; a scope that is not named there
    opens nothing.
    """

    upstream = models.ForeignKey(ResourceServer, on_delete=models.CASCADE, related_name="downstreams")
    downstream = models.ForeignKey(ResourceServer, on_delete=models.CASCADE, related_name="upstreams")
    scopes = models.JSONField(default=dict)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "upstream", "downstream"], name="one_edge_downstream")]

    def __str__(self) -> str:
        return f"{self.upstream_id} → {self.downstream_id}"

    def opens(self, scopes: frozenset[str]) -> frozenset[str]:
        """Return what scopes at the upstream server stand for at the downstream one."""
        return frozenset(opened for scope in scopes for opened in self.scopes.get(scope, ()))


def initials(name: str) -> str:
    """Return up to two letters that stand for a name in a mark."""
    words = [word for word in name.replace("-", " ").split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"
