"""Who let whom do what: Consent (what was shown and agreed, immutable) and Delegation (live, revocable)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from agents import owning
from agents.models import Agent, Client
from kit import context, identifiers, statements
from tenants.models import Membership, ResourceServer, Scope
from tenants.roles import Act, may
from tenants.rules import may_see_console
from tenants.scoping import TenantManager, TenantScoped
from trust.models import Audience, TrustedIssuer


def _consent_id() -> str:
    return identifiers.make("con")


def _delegation_id() -> str:
    return identifiers.make("dlg")


class Consent(TenantScoped):
    """What a person saw and agreed to. Written once, never changed."""

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_consent_id, editable=False)
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="consents")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="consents")
    redirect_host = models.CharField(max_length=512)
    client_digest = models.CharField(max_length=64)
    identity = models.JSONField(default=list, help_text="Scopes that name the person, or how long; of no resource.")
    shown = models.JSONField(help_text="Every sentence and choice of the page.")
    shown_digest = models.CharField(max_length=64)
    circumstances = models.JSONField(
        null=True, help_text="Browser, system and network, and what the person had proved when. Null: nobody kept it."
    )
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantScoped.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.member_id} → {self.client_id}"


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def live(self, now: datetime) -> "DelegationQuerySet":
        """Neither ended nor expired, and nothing that it hangs on is."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), ~_hangs_on_over(now), ended_at=None)

    def over(self, now: datetime) -> "DelegationQuerySet":
        """Everything else: ended or expired, by itself or with what it hangs on."""
        return self.filter(Q(ended_at__isnull=False) | Q(expires_at__lte=now) | _hangs_on_over(now))

    def of(self, member: Membership) -> "DelegationQuerySet":
        """What lets agents act for this person."""
        return self.filter(subject=member.pk)

    def visible_to(self, member: Membership) -> "DelegationQuerySet":
        """What a member may see: theirs and their agents', and everybody's for those who look after the tenant."""
        if may_see_console(member):
            return self
        # Asked beforehand: with their ids the database takes its indexes, and most people own no agent.
        agents = list(owning.theirs(member).values_list("pk", flat=True))
        return self.filter(Q(subject=member.pk) | Q(agent__in=agents)) if agents else self.of(member)

    def narrowed_by(self, member: Membership) -> "DelegationQuerySet":
        """What a member may make smaller: their own, and everybody's for those who may end it."""
        return self if may(member, Act.DELEGATIONS_END) else self.of(member)

    def with_names(self) -> "DelegationQuerySet":
        """Fetch what the sentence needs."""
        related = ("member__user", "agent", "client", "resource_server", "parent__agent", "elsewhere", "issuer")
        return self.select_related(*related).prefetch_related("resource_server__scopes")


class DelegationManager(TenantManager["Delegation"]):
    def get_queryset(self) -> DelegationQuerySet:
        return DelegationQuerySet(self.model, using=self._db).filter(tenant_id=context.require_id())

    def live(self, now: datetime) -> DelegationQuerySet:
        return self.get_queryset().live(now)

    def visible_to(self, member: Membership) -> DelegationQuerySet:
        return self.get_queryset().visible_to(member)

    def narrowed_by(self, member: Membership) -> DelegationQuerySet:
        return self.get_queryset().narrowed_by(member)

    def of(self, member: Membership) -> DelegationQuerySet:
        return self.get_queryset().of(member)


