"""What people may look at around an agent: its tokens, whom it acts for, what it uses, and all of it as a file."""

from dataclasses import asdict
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import ranking
from agents.models import Agent
from api.authentication import tenant_of
from api.door import Door
from api.keepers import ForOwners, by
from api.listing import Listing
from tenants.roles import Act
from tokens import around, evidence, living, unused
from tokens.checking import history
from tokens.models import AccessToken


class _Look(Door):
    permission_classes = [ForOwners]
    owned = frozenset({"GET", "HEAD"})
    scopes = {"GET": "agents:read"}
    acts = {"GET": Act.AGENTS_READ}


class TokenSerializer(serializers.ModelSerializer[AccessToken]):
    """That a token is good now, and why; never the token."""

    jti = serializers.CharField(source="pk")
    resource = serializers.CharField(source="audience")
    scopes = serializers.SerializerMethodField()
    client_id = serializers.CharField(source="client.client_id")
    delegation = serializers.CharField(source="delegation_id")
    depth = serializers.IntegerField(source="delegation.depth")
    exchanged_from = serializers.CharField(source="parent_id", allow_null=True)
    issued_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expires")

    class Meta:
        model = AccessToken
        fields = [
            "jti", "subject", "resource", "scopes", "client_id", "delegation", "depth", "exchanged_from", "issued_at",
            "expires_at",
        ]  # fmt: skip

    def get_scopes(self, token: AccessToken) -> list[str]:
        return living.left_of(token)


class NeighbourSerializer(serializers.Serializer[Any]):
    """A live delegation: from whom, to whom, where, and until when."""

    delegation = serializers.CharField()
    subject = serializers.CharField()
    subject_name = serializers.CharField(allow_blank=True)
    from_agent = serializers.CharField(allow_blank=True)
    from_agent_name = serializers.CharField(allow_blank=True)
    agent = serializers.CharField(allow_blank=True)
    agent_name = serializers.CharField()
    resource = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class AroundSerializer(serializers.Serializer[Any]):
    """What an agent holds, and what it handed on; those used last come first.

    `refused` says where the agent and those it handed something on to were refused something within seven days, as far
    as the request named a resource.
    """

    class Refused(serializers.Serializer[Any]):
        agent = serializers.CharField()
        resource = serializers.CharField()
        times = serializers.IntegerField()
        at = serializers.DateTimeField()

    held = NeighbourSerializer(many=True)
    handed_on = NeighbourSerializer(many=True)
    refused = Refused(many=True)


class EvidenceSerializer(serializers.Serializer[Any]):
    """The record, its SHA-256 as RFC 8785 writes it, and the tenant's word for that (RFC 7515, compact)."""

    record = serializers.DictField()
    sha256 = serializers.CharField()
    jws = serializers.CharField()


class ScopesUsedSerializer(serializers.Serializer[Any]):
    """By resource, what it holds since before a moment, and what no token since then holds."""

    since = serializers.DateTimeField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True)
    held = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    unused = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


class Tokens(_Look):
    """The tokens of an agent that are good at this moment."""

    http_method_names = ["get", "head", "options"]
    listing = Listing("tokens", TokenSerializer)
    answers = {"GET": listing}

    def get(self, request: Request, agent_id: str) -> Response:
        agent = get_object_or_404(Agent, pk=agent_id)
        return self.listing.answer(request, living.of_agent(agent, now=timezone.now()))


class Evidence(_Look):
    """An agent as a file for an auditor, signed by the tenant; that it was taken is written down."""

    http_method_names = ["get", "options"]
    owned = frozenset({"GET"})
    scopes = {"GET": "events:read"}
    acts = {"GET": Act.EVENTS_READ}
    answers = {"GET": EvidenceSerializer}

    def get(self, request: Request, agent_id: str) -> Response:
        agent, now = get_object_or_404(Agent.objects.select_related(*evidence.PEOPLE), pk=agent_id), timezone.now()
        file = evidence.hand_out(agent, tenant_of(request), by=by(request), now=now)
        return Response(file, headers={"Cache-Control": "no-store"})


class ScopesUsed(_Look):
    """What an agent holds since sixty days, and which of that it asked no token for; nothing where that is not known.

    A token says what was asked for, not each call that was made with it.
    """

    http_method_names = ["get", "head", "options"]
    answers = {"GET": ScopesUsedSerializer}

    def get(self, request: Request, agent_id: str) -> Response:
        agent = get_object_or_404(Agent, pk=agent_id)
        found = unused.of_agent(agent, now=timezone.now())
        return Response(found.as_json() if found else {"since": None, "tokens": None, "held": {}, "unused": {}})


class Graph(_Look):
    """Who lets an agent act, who works for it, and where: what the drawing on its page shows; the newest of each."""

    http_method_names = ["get", "head", "options"]
    answers = {"GET": AroundSerializer}

    def get(self, request: Request, agent_id: str) -> Response:
        agent, now = get_object_or_404(Agent, pk=agent_id), timezone.now()
        found = around.of_agent(agent, now=now)
        refused = history.refused_at(found.drawn(agent), since=now - ranking.LATELY)
        return Response({**found.as_json(), "refused": [asdict(each) for each in refused]})
