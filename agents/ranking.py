"""What is worth a second look at agents, as SQL: by what a list narrows and sorts, whatever number of them there are.

The grave rules are those of `agents.risk`, which says them of one in words; a test holds both together.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    F,
    Func,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Lower
from django.db.models.lookups import Exact

from agents import credentials, risk, writing
from agents.models import Agent, Client
from audit.events import REFUSALS
from audit.models import Entry
from kit import identifiers
from kit.oauth import AuthMethod
from kit.orders import NEWEST, OLDEST, Order

LATELY = timedelta(days=7)
"""Within which refusals count."""
BY_NAME = Order("name", Lower("name"))
_NO_SECRET = datetime(9999, 12, 31, tzinfo=UTC)
"""Where no secret is good, as of one that is younger than all."""
_VERIFIED = Q(registration_source=Client.RegistrationSource.MANUAL) | Q(
    registration_source=Client.RegistrationSource.CIMD, auth_method=AuthMethod.PRIVATE_KEY_JWT
)
"""As Client.is_verified says it of one."""


def orders(now: datetime) -> dict[str, Order]:
    """Return the orders of a list by their words: the gravest, the oldest secret, the most refused first."""
    return {order.word: order for order in (make(now) for make in ORDERS.values())}


def is_verified() -> Exists:
    """Match the agents of a query of whom somebody says who runs them: an admin, or a document's host with a key."""
    return Exists(Client.objects.filter(_VERIFIED, agent=OuterRef("pk")).order_by())


def is_high(now: datetime) -> Case:
    """Say of the agents of a query whether a grave rule speaks of them."""
    return Case(When(_is_grave(now), then=Value(True)), default=Value(False))


def _is_grave(now: datetime) -> Q:
    seen_here = Agent.objects.filter(status=Agent.Status.ACTIVE, looks=OuterRef("looks"))
    alike = Exists(seen_here.exclude(pk=OuterRef("agent_id")).order_by())
    strangers = _acting().exclude(registration_source=Client.RegistrationSource.MANUAL)
    is_masked = Exists(strangers.filter(Q(is_odd=True) | alike))
    may_change = Q(_has_stranger()) & Q(Exact(writing.held(now), True))
    return Q(status__in=risk.AT_WORK) & (Q(is_masked) | may_change)


def _rank(now: datetime) -> Case:
    """Return 2 where a grave rule speaks, 1 where nobody says who runs it, 0 for the rest and whatever is over."""
    unknown = Q(status__in=risk.AT_WORK) & Q(_has_stranger())
    return Case(When(_is_grave(now), then=Value(2)), When(unknown, then=Value(1)), default=Value(0))


def _acting() -> "QuerySet[Client]":
    return Client.objects.filter(agent=OuterRef("pk"), status=Client.Status.ACTIVE).order_by()


def _has_stranger() -> Exists:
    return Exists(_acting().exclude(_VERIFIED))


def _oldest_secret() -> Subquery:
    """Return when the oldest good secret was made; further ones stand behind each other as they came."""
    further = _Moment(KT("further_secrets__0__made_at"))
    made = Case(When(~Q(client_secret=""), then=F("created")), default=further, output_field=DateTimeField())
    clients = _acting().filter(auth_method__in=credentials.BY_SECRET)
    return Subquery(clients.values("agent").annotate(oldest=Min(made)).values("oldest"))


def _refused(now: datetime) -> Case:
    """Return how often they were refused of late; only of those that were at all it is counted."""
    since = identifiers.at("evt", now - LATELY)
    late = Entry.objects.filter(event__in=REFUSALS, pk__gte=since).order_by()
    own = late.filter(through=OuterRef("pk")).values("through").annotate(number=Count("pk")).values("number")
    return Case(When(pk__in=late.values("through"), then=Subquery(own)), default=Value(0))


class _Moment(Func):
    """A moment that is kept as text (ISO 8601, in UTC) as the database keeps others."""

    output_field = DateTimeField()
    template = "(%(expressions)s)::timestamptz"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="REPLACE(REPLACE(%(expressions)s, 'T', ' '), '+00:00', '')", **context
        )


ORDERS: Mapping[str, Callable[[datetime], Order]] = {
    "newest": lambda now: NEWEST,
    "oldest": lambda now: OLDEST,
    "name": lambda now: BY_NAME,
    "risk": lambda now: Order("risk", _rank(now), is_falling=True),
    "secret": lambda now: Order("secret", Coalesce(_oldest_secret(), Value(_NO_SECRET))),
    "refused": lambda now: Order("refused", _refused(now), is_falling=True),
}
"""The orders of a list by their words; the first one holds where none is said."""
