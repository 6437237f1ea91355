"""How much a delegation is used, and what a verb on an agent reaches before anybody decides on it. Pure reading."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import CharField, Count, F, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from agents.models import Agent, AssertionRule, Client
from delegations.models import Ancestry, Delegation
from kit import one_statement
from kit.one_statement import Line
from tenants import directory
from tenants.models import Membership, ResourceServer
from tokens import receipts
from tokens.models import AccessToken
from trust.models import Audience, TrustedIssuer

if TYPE_CHECKING:  # The stubs are not installed where the product runs.
    from django_stubs_ext import WithAnnotations

    UsedDelegation = WithAnnotations[Delegation, "Use"]

NAMED = 10
"""How many people an impact names; it counts them all."""
TOKENS, NUMBERS, PEOPLE, ALLOWED = "tokens", "numbers", "people", "allowed"


class Use(TypedDict):
    """How much a delegation is used."""

    last_used_at: datetime | None
    uses: int


def with_use(delegations: "QuerySet[Delegation]") -> "QuerySet[UsedDelegation]":
    """Annotate when each delegation was last used (`last_used_at`), and how often (`uses`)."""
    tokens = AccessToken.objects.filter(delegation=OuterRef("pk")).order_by()
    counted = tokens.values("delegation").annotate(number=Count("pk")).values("number")
    return delegations.annotate(
        last_used_at=Subquery(tokens.order_by("-created").values("created")[:1]),
        uses=Coalesce(Subquery(counted), 0),
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """A resource server that a verb reaches: how it finds out, and until when it may accept what it holds."""

    resource: str
    name: str
    delegations: int
    tokens: int
    checks: str
    until: datetime | None

    def as_json(self) -> Mapping[str, Any]:
        late = {"accepted_until": self.until.isoformat()} if self.until else {}
        return {
            "resource": self.resource,
            "name": self.name,
            "delegations": self.delegations,
            "tokens": self.tokens,
            "checks": self.checks,
            **late,
        }


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom and what a verb reaches: delegations and what was handed on of them, and their tokens.

    `helpers` are the agents that hold them, besides the one that the verb is about.
    """

    at: datetime
    people: int
    delegations: int
    helpers: int
    named: tuple[tuple[str, str], ...]
    servers: tuple[Reached, ...]

    @property
    def tokens(self) -> int:
        return sum(each.tokens for each in self.servers)

    @property
    def until(self) -> datetime | None:
        """When the last token dies that somebody may still accept, or None."""
        return max((each.until for each in self.servers if each.until), default=None)

    def as_json(self, *, agents: str = "agents_working_for_it") -> Mapping[str, Any]:
        """Return it as a body says it; `agents` is what its agents are called there."""
        return {
            "people": self.people,
            "people_named": [{"id": key, "name": name} for key, name in self.named],
            "delegations": self.delegations,
            "tokens": self.tokens,
            agents: self.helpers,
            "resource_servers": [each.as_json() for each in self.servers],
            "time_to_zero": ceil((self.until - self.at).total_seconds()) if self.until else 0,
        }


def of_agent(agent: Agent, *, now: datetime) -> Impact:
    """Return what stops or comes back with an agent, in one query whatever it holds."""
    return told(one_statement.ask(parts_of_agent(agent, now)), now)


