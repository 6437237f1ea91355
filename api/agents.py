"""What an agent may ask about itself: who it is, for whom it may act, and giving one back; and making one smaller,
which is for people, and taking that back.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import delegations, versions
from api.authentication import tenant_of
from api.delegations import ForHolders
from api.door import Door
from api.keepers import ForReaders, by, member_of
from api.listing import Listing
from api.narrowing import asks_for, check_words
from api.permissions import HoldsScope
from audit.principals import Kind, Principal
from delegations.models import Delegation
from delegations.rules import Limits
from delegations.sentence import sentence
from tokens import actions, lineage, narrowing
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
        bearer = bearer_of(request)
        agent = bearer.token.delegation.agent
        content = {
            "subject": bearer.token.subject,
            "client_id": bearer.token.client.client_id,
            "issuer": tenant_of(request).issuer,
            "scopes": sorted(bearer.scopes),
            "token_expires_at": bearer.token.expires,
            "delegations": DelegationSerializer(held_by(bearer), many=True).data,
        }
        if agent is not None:
            content["agent"] = {"id": agent.pk, "name": agent.name, "status": agent.status}
        return Response(content)


class Delegations(APIView):
    """With `delegations:read`, what an agent holds and lives; it narrows that by no word.

    With `delegations:oversee` instead, what the person may see for whom the token speaks: their own, and everybody's
    where they look after the tenant.
    """

    permission_classes = [ForHolders]
    scopes = {"GET": "delegations:read"}
    listing = Listing("delegations", DelegationSerializer)
    answers = {"GET": delegations.LISTING}

    def get(self, request: Request) -> Response:
        if (member := delegations.overseer(request)) is not None:
            return delegations.LISTING.answer(request, delegations.seen_by(member))
        return self.listing.answer(request, held_by(bearer_of(request)))


class Smaller(serializers.Serializer[Any]):
    """What it is to be at most: all of its scopes that are left, its end, or both; what is not named stays."""

    scopes = serializers.ListField(child=serializers.CharField(max_length=255), max_length=200, required=False)
    expires_at = serializers.DateTimeField(required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")

    def limits(self) -> Limits:
        scopes = self.validated_data.get("scopes")
        return Limits(frozenset(scopes) if scopes is not None else None, self.validated_data.get("expires_at"))


class OneDelegation(Door):
    """One that an agent holds; to make it smaller takes the person it speaks for, or whoever may end it for them."""

    permission_classes = [HoldsScope]
    scopes = {"GET": "delegations:read", "PATCH": "delegations:narrow", "DELETE": "delegations:end"}
    reads = {"PATCH": Smaller}
    answers = {"GET": delegations.SeenSerializer}

    def get_permissions(self) -> Sequence[Any]:
        own = {"GET": ForHolders, "HEAD": ForHolders, "PATCH": ForReaders}.get(self.request.method or "")
        return [own()] if own else super().get_permissions()

    def get(self, request: Request, delegation_id: str) -> Response:
        if (member := delegations.overseer(request)) is not None:
            return delegations.answer(get_object_or_404(delegations.seen_by(member), pk=delegation_id))
        return Response(DelegationSerializer(get_object_or_404(held_by(bearer_of(request)), pk=delegation_id)).data)

    def patch(self, request: Request, delegation_id: str) -> Response:
        check_words(request, frozenset({"dry_run"}))
        member = member_of(request)
        found = get_object_or_404(Delegation.objects.narrowed_by(member), pk=delegation_id)
        smaller = Smaller(data=request.data)
        smaller.is_valid(raise_exception=True)
        limits, reason = smaller.limits(), smaller.validated_data["reason"].strip()
        if asks_for(request, "dry_run"):
            first = narrowing.preview(found, limits, now=timezone.now())
            return Response({"dry_run": True, **first.as_json()}, headers=versions.tag(found.version))
        if not reason and found.subject != member.pk:
            raise serializers.ValidationError({"reason": ["Say why: whoever it speaks for reads it."]})
        version = versions.read_by(request)
        receipt = narrowing.narrow_delegation(found, limits, by=by(request), reason=reason, version=version)
        found.refresh_from_db(fields=["version"])
        return Response(receipt.as_json(), headers=versions.tag(found.version))

    def delete(self, request: Request, delegation_id: str) -> Response:
        found = get_object_or_404(held_by(bearer_of(request)), pk=delegation_id)
        agent = found.agent
        assert agent is not None
        itself = Principal(Kind.AGENT, agent.pk, agent.name)
        receipt = actions.end_delegation(found, by=itself, reason="given back by the agent")
        return Response(receipt.as_json())


class PutBack(Door):
    """Takes back that one was made smaller: whoever did it, within ten minutes, as long as nothing changed since."""

    http_method_names = ["post", "options"]
    permission_classes = [ForReaders]
    scopes = {"POST": "delegations:narrow"}

    def post(self, request: Request, delegation_id: str) -> Response:
        check_words(request, frozenset())
        found = get_object_or_404(Delegation.objects.narrowed_by(member_of(request)), pk=delegation_id)
        receipt = narrowing.put_back(found, by=by(request), version=versions.read_by(request))
        found.refresh_from_db(fields=["version"])
        return Response(receipt.as_json(), headers=versions.tag(found.version))


class DelegationLineage(APIView):
    """The way from the consent to a delegation, what was handed on of it, and its newest tokens.

    To people the tokens of what was handed on stand among them; an agent sees its own.
    """

    permission_classes = [ForHolders]
    scopes = {"GET": "delegations:read"}

    def get(self, request: Request, delegation_id: str) -> Response:
        found = get_object_or_404(_seen(request), pk=delegation_id)
        now, sees_below = timezone.now(), delegations.overseer(request) is not None
        return Response(
            {**lineage.of_delegation(found, now=now), **lineage.tokens_of(found, below=sees_below, now=now)}
        )


class TokenLineage(APIView):
    """The way from the consent to a token, by its `jti`."""

    permission_classes = [ForHolders]
    scopes = {"GET": "delegations:read"}

    def get(self, request: Request, token_id: str) -> Response:
        held = _seen(request).values("pk")
        tokens = AccessToken.objects.filter(delegation__in=held).select_related("client", "delegation")
        return Response(lineage.of_token(get_object_or_404(tokens, pk=token_id), now=timezone.now()))


def bearer_of(request: Request) -> Bearer:
    """Return whose token it is, once a permission let them in."""
    assert isinstance(request.auth, Bearer)  # HoldsScope let nobody else in.
    return request.auth


def held_by(bearer: Bearer) -> "QuerySet[Delegation]":
    """An agent for itself sees all that it holds; an agent for a person sees what it holds of that person."""
    agent_id = bearer.token.delegation.agent_id
    held = Delegation.objects.live(timezone.now()).with_names().filter(agent=agent_id, agent__isnull=False)
    if bearer.token.subject != agent_id:
        held = held.filter(subject=bearer.token.subject)
    return held.order_by("-pk")


def _seen(request: Request) -> "QuerySet[Delegation]":
    """Return what the person may see for whom a token speaks, or what the agent holds whose token it is."""
    member = delegations.overseer(request)
    return Delegation.objects.visible_to(member) if member else held_by(bearer_of(request))
