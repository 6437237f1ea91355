"""What pages are made of: vendored files as they were published, words of the glossary, words to be translated."""

import base64
import hashlib
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from scripts import translations

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# `npm view htmx.org@4.0.1`, dist/htmx.min.js: a changed byte is somebody else's script on every page of the console.
VENDORED = {"htmx-4.0.1.min.js": "Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"}
# Words that docs/glossary.md keeps from one meaning, and that stand on pages in another, everyday one.
EVERYDAY = {
    "account", "admin", "app", "domain", "filter", "host", "line", "log", "path", "PIN", "request", "role", "service",
    "sign-up",
}  # fmt: skip
# What the standards say and people do not: architecture.md, "words for people".
UNSPOKEN = {"entitlement", "grant", "principal", "tenant", "token exchange", "realm"}
# The one word for it on pages and in mail, for people and for admins: docs/glossary.md, "words for people".
ORGANISATION = {"en": r"\borganisations?\b", "de": r"organisation(?:en)?\b"}
TENANT = {"en": r"\btenants?\b", "de": r"\b(?:tenants?|mandant\w*)\b"}
_SILENT = re.compile(r"{#.*?#}|{% block (?:body_class|at_\w+) %}.*?{% endblock %}", re.DOTALL)
_MARKED = re.compile(
    r"{%\s*(?:trans|translate)\s+([\"'])(.*?)\1.*?%}|{%\s*blocktrans(?:late)?\b.*?%}(.*?){%\s*endblocktrans(?:late)?\s*%}",
    re.DOTALL,
)
_TEMPLATE_TAGS = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_TAGS = re.compile(r"<[^<>]*>|&[a-z]+;", re.DOTALL)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


def _glossary() -> tuple[set[str], set[str]]:
    """Return the glossary's words, and those that it says are never said for them."""
    rows = [line.split("|") for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()]
    rows = [row for row in rows if len(row) == 6][2:]
    ours = {word.strip().lower() for row in rows for word in row[1].split(",")}
    return ours, {word.strip() for row in rows for word in row[4].split(",") if word.strip()}


def _spoken(source: str) -> str:
    """Return what a template says: its marked sentences, and whatever stands between its tags."""
    source = _SILENT.sub(" ", source)
    marked = [_bare(match[2] or match[3] or "") for match in _MARKED.finditer(source)]
    return " ".join([*marked, _unmarked(source)])


def _unmarked(source: str) -> str:
    return _bare(_MARKED.sub(" ", _SILENT.sub(" ", source)))


def _bare(source: str) -> str:
    return " ".join(_TAGS.sub(" ", _TEMPLATE_TAGS.sub(" ", source)).split())


@pytest.mark.parametrize("name", VENDORED)
def test_a_vendored_script_is_the_one_that_was_published(name):
    script = (ROOT / "static" / "ui" / name).read_bytes()
    assert base64.b64encode(hashlib.sha384(script).digest()).decode() == VENDORED[name]
    assert name in (ROOT / "static" / "ui" / "LICENSES.txt").read_text()


def test_no_script_is_vendored_that_nobody_vouches_for():
    ours = {
        "approvals.js",
        "choosing.js",
        "copy.js",
        "dialogs.js",
        "passkeys.js",
        "switcher.js",
        "tail.js",
        "undo.js",
        "waiting.js",
    }
    assert {path.name for path in (ROOT / "static").rglob("*.js")} == ours | set(VENDORED)


def test_no_template_holds_a_script_or_a_style_of_its_own():
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|hx-boost", re.IGNORECASE)
    assert not [_named(path) for path in TEMPLATES if inline.search(path.read_text())]


def test_rules_are_written_for_either_direction_of_writing():
    sheet = (ROOT / "static" / "ui" / "ui.css").read_text()
    physical = r"\b(margin|padding|border)-(left|right)\b|[;{\s](left|right):|text-align:\s*(left|right)|\bfloat:"
    assert not re.findall(physical, sheet)


def test_a_page_says_no_word_that_the_glossary_rules_out():
    ours, never = _glossary()
    assert {"realm", "flow", "application"} <= never
    unspoken = {word for word in never if word.lower() not in ours} - EVERYDAY | UNSPOKEN
    any_of_them = re.compile(rf"\b({'|'.join(map(re.escape, unspoken))})s?\b", re.IGNORECASE)
    assert any_of_them.search("The realm")
    assert not {_named(path): said for path in TEMPLATES if (said := any_of_them.findall(_spoken(path.read_text())))}


def test_a_tenant_is_an_organisation_to_everybody_who_reads_of_it():
    """Whatever is marked for translation is read by people, wherever it stands; programs and the wire say tenant."""
    (german,) = sorted(translations.LOCALE.glob("de/LC_MESSAGES/django.po"))
    said = {"en": _lines(translations.extracted(), "id"), "de": _lines(translations.read(german), "string")}
    for language, lines in said.items():
        assert sum(bool(re.search(ORGANISATION[language], line, re.IGNORECASE)) for line in lines) > 30
        assert not [line for line in lines if re.search(TENANT[language], line, re.IGNORECASE)]


def _lines(catalogue: Catalog, side: str) -> list[str]:
    """Return one side of a catalogue, without the names of its placeholders."""
    found = (getattr(message, side) for message in catalogue if message.id)
    lines = [line for each in found for line in ([each] if isinstance(each, str) else each)]
    return [re.sub(r"%\(\w+\)s|\{\w*\}", "", line) for line in lines]


def test_every_icon_that_a_page_names_is_drawn_and_none_is_drawn_in_vain():
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static" / "ui" / "icons.svg").read_text()))
    spoken = "".join(path.read_text() for path in TEMPLATES)
    assert set(re.findall(r'(?:icon\.html" with name|\bicon)="([^"]+)"', spoken)) - drawn == set()
    spoken += "".join(path.read_text() for path in (ROOT / "console").rglob("*.py"))
    assert {name for name in drawn if f'"{name}"' not in spoken} == set()
