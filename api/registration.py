"""Initial access tokens (RFC 7591 §3): for people who look after the tenant, through an app. A token is shown once."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import registration_tokens
from agents.models import RegistrationToken
from api.door import Door
from api.keepers import by, member_of
from api.listing import Listing
from tenants.roles import Act

READ, WRITE = "registration:read", "registration:write"


class RegistrationTokenSerializer(serializers.ModelSerializer[RegistrationToken]):
    """A token as it stands; the moments that have not come are left out."""

    class Meta:
        model = RegistrationToken
        fields = ["id", "name", "uses", "uses_left", "expires_at", "revoked_at", "made_by", "created_at"]

    def to_representation(self, instance: RegistrationToken) -> dict[str, Any]:
        return {name: value for name, value in super().to_representation(instance).items() if value is not None}


class NewToken(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    uses = serializers.IntegerField(required=False)
    expires_at = serializers.DateTimeField(required=False)


class _Tokens(Door):
    scopes = {"GET": READ, "POST": WRITE, "DELETE": WRITE}
    acts = {"GET": Act.REGISTRATION_READ, "POST": Act.REGISTRATION_WRITE, "DELETE": Act.REGISTRATION_WRITE}


class RegistrationTokens(_Tokens):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("registration_tokens", RegistrationTokenSerializer)
    answers = {"GET": listing, "POST": RegistrationTokenSerializer}
    reads = {"POST": NewToken}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, RegistrationToken.objects.all())

    def post(self, request: Request) -> Response:
        wanted = NewToken(data=request.data)
        wanted.is_valid(raise_exception=True)
        made, token = registration_tokens.make(by=by(request), made_by=member_of(request), **wanted.validated_data)
        content = {**RegistrationTokenSerializer(made).data, "token": token}
        return Response(content, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class OneRegistrationToken(_Tokens):
    http_method_names = ["get", "delete", "head", "options"]
    answers = {"GET": RegistrationTokenSerializer}

    def get(self, request: Request, token_id: str) -> Response:
        return Response(RegistrationTokenSerializer(get_object_or_404(RegistrationToken, pk=token_id)).data)

    def delete(self, request: Request, token_id: str) -> Response:
        registration_tokens.revoke(get_object_or_404(RegistrationToken, pk=token_id), by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
