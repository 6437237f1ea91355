"""What people call somebody or something, as the ids that the ledger holds: looked for first, and few."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, F, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from agents.models import Agent, Client
from kit import identifiers
from tenants.filters import called
from tenants.models import Membership, ResourceServer

MOST = 50
"""Rows that one text stands for. Of more, the first stand for it, and it is said that there are more."""
SOMEBODY, PROGRAM, RESOURCE = "somebody", "program", "resource"
_PERSON = "usr_"
_NOBODY = Value("", CharField())
Found = Sequence[tuple[str, str]]
"""Ids, and beside each what it belongs to: a client's agent, a resource's identifier; of a person nothing."""


@dataclass(frozen=True, slots=True)
class Called:
    """What a text stands for: ids of people, of agents and of clients (as `client_id`), and places of resources.

    What nobody is called stands for itself: the ledger knows more than is there today.
    """

    people: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    audiences: frozenset[str] = frozenset()
    number: int = 0
    """How many people, agents or resources that is."""
    is_all: bool = True

    @property
    def ids(self) -> list[str]:
        return sorted(self.people | self.programs | self.servers)


def look(asked: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Called]:
    """Return what each text stands for as somebody, a program or a resource: by id, name, e-mail or identifier.

    All are looked for in one statement; only where they have very many rows is each looked for by itself.
    """
    wanted = [each for each in dict.fromkeys(asked) if not _is_person(*each)]
    queries = [
        query.annotate(place=Value(place, IntegerField()))
        for place, each in enumerate(wanted)
        for query in _queries(*each)
    ]
    most = (MOST + 1) * len(wanted)
    rows = _rows(queries, most + 1)
    if len(rows) > most and len(wanted) > 1:
        return {each: look([each])[each] for each in asked}
    found = {each: [row[:2] for row in rows if row[2] == place] for place, each in enumerate(wanted)}
    people = {each: Called(people=frozenset({each[1]}), number=1) for each in asked if _is_person(*each)}
    return {**people, **{each: _called(*each, pairs) for each, pairs in found.items()}}


def _is_person(kind: str, text: str) -> bool:
    """Say whether a text is a person's id: it stands for itself, and goes by the index of people."""
    return kind == SOMEBODY and text.startswith(_PERSON) and identifiers.is_one(text)


def _rows(queries: "Sequence[QuerySet[Any]]", most: int) -> list[tuple[str, str, int]]:
    if not queries:
        return []
    first, *others = [
        each.order_by().values_list("pk" if each.model is not Client else "client_id", "beside", "place")
        for each in queries
    ]
    return list((first.union(*others, all=True) if others else first)[:most])


def _called(kind: str, text: str, found: Found) -> Called:
    pairs, is_all = found[:MOST], len(found) <= MOST
    ids = frozenset(pk for pk, _ in pairs)
    if kind == RESOURCE:
        return Called(servers=ids, audiences=frozenset(beside for _, beside in pairs), number=len(pairs), is_all=is_all)
    programs = {each for each in pairs if each[1]}
    people = frozenset(pk for pk, beside in pairs if not beside)
    itself = {text} if identifiers.is_one(text) else set()
    return Called(
        people=people,
        programs=frozenset({each for pair in programs for each in pair} | itself),
        number=len(people) + len({beside for _, beside in programs} or itself),
        is_all=is_all,
    )


def _queries(kind: str, text: str) -> "Sequence[QuerySet[Any]]":
    return [query(text) for query in _OF[kind]]


def _people(text: str) -> "QuerySet[Any]":
    named = Q(user__name__icontains=text) | Q(user__email__icontains=text)
    return Membership.objects.filter(named).annotate(beside=_NOBODY)


def _agents(text: str) -> "QuerySet[Any]":
    return Agent.objects.filter(Q(pk=text) | _named("name", text)).annotate(beside=F("pk"))


def _clients(text: str) -> "QuerySet[Any]":
    named = _named("name", text) | _named("agent__name", text)
    found = Client.objects.filter(Q(client_id=text) | Q(agent=text) | named)
    return found.annotate(beside=Coalesce("agent", "client_id", output_field=CharField()))


def _named(name: str, text: str) -> Q:
    """Match what has a text in its name. An id means what has it, and nothing that calls itself so."""
    return Q(pk=None) if identifiers.is_one(text) else Q(**{f"{name}__icontains": text})


def _servers(text: str) -> "QuerySet[Any]":
    return ResourceServer.objects.filter(called(text)).annotate(beside=F("identifier"))


_OF: Mapping[str, Sequence[Callable[[str], "QuerySet[Any]"]]] = {
    SOMEBODY: (_people, _agents, _clients),
    PROGRAM: (_agents, _clients),
    RESOURCE: (_servers,),
}
