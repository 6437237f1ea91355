"""Which agent may hand part of its authority on to which: for people who look after them."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import handovers, rules
from agents.models import Agent, Handover
from api.door import Door, said
from api.keepers import by, voices
from api.listing import Listing
from tenants.roles import Act

READ, WRITE = "agents:read", "agents:write"


class HandoverSerializer(serializers.ModelSerializer[Handover]):
    to = serializers.CharField(source="to_agent_id")
    name = serializers.CharField(source="to_agent.name")

    class Meta:
        model = Handover
        fields = ["to", "name", "created_at"]


class To(serializers.Serializer[Any]):
    to = serializers.CharField(max_length=30)


class _Handovers(Door):
    scopes = {"GET": READ, "POST": WRITE, "DELETE": WRITE}
    acts = {"GET": Act.AGENTS_READ, "POST": Act.AGENTS_WRITE, "DELETE": Act.AGENTS_WRITE}


class Handovers(_Handovers):
    """The agents that this one may hand part of its authority to. Neither of two has a say in that by itself."""

    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("handovers", HandoverSerializer)
    answers = {"GET": listing, "POST": HandoverSerializer}
    reads = {"POST": To}

    def get(self, request: Request, agent_id: str) -> Response:
        agent = get_object_or_404(Agent, pk=agent_id)
        return self.listing.answer(request, Handover.objects.filter(agent=agent).select_related("to_agent"))

    def post(self, request: Request, agent_id: str) -> Response:
        agent, words = get_object_or_404(Agent, pk=agent_id), said(To(data=request.data))
        to = Agent.objects.filter(pk=words["to"]).first()
        if to is None:
            raise serializers.ValidationError({"to": ["No agent of this tenant has this id."]})
        for each in (agent, to):
            rules.check_impartial(each, voices(request))
        made = handovers.allow_handover(agent, to, by=by(request))
        return Response(HandoverSerializer(made).data, status=status.HTTP_201_CREATED)


class OneHandover(_Handovers):
    http_method_names = ["delete", "options"]

    def delete(self, request: Request, agent_id: str, to_agent_id: str) -> Response:
        found = Handover.objects.select_related("agent", "to_agent")
        handover = get_object_or_404(found, agent=agent_id, to_agent=to_agent_id)
        handovers.forbid_handover(handover.agent, handover.to_agent, by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
