"""The small language of search boxes: plain words, and `name:value` beside them, on pages and in the API alike.

`reconciler person:"Alice Meyer" until:<7d` is one plain word and two terms; all of them hold. What stands in quotes is
one value or one plain word. A list says which names it knows (`Word`); another one is an error, and is not looked for
as text. `https://…` is a plain word: no name is followed by two slashes.
"""

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

MOST, LONGEST = 12, 300
"""Words and terms of one question, and its characters: each is one condition of one statement."""
_PART = re.compile(r'(?:([A-Za-z][A-Za-z_]*):(?!//))?(?:"([^"]*)"|([^\s"]*))(?=\s|$)')
TOO_MANY = _("Ask with %(most)s words or fewer.")
BAD_QUOTE = _('A quotation mark stands before and behind a word or a value: person:"Alice Meyer".')
NOTHING_SAID = _("Say what you look for behind “%(name)s:”.")
UNKNOWN = _("“%(name)s:” means nothing here. What does: %(known)s. To look for it as text, put it into quotes.")
ONE_OF = _("“%(name)s:” takes one of these: %(values)s.")
SIGNED = _("Write it as %(example)s.")
HINT = _("Also {words}")


class Unclear(ValueError):
    """A question that cannot be read; `words` says why, `values` what stands in it."""

    def __init__(self, words: "_StrPromise", **values: object) -> None:
        super().__init__(words, values)
        self.words, self.values = words, values


@dataclass(frozen=True, slots=True)
class Parsed:
    """A question as it was written: its plain words, and what stands behind each name."""

    plain: tuple[str, ...]
    terms: tuple[tuple[str, str], ...]


def parse(text: str) -> Parsed:
    """Return the words and terms of a question; raises Unclear."""
    plain, terms, place = [], [], 0
    if len(text) > LONGEST:
        raise Unclear(TOO_MANY, most=MOST)
    while (place := _behind_spaces(text, place)) < len(text):
        found = _PART.match(text, place)
        if found is None or found.end() == place:
            raise Unclear(BAD_QUOTE)
        name, value = found[1], found[2] if found[2] is not None else found[3]
        if name is None and value:
            plain.append(value)
        elif name and value.strip():
            terms.append((name.lower(), value.strip()))
        elif name:
            raise Unclear(NOTHING_SAID, name=name.lower())
        place = found.end()
    if len(plain) + len(terms) > MOST:
        raise Unclear(TOO_MANY, most=MOST)
    return Parsed(tuple(plain), tuple(terms))


@dataclass(frozen=True, slots=True)
class Word:
    """A name of the language: the filter `to` which its value goes, the sign that stands before it (`<`, `>`), and what
    its values are called where the filter calls them otherwise."""

    to: str
    sign: str = ""
    values: Mapping[str, str] | None = None
    field: forms.Field | None = None

    def written(self, name: str) -> str:
        """Return the name as a hint shows it."""
        return f"{name}:{self.sign}30d" if self.sign else f"{name}:"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was checked: its plain words, and for each name the value as its filter takes it."""

    plain: tuple[str, ...]
    terms: tuple[tuple[str, Any], ...]

    def says(self, name: str) -> bool:
        return any(each == name for each, _value in self.terms)


class SearchField(forms.CharField):
    """Takes a question; a term is checked by the field of its filter."""

    says_words = True

    def __init__(self, *, words: Mapping[str, Word], fields: Mapping[str, forms.Field], **more: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"type": "search"}), **more)
        self.words, self.fields = words, fields

    def clean(self, value: Any) -> Asked | None:
        text: str = super().clean(value)
        if not text:
            return None
        try:
            found = parse(text)
            return Asked(found.plain, tuple((name, self._value(name, said)) for name, said in found.terms))
        except Unclear as error:
            raise ValidationError(error.words, code="unclear", params=error.values) from error

    def _value(self, name: str, said: str) -> Any:
        word = self.words.get(name)
        if word is None:
            raise Unclear(UNKNOWN, name=name[:40], known=known(self.words))
        if word.sign and not said.startswith(word.sign):
            raise Unclear(SIGNED, example=word.written(name))
        field = self.fields[name]
        if choices := _choices(word, field):
            if said.lower() not in choices:
                raise Unclear(ONE_OF, name=name, values=", ".join(choices))
            return choices[said.lower()]
        try:
            return field.clean(said.removeprefix(word.sign))
        except ValidationError as error:
            raise ValidationError(f"{name}: {' '.join(error.messages)}", code="unclear") from error


class SearchFilter(django_filters.Filter):
    """`q`: each plain word is looked for by the filter set's own `search`, each term by the filter that it is of."""

    field_class = SearchField

    def __init__(self, **words: Word) -> None:
        super().__init__(label=_("Search"))
        self.words = words

    @property
    def field(self) -> forms.Field:
        if not hasattr(self, "_field"):
            fields = {name: word.field or copy.deepcopy(self._of(word).field) for name, word in self.words.items()}
            hint = format_lazy(HINT, words=escape(known(self.words)))  # What helps is taken for HTML.
            self._field = SearchField(words=self.words, fields=fields, label=self.label, required=False, help_text=hint)
        return self._field

    def filter(self, qs: "QuerySet[Any]", value: Asked | None) -> "QuerySet[Any]":
        if value is None:
            return qs
        for each in value.plain:
            qs = self.parent.search(qs, each)
        for name, said in value.terms:
            qs = self._of(self.words[name]).filter(qs, said)
        return qs

    def _of(self, word: Word) -> Any:
        return self.parent.filters[word.to]


def known(words: Mapping[str, Word]) -> str:
    """Return the names of a list's words as people read them."""
    return " ".join(word.written(name) for name, word in words.items())


def in_list(scope: str) -> str:
    """Return a scope as it stands in a list that was written as JSON; `payments.*` is whatever begins so.

    As text, because SQLite looks into no list; no scope has a quote in it (RFC 6749 §3.3).
    """
    words = json.dumps(scope.replace("\x00", ""), ensure_ascii=False)
    return words[:-2] if words.endswith('*"') else words


def _choices(word: Word, field: forms.Field) -> Mapping[str, str]:
    """Return the values that a term takes, as they are written; none where any text is one."""
    if word.values is not None:
        return word.values
    choices: Sequence[Any] = list(getattr(field, "choices", ()))
    return {str(value).lower(): value for value, _label in choices if value}


def _behind_spaces(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place
