"""A list as the address narrows it: by the noun's filter, which the API uses too. A word that means nothing is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import django_filters
from django.db.models import QuerySet
from django.forms import BoundField
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext

from console.paging import COLUMNS, MOVES, WORDS


@dataclass(frozen=True, slots=True)
class Chip:
    """A usual question: what it is called, and the words of the address that ask it."""

    label: str | Promise
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Switch:
    """A chip as a page shows it: its address asks the question, or takes it back where it is asked."""

    label: str | Promise
    url: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What narrows a list, for the parts that show it, and the rows that are left."""

    rows: "QuerySet[Any]"
    fields: Sequence[BoundField]
    further: Sequence[BoundField]
    kept: Sequence[tuple[str, str]]
    chips: Sequence[Switch]
    notes: Sequence[str] = field(default_factory=list)
    query: str = ""
    at: str = ""
    is_narrowed: bool = False
    there: frozenset[str] = frozenset()
    """The words that the API knows, too."""

    @property
    def clear_url(self) -> str:
        """The address of the whole list."""
        return self.at or "?"

    @property
    def is_further(self) -> bool:
        """Whether a field is used that is folded away otherwise."""
        return any(each.data for each in self.further)

    @property
    def request(self) -> str:
        """The words with which the API narrows the same list, as they stand behind its address."""
        words = [(name, value) for name, value in QueryDict(self.query).items() if value and name in self.there]
        return f"?{urlencode(words)}" if words else ""


def narrowing(
    request: HttpRequest,
    by: type[django_filters.FilterSet],
    rows: "QuerySet[Any]",
    *,
    shown: Sequence[str],
    further: Sequence[str] = (),
    chips: Sequence[Chip] = (),
    fixed: Mapping[str, str] | None = None,
    at: str = "",
    is_ordered_there: bool = False,
    has_columns: bool = False,
) -> Narrowing:
    """Return the rows that the address asks for: none where it asks for what cannot be read.

    What is `fixed` holds whatever the address says, and no field shows it. `at` is where the list stands, for one that
    answers a form as well: the form's own address has nothing to show. One that `has_columns` lets them be chosen.
    """
    query = request.GET.copy()
    for name, value in (fixed or {}).items():
        query[name] = value
    found, known = by(query, rows), {*by.base_filters, *WORDS, *((COLUMNS,) if has_columns else ())}
    is_readable = found.is_valid()
    form, seen = found.form, {*shown, *further, *MOVES, *(fixed or {})}
    return Narrowing(
        rows=found.qs if is_readable else rows.none(),
        fields=[form[name] for name in shown],
        further=[form[name] for name in further],
        kept=[(name, str(value)) for name in sorted(known - seen) for value in request.GET.getlist(name)],
        chips=[_switch(request.GET, chip, at) for chip in chips],
        notes=[*_unknown(request.GET, known), *_unreadable(form, seen), *getattr(found, "notes", ())],
        query=query.urlencode(),
        at=at,
        is_narrowed=any(value and name in by.base_filters for name, value in request.GET.items()),
        there=frozenset(by.base_filters) | ({"order"} if is_ordered_there else set()),
    )


def _unknown(query: QueryDict, known: set[str]) -> list[str]:
    words = [name[:60] for name in query if name not in known]
    return [gettext("“%(word)s” narrows nothing here.") % {"word": word} for word in words[:5]]


def _unreadable(form: Any, seen: set[str]) -> list[str]:
    """Say what is wrong with words that no field shows."""
    return [f"{name}: {error}" for name, errors in form.errors.items() if name not in seen for error in errors]


def _switch(query: QueryDict, chip: Chip, at: str) -> Switch:
    is_on = all(query.get(name) == value for name, value in chip.words.items())
    changed = query.copy()
    for name in (*chip.words, *MOVES):
        changed.pop(name, None)
    if not is_on:
        changed.update(dict(chip.words))
    return Switch(chip.label, f"{at}?{changed.urlencode()}", is_on)
