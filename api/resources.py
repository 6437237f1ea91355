"""What a tenant protects: resource servers, their scopes, and what people will read of them."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from api import retiring, versions
from api.door import Door, said
from api.keepers import by
from api.listing import Listing
from api.told import FIELDS, Told
from delegations import preview
from tenants import actions
from tenants import resources as verbs
from tenants.actions import ScopeWords
from tenants.directory import current
from tenants.filters import ResourceFilter
from tenants.models import Downstream, ResourceServer, Scope
from tenants.roles import Act
from tokens import receipts, summaries

READ, WRITE = "resources:read", "resources:write"


class ScopeSerializer(serializers.ModelSerializer[Scope]):
    """`weight`: what is graver than that it changes things; `longest_seconds`: how long a token with it lives at most;
    `is_delegable`: whether an agent that holds it may hand it on to another one.
    """

    class Meta:
        model = Scope
        fields = [
            "name", "title", "description", "is_writing", "weight", "cannot", "longest_seconds", "is_delegable",
            "is_default", "is_needed",
        ]  # fmt: skip


class ScopeChange(ScopeSerializer):
    class Meta(ScopeSerializer.Meta):
        read_only_fields = ["name"]


class ResourceSerializer(Told, serializers.ModelSerializer[ResourceServer]):
    """`revocation_lag`: for how many seconds after an end a token may still be accepted there; `asked_at`: when it last
    introspected one, to the minute.
    """

    scopes = ScopeSerializer(many=True, required=False)
    revocation_lag = serializers.SerializerMethodField()

    class Meta:
        model = ResourceServer
        fields = [
            "id", "identifier", "name", "kind", "signing_algorithm", "token_format", "asks_each_time",
            "hosts_metadata", "revocation_lag", "scopes", "asked_at", "probed_at", "probe_failed", "retired_at",
            "created_at", *FIELDS,
        ]  # fmt: skip
        read_only_fields = ["id", "asked_at", "probed_at", "probe_failed", "retired_at", "created_at"]
        validators: list[Any] = []

    def get_revocation_lag(self, server: ResourceServer) -> int:
        return receipts.lag(server, current())

    def get_summary(self, row: ResourceServer) -> str:
        return summaries.resource(row)

    def page(self, row: ResourceServer) -> str:
        return f"resources/{row.pk}"


class ResourceChange(serializers.ModelSerializer[ResourceServer]):
    class Meta:
        model = ResourceServer
        fields = sorted(verbs.CHANGEABLE)


class DownstreamSerializer(serializers.ModelSerializer[Downstream]):
    """`scopes` says, for each scope here, which ones it stands for there."""

    to = serializers.CharField(source="downstream_id")
    identifier = serializers.CharField(source="downstream.identifier")
    name = serializers.CharField(source="downstream.name")

    class Meta:
        model = Downstream
        fields = ["to", "identifier", "name", "scopes"]


class Opened(serializers.Serializer[Any]):
    scopes = serializers.DictField(child=serializers.ListField(child=serializers.CharField(max_length=100)))


class PreviewSerializer(serializers.Serializer[Any]):
    """What a person reads when an agent asks for scopes: the page's own words."""

    title = serializers.CharField()
    can = serializers.ListField(child=serializers.DictField())
    cannot = serializers.ListField(child=serializers.CharField())


class ForResources(Door):
    scopes = {"GET": READ, **dict.fromkeys(("POST", "PATCH", "DELETE"), WRITE)}
    acts = {"GET": Act.RESOURCES_READ, **dict.fromkeys(("POST", "PATCH", "DELETE"), Act.RESOURCES_WRITE)}


class Resources(ForResources):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("resources", ResourceSerializer, ResourceFilter)
    answers = {"GET": listing, "POST": ResourceSerializer}
    reads = {"POST": ResourceSerializer}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, ResourceServer.objects.prefetch_related("scopes"))

    def post(self, request: Request) -> Response:
        asked = said(ResourceSerializer(data=request.data))
        scopes = [ScopeWords(**words) for words in asked.pop("scopes", [])]
        made = actions.add_resource_server(asked.pop("identifier"), asked.pop("name"), scopes, by=by(request), **asked)
        return answer(made, code=status.HTTP_201_CREATED)


class OneResource(ForResources):
    http_method_names = ["get", "patch", "head", "options"]
    answers = {"GET": ResourceSerializer, "PATCH": ResourceSerializer}
    reads = {"PATCH": ResourceChange}

    def get(self, request: Request, resource_id: str) -> Response:
        return answer(find(resource_id))

    def patch(self, request: Request, resource_id: str) -> Response:
        server = find(resource_id)
        asked = said(ResourceChange(server, data=request.data, partial=True))
        return answer(verbs.change_resource(server, by=by(request), version=versions.read_by(request), **asked))


