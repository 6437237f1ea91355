"""What a person asks about themselves: in which tenants they have a place."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import places
from agents.places import Place
from api.door import Door
from api.keepers import ForReaders, member_of
from api.narrowing import check_words
from tenants.models import Membership, Tenant


class PlaceSerializer(serializers.Serializer[Place]):
    """A tenant, and the place that the person has in it; `waiting` are questions that they may decide there."""

    id = serializers.CharField(source="member.tenant.pk")
    name = serializers.CharField(source="member.tenant.name")
    slug = serializers.CharField(source="member.tenant.slug")
    issuer = serializers.CharField(source="member.tenant.issuer")
    environment = serializers.ChoiceField(
        Tenant.Environment.choices, source="member.tenant.environment", allow_blank=True
    )
    member = serializers.CharField(source="member.pk")
    role = serializers.ChoiceField(Membership.Role.choices, source="member.role_now")
    waiting = serializers.IntegerField()
    is_current = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    def get_is_current(self, place: Place) -> bool:
        return bool(place.member.pk == self.context["member"].pk)

    def get_links(self, place: Place) -> dict[str, str]:
        return {"console": place.url}


class PlacesSerializer(serializers.Serializer[Any]):
    tenants = PlaceSerializer(many=True)


class Tenants(Door):
    """Every tenant in which the person that the token speaks for has an open place, by name; this one among them."""

    http_method_names = ["get", "head", "options"]
    permission_classes = [ForReaders]
    scopes = {"GET": "tenants:read"}
    answers = {"GET": PlacesSerializer}

    def get(self, request: Request) -> Response:
        check_words(request, frozenset())
        member = member_of(request)
        found = PlacesSerializer({"tenants": places.of(member)}, context={"member": member})
        return Response(found.data)
