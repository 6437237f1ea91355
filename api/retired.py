"""The addresses at which a resource is retired and restored, and a scope put back."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from api import retiring, versions
from api.door import flag, said
from api.keepers import by
from api.resources import ForResources, ResourceSerializer, ScopeSerializer, answer, find, scope_answer
from delegations import reach
from tenants import resources as verbs
from tenants.models import Scope
from tenants.roles import Act
from tokens import stops


class Named(serializers.Serializer[Any]):
    """With `dry_run` nothing happens, and the answer says who would be allowed it again."""

    name = serializers.CharField(max_length=100)
    dry_run = serializers.BooleanField(required=False, default=False)


class _Retired(ForResources):
    http_method_names = ["post", "options"]
    acts = {"POST": Act.RESOURCES_RETIRE}


class Retire(_Retired):
    """Make no more tokens for a resource; where anybody holds something there, `reason` says why."""

    answers = {"POST": retiring.Reached}
    reads = {"POST": retiring.Retirement}

    def post(self, request: Request, resource_id: str) -> Response:
        return retiring.resource(request, find(resource_id))


class Restore(_Retired):
    """With `dry_run` nothing happens, and the answer says what would be good again."""

    answers = {"POST": ResourceSerializer}

    def post(self, request: Request, resource_id: str) -> Response:
        server = find(resource_id)
        if flag(request, "dry_run"):
            return Response({"dry_run": True, **reach.of_resource(server, now=timezone.now()).as_json()})
        stops.restore_resource(server, by=by(request), version=versions.read_by(request))
        return answer(find(resource_id))


class RestoreScope(_Retired):
    """Put a scope back that was taken away within thirty days, as it was, for whoever was allowed it."""

    made = True
    answers = {"POST": ScopeSerializer}
    reads = {"POST": Named}

    def post(self, request: Request, resource_id: str) -> Response:
        server, asked = find(resource_id), said(Named(data=request.data))
        if asked["dry_run"]:
            gone = Scope(resource_server=server, name=asked["name"])
            return Response({"dry_run": True, **reach.of_scope(gone, now=timezone.now()).as_json()})
        verbs.restore_scope(server, asked["name"], by=by(request))
        made = Scope.objects.select_related("resource_server").get(resource_server=server, name=asked["name"])
        return scope_answer(made, code=status.HTTP_201_CREATED)
