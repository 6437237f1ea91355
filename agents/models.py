"""The software that acts (Agent), and how it speaks OAuth (Client: django-oauth-toolkit's Application, swapped)."""

import hashlib
import json
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from oauth2_provider.models import AbstractApplication
from oauthlib.oauth2.rfc6749 import errors

from kit import identifiers, uris
from kit.oauth import AuthMethod
from tenants.models import Membership, ResourceServer, initials
from tenants.scoping import TenantManager, TenantScoped


def _agent_id() -> str:
    return identifiers.make("agt")


def _client_pk() -> str:
    return identifiers.make("cli")


class Agent(TenantScoped):
    """A non-human principal. Its id is `sub` where it acts for itself, and `act.sub` where it acts for a person."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Paused"
        RETIRED = "retired", "Ended"

    class Registration(models.TextChoices):
        MANUAL = "manual", "By an admin"
        DYNAMIC = "dynamic", "By itself"
        DOCUMENT = "document", "By a document"

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_agent_id, editable=False)
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    registration = models.CharField(max_length=12, choices=Registration.choices, default=Registration.MANUAL)
    owner = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="agents")
    ceiling = models.JSONField(
        null=True,
        blank=True,
        help_text="Scopes by resource that it never gets more of. Null: as much as people allow; empty: nothing.",
    )
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "-id"], name="agent_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return initials(self.name)

    def under_ceiling(self, audience: str, scopes: frozenset[str]) -> frozenset[str]:
        """Return what is left of scopes at a resource under the agent's own ceiling."""
        return scopes if self.ceiling is None else scopes & frozenset(self.ceiling.get(audience, ()))


class Handover(TenantScoped):
    """An admin's word that one agent may hand part of its authority to another."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="handovers")
    to_agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="handovers_to_it")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "agent", "to_agent"], name="one_handover_to_an_agent")]

    def __str__(self) -> str:
        return f"{self.agent_id} → {self.to_agent_id}"


class Client(TenantScoped, AbstractApplication):
    """Software registered to speak OAuth. Columns of the toolkit that would widen it are not there."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        DISABLED = "disabled", "Disabled"

    class ExchangeActor(models.TextChoices):
        CLIENT = "client_as_actor", "It acts, and its tokens say so"
        TOKEN = "actor_token_required", "It acts, and proves each time that it is the actor"
        NONE = "none", "It appears as the person (impersonation)"

    # The toolkit's account of its registrant, its switch past the consent page, its HMAC-signed ID tokens and its
    # single grant per client have no place here.
    user = None
    skip_authorization = None
    algorithm = None
    hash_client_secret = None
    authorization_grant_type = None
    allowed_origins = None
    post_logout_redirect_uris = None

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_client_pk, editable=False)
    client_id = models.CharField(max_length=255)
    client_secret = models.CharField(max_length=128, blank=True, help_text="Salted digest of a machine-made secret.")
    auth_method = models.CharField(max_length=32, default=AuthMethod.NONE)
    redirect_uris = models.JSONField(default=list)
    grant_types = models.JSONField(default=list)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, null=True, blank=True, related_name="clients")
    resource_server = models.ForeignKey(
        ResourceServer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="clients",
        help_text="The resource server that this client introspects tokens for.",
    )
    metadata = models.JSONField(default=dict, help_text="Further members of RFC 7591, as registered.")
    jwks = models.JSONField(default=dict, help_text="The client's public keys (RFC 7517), as given or last fetched.")
    jwks_uri = models.CharField(max_length=2000, blank=True)
    jwks_fetched_at = models.DateTimeField(null=True)
    exchange_actor = models.CharField(
        max_length=24,
        choices=ExchangeActor.choices,
        default=ExchangeActor.CLIENT,
        help_text="Who is the actor of a token that it exchanges; impersonation only by an admin's hand.",
    )
    accepts_endpoint_audience = models.BooleanField(
        default=False,
        help_text="Whether assertions may name the token endpoint and live for an hour; off, audited and shown.",
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    version = models.PositiveBigIntegerField(default=1)

    objects: ClassVar[TenantManager["Client"]] = TenantManager()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "client_id"], name="one_client_id_per_tenant")]

    def clean(self) -> None:
        """Nothing: what may be registered is decided by agents.registration.metadata."""

    @property
    def is_public(self) -> bool:
        return self.auth_method == AuthMethod.NONE

    @property
    def is_document(self) -> bool:
        return bool(self.registration_source == self.RegistrationSource.CIMD)

    @property
    def is_verified(self) -> bool:
        """Say whether somebody vouches for who runs it: an admin, or a document's host together with a key."""
        if self.is_document:
            return self.auth_method == AuthMethod.PRIVATE_KEY_JWT
        return bool(self.registration_source == self.RegistrationSource.MANUAL)

    @property
    def host(self) -> str:
        """The host of its document, or the one that it names as its own, which is self-asserted."""
        if self.is_document:
            return uris.host_of(self.client_id)
        return uris.host_of(self.metadata.get("client_uri", "")) or uris.host_of(self.default_or_first_redirect)

    @property
    def default_or_first_redirect(self) -> str:
        return self.redirect_uris[0] if self.redirect_uris else ""

    @property
    def digest(self) -> str:
        """Changes whenever something that a person agreed to changes: name, redirects, authentication, pages."""
        agreed = [self.name, sorted(self.redirect_uris), self.auth_method, self.metadata]
        return hashlib.sha256(json.dumps(agreed, sort_keys=True).encode()).hexdigest()

    # What the toolkit asks its Application.

    @property
    def default_redirect_uri(self) -> str:
        if len(self.redirect_uris) == 1:
            return self.default_or_first_redirect
        raise errors.MissingRedirectURIError()

    def redirect_uri_allowed(self, uri: str) -> bool:
        return any(uris.redirect_matches(uri, registered) for registered in self.redirect_uris)

    def allows_grant_type(self, *grant_types: str) -> bool:
        return bool(set(self.grant_types) & set(grant_types))

    def is_usable(self, request: Any) -> bool:
        return self.status == self.Status.ACTIVE


def _used_id() -> str:
    return identifiers.make("jti")


def _outbound_id() -> str:
    return identifiers.make("out")


class UsedAssertion(TenantScoped):
    """A client assertion that was accepted. Its unique row is what makes it good once."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_used_id, editable=False)
    purpose = models.CharField(max_length=20)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    jti = models.CharField(max_length=64, help_text="Digest of the claim.")
    expires_at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "purpose", "client", "jti"], name="one_use_of_an_assertion")
        ]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="assertion_due")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.client_id}"


class OutboundHost(TenantScoped):
    """How often a host was asked in this minute, and until when it is left alone. Shared by all processes."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_outbound_id, editable=False)
    authority = models.CharField(max_length=260)
    window_started_at = models.DateTimeField()
    fetches = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "authority"], name="one_row_per_outbound_host")]

    def __str__(self) -> str:
        return self.authority
