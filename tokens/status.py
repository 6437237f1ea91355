"""Is a token still good right now? The database is asked for everything that it hangs on; nothing is cached."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, Q

from agents.models import Agent, Client
from delegations.models import READ, Ancestry, Delegation
from kit import context, statements
from kit.statements import Columns, Row, written_moment
from tenants.models import Membership, Tenant
from tokens import families
from tokens.models import AccessToken, RefreshToken

_TOKEN = Columns(
    AccessToken, "id", "tenant_id", "client_id", "delegation_id", "family_id", "parent_id", "subject", "actor",
    "audience", "scope", "grant_type", "digest", "created", "expires",
)  # fmt: skip
_AGENT = Columns(Agent, "id", "tenant_id", "name", "status", "ceiling")
_CLIENT = Columns(Client, "id", "tenant_id", "client_id", "name", "status")

_LIVE = (
    "SELECT (SELECT k.version FROM agents_client k WHERE k.id = %s AND k.status = 'active'), "
    f"{_TOKEN.listed('a')}, {READ.listed('d')}, {_AGENT.listed('g')}, {_CLIENT.listed('c')} "
    "FROM tokens_accesstoken a JOIN tenants_tenant t ON t.id = a.tenant_id "
    "JOIN agents_client c ON c.id = a.client_id JOIN delegations_delegation d ON d.id = a.delegation_id "
    "LEFT JOIN agents_agent g ON g.id = d.agent_id LEFT JOIN tenants_membership m ON m.id = d.member_id "
    "LEFT JOIN tenants_user u ON u.id = m.user_id LEFT JOIN tokens_refreshtoken f ON f.id = a.family_id "
    "WHERE a.id = %s AND a.tenant_id = %s AND a.revoked_at IS NULL AND a.expires > %s "
    "AND t.status = 'active' AND c.status = 'active' AND f.revoked IS NULL "
    "AND d.ended_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > %s) "
    "AND (d.agent_id IS NULL OR g.status = 'active') "
    "AND (d.member_id IS NULL OR (m.status = 'active' AND u.is_active)) "
    "AND (d.issuer_id IS NULL OR (SELECT i.is_enabled FROM trust_trustedissuer i WHERE i.id = d.issuer_id)) "
    "AND (d.elsewhere_id IS NULL OR (SELECT w.is_enabled FROM trust_audience w WHERE w.id = d.elsewhere_id)) "
    # A count of one question each: a question that could be joined would be turned round, and asked of a whole tenant.
    "AND 0 = (SELECT count(*) FROM delegations_ancestry y WHERE y.delegation_id = a.delegation_id AND ("
    "SELECT x.ended_at IS NOT NULL OR x.expires_at <= %s OR xc.status <> 'active' OR xa.status <> 'active' "
    "OR (x.issuer_id IS NOT NULL AND NOT (SELECT i.is_enabled FROM trust_trustedissuer i WHERE i.id = x.issuer_id)) "
    "FROM delegations_delegation x JOIN agents_client xc ON xc.id = x.client_id "
    "LEFT JOIN agents_agent xa ON xa.id = x.agent_id WHERE x.id = y.ancestor_id))"
)

_HELD = (
    "SELECT d.id FROM delegations_delegation d JOIN tenants_tenant t ON t.id = d.tenant_id "
    "JOIN agents_client c ON c.id = d.client_id JOIN agents_agent g ON g.id = d.agent_id "
    "JOIN tenants_membership m ON m.id = d.member_id "
    "WHERE d.id = %s AND d.tenant_id = %s AND d.ended_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > %s) "
    "AND t.status = 'active' AND c.status = 'active' AND g.status = 'active' AND m.status = 'active' "
    "AND (d.elsewhere_id IS NULL OR (SELECT w.is_enabled FROM trust_audience w WHERE w.id = d.elsewhere_id))"
)


@dataclass(frozen=True)
class Live:
    """A live access token as the statement gave it, and the version of the client that asked (None: not active)."""

    values: Row
    asker_version: int | None

    @property
    def client_pk(self) -> str:
        return str(self.values[_TOKEN.names.index("client_id")])

    @property
    def delegation_id(self) -> str:
        return str(self.values[_TOKEN.names.index("delegation_id")])

    @property
    def stands_until(self) -> datetime | None:
        """When its delegation ends by the calendar."""
        ends: datetime | None = self._of_delegation("expires_at")
        return ends

    @property
    def scopes(self) -> frozenset[str]:
        """What its delegation has at this moment, which may be less than the token says."""
        return frozenset(self._of_delegation("scopes"))

    @property
    def is_handed_on(self) -> bool:
        return bool(self._of_delegation("depth"))

    @property
    def ceiling(self) -> Mapping[str, list[str]] | None:
        """What the agent was approved for, by resource; None where nothing bounds it, or there is no agent."""
        begins = len(_TOKEN) + len(READ)
        ceiling: Mapping[str, list[str]] | None = _AGENT.one(self.values[begins:], "ceiling")
        return ceiling

    @property
    def audience(self) -> str:
        return str(self.values[_TOKEN.names.index("audience")])

    @property
    def digest(self) -> str:
        return str(self.values[_TOKEN.names.index("digest")])

    def _of_delegation(self, name: str) -> Any:
        return READ.one(self.values[len(_TOKEN) :], name)

    @cached_property
    def row(self) -> AccessToken:
        """The token's row with its client, its delegation and the agent; columns that were not asked for are lazy."""
        token, rest = self.values[: len(_TOKEN)], self.values[len(_TOKEN) :]
        delegation, rest = rest[: len(READ)], rest[len(READ) :]
        agent, client = rest[: len(_AGENT)], rest[len(_AGENT) :]
        row = _TOKEN.read(token)
        row.delegation = READ.read(delegation)
        row.delegation.agent = _AGENT.read(agent) if agent[0] is not None else None
        row.client = _CLIENT.read(client)
        return row


