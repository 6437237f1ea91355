"""Several questions asked in one statement: every line of the answer says whose it is, in the same columns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import CharField, QuerySet, TextField, Value


class Line(NamedTuple):
    """What every part gives; what it has no use for is empty."""

    key: str
    shown: str
    text: str
    number: int


_EMPTY = {"key": Value("", CharField()), "shown": Value("", CharField()), "text": Value("", TextField())}
_EMPTY |= {"number": Value(0)}


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
