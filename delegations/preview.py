"""What a person will read when an agent asks for scopes of a resource server: for whoever writes the words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.models import ResourceServer, Scope


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    description: str
    is_needed: bool
    is_writing: bool
    is_ticked: bool
    weight: str = ""
    lasts: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The part of a consent page that a resource server's words make."""

    title: str
    can: tuple[Line, ...]
    cannot: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def of_resource(server: ResourceServer, asked: frozenset[str] | None) -> Preview:
    """Return what a request for scopes (None: all of them) reads like, in the order of the page."""
    scopes = list(server.scopes.all())
    return of_scopes(server.name, [scope for scope in scopes if asked is None or scope.name in asked], scopes)


def of_scopes(name: str, asked: Sequence[Scope], known: Sequence[Scope]) -> Preview:
    """Return what a request for scopes reads like, whether they are saved yet or not."""
    only_writing = all(scope.is_writing for scope in asked)
    can = tuple(
        Line(
            scope.title,
            scope.description,
            scope.is_needed,
            scope.is_writing,
            is_ticked(scope, only_writing=only_writing),
            scope.weight,
            lasts(scope),
        )
        for scope in asked
    )
    names = {scope.name for scope in asked}
    never = [scope.title for scope in known if scope.name not in names]
    title = _("Let an agent use %(place)s for you?") % {"place": name}
    return Preview(title, can, cannot(asked, never))


def is_ticked(scope: Scope, *, only_writing: bool) -> bool:
    """Say whether a scope is ticked before anybody does.

    What changes things waits for a tick, unless it is all that is asked for; what cannot be undone always does.
    """
    return scope.is_needed or not scope.is_writing or (only_writing and not scope.weight)


def lasts(scope: Scope) -> str:
    """Say for how long an agent has a scope before it must ask us again, where that is said of it, or ""."""
    seconds = scope.longest_seconds
    if seconds is None:
        return ""
    if seconds % 60:
        return ngettext("for %(n)s second each time", "for %(n)s seconds each time", seconds) % {"n": seconds}
    minutes = seconds // 60
    return ngettext("for %(n)s minute each time", "for %(n)s minutes each time", minutes) % {"n": minutes}


def cannot(asked: Sequence[Scope], never: Sequence[str]) -> tuple[str, ...]:
    """Return what an agent will not be able to: what is said of the scopes that are asked for, and then the others."""
    said = [scope.cannot for scope in asked if scope.cannot]
    kept = [_("Let another agent do this: %(title)s") % {"title": s.title} for s in asked if not s.is_delegable]
    return (*dict.fromkeys(said), *kept, *never[:3], _("Act after the time you choose"))