class Delegation(TenantScoped):
    """Live authority: subject S lets actor A, using client C, do scopes X at audience R until E.

    An agent that acts for itself is its own subject. Ended rows stay: they are the history.
    """

    class Origin(models.TextChoices):
        CONSENT = "consent", _("The person allowed this")
        ADMIN = "admin", _("The organisation allowed this")
        HANDED_ON = "handed_on", _("Another agent handed part of its own on")
        ID_JAG = "id_jag", _("The organisation allowed this across domains")
        WORKLOAD = "workload", _("A trusted platform's word")

    id = models.CharField(primary_key=True, max_length=identifiers.LENGTH, default=_delegation_id, editable=False)
    subject = models.CharField(max_length=identifiers.LENGTH)
    member = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="delegations")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, null=True, related_name="delegations")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="delegations")
    resource_server = models.ForeignKey(ResourceServer, on_delete=models.PROTECT, null=True, related_name="delegations")
    audience = models.CharField(max_length=512, help_text="The resource's identifier, or the issuer for sign-in only.")
    scopes = models.JSONField(default=list)
    constraints = models.JSONField(default=dict)
    expires_at = models.DateTimeField(null=True)
    origin = models.CharField(max_length=12, choices=Origin.choices)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, null=True, related_name="delegations")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    depth = models.PositiveSmallIntegerField(default=0, help_text="How often it was handed on since the consent.")
    helpers = models.JSONField(
        default=list, help_text="Ids of the agents that part of it may be handed to, as the person read it."
    )
    elsewhere = models.ForeignKey(
        Audience,
        on_delete=models.PROTECT,
        null=True,
        related_name="delegations",
        help_text="The authorization server that identity assertion grants of it are for; its resource is there.",
    )
    issuer = models.ForeignKey(
        TrustedIssuer,
        on_delete=models.PROTECT,
        null=True,
        related_name="delegations",
        help_text="The issuer whose word it stands on.",
    )
    foreign_delegation = models.CharField(
        max_length=identifiers.LENGTH, blank=True, help_text="What it stands on in another tenant of this installation."
    )
    foreign_act = models.JSONField(null=True, help_text="Who acted before it came here, as the issuer verified it.")
    withheld = models.JSONField(
        default=list, help_text="Scopes that somebody took away: by itself it does not get them back."
    )
    shortened_by = models.CharField(
        max_length=255, blank=True, help_text="Who set an earlier end than it had: that end is then theirs."
    )
    narrowed_at = models.DateTimeField(null=True, help_text="When somebody made it smaller last.")
    cut = models.JSONField(null=True, help_text="Who made this very one smaller last, and what stood there before.")
    cut_at = models.DateTimeField(
        null=True, help_text="When it became smaller last; with what it hangs on, the same moment as that."
    )
    cut_version = models.PositiveBigIntegerField(null=True, help_text="The version that it had after that.")
    scopes_before = models.JSONField(null=True, help_text="The scopes that it had before that.")
    ends_before = models.DateTimeField(null=True, help_text="The end that it had before that.")
    restored_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    renewal_asked_at = models.DateTimeField(null=True, help_text="When its person was last asked to renew it.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=255, blank=True)
    ended_reason = models.CharField(max_length=512, blank=True)
    version = models.PositiveBigIntegerField(default=1)

    objects: ClassVar[DelegationManager] = DelegationManager()
    offered: Iterable[Scope] | None = None
    """The scopes of its resource server, where whoever fetched it had them already."""

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject", "client", "audience", "origin"],
                condition=Q(ended_at=None, parent=None, issuer=None),
                name="one_live_delegation",
            ),
            models.UniqueConstraint(
                fields=["tenant", "subject", "client", "audience", "issuer"],
                condition=Q(ended_at=None, parent=None, issuer__isnull=False),
                name="one_live_delegation_of_an_issuer",
            ),
            models.UniqueConstraint(
                fields=["tenant", "parent", "client", "audience"],
                condition=Q(ended_at=None, parent__isnull=False),
                name="one_live_part_for_a_client",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], condition=Q(ended_at=None), name="delegation_newest_live"),
            models.Index(fields=["tenant", "subject", "-id"], name="delegation_by_subject"),
            models.Index(fields=["tenant", "expires_at"], condition=Q(ended_at=None), name="delegation_due"),
            models.Index(
                fields=["tenant", "foreign_delegation"],
                condition=Q(ended_at=None) & ~Q(foreign_delegation=""),
                name="delegation_of_a_sister",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.agent_id or self.client_id} at {self.audience}"

    def is_over(self, now: datetime) -> bool:
        return self.ended_at is not None or (self.expires_at is not None and self.expires_at <= now)

    @cached_property
    def line(self) -> tuple["Delegation", ...]:
        """Itself and all that it hangs on, the consent's own delegation last; one statement, which never changes."""
        if not self.depth:
            return (self,)
        return (self, *map(READ.read, statements.every(_ABOVE, [self.pk, context.require_id()])))

    @property
    def scope_set(self) -> frozenset[str]:
        return frozenset(self.scopes)

    @property
    def withheld_set(self) -> frozenset[str]:
        return frozenset(self.withheld)

    @property
    def titles(self) -> list[dict[str, Any]]:
        """The scopes in words, in the order in which the resource server lists them; elsewhere only names are known."""
        if self.elsewhere is not None:
            return [{"title": name, "is_writing": False, "name": name} for name in sorted(self.scopes)]
        if self.resource_server is None:
            return []
        listed = [scope for scope in self._offered if scope.name in self.scope_set]
        return [{"title": scope.title, "is_writing": scope.is_writing, "name": scope.name} for scope in listed]

    @property
    def cannot(self) -> list[str]:
        """What the resource offers and this does not allow, in words."""
        if self.resource_server is None:
            return []
        return [scope.title for scope in self._offered if scope.name not in self.scope_set]

    @property
    def _offered(self) -> Iterable[Scope]:
        if self.offered is not None or self.resource_server is None:
            return self.offered or ()
        return self.resource_server.scopes.all()


class Ancestry(TenantScoped):
    """That a delegation hangs on another, at whatever distance: one row for each pair, written with the delegation.

    Whether something above is over is asked in one statement at any depth, and ending is one UPDATE of one row.
    """

    delegation = models.ForeignKey(Delegation, on_delete=models.CASCADE, related_name="ancestry")
    ancestor = models.ForeignKey(Delegation, on_delete=models.CASCADE, related_name="progeny")
    distance = models.PositiveSmallIntegerField()

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "delegation", "ancestor"], name="one_step_of_ancestry")
        ]

    def __str__(self) -> str:
        return f"{self.delegation_id} hangs on {self.ancestor_id}"


def _hangs_on_over(now: datetime) -> Exists:
    over = Q(ancestor__ended_at__isnull=False) | Q(ancestor__expires_at__lte=now)
    return Exists(Ancestry.unscoped.filter(over, delegation=OuterRef("pk")))


READ = statements.Columns(
    Delegation, "id", "tenant_id", "client_id", "agent_id", "member_id", "parent_id", "consent_id", "subject",
    "audience", "origin", "depth", "version", "scopes", "helpers", "expires_at", "ended_at",
    "elsewhere_id", "issuer_id", "foreign_act", "foreign_delegation", "withheld", "shortened_by",
    "narrowed_at",
)  # fmt: skip
"""What judging a delegation needs; names and pages read the rest."""
_ABOVE = (
    f"SELECT {READ.listed('d')} FROM delegations_ancestry y JOIN delegations_delegation d ON d.id = y.ancestor_id "
    "WHERE y.delegation_id = %s AND y.tenant_id = %s ORDER BY y.distance"
)
