"""The agents of a tenant, for people who look after them: registered, changed, paused, ended and brought back.

A verb on an agent first says whom and what it reaches where `dry_run=true` is asked, and then changes nothing. The
version of an agent is its ETag.
"""

from typing import Any, ClassVar

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import confirming, handovers, owners, owning, ranking, rules
from agents.filters import AgentFilter
from agents.models import Agent
from agents.rules import Verb, is_possible
from api import agent_bounds, agent_rows, versions
from api.agent_bounds import Bounds
from api.agent_rows import AgentSerializer
from api.door import Door, said
from api.fresh import check_fresh
from api.keepers import ForOwners, ForReaders, by, member_of, voices
from api.listing import Listing
from api.narrowing import asks_for, check_words
from tenants.models import Membership
from tenants.roles import Act
from tokens import impact, stops

READ, WRITE = "agents:read", "agents:write"
PEOPLE = ("owner", "sponsor", "successor")


class Words(serializers.Serializer[Any]):
    """What an admin says of an agent."""

    name = serializers.CharField(max_length=100)
    purpose = serializers.CharField(required=False, allow_blank=True, help_text="What it is for: 500 characters.")
    owner = serializers.CharField(max_length=30)
    co_owners = serializers.ListField(child=serializers.CharField(max_length=30), required=False)
    sponsor = serializers.CharField(max_length=30, required=False, allow_null=True)
    successor = serializers.CharField(max_length=30, required=False, allow_null=True)


class NewAgent(Words):
    """`ceiling` is what it ever gets at most, by resource. Null is whatever people allow; an empty one nothing."""

    ceiling = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=100)), required=False, allow_null=True
    )


class Change(Bounds, Words):
    """What is said of it, and what bounds it."""


class Why(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class _Agents(Door):
    permission_classes = [ForOwners]
    owned = frozenset({"GET", "HEAD", "DELETE"})
    scopes = {"GET": READ, "POST": WRITE, "PATCH": WRITE, "DELETE": WRITE}
    acts = {"GET": Act.AGENTS_READ, "POST": Act.AGENTS_WRITE, "PATCH": Act.AGENTS_WRITE, "DELETE": Act.AGENTS_WRITE}


class Agents(_Agents):
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("agents", AgentSerializer, AgentFilter, orders=ranking.ORDERS)
    answers = {"GET": listing, "POST": AgentSerializer}
    reads = {"POST": NewAgent}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, agent_rows.named(owning.visible_to(member_of(request))))

    def post(self, request: Request) -> Response:
        words = _with_people(said(NewAgent(data=request.data)))
        made = owners.create_agent(words.pop("name"), by=by(request), **words)
        return agent_rows.answer(made, status.HTTP_201_CREATED)


class OneAgent(_Agents):
    http_method_names = ["get", "patch", "delete", "head", "options"]
    answers = {"GET": AgentSerializer, "PATCH": AgentSerializer, "DELETE": AgentSerializer}
    reads = {"PATCH": Change, "DELETE": Why}

    def get(self, request: Request, agent_id: str) -> Response:
        return agent_rows.answer(get_object_or_404(agent_rows.named(), pk=agent_id))

    def patch(self, request: Request, agent_id: str) -> Response:
        agent, version = get_object_or_404(Agent, pk=agent_id), versions.read_by(request)
        words = _with_people(said(Change(data=request.data, partial=True)))
        bounds = agent_bounds.taken_from(words)
        if not bounds:
            return agent_rows.answer(owners.change_agent(agent, by=by(request), version=version, **words))
        rules.check_impartial(agent, voices(request))
        check_fresh(request)
        with transaction.atomic():
            agent = handovers.set_limits(agent, by=by(request), version=version, **bounds)
            return agent_rows.answer(owners.change_agent(agent, by=by(request), **words) if words else agent)

    def delete(self, request: Request, agent_id: str) -> Response:
        return _acted(request, Verb.RETIRE, agent_id)


class _Verb(Door):
    http_method_names = ["post", "options"]
    scopes = {"POST": WRITE}
    answers = {"POST": AgentSerializer}
    reads = {"POST": Why}
    verb: ClassVar[Verb]

    def post(self, request: Request, agent_id: str) -> Response:
        return _acted(request, self.verb, agent_id)


class Pause(_Verb):
    permission_classes = [ForOwners]
    owned = frozenset({"POST"})
    acts = {"POST": Act.AGENTS_PAUSE}
    verb = Verb.PAUSE


class Resume(_Verb):
    acts = {"POST": Act.AGENTS_PAUSE}
    verb = Verb.RESUME


class Restore(_Verb):
    acts = {"POST": Act.AGENTS_WRITE}
    verb = Verb.RESTORE


class Confirm(Door):
    """Whoever answers for an agent says, once they were asked, that it is still theirs and still needed.

    Where nobody waits for that any more nothing is written.
    """

    http_method_names = ["post", "options"]
    permission_classes = [ForReaders]
    scopes = {"POST": WRITE}
    answers = {"POST": AgentSerializer}

    def post(self, request: Request, agent_id: str) -> Response:
        check_words(request, frozenset())
        member = member_of(request)
        agent = get_object_or_404(owning.theirs(member), pk=agent_id)
        confirming.confirm(agent, by=member)
        return agent_rows.answer(agent_rows.named().get(pk=agent.pk))


def _acted(request: Request, verb: Verb, agent_id: str) -> Response:
    check_words(request, frozenset({"dry_run"}))
    agent, why = get_object_or_404(Agent, pk=agent_id), said(Why(data=request.data))
    if asks_for(request, "dry_run"):
        now = timezone.now()
        first = {"dry_run": True, "verb": verb, "agent": agent.pk, "possible": is_possible(verb, agent, now=now)}
        return Response({**first, **impact.of_agent(agent, now=now).as_json()})
    if verb == Verb.RETIRE:
        check_fresh(request)
    stops.ON_AGENTS[verb](agent, by=by(request), reason=why["reason"], version=versions.read_by(request))
    return agent_rows.answer(agent_rows.named().get(pk=agent.pk))


def _with_people(words: dict[str, Any]) -> dict[str, Any]:
    """Return what was said with members in the place of their ids; raises ValidationError."""
    ids = {words[name] for name in PEOPLE if words.get(name)} | set(words.get("co_owners", ()))
    people = {each.pk: each for each in Membership.objects.select_related("user").filter(pk__in=ids)}
    for name in (*PEOPLE, "co_owners"):
        value = words.get(name)
        named = value if isinstance(value, list) else [value] if value else []
        if not set(named) <= people.keys():
            raise serializers.ValidationError({name: ["Nobody of this tenant has this id."]})
        if name in words:
            found = [people[each] for each in named]
            words[name] = found if name == "co_owners" else next(iter(found), None)
    return words
