"""What a query narrows a list to: by the filter of the noun, which pages use too. A word that means nothing is said."""

from typing import Any, TypeVar

import django_filters
from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.serializers import ValidationError

from api.errors import UnreadableQuery

Row = TypeVar("Row", bound=Model)
Filter = type[django_filters.FilterSet]


def narrowed(request: Request, rows: "QuerySet[Row]", by: Filter | None, *, besides: frozenset[str]) -> "QuerySet[Row]":
    """Return the rows that the query asks for; raises UnreadableQuery for a word that narrows nothing here."""
    found = asked(request, rows, by, besides=besides)
    narrower: QuerySet[Row] = rows if found is None else found.qs
    return narrower


def asked(request: Request, rows: "QuerySet[Row]", by: Filter | None, *, besides: frozenset[str]) -> Any:
    """Return the filter of the noun with what the query says, or None where there is none; raises as `narrowed`."""
    words = frozenset(by.base_filters) if by else frozenset()
    check_words(request, words | besides)
    if by is None:
        return None
    found: Any = by(request.query_params, rows)
    if not found.is_valid():
        raise ValidationError(found.errors)
    return found


def check_words(request: Request, known: frozenset[str]) -> None:
    """Raise UnreadableQuery where the query has a word that is not known, or one of them twice."""
    for name in request.query_params:
        if name not in known:
            raise UnreadableQuery(f"{name[:60]!r} narrows nothing here. What does: {', '.join(sorted(known))}.")
        if len(request.query_params.getlist(name)) > 1:
            raise UnreadableQuery(f"{name!r} is said once.")


def asks_for(request: Request, name: str) -> bool:
    """Say whether the query has a word as `true`; raises UnreadableQuery where it says neither that nor `false`."""
    value = request.query_params.get(name, "false")
    if value not in {"true", "false"}:
        raise UnreadableQuery(f"{name} is true or false.")
    return value == "true"
