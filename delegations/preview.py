"""What a person will read when an agent asks for scopes of a resource server: for whoever writes the words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from tenants.models import ResourceServer, Scope


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    description: str
    is_needed: bool
    is_writing: bool
    is_ticked: bool


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
            # As on the page itself: what changes things waits for a tick, unless it is all that is asked for.
            scope.is_needed or not scope.is_writing or only_writing,
        )
        for scope in asked
    )
    names = {scope.name for scope in asked}
    never = [scope.title for scope in known if scope.name not in names]
    title = _("Let an agent use %(place)s for you?") % {"place": name}
    return Preview(title, can, (*never[:3], _("Act after the time you choose")))
