"""How a tenant does, in numbers: what the overview of the console shows, a minute old at most."""

from collections.abc import Sequence
from datetime import date
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
    """Counts as of a moment; days are the tenant's own, today last. `silent_issuers` give no keys.

    Null is what could not be counted just now: ask again. `oldest_waiting_since` is null where nothing waits, too.
    """

    as_of = serializers.DateTimeField()
    waiting = serializers.IntegerField(allow_null=True)
    oldest_waiting_since = serializers.DateTimeField(source="oldest", allow_null=True)
    live_delegations = serializers.IntegerField(source="live", allow_null=True)
    made_within_a_day = serializers.IntegerField(source="made_today", allow_null=True)
    end_within_a_week = serializers.IntegerField(source="ends_soon", allow_null=True)
    without_end = serializers.IntegerField(source="no_end", allow_null=True)
    unused_for_30_days = serializers.IntegerField(source="quiet", allow_null=True)
    refused_today = serializers.IntegerField(allow_null=True)
    agents_without_owner = serializers.IntegerField(source="ownerless", allow_null=True)
    silent_issuers = serializers.IntegerField(source="silent", allow_null=True)
    live_by_day = serializers.SerializerMethodField()
    refused_by_day = serializers.SerializerMethodField()

    def get_live_by_day(self, found: figures.Figures) -> list[dict[str, Any]] | None:
        return _days(found.live_by_day)

    def get_refused_by_day(self, found: figures.Figures) -> list[dict[str, Any]] | None:
        return _days(found.refused_by_day)


class Overview(Door):
    http_method_names = ["get", "head", "options"]
    scopes = {"GET": "agents:read"}
    acts = {"GET": Act.AGENTS_READ}
    answers = {"GET": FiguresSerializer}

    def get(self, request: Request) -> Response:
        return Response(FiguresSerializer(figures.figures(tenant_of(request))).data)


def _days(days: Sequence[tuple[date, int]] | None) -> list[dict[str, Any]] | None:
    if days is None:
        return None
    rows = [{"day": day, "number": number} for day, number in days]
    return list(DaySerializer(rows, many=True).data)
