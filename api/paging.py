"""Lists, a page at a time: a stable order, and an opaque cursor that fits this list and this question alone."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from api.errors import UnreadableQuery
from kit import context

Row = TypeVar("Row", bound=Model)
MOST, USUAL = 200, 50
WORDS = frozenset({"limit", "cursor"})


def page(request: Request, rows: "QuerySet[Row]", order: Sequence[str]) -> tuple[list[Row], str]:
    """Return a page of rows, and the cursor of the next one or ""; raises UnreadableQuery.

    The last column of the order is unique: so the place of every row is certain, whatever comes and goes meanwhile.
    """
    size, cursor = _size(request), request.query_params.get("cursor", "")
    rows = rows.order_by(*order)
    if cursor:
        rows = rows.filter(_after(order, _place(request, cursor, order)))
    found = list(rows[: size + 1])
    if len(found) <= size:
        return found, ""
    last = [_plain(getattr(found[size - 1], name.lstrip("-"))) for name in order]
    return found[:size], signing.dumps(last, salt=_question(request))


def url_of(request: Request, cursor: str) -> str:
    """Return the address of the page that a cursor stands for."""
    words = {**request.query_params.dict(), "cursor": cursor}
    return f"{settings.PUBLIC_ORIGIN}{request.path}?{urlencode(words)}"


def _size(request: Request) -> int:
    text = request.query_params.get("limit", str(USUAL))
    if not text.isascii() or not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= MOST:
        raise UnreadableQuery(f"limit is a number from 1 to {MOST}.")
    return int(text)


def _place(request: Request, cursor: str, order: Sequence[str]) -> list[Any]:
    try:
        place = signing.loads(cursor, salt=_question(request))
    except signing.BadSignature as error:
        raise UnreadableQuery("This cursor is not one of this list. Begin again without it.") from error
    if not isinstance(place, list) or len(place) != len(order):
        raise UnreadableQuery("This cursor is of an earlier release. Begin again without it.")
    return place


def _plain(value: Any) -> Any:
    """Return a value as a cursor holds it: a moment as text, which compares with moments again."""
    return value.isoformat() if isinstance(value, datetime) else value


def _question(request: Request) -> str:
    """Return what a cursor is bound to: the tenant, the list, and the words that narrow it."""
    narrowed = sorted((name, value) for name, value in request.query_params.items() if name not in WORDS)
    asked = json.dumps([context.require_id(), request.path, narrowed])
    return f"api.paging {hashlib.sha256(asked.encode()).hexdigest()}"


def _after(order: Sequence[str], place: Sequence[Any]) -> Q:
    """Return the rows behind a place in an order of several columns."""
    behind = Q()
    names = [name.lstrip("-") for name in order]
    for number, name in enumerate(order):
        same = Q(**dict(zip(names[:number], place, strict=False)))
        behind |= same & Q(**{f"{names[number]}__{'lt' if name.startswith('-') else 'gt'}": place[number]})
    return behind
