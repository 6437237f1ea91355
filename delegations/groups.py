"""A list of delegations by what it is about: each agent, person or resource of it once, with how much there is."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Count, QuerySet

from agents.models import Agent
from delegations.models import Delegation
from tenants import directory
from tenants.models import Membership
from trust.models import Audience

MOST = 100
"""How many groups are shown, those with most in them first; all of them are counted."""


class By(StrEnum):
    """What delegations are grouped by, in the words of the list's filter that narrows it to one group (`WORDS`)."""

    AGENT = "agent"
    PERSON = "person"
    RESOURCE = "resource"


WORDS: Mapping[By, str] = {By.AGENT: "agent", By.PERSON: "who", By.RESOURCE: "resource"}
_COLUMNS = {By.AGENT: "agent_id", By.PERSON: "member_id", By.RESOURCE: "audience"}


@dataclass(frozen=True, slots=True)
class Group:
    """One agent, person or resource; without an id where there is none: an agent that acts for itself has no person."""

    id: str
    name: str
    delegations: int
    people: int
    agents: int
    resources: int

    def as_json(self) -> Mapping[str, Any]:
        return asdict(self)


def of(rows: "QuerySet[Delegation]", by: By) -> tuple[list[Group], int]:
    """Return the groups with most in them, and how many groups there are; three statements, whatever there is."""
    column = _COLUMNS[by]
    grouped = rows.order_by().values(column)
    counted = grouped.annotate(
        delegations=Count("pk", distinct=True),
        people=Count("member", distinct=True),
        agents=Count("agent", distinct=True),
        resources=Count("audience", distinct=True),
    )
    found = list(counted.order_by("-delegations", column)[:MOST])
    number = len(found) if len(found) < MOST else grouped.distinct().count()
    names = _names(by, [each[column] for each in found if each[column]])
    return [_group(each, each[column] or "", names) for each in found], number


def _group(line: Mapping[str, Any], key: str, names: Mapping[str, str]) -> Group:
    counts = {name: line[name] for name in ("delegations", "people", "agents", "resources")}
    return Group(id=key, name=names.get(key, key), **counts)


def _names(by: By, keys: Iterable[str]) -> Mapping[str, str]:
    if by == By.AGENT:
        return dict(Agent.objects.filter(pk__in=keys).values_list("pk", "name"))
    if by == By.PERSON:
        return {each.pk: str(each) for each in Membership.objects.select_related("user").filter(pk__in=keys)}
    here = {identifier: each.server.name for identifier, each in directory.resource_servers().items()}
    elsewhere = Audience.objects.filter(issuer__in=[each for each in keys if each not in here])
    return {**dict(elsewhere.values_list("issuer", "name")), **here}
