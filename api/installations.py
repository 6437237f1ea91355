"""Where an agent runs: for the agent itself and for its person, one delegation at a time, and for those who look after
the tenant.
"""

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.models import Agent
from api import delegations
from api.agents import bearer_of, held_by
from api.delegations import ForHolders
from api.door import Door
from api.keepers import ForReaders, by, member_of
from api.listing import Listing
from api.permissions import HoldsScope
from audit.principals import Kind, Principal
from delegations.models import Delegation
from tenants.roles import Act
from tokens import installations
from tokens.models import RefreshToken

REASON = "given back by the agent"


class InstallationSerializer(serializers.ModelSerializer[RefreshToken]):
    place = serializers.SerializerMethodField()
    first_seen_at = serializers.DateTimeField(source="created")
    last_seen_at = serializers.DateTimeField(source="rotated_at")

    class Meta:
        model = RefreshToken
        fields = ["id", "label", "place", "redirect_host", "key_thumbprint", "first_seen_at", "last_seen_at"]

    def get_place(self, installation: RefreshToken) -> str:
        return installations.place(installation).value


class OfAgentSerializer(InstallationSerializer):
    """The same, and for whom it runs there because of what."""

    class Meta(InstallationSerializer.Meta):
        fields = [*InstallationSerializer.Meta.fields, "subject", "delegations"]


class Installations(APIView):
    """Of what an agent holds itself; with `delegations:oversee` of whatever the person may see for whom it speaks."""

    permission_classes = [ForHolders]
    scopes = {"GET": "delegations:read"}
    listing = Listing("installations", InstallationSerializer)
    answers = {"GET": listing}

    def get(self, request: Request, delegation_id: str) -> Response:
        member = delegations.overseer(request)
        seen = held_by(bearer_of(request)) if member is None else Delegation.objects.visible_to(member)
        delegation = get_object_or_404(seen, pk=delegation_id)
        return self.listing.answer(request, installations.of_one(delegation, now=timezone.now()))


class OneInstallation(Door):
    permission_classes = [HoldsScope]
    scopes = {"DELETE": "delegations:end"}

    def delete(self, request: Request, delegation_id: str, installation_id: str) -> Response:
        delegation = get_object_or_404(held_by(bearer_of(request)), pk=delegation_id)
        installation, agent = installations.find(delegation, installation_id), delegation.agent
        if installation is None:
            raise Http404
        assert agent is not None
        itself = Principal(Kind.AGENT, agent.pk, agent.name)
        receipt = installations.end(installation, delegation, by=itself, reason=REASON)
        return Response(receipt.as_json())


class EndMine(Door):
    """Ending one place of their own by the person it acts for, and leaving the others: what their page does."""

    http_method_names = ["post", "options"]
    permission_classes = [ForReaders]
    scopes = {"POST": delegations.REVOKE}

    def post(self, request: Request, delegation_id: str, installation_id: str) -> Response:
        mine = Delegation.objects.of(member_of(request)).select_related("agent", "client")
        delegation = get_object_or_404(mine, pk=delegation_id)
        installation = installations.find(delegation, installation_id)
        if installation is None:
            raise Http404
        return Response(
            installations.end(installation, delegation, by=by(request), reason=installations.BY_THE_PERSON).as_json()
        )


class OfAgent(Door):
    """All places where an agent runs, for whomever."""

    http_method_names = ["get", "head", "options"]
    scopes = {"GET": "agents:read"}
    acts = {"GET": Act.AGENTS_READ}
    listing = Listing("installations", OfAgentSerializer)
    answers = {"GET": listing}

    def get(self, request: Request, agent_id: str) -> Response:
        agent = get_object_or_404(Agent, pk=agent_id)
        return self.listing.answer(request, installations.of_agent(agent, now=timezone.now()))


class OneOfAgent(Door):
    """Ending one place by an admin's hand: what the page of places does."""

    http_method_names = ["delete", "options"]
    scopes = {"DELETE": "agents:write"}
    acts = {"DELETE": Act.AGENTS_PAUSE}

    def delete(self, request: Request, agent_id: str, installation_id: str) -> Response:
        kept = RefreshToken.objects.filter(client__agent=get_object_or_404(Agent, pk=agent_id)).exclude(digest="")
        installation = get_object_or_404(kept, pk=installation_id)
        delegation = installations.delegation_of(installation)
        if delegation is None:
            raise Http404
        return Response(
            installations.end(installation, delegation, by=by(request), reason=installations.BY_AN_ADMIN).as_json()
        )
