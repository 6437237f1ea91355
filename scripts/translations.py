"""Bring the catalogues of translations up to what the tree says, and compile them (`make translations`).

Strings are found in Python and in templates, merged into locale/<language>/LC_MESSAGES/django.po, and compiled beside
it: whoever only runs Remit needs no tool for that. What is missing, fuzzy or not in use any more is named, and ends the
run with 1 where something is left to do.
"""

import ast
import io
import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
PACKAGES = ("agents", "api", "audit", "console", "delegations", "notices", "platform", "tenants", "tokens", "trust")
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%[sd%]|{\w*}|</?[a-z]+[^>]*>")
# When and by which version a file was written says nothing of it, and changes every time.
_FLEETING = re.compile(
    r'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Report-Msgid-Bugs-To):.*\n', re.MULTILINE
)


def main() -> int:
    """Write every catalogue anew; return 1 where strings are left to be translated."""
    found, is_whole = extracted(), True
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        known = read(path)
        gone = [message for message in known if message.id and not _same(found, message)]
        known.update(found, no_fuzzy_matching=True)
        path.write_text(written(known), encoding="utf-8")
        path.with_suffix(".mo").write_bytes(compiled(read(path)))
        flaws = list(flawed(read(path), found))
        is_whole = is_whole and not flaws
        print(f"{path.relative_to(ROOT)}: {len(found)} strings, {len(flaws)} to do, {len(gone)} out of use")
        for line in [*flaws, *(f"out of use: {message.id!r}" for message in gone)]:
            print(f"  {line}")
    return 0 if is_whole else 1


def extracted() -> Catalog:
    """Return every string that is marked in the tree."""
    found = Catalog(fuzzy=False)
    for path in _sources():
        # Without a line: those move with every change.
        place: Any = (str(path.relative_to(ROOT)), None)
        for function, words in _calls(path):
            if ready := _ready(function, words):
                context, text = ready
                found.add(text, locations=[place], context=context)
    return found


def read(path: Path) -> Catalog:
    """Return a catalogue as it stands in the tree."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def written(catalogue: Catalog) -> str:
    """Return a catalogue as it stands in the tree: in the order of the files, without what changes by itself."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return _FLEETING.sub("", buffer.getvalue().decode())


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as gettext reads it (GNU gettext, "The Format of GNU MO Files"): the same bytes every time."""
    plural = f"Content-Type: text/plain; charset=utf-8\nPlural-Forms: {catalogue.plural_forms}\n"
    pairs = {b"": plural.encode()}
    pairs |= {_key(each): _value(each) for each in catalogue if each.id and is_done(each) and not each.fuzzy}
    ids, texts, table = b"", b"", []
    for key in sorted(pairs):
        table.append((len(key), len(ids), len(pairs[key]), len(texts)))
        ids += key + b"\0"
        texts += pairs[key] + b"\0"
    count, start = len(table), 28 + 16 * len(table)
    originals = b"".join(struct.pack("<2I", size, start + at) for size, at, _, _ in table)
    translations = b"".join(struct.pack("<2I", size, start + len(ids) + at) for _, _, size, at in table)
    head = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0)
    return head + originals + translations + ids + texts


def flawed(catalogue: Catalog, found: Catalog) -> Iterator[str]:
    """Say what is wrong with a catalogue, beside the strings of the tree."""
    for wanted in found:
        message = _same(catalogue, wanted) if wanted.id else None
        if wanted.id and (message is None or not is_done(message)):
            yield f"missing: {wanted.id!r}"
        elif message is not None and message.fuzzy:
            yield f"fuzzy: {wanted.id!r}"
        elif message is not None and not _agrees(message):
            yield f"placeholders differ: {wanted.id!r}"


def is_done(message: Message) -> bool:
    """Say whether every form of a message is translated."""
    return bool(message.string) and all(_forms(message.string))


def _agrees(message: Message) -> bool:
    """Say whether a translation holds the placeholders and tags of its original, each form those of any form."""
    allowed = [sorted(_PLACEHOLDER.findall(form)) for form in _forms(message.id)]
    return all(sorted(_PLACEHOLDER.findall(form)) in allowed for form in _forms(message.string))


def _forms(text: "str | tuple[str, ...] | list[str] | None") -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _key(message: Message) -> bytes:
    context = f"{message.context}\4" if message.context else ""
    return (context + "\0".join(_forms(message.id))).encode()


def _value(message: Message) -> bytes:
    return "\0".join(_forms(message.string)).encode()


def _same(catalogue: Catalog, message: Message) -> Message | None:
    return catalogue.get(_forms(message.id)[0], context=message.context)


def _sources() -> list[Path]:
    python = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    return sorted([*python, *(path for path in (ROOT / "templates").rglob("*.*") if path.suffix in {".html", ".txt"})])


def _calls(path: Path) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Return the calls that mark strings in a file: their names, and the words in them."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from _calls_of_template(text, path)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            yield node.func.id, tuple(each.value if isinstance(each, ast.Constant) else None for each in node.args)


def _calls_of_template(text: str, path: Path) -> Iterator[tuple[str, tuple[object, ...]]]:
    # Django is set up by whoever calls this.
    from django.utils.translation import templatize

    # What Django makes of it for gettext: calls, and all else blotted out. Its indentation is none of Python's.
    python = "\n".join(line.strip() for line in templatize(text, origin=str(path)).splitlines())
    for _line, function, words, _comments in extract_python(io.BytesIO(python.encode()), KEYWORDS, [], {}):
        yield str(function), words if isinstance(words, tuple) else (words,)


def _ready(function: str, words: tuple[object, ...]) -> tuple[Any, Any] | None:
    """Return the context and the text, or its two forms, of a call; None where its words are no plain strings."""
    shape = KEYWORDS[function] or (1,)
    context = next((words[place[0] - 1] for place in shape if isinstance(place, tuple)), None)
    text = tuple(words[place - 1] for place in shape if isinstance(place, int) and place <= len(words))
    if not text or not all(isinstance(each, str) and each for each in text):
        return None
    return context, text if len(text) > 1 else text[0]


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "remit.settings")
    import django

    django.setup()
    raise SystemExit(main())