class Scopes(ForResources):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("scopes", ScopeSerializer, order=("position", "pk"))
    answers = {"GET": listing, "POST": ScopeSerializer}
    reads = {"POST": ScopeSerializer}

    def get(self, request: Request, resource_id: str) -> Response:
        return self.listing.answer(request, Scope.objects.filter(resource_server=find(resource_id)))

    def post(self, request: Request, resource_id: str) -> Response:
        server, words = find(resource_id), ScopeWords(**said(ScopeSerializer(data=request.data)))
        made = verbs.add_scope(server, words, by=by(request), version=versions.read_by(request))
        return Response(ScopeSerializer(made).data, status=status.HTTP_201_CREATED)


class OneScope(ForResources):
    http_method_names = ["get", "patch", "delete", "head", "options"]
    acts = {**ForResources.acts, "DELETE": Act.RESOURCES_RETIRE}
    answers = {"GET": ScopeSerializer, "PATCH": ScopeSerializer, "DELETE": retiring.Reached}
    reads = {"PATCH": ScopeChange, "DELETE": retiring.Retirement}

    def get(self, request: Request, resource_id: str, name: str) -> Response:
        return scope_answer(_scope(resource_id, name))

    def patch(self, request: Request, resource_id: str, name: str) -> Response:
        scope = _scope(resource_id, name)
        asked = said(ScopeChange(scope, data=request.data, partial=True))
        return scope_answer(verbs.change_scope(scope, by=by(request), version=versions.read_by(request), **asked))

    def delete(self, request: Request, resource_id: str, name: str) -> Response:
        return retiring.scope(request, _scope(resource_id, name))


class Downstreams(ForResources):
    """The resources that what may call this one is exchanged for, scope by scope."""

    http_method_names = ["get", "head", "options"]
    listing = Listing("downstream", DownstreamSerializer)
    answers = {"GET": listing}

    def get(self, request: Request, resource_id: str) -> Response:
        edges = Downstream.objects.filter(upstream=find(resource_id)).select_related("downstream")
        return self.listing.answer(request, edges)


class OneDownstream(ForResources):
    """Whoever stops access for everybody opens it to what is behind, too."""

    http_method_names = ["put", "delete", "options"]
    scopes = {"PUT": WRITE, "DELETE": WRITE}
    acts = {"PUT": Act.RESOURCES_RETIRE, "DELETE": Act.RESOURCES_RETIRE}
    answers = {"PUT": DownstreamSerializer}
    reads = {"PUT": Opened}

    def put(self, request: Request, resource_id: str, to_id: str) -> Response:
        server, to, words = find(resource_id), find(to_id), said(Opened(data=request.data))
        version = versions.read_by(request)
        edge = verbs.allow_downstream(server, to, words["scopes"], by=by(request), version=version)
        return Response(DownstreamSerializer(edge).data)

    def delete(self, request: Request, resource_id: str, to_id: str) -> Response:
        found = Downstream.objects.select_related("upstream", "downstream")
        edge = get_object_or_404(found, upstream=resource_id, downstream=to_id)
        verbs.forbid_downstream(edge.upstream, edge.downstream, by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Preview(ForResources):
    """`?scope=a&scope=b`: what a person reads when an agent asks for these; without any, for all of them."""

    http_method_names = ["get", "head", "options"]
    answers = {"GET": PreviewSerializer}

    def get(self, request: Request, resource_id: str) -> Response:
        server = find(resource_id)
        asked = frozenset(request.query_params.getlist("scope"))
        return Response(preview.of_resource(server, asked or None).as_json())


def find(resource_id: str) -> ResourceServer:
    """Return the resource of an address; raises Http404."""
    return get_object_or_404(ResourceServer.objects.prefetch_related("scopes"), pk=resource_id)


def _scope(resource_id: str, name: str) -> Scope:
    found = Scope.objects.select_related("resource_server")
    return get_object_or_404(found, resource_server=find(resource_id), name=name)


def answer(server: ResourceServer, code: int = status.HTTP_200_OK) -> Response:
    """Answer with a resource as it is now, and with its version."""
    return Response(ResourceSerializer(find(server.pk)).data, status=code, headers=versions.tag(server.version))


def scope_answer(scope: Scope, code: int = status.HTTP_200_OK) -> Response:
    """Answer with a scope, and with the version of its resource."""
    return Response(ScopeSerializer(scope).data, status=code, headers=versions.tag(scope.resource_server.version))
