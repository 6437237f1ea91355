"""Which servers take a tenant's grants, and who is let across: for people who look after the tenant, through an app."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from agents import across as verbs
from agents.models import AssertionRule, Client, NameElsewhere
from api import versions
from api.door import said as _valid
from api.keepers import by
from api.listing import Listing
from api.narrowing import asks_for
from api.narrowing import check_words as words_of_query
from api.told import FIELDS, Told
from api.trust import Stopping, Trust, foreseen
from tenants.models import Membership
from tokens import impact, stops, summaries
from trust import actions
from trust.filters import AudienceFilter
from trust.models import Audience
from trust.rules import check_words


class AudienceSerializer(Told, serializers.ModelSerializer[Audience]):
    class Meta:
        model = Audience
        fields = ["id", "issuer", *sorted(actions.AUDIENCE_FIELDS), "created_at", *FIELDS]
        read_only_fields = ["id", "created_at"]
        extra_kwargs = {"name": {"required": False}}
        validators: list[Any] = []

    def get_summary(self, row: Audience) -> str:
        return summaries.audience(row)

    def page(self, row: Audience) -> str:
        return f"trust/audiences/{row.pk}"


class ChangeAudienceSerializer(Stopping, AudienceSerializer):
    class Meta(AudienceSerializer.Meta):
        fields = [*AudienceSerializer.Meta.fields, "reason", "dry_run"]


class NameSerializer(serializers.ModelSerializer[NameElsewhere]):
    client = serializers.CharField(source="client.client_id", read_only=True)

    class Meta:
        model = NameElsewhere
        fields = ["client", "client_id_there"]


class RuleSerializer(serializers.ModelSerializer[AssertionRule]):
    client = serializers.CharField(source="client.client_id")

    class Meta:
        model = AssertionRule
        fields = ["id", "client", "resource", "scopes", "members", "groups", "everyone", "changed_at"]
        read_only_fields = ["id", "changed_at"]


class Audiences(Trust):
    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("audiences", AudienceSerializer, AudienceFilter)
    answers = {"GET": listing, "POST": AudienceSerializer}
    reads = {"POST": AudienceSerializer}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, Audience.objects.all())

    def post(self, request: Request) -> Response:
        said = _valid(AudienceSerializer(data=request.data))
        made = actions.add_audience(said.pop("issuer"), by=by(request), **said)
        return Response(AudienceSerializer(made).data, status=status.HTTP_201_CREATED)


class OneAudience(Trust):
    http_method_names = ["get", "patch", "head", "options"]
    answers = {"GET": AudienceSerializer, "PATCH": AudienceSerializer}
    reads = {"PATCH": ChangeAudienceSerializer}

    def get(self, request: Request, audience_id: str) -> Response:
        return self._answer(_audience(audience_id))

    def patch(self, request: Request, audience_id: str) -> Response:
        audience = _audience(audience_id)
        said = _valid(ChangeAudienceSerializer(audience, data=request.data, partial=True))
        if said.pop("issuer", audience.issuer) != audience.issuer:
            raise serializers.ValidationError({"issuer": ["An audience is added anew, not renamed."]})
        if said.pop("dry_run", False):
            return foreseen(said, impact.of_audience(audience, now=timezone.now()))
        return self._answer(stops.change_audience(audience, by=by(request), version=versions.read_by(request), **said))

    def _answer(self, audience: Audience) -> Response:
        return Response(AudienceSerializer(audience).data, headers=versions.tag(audience.version))


class Names(Trust):
    """Under which client ids an audience knows the tenant's clients."""

    http_method_names = ["get", "options", "head"]
    listing = Listing("names", NameSerializer, order=("pk",))
    answers = {"GET": listing}

    def get(self, request: Request, audience_id: str) -> Response:
        return self.listing.answer(
            request, NameElsewhere.objects.filter(audience=_audience(audience_id)).select_related("client")
        )


class OneName(Trust):
    http_method_names = ["put", "options"]
    answers = {"PUT": NameSerializer}
    reads = {"PUT": NameSerializer}

    def put(self, request: Request, audience_id: str, client_id: str) -> Response:
        audience, client = _audience(audience_id), get_object_or_404(Client, client_id=client_id)
        said = _valid(NameSerializer(data=request.data))
        verbs.name_elsewhere(client, audience, said["client_id_there"], by=by(request))
        return Response(NameSerializer(NameElsewhere.objects.get(client=client, audience=audience)).data)


class Rules(Trust):
    """Who is let across: for which client, to which resource, with which scopes, for which people."""

    made = True
    http_method_names = ["get", "post", "head", "options"]
    listing = Listing("rules", RuleSerializer, order=("pk",))
    answers = {"GET": listing, "POST": RuleSerializer}
    reads = {"POST": RuleSerializer}

    def get(self, request: Request, audience_id: str) -> Response:
        return self.listing.answer(
            request, AssertionRule.objects.filter(audience=_audience(audience_id)).select_related("client")
        )

    def post(self, request: Request, audience_id: str) -> Response:
        audience = _audience(audience_id)
        said = _valid(RuleSerializer(data=request.data))
        for name in ("scopes", "members", "groups"):
            check_words(name, said.get(name, []))
        client = get_object_or_404(Client, client_id=said.pop("client")["client_id"])
        wanted = said.pop("members", [])
        members = list(Membership.objects.filter(pk__in=wanted))
        if len(members) != len(wanted):
            raise serializers.ValidationError({"members": ["Not all of these are people of this tenant."]})
        rule = stops.allow_across(client, audience, by=by(request), members=members, **said)
        return Response(RuleSerializer(rule).data, status=status.HTTP_201_CREATED)


class OneRule(Trust):
    """With `dry_run=true` nothing is removed, and the answer says what would end with it."""

    http_method_names = ["delete", "options"]

    def delete(self, request: Request, audience_id: str, rule_id: str) -> Response:
        found = get_object_or_404(AssertionRule, audience=_audience(audience_id), pk=rule_id)
        words_of_query(request, frozenset({"dry_run"}))
        if asks_for(request, "dry_run"):
            return Response({"dry_run": True, **impact.of_rule(found, now=timezone.now()).as_json(agents="agents")})
        stops.forbid_across(found, by=by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _audience(audience_id: str) -> Audience:
    return get_object_or_404(Audience, pk=audience_id)
