"""How a tenant does, in numbers: what the overview of the console shows, a minute old at most."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import tenant_of
from api.door import Door
from tenants.roles import Act
from tokens import figures


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    number = serializers.IntegerField()


class FiguresSerializer(serializers.Serializer[Any]):
    """Counts as of a moment; days are the tenant's own, today last. `silent_issuers` give no keys."""

    as_of = serializers.DateTimeField()
    waiting = serializers.IntegerField()
    oldest_waiting_since = serializers.DateTimeField(source="oldest", allow_null=True)
    live_delegations = serializers.IntegerField(source="live")
    made_within_a_day = serializers.IntegerField(source="made_today")
    end_within_a_week = serializers.IntegerField(source="ends_soon")
    without_end = serializers.IntegerField(source="no_end")
    unused_for_30_days = serializers.IntegerField(source="quiet")
    refused_today = serializers.IntegerField()
    agents_without_owner = serializers.IntegerField(source="ownerless")
    silent_issuers = serializers.IntegerField(source="silent")
    live_by_day = serializers.SerializerMethodField()
    refused_by_day = serializers.SerializerMethodField()

    def get_live_by_day(self, found: figures.Figures) -> list[dict[str, Any]]:
        return _days(found.live_by_day)

    def get_refused_by_day(self, found: figures.Figures) -> list[dict[str, Any]]:
        return _days(found.refused_by_day)


class Overview(Door):
    http_method_names = ["get", "head", "options"]
    scopes = {"GET": "agents:read"}
    acts = {"GET": Act.AGENTS_READ}
    answers = {"GET": FiguresSerializer}

    def get(self, request: Request) -> Response:
        return Response(FiguresSerializer(figures.figures(tenant_of(request))).data)


def _days(days: Any) -> list[dict[str, Any]]:
    rows = [{"day": day, "number": number} for day, number in days]
    return list(DaySerializer(rows, many=True).data)
