"""Having a resource server tested: whether it takes our tokens, and only those."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.door import Door
from api.keepers import by
from tenants.directory import current
from tenants.models import ResourceServer
from tenants.roles import Act
from tokens import probing


class ReportSerializer(serializers.Serializer[Any]):
    """Each step is passed, failed or not_reached; the first that fails is the last that was asked."""

    class StepSerializer(serializers.Serializer[Any]):
        step = serializers.CharField()
        verdict = serializers.CharField()
        said = serializers.CharField(required=False)
        reason = serializers.CharField(required=False)

    at = serializers.DateTimeField()
    passed = serializers.BooleanField()
    steps = StepSerializer(many=True)


class Probe(Door):
    """Ask the server itself: with nothing, and with tokens that are good for nothing. No body of an answer is read."""

    http_method_names = ["post", "options"]
    scopes = {"POST": "resources:write"}
    acts = {"POST": Act.RESOURCES_WRITE}
    answers = {"POST": ReportSerializer}

    def post(self, request: Request, resource_id: str) -> Response:
        server = get_object_or_404(ResourceServer, pk=resource_id)
        report = probing.probe(server, current(), by=by(request), now=timezone.now())
        return Response(ReportSerializer(report.as_json()).data)
