"""Keyset pages in a chosen order: a page is as fast at the end as at the beginning."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.functional import Promise

from kit.orders import NEWEST, Order

Row = TypeVar("Row", bound=Model)
SIZE = 50
COUNTED = 10_000
MOVES = ("before", "after", "ticked")
"""Words of one page of a list: where in it one is, and that its rows are ticked."""
WORDS = frozenset({*MOVES, "order", "group"})
COLUMNS = "columns"
"""The word of lists whose columns can be chosen (`console.columns`)."""
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and the address that sorts by it; `sorted` is the value of aria-sort, or nothing.

    `word` stands for it in the address of a list whose columns can be chosen.
    """

    label: str | Promise
    url: str = ""
    sorted: str = ""
    word: str = ""


def page(
    request: HttpRequest,
    rows: "QuerySet[Row]",
    *,
    orders: Sequence[Order] = (NEWEST,),
    dress: "Callable[[QuerySet[Row]], QuerySet[Any]]" = lambda rows: rows,
    at: str = "",
    size: int = SIZE,
) -> tuple[list[Any], dict[str, object]]:
    """Return the rows of a page and what its pager shows; `?before=<id>` and `?after=<id>` move on and back.

    `dress` adds what only the rows that are shown need; `at` is the list's address, for one that answers a form too.
    """
    order = chosen(request, orders)
    before, after = _place(request, "before"), _place(request, "after")
    keyed = _keyed(rows, order)
    here = _slice(keyed, order, before, after, size)
    # Which rows they are is decided before anything is joined to them: of a sort by a column all are gone through.
    found = list(_sorted(dress(keyed).filter(pk__in=here.values("pk")), order, is_back=bool(after)))
    has_more, found = len(found) > size, found[:size]
    if after:
        found.reverse()
    newer = _url(request, at, after=found[0].pk) if found and (has_more if after else bool(before)) else ""
    older = _url(request, at, before=found[-1].pk) if found and (has_more or bool(after)) else ""
    first = "" if found or not (before or after) else _url(request, at)
    is_all = not (before or after or has_more)
    count = number_format(len(found), force_grouping=True) if is_all else _count(rows)
    return found, {"newer_url": newer, "older_url": older, "first_url": first, "count": count}


def chosen(request: HttpRequest, orders: Sequence[Order]) -> Order:
    """Return the order that the address names; the first one where it names none that there is."""
    return next((order for order in orders if order.word == request.GET.get("order")), orders[0])


def column(
    request: HttpRequest, label: str | Promise, order: Order, orders: Sequence[Order], *, at: str = "", word: str = ""
) -> Column:
    """Return the heading of a column that a list can be sorted by; `at` as for `page`, `word` as for `Column`."""
    is_chosen = chosen(request, orders) == order
    words = {} if order == orders[0] else {"order": order.word}
    direction = "descending" if order.is_falling else "ascending"
    return Column(label, _url(request, at, without="order", **words), direction if is_chosen else "", word)


def _keyed(rows: "QuerySet[Any]", order: Order) -> "QuerySet[Any]":
    return rows if order.key is None else rows.annotate(order_key=order.key)


def _slice(rows: "QuerySet[Row]", order: Order, before: str, after: str, size: int) -> "QuerySet[Row]":
    """Return the rows beyond a place, nearest to it first; one more than a page holds."""
    is_falling = order.is_falling != bool(after)
    if before or after:
        rows = rows.filter(_beyond(rows, order, before or after, "lt" if is_falling else "gt"))
    return _sorted(rows, order, is_back=bool(after))[: size + 1]


def _sorted(rows: "QuerySet[Row]", order: Order, *, is_back: bool) -> "QuerySet[Row]":
    names = ["pk"] if order.key is None else ["order_key", "pk"]
    return rows.order_by(*(f"-{name}" if order.is_falling != is_back else name for name in names))


def _beyond(rows: "QuerySet[Row]", order: Order, place: str, direction: str) -> Q:
    further = Q(**{f"pk__{direction}": place})
    if order.key is None:
        return further
    # The row may have left the list since: its place in the order is asked for all the same.
    known = _keyed(rows.model._default_manager.filter(pk=place), order).values_list("order_key", flat=True).first()
    return Q(pk=None) if known is None else Q(**{f"order_key__{direction}": known}) | Q(order_key=known) & further


def _place(request: HttpRequest, name: str) -> str:
    """Return the id that a page starts from; what cannot be an id is the first page."""
    text = request.GET.get(name, "")
    return text if _ID.fullmatch(text) else ""


def _count(rows: "QuerySet[Row]") -> str:
    number = rows.order_by()[: COUNTED + 1].count()
    words = number_format(min(number, COUNTED), force_grouping=True)
    return f"{words}+" if number > COUNTED else words


def _url(request: HttpRequest, at: str, *, without: str = "", **move: str) -> str:
    query = request.GET.copy()
    for name in (*MOVES, without):
        query.pop(name, None)
    query.update(move)
    return f"{at}?{query.urlencode()}"
