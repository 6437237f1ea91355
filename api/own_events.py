"""What was done for me: the entries of the ledger that are about the person for whom a token speaks, and no others."""

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

from django.db import transaction
from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.authentication import tenant_of
from api.door import Door
from api.errors import UnreadableQuery
from api.keepers import ForReaders, by, member_of
from api.listing import Listing
from api.narrowing import narrowed
from audit import export, ledger
from audit.events import Event
from audit.models import Entry
from delegations.event_filters import OwnEventFilter
from tenants import told
from tokens import summaries

READ = "events:read"


class OwnEventSerializer(serializers.ModelSerializer[Entry]):
    """An entry without what is noted for those who look after everybody; of others neither network nor proof."""

    summary = serializers.SerializerMethodField(help_text="It in a sentence.")

    class Meta:
        model = Entry
        fields = [*told.COLUMNS, "summary"]

    def get_summary(self, row: Entry) -> str:
        return self._summaries[row.pk]

    @cached_property
    def _summaries(self) -> Mapping[str, str]:
        # Once for all that are written together.
        assert self.parent is not None
        return summaries.entries(list(self.parent.instance or ()))

    def to_representation(self, instance: Entry) -> dict[str, Any]:
        return super().to_representation(told.as_read_by(member_of(self.context["request"]), instance))


class _Own(Door):
    http_method_names = ["get", "head", "options"]
    permission_classes = [ForReaders]
    scopes = {"GET": READ}


class Events(_Own):
    """What agents did in this person's name, and what others did with their access and their place.

    With `tokens=true` the tokens that were issued for them stand among it, and it is that of a week.
    """

    listing = Listing("events", OwnEventSerializer, OwnEventFilter)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        return self.listing.answer(request, told.of(member_of(request)))


class Export(_Own):
    """The same words as the list takes; CSV or JSON Lines."""

    def get(self, request: Request, form: str) -> HttpResponseBase:
        if form not in export.TYPES:
            raise Http404
        member = member_of(request)
        found = narrowed(request, told.of(member), OwnEventFilter, besides=frozenset())
        if export.is_too_long(found):
            raise UnreadableQuery(f"That is more than {export.MOST} entries. Narrow it, with since and until.")
        asked = [f"{name}: {value}" for name, value in sorted(request.query_params.items())]
        with transaction.atomic():
            taken = ledger.record(Event.EVENTS_EXPORTED, by=by(request), about=member, detail={"asked": asked})
        row = partial(told.row, member)
        rows = found.filter(pk__lte=taken.pk)
        lines = export.lines(tenant_of(request), rows, form, columns=told.COLUMNS, row=row)
        name = {"Content-Disposition": f'attachment; filename="my-events.{form}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type=export.TYPES[form], headers=name)
