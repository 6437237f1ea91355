"""Agents by the address of their document (CIMD): read first, with `?dry_run=true`, or taken at once."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import bringing
from agents.bringing import Preview
from agents.models import Client
from api.clients import ClientSerializer
from api.door import Door, said
from api.keepers import by
from api.narrowing import asks_for, check_words
from tenants.roles import Act


class Brought(serializers.Serializer[Any]):
    """Where a document is; and the `digest` that a dry run said, with which nothing is made of another document."""

    client_id = serializers.CharField(max_length=2000)
    digest = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")


class Documents(Door):
    http_method_names = ["post", "options"]
    made = True
    scopes = {"POST": "agents:write"}
    acts = {"POST": Act.AGENTS_WRITE}
    answers = {"POST": ClientSerializer}
    reads = {"POST": Brought}

    def post(self, request: Request) -> Response:
        check_words(request, frozenset({"dry_run"}))
        words, now = said(Brought(data=request.data)), timezone.now()
        if asks_for(request, "dry_run"):
            return Response(_foreseen(bringing.look(words["client_id"], by=by(request), now=now)))
        made = bringing.take(words["client_id"], by=by(request), now=now, digest=words["digest"])
        return Response(ClientSerializer(Client.objects.get(pk=made.pk)).data, status=status.HTTP_201_CREATED)


def _foreseen(preview: Preview) -> dict[str, Any]:
    client = preview.client
    return {
        "dry_run": True,
        "client_id": client.client_id,
        "client_name": client.name,
        "host": client.host,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "token_endpoint_auth_method": client.auth_method,
        "scopes": list(preview.scopes),
        "unknown_scopes": list(preview.unknown),
        "vouched_by": preview.vouched_by,
        "risks": list(preview.risks),
        "waits": not preview.is_free,
        "digest": preview.digest,
    }