def live_access_token(token_id: str, *, now: datetime, asker: str = "") -> Live | None:
    """Return an access token if tenant, client, agent, person, family and delegation are all alive, and everything
    that the delegation hangs on; one statement at any depth. `asker` is the primary key of a client to look at too.
    """
    moment = written_moment(now)
    found = statements.first(_LIVE, [asker, token_id, context.require_id(), moment, moment, moment])
    return Live(found[1:], found[0]) if found is not None else None


def hold(delegation_id: str, *, now: datetime) -> bool:
    """Say whether a delegation of an agent for a person is alive, and keep it so until the caller's commit."""
    text = f"{_HELD} FOR SHARE OF d, t, c, g, m" if statements.is_postgresql() else _HELD
    return statements.first(text, [delegation_id, context.require_id(), written_moment(now)]) is not None


def live_family(family_id: str, *, now: datetime) -> RefreshToken | None:
    """Return a token family if it, its client and tenant, and one of its delegations are alive."""
    alive = Q(tenant__status=Tenant.Status.ACTIVE, client__status=Client.Status.ACTIVE)
    family = RefreshToken.objects.filter(alive, pk=family_id, revoked=None).first()
    if family is None or families.is_over(family, now=now):
        return None
    held = Delegation.objects.filter(lives(now), ~hangs_on_dead(now), pk__in=family.delegations)
    return family if held.exists() else None


def lives(now: datetime) -> Q:
    """Return what a delegation that a token hangs on must be: alive, with an agent and a person that are."""
    person = Q(member__status=Membership.Status.ACTIVE, member__user__is_active=True)
    return (
        Q(ended_at=None)
        & (Q(expires_at=None) | Q(expires_at__gt=now))
        & (Q(agent=None) | Q(agent__status=Agent.Status.ACTIVE))
        & (Q(member=None) | person)
    )


def hangs_on_dead(now: datetime) -> Exists:
    """Say whether something that a delegation hangs on is over, or its agent or client does not act."""
    is_dead = (
        Q(ancestor__ended_at__isnull=False)
        | Q(ancestor__expires_at__lte=now)
        | ~Q(ancestor__agent__status=Agent.Status.ACTIVE)
        | ~Q(ancestor__client__status=Client.Status.ACTIVE)
    )
    return Exists(Ancestry.objects.filter(is_dead, delegation=OuterRef("pk")))
