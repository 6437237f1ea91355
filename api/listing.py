"""A list as a view declares it: what it is called, how a row is written, what narrows it, in which order it stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import paging
from api.errors import UnreadableQuery
from api.narrowing import Filter, asked
from kit.orders import Order


@dataclass(frozen=True)
class Listing:
    """`{"<name>": [...], "next": "<cursor>"}`; `next` is null on the last page.

    A list with `orders` can be sorted: `?order=<word>`, by the first of them where none is said.
    """

    name: str
    row: type["serializers.BaseSerializer[Any]"]
    filter: Filter | None = None
    order: Sequence[str] = ("-pk",)
    orders: Mapping[str, Callable[[datetime], Order]] | None = None
    beside: Mapping[str, "serializers.Field[Any, Any, Any, Any]"] = field(default_factory=dict)
    """What the filter says of how it was asked, under names of its own."""

    def answer(self, request: Request, rows: "QuerySet[Any]") -> Response:
        """Return the page that a request asks for; raises UnreadableQuery."""
        words = paging.WORDS | {"order"} if self.orders else paging.WORDS
        narrowing = asked(request, rows, self.filter, besides=words)
        left = rows if narrowing is None else narrowing.qs
        found, following = paging.page(request, *self._sorted(request, left))
        headers = {"Link": f'<{paging.url_of(request, following)}>; rel="next"'} if following else {}
        content = {self.name: self.row(found, many=True, context={"request": request}).data, "next": following or None}
        said = {name: each.to_representation(getattr(narrowing, name)) for name, each in self.beside.items()}
        return Response({**content, **said}, headers=headers)

    def _sorted(self, request: Request, rows: "QuerySet[Any]") -> "tuple[QuerySet[Any], Sequence[str]]":
        """Return the rows with what they are sorted by, and the names of that; raises UnreadableQuery."""
        if self.orders is None:
            return rows, self.order
        make = self.orders.get(request.query_params.get("order", next(iter(self.orders))))
        if make is None:
            raise UnreadableQuery(f"order is one of {', '.join(self.orders)}.")
        chosen = make(timezone.now())
        names = ("pk",) if chosen.key is None else ("order_key", "pk")
        by = tuple(f"-{name}" if chosen.is_falling else name for name in names)
        return (rows if chosen.key is None else rows.annotate(order_key=chosen.key)), by
