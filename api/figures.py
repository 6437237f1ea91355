"""How a tenant does, in numbers: what the overview of the console shows, a minute old at most."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import tenant_of
from api.door import Door
from api.errors import UnreadableQuery
from api.keepers import ForOwners, member_of
from tenants.roles import Act, may
from tokens import figures


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    number = serializers.IntegerField()


class FiguresSerializer(serializers.Serializer[Any]):
    """Counts as of a moment; days are the tenant's own, today last. `silent_issuers` give no keys.

    Null is what could not be counted just now: ask again. `oldest_waiting_since` is null where nothing waits, too, and
    what concerns the whole tenant where an owner asks. `end_within_a_week_used` of those had a token within a day.
    """

    as_of = serializers.DateTimeField()
    waiting = serializers.IntegerField(allow_null=True)
    waiting_of_high_risk = serializers.IntegerField(source="waiting_high", allow_null=True)
    oldest_waiting_since = serializers.DateTimeField(source="oldest", allow_null=True)
    live_delegations = serializers.IntegerField(source="live", allow_null=True)
    made_within_a_day = serializers.IntegerField(source="made_today", allow_null=True)
    changed_since_yesterday = serializers.IntegerField(source="live_change", allow_null=True)
    end_within_a_week = serializers.IntegerField(source="ends_soon", allow_null=True)
    end_within_a_week_used = serializers.IntegerField(source="ends_used", allow_null=True)
    without_end = serializers.IntegerField(source="no_end", allow_null=True)
    unused_for_30_days = serializers.IntegerField(source="quiet", allow_null=True)
    refused_within_a_day = serializers.IntegerField(source="refused_lately", allow_null=True)
    agents_refused_within_a_day = serializers.IntegerField(source="refused_agents", allow_null=True)
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
    """Of everybody's agents for whoever looks after the tenant; of their own for whoever owns some."""

    http_method_names = ["get", "head", "options"]
    permission_classes = [ForOwners]
    owned = frozenset({"GET", "HEAD"})
    asks = {"days": [str(days) for days in figures.SPANS]}
    scopes = {"GET": "agents:read"}
    acts = {"GET": Act.AGENTS_READ}
    answers = {"GET": FiguresSerializer}

    def get(self, request: Request) -> Response:
        asked, member = request.query_params.get("days", str(figures.SPANS[0])), member_of(request)
        if asked not in self.asks["days"]:
            raise UnreadableQuery(f"days is one of {', '.join(self.asks['days'])}.")
        owner = None if may(member, Act.AGENTS_READ) else member
        return Response(FiguresSerializer(figures.figures(tenant_of(request), days=int(asked), owner=owner)).data)


def _days(days: Sequence[tuple[date, int]] | None) -> list[dict[str, Any]] | None:
    if days is None:
        return None
    rows = [{"day": day, "number": number} for day, number in days]
    return list(DaySerializer(rows, many=True).data)
