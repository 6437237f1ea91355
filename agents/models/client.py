"""How software speaks OAuth: django-oauth-toolkit's Application, swapped."""

import hashlib
import json
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication
from oauthlib.oauth2.rfc6749 import errors

from agents.models.agent import Agent
from agents.models.looks import IsOdd, Looks
from agents.models.registration_token import RegistrationToken
from kit import identifiers, looks, uris
from kit.oauth import AuthMethod
from tenants.models import ResourceServer
from tenants.scoping import TenantManager, TenantScoped
from trust.models import TrustedIssuer

FIRST_SECRET = "sec_first"
"""The secret with which a client came."""


def _client_pk() -> str:
    return identifiers.make("cli")


def _used_id() -> str:
    return identifiers.make("jti")


class Client(TenantScoped, AbstractApplication):
    """Software registered to speak OAuth. Columns of the toolkit that would widen it are not there."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")

    class ExchangeActor(models.TextChoices):
        CLIENT = "client_as_actor", _("It acts, and its tokens say so")
        TOKEN = "actor_token_required", _("It acts, and proves each time that it is the actor")
        NONE = "none", _("It appears as the person (impersonation)")

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
    looks = Looks(
        max_length=looks.MOST, default="", db_default="", editable=False, help_text="What its name looks like."
    )
    is_odd = IsOdd(
        default=False, db_default=False, editable=False, help_text="Whether letters of its name look like others."
    )
    client_secret = models.CharField(max_length=128, blank=True, help_text="Salted digest of a machine-made secret.")
    auth_method = models.CharField(max_length=32, default=AuthMethod.NONE)
    redirect_uris = models.JSONField(default=list)
    grant_types = models.JSONField(default=list)
    given_grants = models.JSONField(default=list, help_text="Those of its grants that an admin gave it, not itself.")
    further_secrets = models.JSONField(
        default=list,
        help_text="Further secrets that are good beside the first: id, salted digest, when they were made.",
    )
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
    key_pins = models.JSONField(
        default=dict, help_text="From when on each key counts as its own, by thumbprint (agents.registration.pinning)."
    )
    key_turns = models.PositiveIntegerField(default=0, help_text="How often all of its keys were swapped at once.")
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
    registration_digest = models.CharField(
        max_length=64, blank=True, help_text="Digest of the token by which it manages itself (RFC 7592); empty: none."
    )
    initial_token = models.ForeignKey(
        RegistrationToken,
        on_delete=models.PROTECT,
        null=True,
        related_name="clients",
        help_text="The admin's word by which it registered itself.",
    )
    software_statement = models.TextField(blank=True, help_text="As it was presented (RFC 7591 §2.3), sealed.")
    software_issuer = models.ForeignKey(
        TrustedIssuer,
        on_delete=models.PROTECT,
        null=True,
        related_name="vouched_clients",
        help_text="Whose statement vouches for what it says of itself.",
    )
    document_tried_at = models.DateTimeField(null=True, help_text="When the clock last set out for its document.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    last_edit = models.JSONField(
        null=True,
        help_text="What an admin last changed of it: what it said before, by whom, when, and the version that it made.",
    )
    version = models.PositiveBigIntegerField(default=1)

    objects: ClassVar[TenantManager["Client"]] = TenantManager()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "client_id"], name="one_client_id_per_tenant")]
        indexes = [
            models.Index(
                fields=["tenant", "registration_digest"],
                condition=~models.Q(registration_digest=""),
                name="client_managed_by",
            ),
            # Of a tenant that it knows nothing of, the planner takes those of an agent by this and no other.
            models.Index(fields=["tenant", "agent"], name="client_of_agent"),
        ]

    def clean(self) -> None:
        """Nothing: what may be registered is decided by agents.registration.metadata."""

    @property
    def is_public(self) -> bool:
        return self.auth_method == AuthMethod.NONE

    @property
    def secret_digests(self) -> dict[str, str | None]:
        """The salted digests of all its secrets by their ids; of the first one that is no digest where it has none."""
        return {FIRST_SECRET: self.client_secret or None} | {
            each["id"]: each["digest"] for each in self.further_secrets
        }

    @property
    def is_document(self) -> bool:
        return bool(self.registration_source == self.RegistrationSource.CIMD)

    @property
    def is_manual(self) -> bool:
        """Say whether an admin made it, and says what it is."""
        return bool(self.registration_source == self.RegistrationSource.MANUAL)

    @property
    def is_verified(self) -> bool:
        """Say whether somebody vouches for who runs it: an admin, or a document's host together with a key."""
        if self.is_document:
            return self.auth_method == AuthMethod.PRIVATE_KEY_JWT
        return self.is_manual

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
        """Changes with all that a person agreed to: name, redirects, authentication, pages, keys that are others."""
        agreed = [self.name, sorted(self.redirect_uris), self.auth_method, self.metadata]
        agreed += [self.key_turns] if self.key_turns else []
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
