"""What an agent may ask about itself: who it is, for whom it may act, and giving one back."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.authentication import tenant_of
from audit.principals import Kind, Principal
from delegations.models import Delegation
from delegations.sentence import sentence
from tokens import actions, lineage
from tokens.bearer import Bearer
from tokens.models import AccessToken


class DelegationSerializer(serializers.ModelSerializer[Delegation]):
    """The sentence, as members and in words."""

    resource = serializers.CharField(source="audience")
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = Delegation
        fields = ["id", "subject", "resource", "scopes", "expires_at", "created_at", "sentence"]

    def get_sentence(self, delegation: Delegation) -> str:
        return sentence(delegation, now=timezone.now())


class Self(APIView):
    scopes = {"GET": "self:read"}

    def get(self, request: Request) -> Response:
        bearer = _bearer(request)
        agent = bearer.token.delegation.agent
        content = {
            "subject": bearer.token.subject,
            "client_id": bearer.token.client.client_id,
            "issuer": tenant_of(request).issuer,
            "scopes": sorted(bearer.scopes),
            "token_expires_at": bearer.token.expires,
            "delegations": DelegationSerializer(_visible_to(bearer), many=True).data,
        }
        if agent is not None:
            content["agent"] = {"id": agent.pk, "name": agent.name, "status": agent.status}
        return Response(content)


class Delegations(APIView):
    scopes = {"GET": "delegations:read"}

    def get(self, request: Request) -> Response:
        return Response({"delegations": DelegationSerializer(_visible_to(_bearer(request)), many=True).data})


class OneDelegation(APIView):
    scopes = {"GET": "delegations:read", "DELETE": "delegations:end"}

    def get(self, request: Request, delegation_id: str) -> Response:
        return Response(DelegationSerializer(get_object_or_404(_visible_to(_bearer(request)), pk=delegation_id)).data)

    def delete(self, request: Request, delegation_id: str) -> Response:
        found = get_object_or_404(_visible_to(_bearer(request)), pk=delegation_id)
        agent = found.agent
        assert agent is not None
        by = Principal(Kind.AGENT, agent.pk, agent.name)
        receipt = actions.end_delegation(found, by=by, reason="given back by the agent")
        return Response(receipt.as_json())


class DelegationLineage(APIView):
    """The way from the consent to a delegation, and what was handed on of it."""

    scopes = {"GET": "delegations:read"}

    def get(self, request: Request, delegation_id: str) -> Response:
        found = get_object_or_404(_visible_to(_bearer(request)), pk=delegation_id)
        return Response(lineage.of_delegation(found, now=timezone.now()))


class TokenLineage(APIView):
    """The way from the consent to a token, by its `jti`."""

    scopes = {"GET": "delegations:read"}

    def get(self, request: Request, token_id: str) -> Response:
        held = _visible_to(_bearer(request)).values("pk")
        tokens = AccessToken.objects.filter(delegation__in=held).select_related("client", "delegation")
        return Response(lineage.of_token(get_object_or_404(tokens, pk=token_id), now=timezone.now()))


def _bearer(request: Request) -> Bearer:
    assert isinstance(request.auth, Bearer)  # HoldsScope let nobody else in.
    return request.auth


def _visible_to(bearer: Bearer) -> "QuerySet[Delegation]":
    """An agent for itself sees all that it holds; an agent for a person sees what it holds of that person."""
    agent_id = bearer.token.delegation.agent_id
    held = Delegation.objects.live(timezone.now()).with_names().filter(agent=agent_id, agent__isnull=False)
    if bearer.token.subject != agent_id:
        held = held.filter(subject=bearer.token.subject)
    return held.order_by("-pk")
