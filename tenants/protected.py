"""What a tenant protects (ResourceServer, Scope), and where one resource server may call another (Downstream)."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit import identifiers
from kit.marks import initials
from tenants.scoping import TenantScoped


def _resource_server_id() -> str:
    return identifiers.make("res")


class ResourceServer(TenantScoped):
    """An API or MCP server that accepts the tenant's tokens. Its identifier is their audience."""

    class Kind(models.TextChoices):
        API = "api", _("REST API")
        MCP = "mcp", _("MCP server")
        A2A = "a2a", _("A2A agent")

    class SigningAlgorithm(models.TextChoices):
        ES256 = "ES256", "ES256"
        RS256 = "RS256", "RS256"

    class TokenFormat(models.TextChoices):
        JWT = "jwt", _("JWT, which it can check by itself")
        OPAQUE = "opaque", _("Opaque, which it must introspect")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_resource_server_id, editable=False)
    identifier = models.CharField(max_length=512)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=4, choices=Kind.choices, default=Kind.API, help_text="What speaks there.")
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
    probed_at = models.DateTimeField(null=True, help_text="When somebody last had it tested.")
    probe_failed = models.CharField(max_length=12, blank=True, help_text="The step that failed then; empty: none did.")
    retired_at = models.DateTimeField(null=True, help_text="Since when no token is made for it.")
    asked_at = models.DateTimeField(null=True, help_text="When it last introspected a token, to the minute.")
    version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "identifier"], name="one_identifier_per_tenant")]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def asks(self) -> bool:
        """Whether it asks about each token: then an end holds there at once."""
        return self.token_format == self.TokenFormat.OPAQUE or self.asks_each_time


class Scope(TenantScoped):
    """One permission word at one resource server, in words that people understand."""

    class Weight(models.TextChoices):
        FINAL = "final", _("cannot be undone")
        AS_YOU = "as_you", _("speaks as you")

    resource_server = models.ForeignKey(ResourceServer, on_delete=models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=100)
    description = models.CharField(max_length=255, blank=True)
    is_writing = models.BooleanField(default=False, help_text="Whether it changes things.")
    weight = models.CharField(
        max_length=8, choices=Weight.choices, blank=True, help_text="What is graver than that it changes things."
    )
    cannot = models.CharField(max_length=255, blank=True, help_text="What people may fear that it does, and it cannot.")
    longest_seconds = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How long a token with it lives at most; null: as long as any."
    )
    is_delegable = models.BooleanField(
        default=True, help_text="Whether an agent that holds it may hand it on to another agent."
    )
    is_default = models.BooleanField(default=False, help_text="Whether a request without scope gets it.")
    is_needed = models.BooleanField(default=False, help_text="Whether a person cannot untick it.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        ordering = ("position", "id")
        constraints = [
            models.UniqueConstraint(fields=["resource_server", "name"], name="one_scope_per_name"),
            models.CheckConstraint(
                condition=models.Q(weight="") | models.Q(is_writing=True), name="what_weighs_changes_things"
            ),
            models.CheckConstraint(
                condition=models.Q(longest_seconds=None) | models.Q(longest_seconds__gte=1, longest_seconds__lte=3600),
                name="a_scope_lets_tokens_live",
            ),
        ]

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
