"""A list as a view declares it: what it is called, how a row is written, what narrows it, in which order it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import paging
from api.narrowing import Filter, narrowed


@dataclass(frozen=True)
class Listing:
    """`{"<name>": [...], "next": "<cursor>"}`; `next` is null on the last page."""

    name: str
    row: type["serializers.BaseSerializer[Any]"]
    filter: Filter | None = None
    order: Sequence[str] = ("-pk",)

    def answer(self, request: Request, rows: "QuerySet[Any]") -> Response:
        """Return the page that a request asks for; raises UnreadableQuery."""
        asked = narrowed(request, rows, self.filter, besides=paging.WORDS)
        found, following = paging.page(request, asked, order=self.order)
        headers = {"Link": f'<{paging.url_of(request, following)}>; rel="next"'} if following else {}
        content = {self.name: self.row(found, many=True).data, "next": following or None}
        return Response(content, headers=headers)
