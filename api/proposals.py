"""What a description of a resource proposes as scopes: read, answered, and kept nowhere. Each is added by a POST."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.door import Door, said
from api.keepers import by
from api.resources import ScopeSerializer
from tenants.describing.values import Proposal
from tenants.models import ResourceServer
from tenants.roles import Act
from trust import descriptions


class Described(serializers.Serializer[Any]):
    """One of them: the `document` itself (OpenAPI, or the answer to `tools/list` of MCP), its `url`, or `ask: true`."""

    document = serializers.CharField(required=False, default="", allow_blank=True, trim_whitespace=False)
    url = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    ask = serializers.BooleanField(required=False, default=False)


class ProposalSerializer(serializers.Serializer[Any]):
    """A scope in the words that a POST to `scopes` takes; where it is used, and whether the resource has it already."""

    scope = ScopeSerializer()
    uses = serializers.ListField(child=serializers.CharField())
    is_there = serializers.BooleanField()


class ProposalsSerializer(serializers.Serializer[Any]):
    """`source`: `openapi` or `mcp`. What is `passed_over` cannot be called as it is."""

    class PassedOver(serializers.Serializer[Any]):
        name = serializers.CharField()
        why = serializers.CharField()

    source = serializers.CharField()  # type: ignore[assignment]  # A word of the framework's own, too.
    proposals = ProposalSerializer(many=True)
    passed_over = PassedOver(many=True)


class Proposals(Door):
    """Dry by nature: nothing is written, and no scope is there before it is added."""

    http_method_names = ["post", "options"]
    scopes = {"POST": "resources:write"}
    acts = {"POST": Act.RESOURCES_WRITE}
    answers = {"POST": ProposalsSerializer}
    reads = {"POST": Described}

    def post(self, request: Request, resource_id: str) -> Response:
        server, asked = get_object_or_404(ResourceServer, pk=resource_id), said(Described(data=request.data))
        words = {"document": asked["document"], "url": asked["url"], "asks": asked["ask"]}
        found = descriptions.propose(server, by=by(request), **words)
        return Response(
            {
                "source": found.source,
                "proposals": [_row(each) for each in found.proposals],
                "passed_over": [{"name": each.name, "why": str(each.why)} for each in found.passed_over],
            }
        )


def _row(proposal: Proposal) -> dict[str, Any]:
    words = {name: getattr(proposal.words, name) for name in ScopeSerializer.Meta.fields}
    return {"scope": words, "uses": list(proposal.uses), "is_there": proposal.is_there}
