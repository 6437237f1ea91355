"""What happened: the ledger, a page at a time or as a file, and how far its chain reaches."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import tenant_of
from api.door import Door
from api.errors import UnreadableQuery
from api.keepers import by
from api.listing import Listing
from api.narrowing import narrowed
from api.told import FIELDS, Told
from audit import chain, export, ledger
from audit.events import Event
from audit.models import Entry
from delegations.event_filters import EventFilter
from tenants.roles import Act
from tokens import summaries

READ = "events:read"


class EventSerializer(Told, serializers.ModelSerializer[Entry]):
    class Meta:
        model = Entry
        fields = [*export.COLUMNS, *FIELDS]

    def get_summary(self, row: Entry) -> str:
        return self._summaries[row.pk]

    def page(self, row: Entry) -> str:
        return f"activity/events/{row.pk}"

    @cached_property
    def _summaries(self) -> Mapping[str, str]:
        # Once for all that are written together.
        rows = self.instance if self.parent is None else self.parent.instance
        return summaries.entries([rows] if isinstance(rows, Entry) else list(rows or ()))


class ChainSerializer(serializers.Serializer[Any]):
    """The end of the chain: `waiting` entries are newer, and chained within seconds.

    `verified` is up to where the clock found that it holds; `broken` is the first link that does not, or null.
    """

    class Verified(serializers.Serializer[Any]):
        sequence = serializers.IntegerField(source="reached")
        entry_id = serializers.CharField(source="reached_entry")
        at = serializers.DateTimeField(source="reached_at")

    class Broken(serializers.Serializer[Any]):
        sequence = serializers.IntegerField(source="broken_at")
        why = serializers.CharField()

    sequence = serializers.IntegerField()
    entry_id = serializers.CharField()
    digest = serializers.CharField()
    waiting = serializers.IntegerField()
    verified = Verified(allow_null=True)
    broken = Broken(allow_null=True)


STANDS_FOR = serializers.DictField(
    child=serializers.ListField(child=serializers.CharField()),
    help_text="The ids that each name in the question was taken for; none: nobody and nothing is called so.",
)


class Moment(serializers.DateTimeField):
    def to_representation(self, value: Any) -> Any:
        return None if value is None else super().to_representation(value)


LOOKED_SINCE = Moment(
    allow_null=True, help_text="Since when entries were looked at, where nobody said it and not all of them were."
)


class _Events(Door):
    http_method_names = ["get", "head", "options"]
    scopes = {"GET": READ}
    acts = {"GET": Act.EVENTS_READ}


class Events(_Events):
    listing = Listing(
        "events", EventSerializer, EventFilter, beside={"stands_for": STANDS_FOR, "looked_since": LOOKED_SINCE}
    )
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, Entry.objects.all())


class OneEvent(_Events):
    answers = {"GET": EventSerializer}

    def get(self, request: Request, event_id: str) -> Response:
        return Response(EventSerializer(get_object_or_404(Entry, pk=event_id)).data)


class Export(_Events):
    """The same words as the list takes; CSV or JSON Lines. Longer files are had month by month."""

    def get(self, request: Request, form: str) -> HttpResponseBase:
        if form not in export.TYPES:
            raise Http404
        found = narrowed(request, Entry.objects.all(), EventFilter, besides=frozenset())
        if export.is_too_long(found):
            raise UnreadableQuery(f"That is more than {export.MOST} entries. Narrow it, with since and until.")
        asked = [f"{name}: {value}" for name, value in sorted(request.query_params.items())]
        found = found.filter(pk__lte=ledger.record(Event.EVENTS_EXPORTED, by=by(request), detail={"asked": asked}).pk)
        lines = export.lines(tenant_of(request), found, form)
        name = {"Content-Disposition": f'attachment; filename="events.{form}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type=export.TYPES[form], headers=name)


class Chain(_Events):
    answers = {"GET": ChainSerializer}

    def get(self, request: Request) -> Response:
        reach = chain.sealed()
        seen = reach.walk
        verified = seen if seen and seen.reached_at else None
        told = {**asdict(reach), "verified": verified, "broken": seen if seen and seen.why else None}
        return Response(ChainSerializer(told).data)
