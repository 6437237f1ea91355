"""The page of an outage: as we answer it, and as a file that a proxy serves while nobody here answers.

Both are one template. We answer in the reader's language; whoever serves a file knows neither that nor us, so a file
speaks all of them and has its style in itself, which its own content security policy knows by its digest.
"""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import loader
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import to_locale

STATUSES = (500, 502, 503, 504)
"""What a proxy may have to say by itself (RFC 9110 §15.6)."""
_USED = {
    ":root", "*", "html", "body", "h1", "p", "a", "a:hover", ":focus-visible", ".small", ".card", ".mark",
    ".mark.large", ".mark.unverified", ".entrance", ".entrance > main", ".entrance.narrow", ".entrance h1 + p",
}  # fmt: skip
_RULE = re.compile(r"(?P<selectors>[^{}]+)\{(?P<body>[^{}]*)\}")
_NARROW = re.compile(r"(?P<condition>@media \(max-width: 559px\)) \{\n(?P<rules>.*?)\n\}", re.DOTALL)
_NESTED = re.compile(r"^@[a-z-]+ [^{}]+\{\n(?:  .*\n)+\}", re.MULTILINE)


def answered(status: int, *, language: str, reference: str) -> str:
    """Return the page as we answer it. Nothing is read for it but the template."""
    return _page(status, languages=[language], reference=reference)


def filed(status: int) -> str:
    """Return the page as a file, which needs nothing else and asks for nothing; it leads to the operators' own page."""
    spoken = [code for code, _ in settings.LANGUAGES if _is_spoken(code)]
    return _page(status, languages=spoken, look=_look())


def _is_spoken(code: str) -> bool:
    is_translated = any((Path(folder) / to_locale(code)).is_dir() for folder in settings.LOCALE_PATHS)
    return code == settings.LANGUAGE_CODE or is_translated


def _page(status: int, **further: object) -> str:
    return loader.get_template("outage.html").render(
        {"status": status, "is_ours": status == 500, "status_page": settings.STATUS_PAGE, **further}
    )


def _look() -> SafeString:
    style = _style()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return format_html(
        '<meta http-equiv="Content-Security-Policy" content="{}">\n  <link rel="icon" href="data:image/svg+xml,{}">\n'
        "  <style>{}</style>",
        policy,
        quote(_static("ui/favicon.svg")),
        mark_safe(style),  # noqa: S308 - Ours, out of the style sheet.
    )


def _style() -> str:
    """Return the rules of the style sheet that this page uses: it looks as the others do, but for their font."""
    sheet = re.sub(r"/\*.*?\*/", "", _static("ui/ui.css"), flags=re.DOTALL)
    narrow = _NARROW.search(sheet)
    rules = _used(_NESTED.sub("", sheet))
    return "\n".join([*rules, *([f"{narrow['condition']} {{", *_used(narrow["rules"]), "}"] if narrow else [])])


def _used(rules: str) -> list[str]:
    return [
        f"{rule['selectors'].strip()} {{{rule['body']}}}"
        for rule in _RULE.finditer(rules)
        if _USED & {selector.strip() for selector in rule["selectors"].split(",")}
    ]


def _static(name: str) -> str:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(name)
    return Path(found).read_text(encoding="utf-8")
