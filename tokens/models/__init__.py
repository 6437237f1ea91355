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
from tokens.models.deferral import Deferral
from tokens.models.signing_key import KeyFetch, SigningKey
from tokens.models.signing_key import _key_id as _key_id  # Migrations name it here.

__all__ = [
    "AccessToken",
    "AuthorizationCode",
    "AuthorizationRequest",
    "Deferral",
    "DeviceGrant",
    "IDToken",
    "KeyFetch",
    "RefreshToken",
    "SigningKey",
]


def _token_id() -> str:
    return identifiers.make("tok")


def _family_id() -> str:
    return identifiers.make("rtf")


def _code_id() -> str:
    return identifiers.make("cod")


def _request_id() -> str:
    return identifiers.make("arq")


def _device_id() -> str:
    return identifiers.make("dev")


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
    kid = models.CharField(max_length=64, blank=True, db_default="", help_text="Which key signed it.")
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
    """A token family: every refresh token descended from one authorization, as one row. To people it is a place where
    an agent runs, an installation (`tokens.installations`): first seen when it was opened, last when it moved.

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
    redirect_host = models.CharField(
        max_length=512, blank=True, help_text="Where its code was sent; empty where a device fetched it."
    )
    key_thumbprint = models.CharField(
        max_length=64, blank=True, help_text="The key that its client proved itself with when it was seen last."
    )
    label = models.CharField(max_length=80, blank=True, help_text="What the person calls this place.")
    created = models.DateTimeField(default=timezone.now)
    revoked = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=255, blank=True, help_text="Who ended it as an installation.")

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
    """What a device asked for (RFC 8628), until a person decides. A used one stays, so that its replay is seen.

    Whoever types the code in takes the row: nobody else can decide it.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waits for a person"
        ALLOWED = "allowed", "Allowed"
        DENIED = "denied", "Denied"
        REPORTED = "reported", "Reported"

    user = None
    client_id = None
    interval = None  # A word of SQL.
    last_checked = None

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_device_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="device_grants")
    device_code = models.CharField(max_length=64, help_text="Digest.")
    user_code = models.CharField(max_length=64, help_text="Keyed digest: there are few enough codes to try them all.")
    parameters = models.JSONField(help_text="The request as it was validated.")
    address = models.CharField(max_length=64, help_text="Where it was started.")
    user_agent = models.CharField(max_length=200, blank=True)
    poll_seconds = models.PositiveIntegerField(default=5)
    polled_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    handle = models.CharField(max_length=64, blank=True, help_text="Digest of the handle in the page shown last.")
    shown = models.JSONField(default=dict, help_text="The page as it was shown last.")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True, related_name="+")
    delegations = models.JSONField(default=list)
    auth_time = models.DateTimeField(null=True)
    created = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)
    family = models.ForeignKey(RefreshToken, on_delete=models.PROTECT, null=True, related_name="+")

    objects: ClassVar[TenantManager["DeviceGrant"]] = TenantManager()

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "device_code"], name="one_request_of_a_device_code"),
            models.UniqueConstraint(fields=["tenant", "user_code"], name="one_request_of_a_user_code"),
        ]
        indexes = [models.Index(fields=["tenant", "expires"], name="device_due")]

    def __str__(self) -> str:
        return f"device code {self.pk}"
