"""Keyset pages: newest first, by id; a page is as fast at the end as at the beginning."""

import re
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
SIZE = 50
COUNTED = 10_000
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")


def page(request: HttpRequest, rows: "QuerySet[Row]") -> tuple[list[Row], dict[str, object]]:
    """Return the rows of a page and what its pager shows; `?before=<id>` and `?after=<id>` move."""
    before, after = _place(request, "before"), _place(request, "after")
    if after:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: SIZE + 1])
        has_newer, found = len(found) > SIZE, found[:SIZE][::-1]
        has_older = True
    else:
        found = list((rows.filter(pk__lt=before) if before else rows).order_by("-pk")[: SIZE + 1])
        has_older, found = len(found) > SIZE, found[:SIZE]
        has_newer = bool(before)
    newer = _url(request, after=found[0].pk) if found and has_newer else ""
    older = _url(request, before=found[-1].pk) if found and has_older else ""
    return found, {"newer_url": newer, "older_url": older, "count": _count(rows)}


def _place(request: HttpRequest, name: str) -> str:
    """Return the id that a page starts from; what cannot be an id is the first page."""
    text = request.GET.get(name, "")
    return text if _ID.fullmatch(text) else ""


def _count(rows: "QuerySet[Row]") -> str:
    number = rows.order_by()[: COUNTED + 1].count()
    return f"{COUNTED:,}+" if number > COUNTED else f"{number:,}"


def _url(request: HttpRequest, **move: str) -> str:
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    query.update(move)
    return f"?{query.urlencode()}"
