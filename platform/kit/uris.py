"""Redirect URIs and resource identifiers: what they may look like, and when two are the same."""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

_KEPT = 512
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost"})
_FORBIDDEN = frozenset(' \\"<>^`{|}*')
# A host as it is written, and a port. What `urlsplit` lets stand around brackets (`[::1]evil`) is no host.
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@]*)(?::\d*)?")
_NEVER_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss", "mailto"})


def is_plain(uri: str) -> bool:
    """Say whether a URI holds printable ASCII only, without characters that parsers read differently."""
    return bool(uri) and all(" " < character < "\x7f" and character not in _FORBIDDEN for character in uri)


def is_acceptable_redirect(uri: str) -> bool:
    """Say whether a redirect URI may be registered: https, http on loopback, or a private-use scheme with a dot.

    RFC 8252 §7, RFC 9700 §2.1: absolute, no fragment, no user information, no wildcard.
    """
    parts = _split(uri)
    if parts is None or parts.fragment or "#" in uri or "@" in parts.netloc:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return is_loopback(uri)
    return "." in parts.scheme and parts.scheme not in _NEVER_SCHEMES and len(uri) > len(parts.scheme) + 1


def is_loopback(uri: str) -> bool:
    """Say whether a URI's host is the person's own computer."""
    parts = _split(uri)
    return parts is not None and _host(parts) in LOOPBACK_HOSTS


def is_app_scheme(uri: str) -> bool:
    """Say whether a URI opens an app rather than a page."""
    parts = _split(uri)
    return parts is None or parts.scheme not in {"http", "https"}


def host_of(uri: str) -> str:
    """Return the host and port that a person should see, or the scheme of an app."""
    parts = _split(uri)
    if parts is None:
        return ""
    return parts.netloc if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


def remembered_host(uri: str) -> str:
    """Return what a remembered consent is keyed by: scheme and host, without the port of a loopback redirect."""
    parts = _split(uri)
    if parts is None:
        return uri
    return f"{parts.scheme}://{_host(parts) if is_loopback(uri) else parts.netloc}"


def redirect_matches(sent: str, registered: str) -> bool:
    """Compare byte by byte; only the port of a loopback redirect may differ (RFC 8252 §7.3)."""
    if sent == registered:
        return is_acceptable_redirect(sent)
    if not (is_acceptable_redirect(sent) and is_loopback(registered) and is_loopback(sent)):
        return False
    return not is_app_scheme(sent) and _without_port(sent) == _without_port(registered)


def difference(sent: str, registered: str) -> str:
    """Say in the reader's words how a redirect URI that was sent differs from one that is registered."""
    ours, theirs = _split(registered), _split(sent)
    if ours is None or theirs is None:
        return _("not an absolute URI in plain ASCII")
    found = list(_differences(sent, theirs, ours, is_any_port=is_loopback(registered)))
    words = found[-1] if found else _("nothing visible")
    if len(found) > 1:
        words = _("%(these)s, and %(last)s") % {"these": ", ".join(found[:-1]), "last": found[-1]}
    return f"{words}. {_('Any port is fine.')}" if is_loopback(registered) else f"{words}."


def _differences(sent: str, theirs: SplitResult, ours: SplitResult, *, is_any_port: bool) -> Iterator[str]:
    if ours.scheme != theirs.scheme:
        yield _("scheme (%(sent)s instead of %(registered)s)") % {"sent": theirs.scheme, "registered": ours.scheme}
    if _host(ours) != _host(theirs):
        yield _("host name")
    if ours.port != theirs.port and not is_any_port:
        yield _("port")
    if ours.path != theirs.path:
        yield _("a slash at the end") if ours.path.rstrip("/") == theirs.path.rstrip("/") else _("path")
    if ours.query != theirs.query:
        yield _("query")
    if "#" in sent:
        yield _("a fragment")
    if "@" in theirs.netloc:
        yield _("user information before the host")


def is_resource_identifier(uri: str) -> bool:
    """Say whether a URI has the form of a resource identifier: absolute, no fragment (RFC 8707 §2)."""
    parts = _split(uri)
    return parts is not None and bool(parts.scheme) and "#" not in uri and "@" not in parts.netloc


def canonical_resource(uri: str) -> str:
    """Return the identifier with scheme and host in lower case; the path is left alone."""
    # Every request names one of a few; what a stranger makes long is not kept.
    return _canonical(uri) if len(uri) <= _KEPT else _canonical.__wrapped__(uri)


@lru_cache(maxsize=512)
def _canonical(uri: str) -> str:
    parts = _split(uri)
    if parts is None or not parts.netloc:
        return uri
    return uri.replace(uri[: uri.index("//") + 2 + len(parts.netloc)], f"{parts.scheme}://{parts.netloc.lower()}", 1)


def _split(uri: str) -> SplitResult | None:
    if not is_plain(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    if _AUTHORITY.fullmatch(parts.netloc.rpartition("@")[2]) is None:
        return None
    return parts if parts.scheme else None


def _host(parts: SplitResult) -> str:
    found = _AUTHORITY.fullmatch(parts.netloc.rpartition("@")[2])
    return found[1].lower() if found else ""


def _without_port(uri: str) -> str:
    """Return the URI as it is written, but for the port: what is compared is bytes, never a reading of them."""
    start = uri.index("//") + 2
    end = start + len(urlsplit(uri).netloc)
    found = _AUTHORITY.fullmatch(uri[start:end])
    return uri[:start] + (found[1] if found else uri[start:end]) + uri[end:]
