"""The client with which a resource's server asks about tokens: made, and given a secret that is shown this once."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import introspectors
from api.door import Door
from api.keepers import by
from tenants.models import ResourceServer
from tenants.roles import Act


class IntrospectorSerializer(serializers.Serializer[Any]):
    client_id = serializers.CharField()
    client_secret = serializers.CharField()


class Introspector(Door):
    """One for each resource: where there is one already it gets a new secret, and the one before is refused."""

    http_method_names = ["post", "options"]
    made = True
    scopes = {"POST": "credentials:write"}
    acts = {"POST": Act.CREDENTIALS_WRITE}
    answers = {"POST": IntrospectorSerializer}

    def post(self, request: Request, resource_id: str) -> Response:
        server = get_object_or_404(ResourceServer, pk=resource_id)
        client, secret = introspectors.give_secret(server, by=by(request))
        content = IntrospectorSerializer({"client_id": client.client_id, "client_secret": secret}).data
        return Response(content, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})
