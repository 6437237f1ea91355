"""Agents as answers of the API: each with who answers for it, what of it is over, and what to look at twice."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.response import Response

from agents.models import Agent
from agents.risk import Risk
from agents.rules import restorable_until
from api import versions
from tokens import noticed, summaries
from tokens.noticed import Noticed


class AgentsAtOnce(serializers.ListSerializer[Any]):
    """Agents of which everything is noticed in a few statements for all."""

    def to_representation(self, agents: Any) -> Any:
        # What a list holds one of is ours; its stubs know any field.
        self.child.seen = noticed.of_agents(list(agents), now=timezone.now())  # type: ignore[union-attr]
        return super().to_representation(agents)


class AgentSerializer(serializers.ModelSerializer[Agent]):
    """An agent, who answers for it, what of it is over, and what to look at twice.

    `refused_within_a_week` counts requests; `oldest_secret_at` is null without a secret: keys do not say their age.
    """

    owner = serializers.CharField(source="owner_id", allow_null=True)
    sponsor = serializers.CharField(source="sponsor_id", allow_null=True)
    successor = serializers.CharField(source="successor_id", allow_null=True)
    co_owners = serializers.SerializerMethodField()
    confirmed_by = serializers.CharField(source="confirmed_by_id", allow_null=True)
    longest = serializers.IntegerField(source="longest_seconds", allow_null=True)
    restorable_until = serializers.SerializerMethodField()
    oldest_secret_at = serializers.SerializerMethodField()
    refused_within_a_week = serializers.SerializerMethodField()
    is_high_risk = serializers.SerializerMethodField()
    risks = serializers.SerializerMethodField()
    summary = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()
    seen: Mapping[str, Noticed] = {}

    class Meta:
        model = Agent
        fields = [
            "id", "name", "purpose", "status", "registration", "owner", "co_owners", "sponsor", "successor",
            "owner_left_at", "ceiling", "people", "longest", "approved_until", "created_at", "admitted_at",
            "retired_at", "restorable_until", "ended_at", "confirm_asked_at", "confirmed_at", "confirmed_by",
            "oldest_secret_at", "refused_within_a_week", "is_high_risk", "risks", "summary", "links",
        ]  # fmt: skip
        list_serializer_class = AgentsAtOnce

    def get_co_owners(self, agent: Agent) -> list[str]:
        return [each.member_id for each in agent.co_owners.all()]

    def get_restorable_until(self, agent: Agent) -> str | None:
        until = restorable_until(agent)
        return until.isoformat() if until else None

    def get_oldest_secret_at(self, agent: Agent) -> datetime | None:
        return self._noticed(agent).oldest_at

    def get_refused_within_a_week(self, agent: Agent) -> int:
        return self._noticed(agent).refused

    def get_is_high_risk(self, agent: Agent) -> bool:
        return self._noticed(agent).is_high

    def get_risks(self, agent: Agent) -> list[dict[str, Any]]:
        return risks(self._noticed(agent).risks)

    def get_summary(self, agent: Agent) -> str:
        return summaries.agent(agent)

    def get_links(self, agent: Agent) -> dict[str, str]:
        return {"console": f"{agent.tenant.issuer}/console/agents/{agent.pk}"}

    def _noticed(self, agent: Agent) -> Noticed:
        if agent.pk not in self.seen:
            self.seen = noticed.of_agents([agent], now=timezone.now())
        return self.seen[agent.pk]


def risks(found: Iterable[Risk]) -> list[dict[str, Any]]:
    """Return risks as bodies say them: the rule, its words, and whether it is grave."""
    return [{"rule": each.rule, "words": each.words, "is_high": each.is_high} for each in found]


def named(agents: "QuerySet[Agent] | None" = None) -> "QuerySet[Agent]":
    """Return agents with what their answers need."""
    found = Agent.objects.all() if agents is None else agents
    return found.select_related("tenant", "owner__user").prefetch_related("co_owners", "clients")


def answer(agent: Agent, code: int = status.HTTP_200_OK) -> Response:
    """Return an agent with its version."""
    return Response(AgentSerializer(agent).data, status=code, headers=versions.tag(agent.version))
