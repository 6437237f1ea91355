"""What a page of questions reads once for all its cards, in one statement: who acts here, who decides, which groups."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, Count, F, Min, TextField, Value
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils import timezone

from agents import logos, risk
from agents.models import Approval, Client
from console import people
from kit import moments, one_statement
from tenants.roles import Act, who_may

_WAITING, _DECIDERS, _GROUPS = "waiting", "deciders", "groups"
DECIDERS = 200
"""Of how many who decide one is chosen from a list."""


@dataclass(frozen=True, slots=True)
class Beside:
    """How many questions wait and since when, and what each of them is read beside.

    `logos` are addresses by client; `names` agents by what their names look like; `deciders` pairs of id and name.
    """

    number: int
    oldest: datetime | None
    logos: Mapping[str, str]
    names: risk.Names
    deciders: Sequence[tuple[str, str]]
    groups: Sequence[str]


def read() -> Beside:
    """Return it as it is now."""
    waiting = Approval.objects.filter(status=Approval.Status.WAITING)
    asked = waiting.order_by().values("status").annotate(since=Cast(Min("created_at"), TextField()), number=Count("pk"))
    called = Coalesce(NullIf("user__name", Value("")), "user__email", output_field=CharField())
    here = people.active().select_related(None)
    deciders = here.filter(who_may(Act.APPROVALS_DECIDE, now=timezone.now()))
    grouped = here.exclude(groups=[]).order_by().annotate(held=Cast("groups", TextField())).values("held").distinct()
    found = one_statement.ask(
        [
            one_statement.part(asked, _WAITING, text=F("since"), number=F("number")),
            one_statement.part(deciders, _DECIDERS, key=F("pk"), shown=called),
            one_statement.part(grouped, _GROUPS, text=F("held")),
            logos.part(Client.objects.filter(approvals__in=waiting)),
            risk.names_part(),
        ]
    )
    since = next(iter(found.get(_WAITING, ())), None)
    chosen = sorted((line.shown, line.key) for line in found.get(_DECIDERS, ()))[:DECIDERS]
    return Beside(
        since.number if since else 0,
        moments.of_database(since.text) if since else None,
        logos.places(line.key for line in found.get(logos.LOGOS, ())),
        risk.names_in(found),
        [(key, name) for name, key in chosen],
        sorted({str(group) for line in found.get(_GROUPS, ()) for group in json.loads(line.text)}),
    )
