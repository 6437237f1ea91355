"""The forms of a page, as a browser with scripts off would send them, and its words."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode


@dataclass
class Form:
    """`fields` holds what would be sent as the page stands, `boxes` every check box that can be ticked."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: dict[str, list[str]] = field(default_factory=dict)

    def filled(self, chosen: Mapping[str, str | list[str]]) -> str:
        """Return the body to post; what was chosen replaces every value of its name."""
        grouped: dict[str, str | list[str]] = {}
        for name, value in self.fields:
            grouped[name] = [*grouped.get(name, []), value]
        return urlencode({**grouped, **chosen}, doseq=True)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag == "input" and self.forms and "name" in values and "disabled" not in values:
            _add(self.forms[-1], values)


def _add(form: Form, values: Mapping[str, str]) -> None:
    kind, name = values.get("type"), values["name"]
    value = values.get("value", "on" if kind in {"checkbox", "radio"} else "")
    if kind == "checkbox":
        form.boxes.setdefault(name, []).append(value)
    if kind not in {"checkbox", "radio"} or "checked" in values:
        form.fields.append((name, value))


def forms(page: str) -> list[Form]:
    """Return the forms of an HTML page, in its order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def words(page: str) -> str:
    """Return what an HTML page says, without how it looks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def report(page: str) -> str:
    """Return what an HTML page reports of what was just done on it."""
    found = re.search(r'role="status".*?<p>(.*?)</p>', page, re.DOTALL)
    return words(found[1]) if found else ""