def parts_of_agent(agent: Agent, now: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the questions whose answers `told` reads, for a statement that may ask more."""
    below = Ancestry.objects.filter(ancestor__agent=agent).values("delegation")
    # One list, not two conditions: as in receipts, PostgreSQL would read a whole tenant otherwise.
    return _parts(Delegation.objects.filter(agent=agent).values("pk").union(below), now, others=~Q(agent=agent))


def of_agents(agents: Collection[str], *, now: datetime) -> Impact:
    """Return what stops or comes back with several agents, by their ids."""
    below = Ancestry.objects.filter(ancestor__agent__in=agents).values("delegation")
    held = Delegation.objects.filter(agent__in=agents).values("pk").union(below)
    return _of(held, now, others=~Q(agent__in=agents))


def of_issuer(issuer: TrustedIssuer, *, now: datetime) -> Impact:
    """Return what stops or comes back with an issuer: what stands on its word, and what was handed on of that."""
    below = Ancestry.objects.filter(ancestor__issuer=issuer).values("delegation")
    return _of(Delegation.objects.filter(issuer=issuer).values("pk").union(below), now)


def of_audience(audience: Audience, *, now: datetime) -> Impact:
    """Return what stops with an authorization server elsewhere: what agents may have from it."""
    return _of(Delegation.objects.filter(elsewhere=audience).values("pk"), now)


def of_resource(server: ResourceServer, *, now: datetime) -> Impact:
    """Return what rests or comes back with a resource server."""
    return _of(Delegation.objects.filter(resource_server=server).values("pk"), now)


def of_client(client: Client, *, now: datetime) -> Impact:
    """Return what ends with one of an agent's clients."""
    return _of(Delegation.objects.filter(client=client).values("pk"), now)


def of_rule(rule: AssertionRule, *, now: datetime) -> Impact:
    """Return what ends with a rule that lets a client across."""
    across = Delegation.objects.filter(client=rule.client_id, elsewhere=rule.audience_id, audience=rule.resource)
    return _of(across.values("pk"), now)


def _of(standing: "QuerySet[Delegation, Any]", now: datetime, *, others: Q | None = None) -> Impact:
    return told(one_statement.ask(_parts(standing, now, others=others)), now)


def _parts(
    standing: "QuerySet[Delegation, Any]", now: datetime, *, others: Q | None = None
) -> list["QuerySet[Any, Any]"]:
    live = Delegation.objects.live(now).filter(pk__in=standing).order_by()
    return [_tokens(live, now), _numbers(live, others), _people(live), _allowed(live)]


def told(found: Mapping[str, list[Line]], now: datetime) -> Impact:
    """Return an impact by the lines of a statement."""
    numbers = found[NUMBERS][0] if found.get(NUMBERS) else Line("", "", "", 0, 0, 0, None)
    tokens = {each.key: each for each in found.get(TOKENS, ())}
    allowed = sorted(found.get(ALLOWED, ()))
    named = sorted((each.shown, each.key) for each in found.get(PEOPLE, ()))
    return Impact(
        at=now,
        people=numbers.number,
        delegations=numbers.second,
        helpers=numbers.third,
        named=tuple((key, name) for name, key in named),
        servers=tuple(_reached(each.key, each.number, tokens.get(each.key)) for each in allowed),
    )


def _numbers(live: "QuerySet[Delegation]", others: Q | None) -> "QuerySet[Any, Any]":
    counts = {
        "number": Count("member", distinct=True),
        "second": Count("pk"),
        "third": Count("agent", distinct=True, filter=others),
    }
    # Of the tenant's rows all are of one group: an aggregate that Django does not ask for at once.
    return one_statement.part(live.values("tenant"), NUMBERS, **counts)


def _people(live: "QuerySet[Delegation]") -> "QuerySet[Any, Any]":
    people = Membership.objects.filter(pk__in=live.values("member")).order_by("user__name", "pk")
    first = Membership.objects.filter(pk__in=people.values("pk")[:NAMED]).order_by()
    return one_statement.part(first, PEOPLE, key=F("pk"), shown=name_of(""))


def name_of(way: str) -> Coalesce:
    """Return what a member is called, who is at the end of a way of relations."""
    return Coalesce(NullIf(f"{way}user__name", Value("")), f"{way}user__email", output_field=CharField())


def _allowed(live: "QuerySet[Delegation]") -> "QuerySet[Any, Any]":
    return one_statement.part(live.values("audience"), ALLOWED, key=F("audience"), number=Count("pk"))


def _tokens(live: "QuerySet[Delegation]", now: datetime) -> "QuerySet[Any, Any]":
    unexpired = AccessToken.objects.filter(delegation__in=live.values("pk"), expires__gt=now, revoked_at=None)
    grouped = unexpired.order_by().values("audience")
    return one_statement.part(grouped, TOKENS, key=F("audience"), number=Count("pk"), latest=Max("expires"))


def _reached(audience: str, delegations: int, held: Line | None) -> Reached:
    protected, checks = directory.resource_server(audience), receipts.checks(audience)
    sign_in = "Sign-in" if audience == directory.current().issuer else audience
    return Reached(
        resource=audience,
        name=protected.server.name if protected else sign_in,
        delegations=delegations,
        tokens=held.number if held else 0,
        checks=checks,
        until=held.latest if held and checks == receipts.ITSELF else None,
    )
