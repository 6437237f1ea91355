"""With what a client proves that it is itself, for people who look after it: given, shown once, and taken back."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from agents import credentials, overlaps
from agents.models import Agent
from api import versions
from api.clients import one
from api.door import Door, said
from api.keepers import ForOwners, by, member_of
from api.narrowing import asks_for, check_words
from tenants.roles import Act, may
from trust.models import TrustedIssuer

READ, WRITE = "credentials:read", "credentials:write"


class CredentialSerializer(serializers.Serializer[Any]):
    """A credential as it is kept: of a secret nothing but that there is one; a key's id is its thumbprint (RFC 7638).

    Used means that it got a token, to the minute. `ends_at` is `overlap_days` after the first use of what follows it,
    and null until that is used, or where it ends by hand alone.
    """

    id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField(source="label")
    is_usable = serializers.BooleanField()
    made_at = serializers.DateTimeField(allow_null=True)
    first_used_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    overlap_days = serializers.IntegerField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)


class CredentialOfAgent(CredentialSerializer):
    client = serializers.CharField()


class AllOfAgent(serializers.Serializer[Any]):
    credentials = CredentialOfAgent(many=True)


class Wanted(serializers.Serializer[Any]):
    """A further secret, made here; a public key (RFC 7517); or a platform's token.

    Of that: its `issuer`, which is trusted to stand for secrets, its exact `subject`, or one with `*` for one part,
    `claims` that it must hold, and its `audience`, which is our issuer if it is not said. With `overlap_days` those
    secrets or keys that are there end so many days after the first use of the new one; without, somebody retires them.
    """

    kind = serializers.ChoiceField(choices=["secret", "key", "platform"])
    jwk = serializers.DictField(required=False)
    issuer = serializers.CharField(max_length=30, required=False)
    subject = serializers.CharField(max_length=512, required=False, trim_whitespace=False)
    claims = serializers.DictField(required=False)
    audience = serializers.CharField(max_length=512, required=False, allow_blank=True, default="")
    overlap_days = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=overlaps.MOST)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == "platform":
            attrs["issuer"] = TrustedIssuer.objects.filter(pk=attrs.get("issuer", "")).first()
            if attrs["issuer"] is None:
                raise serializers.ValidationError({"issuer": ["No issuer that is trusted here has this id."]})
        return attrs


class _Credentials(Door):
    permission_classes = [ForOwners]
    owned = frozenset({"GET", "HEAD", "POST", "DELETE"})
    scopes = {"GET": READ, "POST": WRITE, "DELETE": WRITE}
    acts = {"GET": Act.CREDENTIALS_READ, "POST": Act.CREDENTIALS_WRITE, "DELETE": Act.CREDENTIALS_WRITE}


class Credentials(_Credentials):
    http_method_names = ["get", "post", "head", "options"]
    answers = {"GET": CredentialSerializer, "POST": CredentialSerializer}
    reads = {"POST": Wanted}

    def get(self, request: Request, agent_id: str, client_id: str) -> Response:
        client = one(agent_id, client_id)
        rows = CredentialSerializer(credentials.of(client), many=True).data
        return Response({"credentials": rows}, headers=versions.tag(client.version))

    def post(self, request: Request, agent_id: str, client_id: str) -> Response:
        client, words = one(agent_id, client_id), said(Wanted(data=request.data))
        if words["kind"] == "platform" and not may(member_of(request), Act.CREDENTIALS_WRITE):
            raise PermissionDenied  # Whose word stands for an agent is not its owner's to say.
        version, secret, days = versions.read_by(request), {}, words.get("overlap_days")
        if words["kind"] == "key":
            jwk = words.get("jwk", {})
            made = credentials.add_key(client, jwk, by=by(request), version=version, overlap_days=days)
        elif words["kind"] == "platform":
            told: dict[str, Any] = {name: words.get(name) for name in ("claims", "audience")}
            subject = words.get("subject", "")
            made = credentials.add_platform(client, words["issuer"], subject, by=by(request), version=version, **told)
        else:
            made, shown = credentials.add_secret(client, by=by(request), version=version, overlap_days=days)
            secret = {"client_secret": shown}
        content = {**CredentialSerializer(made).data, **secret}
        return Response(content, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class AllCredentials(_Credentials):
    """Those of all clients of an agent, in one list."""

    http_method_names = ["get", "head", "options"]
    answers = {"GET": AllOfAgent}

    def get(self, request: Request, agent_id: str) -> Response:
        agent = get_object_or_404(Agent, pk=agent_id)
        held = credentials.of_each(list(agent.clients.order_by("pk")))
        rows = [
            {**CredentialSerializer(each).data, "client": client} for client, found in held.items() for each in found
        ]
        return Response({"credentials": rows})


class OneCredential(_Credentials):
    http_method_names = ["delete", "options"]

    def delete(self, request: Request, agent_id: str, client_id: str, credential_id: str) -> Response:
        check_words(request, frozenset({"even_if_last"}))
        credentials.retire(
            one(agent_id, client_id),
            credential_id,
            by=by(request),
            even_if_last=asks_for(request, "even_if_last"),
            version=versions.read_by(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
