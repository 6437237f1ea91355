"""Whom a tenant believes (TrustedIssuer, SubjectLink), and which authorization servers believe it (Audience)."""

from collections import abc
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit import identifiers
from tenants import roles
from tenants.models import Membership
from tenants.scoping import TenantScoped


def _issuer_id() -> str:
    return identifiers.make("iss")


def _audience_id() -> str:
    return identifiers.make("aud")


def _link_id() -> str:
    return identifiers.make("lnk")


def _provider_id() -> str:
    return identifiers.make("idp")


def _used_id() -> str:
    return identifiers.make("jti")


def _outbound_id() -> str:
    return identifiers.make("out")


class TrustedIssuer(TenantScoped):
    """Somebody whose signed word counts here, for the purposes that an admin names and within these ceilings.

    Every list that is empty allows nothing.
    """

    class KeySource(models.TextChoices):
        METADATA = "metadata", _("Its metadata document says where its keys are")
        JWKS_URI = "jwks_uri", _("An address of its keys")
        PASTED = "pasted", _("Keys as they were pasted here")

    class Purpose(models.TextChoices):
        ID_JAG = "id_jag", _("It says which agent acts here for which person")
        WORKLOAD = "workload", _("It says which agents there are")
        FEDERATION = "federation", _("Its tokens stand for a client's secret")
        SOFTWARE = "software", _("It vouches for what software says of itself")
        SIGN_IN = "sign_in", _("People sign in there")

    class Unseen(models.TextChoices):
        PENDING = "pending", _("An agent that was never seen waits for an admin")
        QUARANTINE = "quarantine", _("It gets the quarantine's scopes until an admin decides")

    class Mapping(models.TextChoices):
        AUD_SUB = "aud_sub", _("The assertion names our own id of the person")
        EMAIL = "email", _("A verified e-mail address of a named domain")
        NEW_MEMBER = "new_member", _("Whoever is not known becomes a member")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_issuer_id, editable=False)
    issuer = models.CharField(max_length=512, help_text="Compared byte by byte with `iss`.")
    name = models.CharField(max_length=100)
    key_source = models.CharField(max_length=12, choices=KeySource.choices)
    jwks_uri = models.CharField(max_length=2000, blank=True)
    jwks = models.JSONField(default=dict, help_text="Its public keys (RFC 7517), as pasted or last fetched.")
    keys_fetched_at = models.DateTimeField(null=True)
    keys_swapped_at = models.DateTimeField(
        null=True, help_text="When its keys changed in a way that somebody should look at; empty once somebody did."
    )
    keys_asked_at = models.DateTimeField(null=True, help_text="When somebody last set out to fetch them.")
    algorithms = models.JSONField(default=list)
    purposes = models.JSONField(default=list)
    resources = models.JSONField(default=dict, help_text="Scopes by resource that its word may open here.")
    clients = models.JSONField(default=list, help_text="Client ids that may present its assertions about people.")
    any_client = models.BooleanField(default=False, help_text="Whether every client of the tenant may.")
    mappings = models.JSONField(default=list, help_text="How a subject that is not linked yet is found.")
    email_domains = models.JSONField(default=list, help_text="Domains of which it may name addresses.")
    required_claims = models.JSONField(
        default=dict, help_text="What an assertion must say besides, for shared issuers."
    )
    longest_seconds = models.PositiveIntegerField(default=300, help_text="How far ahead `exp` may lie: 1 to 3600.")
    reuses_assertions = models.BooleanField(
        default=False, help_text="Whether an assertion may be presented again until it expires, by the same client."
    )
    unseen = models.CharField(max_length=12, choices=Unseen.choices, default=Unseen.PENDING)
    quarantine = models.JSONField(default=dict, help_text="Scopes by resource for agents that nobody decided on yet.")
    most_agents = models.PositiveIntegerField(default=100, help_text="How many agents its word may bring.")
    is_enabled = models.BooleanField(default=True)
    removed_at = models.DateTimeField(null=True, help_text="When it was removed; it is off since then.")
    was_enabled = models.BooleanField(
        default=True, db_default=True, help_text="Of one that was removed, whether it was on: it comes back as it was."
    )
    vouched_as = models.CharField(
        max_length=16, blank=True, default="", db_default="",
        help_text="The role whose holder answers for whose word this is: it stands for nobody who may do more.",
    )  # fmt: skip
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveBigIntegerField(default=1)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "issuer"], condition=models.Q(removed_at=None), name="one_standing_trust_in_an_issuer"
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "-removed_at"], condition=models.Q(removed_at__isnull=False), name="issuer_removed"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def serves(self, purpose: "TrustedIssuer.Purpose") -> bool:
        """Say whether its word counts for something now."""
        return self.is_enabled and purpose in self.purposes

    def may_stand_for(self, role: str) -> bool:
        """Say whether its word counts about somebody with a role, and may give it."""
        return roles.covers(self.vouched_as, role)

    def opens(self, audience: str) -> frozenset[str]:
        """Return the scopes that its word may open at a resource."""
        return frozenset(self.resources.get(audience, ()))

    def misses(self, claims: abc.Mapping[str, Any]) -> str:
        """Return the name of a claim that an assertion lacks, or has with another value than it must; or ""."""
        for name, value in self.required_claims.items():
            if type(claims.get(name)) is not type(value) or claims.get(name) != value:
                return str(name)
        return ""


