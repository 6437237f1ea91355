"""What people read: marked, translated whole, and compiled as it stands in the tree. No database decides any of it.

`make translations` gathers what is marked and compiles what is translated; an empty entry wants a translation.
"""

import gettext
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit.events import Event
from delegations.event_words import words
from scripts import translations

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.*") if path.suffix in {".html", ".txt"})
CATALOGUES = sorted(translations.LOCALE.glob("*/LC_MESSAGES/django.po"))
# What a person sees of an element besides its text.
_SHOWN = {"alt", "aria-label", "aria-description", "data-label", "label", "placeholder", "title"}
# Alike in every language.
_NAMES = {"Remit"}
# A public key that shows what one looks like (RFC 7517 §4), and the beginning of a request.
_EXAMPLES = {"console/key_add.html": {"kty", "EC", "crv"}, "ui/same_request.html": {"GET"}}
_UNSEEN = re.compile(
    r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|{%\s*block (?:body_class|at_\w+|action)\s*%}.*?{%\s*endblock\s*%}",
    re.DOTALL,
)
_MARKED = re.compile(r"{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}", re.DOTALL)
_CODE = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)


class _Seen(HTMLParser):
    """What is visible of a template once its tags are gone: its text, and the attributes that people meet."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words += [value or "" for name, value in attrs if name in _SHOWN]
        self.words += [value or "" for name, value in attrs if name == "value" and ("type", "submit") in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


def _unmarked(source: str) -> set[str]:
    """Return the words of a template that no translation reaches; a letter alone is a key or a unit."""
    seen = _Seen()
    # A tag inside a tag (`<a{% if … %} class="…"{% endif %}>`) leaves what it chooses between.
    seen.feed(_CODE.sub("", _MARKED.sub("", _UNSEEN.sub("", source))))
    seen.close()
    return set(re.findall(r"[^\W\d_]{2,}", " ".join(seen.words))) - _NAMES


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_every_string_is_translated_with_its_placeholders_and_nothing_else_is(path):
    found, known = translations.extracted(), translations.read(path)
    assert not list(translations.flawed(known, found)), "make translations, and fill in what is empty"
    assert not [message.id for message in known if message.id and found.get(*_key(message)) is None]
    assert len(found) > 1000


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_the_compiled_catalogue_is_what_the_translations_say(path):
    compiled = path.with_suffix(".mo").read_bytes()
    assert compiled == translations.compiled(translations.read(path)), "make translations"
    read = gettext.GNUTranslations(io.BytesIO(compiled))
    for message in translations.read(path):
        if message.id and not message.context and isinstance(message.id, str):
            assert read.gettext(message.id) == message.string
        elif message.id and not message.context:
            assert [read.ngettext(*message.id, number) for number in (1, 5)] == list(message.string)


def test_a_template_shows_no_word_that_cannot_be_translated():
    """A program is in no language of people."""
    translated = [path for path in TEMPLATES if path.parent.name != "setup"]
    assert len(translated) > 100
    bare = {_named(path): found for path in translated if (found := _unmarked(path.read_text(encoding="utf-8")))}
    assert bare == _EXAMPLES


def test_every_event_has_words_for_people():
    assert not [
        event.value for event in Event if words(event.value) == event.value.replace(".", ": ").replace("_", " ")
    ]


def test_the_check_sees_what_is_wrong():
    found, known = translations.extracted(), translations.read(CATALOGUES[0])
    assert _unmarked('<p title="Left">{% trans "Fine" %} bare <b>{{ name }}</b></p>') == {"Left", "bare"}
    known.get("Save").string = ""
    known.get("today at %(time)s").string = "heute um %(zeit)s"
    known.get("in %(n)s day").string = ("in %(n)s Tag", "in Tagen")
    known.get("Remove").flags.add("fuzzy")
    assert {line.split(":")[0] for line in translations.flawed(known, found)} == {
        "missing", "placeholders differ", "fuzzy"
    }  # fmt: skip
    assert sum(1 for _ in translations.flawed(known, found)) == 4


def _key(message):
    return (message.id if isinstance(message.id, str) else message.id[0]), message.context
