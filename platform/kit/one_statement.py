"""Several questions asked in one statement: every line of the answer says whose it is, in the same columns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import CharField, DateTimeField, QuerySet, TextField, Value
from django.db.models.functions import Cast


class Line(NamedTuple):
    """What every part gives; what it has no use for is empty."""

    key: str
    shown: str
    text: str
    number: int
    second: int
    third: int
    latest: datetime | None


_EMPTY: dict[str, Any] = {
    "key": Value("", CharField()),
    "shown": Value("", CharField()),
    "text": Value("", TextField()),
}
_EMPTY |= {"number": Value(0), "second": Value(0), "third": Value(0)}
# Cast: PostgreSQL takes a NULL of two parts for text, which the third part's moments do not match.
_EMPTY |= {"latest": Cast(Value(None), DateTimeField())}


def part(rows: "QuerySet[Any, Any]", kind: str, **columns: Any) -> "QuerySet[Any, Any]":
    """Return a question under its kind, with what it has of the columns of a line."""
    named = {f"the_{name}": columns.get(name, nothing) for name, nothing in _EMPTY.items()}
    lines: QuerySet[Any, Any] = rows.order_by().annotate(kind=Value(kind, CharField()), **named)
    return lines.values_list("kind", *named)


def ask(parts: Sequence["QuerySet[Any, Any]"]) -> Mapping[str, list[Line]]:
    """Return the lines of every part by its kind."""
    found: dict[str, list[Line]] = defaultdict(list)
    for kind, *line in parts[0].union(*parts[1:], all=True):
        found[kind].append(Line(*line))
    return found
