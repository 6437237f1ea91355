"""Rows behind tokens: django-oauth-toolkit's models, swapped, and the keys that sign.

Only digests of codes and refresh tokens are stored; access tokens are not stored at all, only that and why they exist.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from agents.models import Client
from delegations.models import Consent, Delegation
from kit import identifiers
from tenants.models import Membership
from tenants.scoping import TenantManager, TenantScoped


def _token_id() -> str:
    return identifiers.make("tok")


def _family_id() -> str:
    return identifiers.make("rtf")


def _code_id() -> str:
    return identifiers.make("cod")


def _request_id() -> str:
    return identifiers.make("arq")


def _key_id() -> str:
    return identifiers.make("key")


class AccessToken(TenantScoped, AbstractAccessToken):
    """That a token was issued: its id is the `jti`. The columns are the sentence."""

    user = None
    token = None
    token_checksum = None
    id_token = None
    source_refresh_token = None
    application = None
    resource = None
    updated = None

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_token_id, editable=False)
    subject = models.CharField(max_length=identifiers.LENGTH)
    actor = models.CharField(max_length=identifiers.LENGTH, blank=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="access_tokens", db_index=False)
    audience = models.CharField(max_length=512)
    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, related_name="access_tokens", db_index=False)
    family = models.ForeignKey(
        "RefreshToken", on_delete=models.PROTECT, null=True, related_name="access_tokens", db_index=False
    )
    grant_type = models.CharField(max_length=80)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="children",
        db_index=False,
        help_text="What it was exchanged from.",
    )
    digest = models.CharField(max_length=64, blank=True, help_text="Of an opaque token's secret; a JWT has its id.")
    created = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar[TenantManager["AccessToken"]] = TenantManager()

    class Meta(TenantScoped.Meta):
        # Django would index each foreign key of text twice; every mint writes each of them.
        indexes = [
            models.Index(fields=["delegation", "created"], name="token_by_delegation"),
            models.Index(fields=["client"], name="token_by_client"),
            models.Index(fields=["family"], condition=Q(family__isnull=False), name="token_by_family"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="token_by_parent"),
        ]

    def __str__(self) -> str:
        return f"access token for {self.audience}"


class RefreshToken(TenantScoped, AbstractRefreshToken):
    """A token family: every refresh token descended from one authorization, as one row.

    The row knows the current generation. A token names its family and generation, and each secret is the HMAC of the
    one before: every genuine ancestor can be walked forwards to the current digest, so that none needs to be stored,
    and nobody can walk on without the server's key.
    """

    user = None
    token = None
    token_checksum = None
    token_family = None
    access_token = None
    application = None
    resource = None
    updated = None

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_family_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="refresh_tokens", db_index=False)
    subject = models.CharField(max_length=identifiers.LENGTH)
    scope = models.TextField(blank=True)
    delegations = models.JSONField(default=list, help_text="Ids: one for each resource that was allowed.")
    digest = models.CharField(max_length=64, blank=True, help_text="Empty where no refresh token was given out.")
    generation = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(null=True)
    auth_time = models.DateTimeField(null=True)
    created = models.DateTimeField(default=timezone.now)
    revoked = models.DateTimeField(null=True)

    objects: ClassVar[TenantManager["RefreshToken"]] = TenantManager()

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["client", "subject"], name="family_by_client")]

    def __str__(self) -> str:
        return f"token family of {self.subject}"


class AuthorizationCode(TenantScoped, AbstractGrant):
    """The one-time code, by its digest. A used one stays as a tombstone, so that its replay is seen."""

    user = None
    application = None
    claims = None
    resource = None
    updated = None

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_code_id, editable=False)
    code = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="authorization_codes")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    delegations = models.JSONField(default=list)
    auth_time = models.DateTimeField()
    created = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)
    family = models.ForeignKey(RefreshToken, on_delete=models.PROTECT, null=True, related_name="+")

    objects: ClassVar[TenantManager["AuthorizationCode"]] = TenantManager()

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "expires"], name="code_due")]

    def __str__(self) -> str:
        return f"authorization code {self.pk}"


class AuthorizationRequest(TenantScoped):
    """A validated authorization request, held while a person decides; the browser knows only its handle."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_request_id, editable=False)
    handle = models.CharField(max_length=64, unique=True, help_text="Digest of the handle in the page.")
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    parameters = models.JSONField(help_text="The request as it was validated.")
    shown = models.JSONField(help_text="The page as it was shown.")
    expires = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "expires"], name="request_due")]

    def __str__(self) -> str:
        return f"authorization request {self.pk}"


class IDToken(TenantScoped, AbstractIDToken):
    """Swapped with its siblings, as the toolkit demands; ID tokens are signed and not stored."""

    application = None
    user = None

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_token_id, editable=False)

    objects: ClassVar[TenantManager["IDToken"]] = TenantManager()

    class Meta(TenantScoped.Meta):
        pass


class DeviceGrant(TenantScoped, AbstractDeviceGrant):
    """Swapped with its siblings, as the toolkit demands; the device flow is not served."""

    user = None

    objects: ClassVar[TenantManager["DeviceGrant"]] = TenantManager()

    class Meta(AbstractDeviceGrant.Meta, TenantScoped.Meta):
        abstract = False


class SigningKey(TenantScoped):
    """A key pair of a tenant: next → active → retired → destroyed, with the times that make it so."""

    class Status(models.TextChoices):
        NEXT = "next", "Next"
        ACTIVE = "active", "Active"
        RETIRED = "retired", "Retired"
        DESTROYED = "destroyed", "Destroyed"

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