class IdentityProvider(TenantScoped):
    """How people sign in at a trusted issuer (OpenID Connect): who this tenant is there, and what groups mean here."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_provider_id, editable=False)
    issuer = models.ForeignKey(TrustedIssuer, on_delete=models.CASCADE, related_name="providers")
    client_id = models.CharField(max_length=255)
    client_secret = models.TextField(blank=True, help_text="Sealed; empty for a public client.")
    groups_claim = models.CharField(max_length=100, default="groups", help_text="Which claim lists a person's groups.")
    roles = models.JSONField(default=list, help_text="Pairs of a group and the role it gives; the first that fits.")
    version = models.PositiveBigIntegerField(default=1)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "issuer"], name="one_way_to_sign_in_at_an_issuer")]

    def __str__(self) -> str:
        return f"{self.client_id} at {self.issuer_id}"


class SubjectLink(TenantScoped):
    """That a subject of an issuer is a person of this tenant. Once made, no claim moves it."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_link_id, editable=False)
    issuer = models.ForeignKey(TrustedIssuer, on_delete=models.CASCADE, related_name="links")
    subject = models.CharField(max_length=255)
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="links")
    how = models.CharField(max_length=12, help_text="The mapping by which it was made, or `admin`.")
    vouched_as = models.CharField(
        max_length=16, blank=True, default="", db_default="",
        help_text="The role of whoever made it, or of whom the issuer's word is: it is no link to who may do more.",
    )  # fmt: skip
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "issuer", "subject"], name="one_link_of_a_subject")]

    def __str__(self) -> str:
        return f"{self.subject} → {self.member_id}"

    @property
    def counts(self) -> bool:
        """Whether who it leads to may do no more than whoever vouched for it."""
        return roles.covers(self.vouched_as, self.member.role_now)


class UsedGrant(TenantScoped):
    """An assertion of an issuer that bought a token. Its unique row is what makes it good once."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_used_id, editable=False)
    issuer = models.ForeignKey(TrustedIssuer, on_delete=models.CASCADE, related_name="+")
    jti = models.CharField(max_length=64, help_text="Digest of the claim.")
    expires_at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "issuer", "jti"], name="one_use_of_a_grant")]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="used_grant_due")]

    def __str__(self) -> str:
        return f"{self.issuer_id} {self.jti[:8]}"


class Audience(TenantScoped):
    """Another authorization server that takes this tenant's identity assertion grants."""

    class Algorithm(models.TextChoices):
        RS256 = "RS256", "RS256"
        ES256 = "ES256", "ES256"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_audience_id, editable=False)
    issuer = models.CharField(max_length=512, help_text="Its issuer identifier: the grant's `aud`.")
    name = models.CharField(max_length=100)
    algorithm = models.CharField(max_length=8, choices=Algorithm.choices, default=Algorithm.RS256)
    shares_email = models.BooleanField(default=False, help_text="Whether grants name the person's e-mail address.")
    aud_tenant = models.CharField(max_length=255, blank=True, help_text="The tenant's id there, for a shared issuer.")
    resources = models.JSONField(default=dict, help_text="Scopes by resource behind it that grants may name.")
    is_enabled = models.BooleanField(default=True)
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "issuer"], name="one_audience_of_an_issuer")]

    def __str__(self) -> str:
        return self.name


class OutboundHost(TenantScoped):
    """How often a host was asked in this minute, and until when it is left alone. Shared by all processes."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_outbound_id, editable=False)
    authority = models.CharField(max_length=260)
    window_started_at = models.DateTimeField()
    fetches = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "authority"], name="one_row_for_a_host")]

    def __str__(self) -> str:
        return self.authority
