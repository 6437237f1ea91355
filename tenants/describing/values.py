"""What is proposed, what is passed over, and the words of both: whatever a document says is a stranger's text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.actions import ScopeWords
from tenants.errors import Unusable
from tenants.models import Scope
from tenants.rules import is_scope_name

MOST = 500
"""Scopes that one document may name: an admin who ticks more than that reads none of them."""
MAX_USES = 3
_TITLE = Scope._meta.get_field("title").max_length or 0
_DESCRIPTION = Scope._meta.get_field("description").max_length or 0
_JOINTS = re.compile(r"[\s_\-./:]+|(?<=[a-z])(?=[A-Z])")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
UNFIT_NAME = gettext_lazy("Its name cannot be that of a scope.")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A scope as a document suggests it, by what in there it is used, and whether the resource has it already."""

    words: ScopeWords
    uses: tuple[str, ...] = ()
    is_there: bool = False


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A name of which no scope is proposed, and why not."""

    name: str
    why: str | Promise


@dataclass(frozen=True, slots=True)
class Described:
    """All that a document says: `source` is what kind of document it is."""

    source: str
    proposals: tuple[Proposal, ...]
    passed_over: tuple[PassedOver, ...] = ()


def is_fit(name: object) -> bool:
    """Say whether a name may be that of a scope, and holds nothing that is not seen."""
    return isinstance(name, str) and is_scope_name(name)


def passed_over(name: object) -> PassedOver:
    """Return a name that is none of a scope, as it may be shown."""
    return PassedOver(plain(name, 60) or "–", UNFIT_NAME)


def check_number(names: Sequence[object]) -> None:
    """Refuse a document that names more than anybody reads."""
    if len(names) > MOST:
        words = _("It names %(number)s scopes or tools, and up to %(most)s are read. Paste the part that you mean.")
        raise Unusable(words % {"number": len(names), "most": MOST})


def worded(name: str, text: object, *, title: object = "", **meaning: Any) -> ScopeWords:
    """Return the words of a scope: a text's first sentence as its title where that is short, else what it is called.

    Everything is one line, and cut to what a scope holds.
    """
    said = plain(text, _DESCRIPTION * 4)
    first, *rest = _SENTENCE.split(said, maxsplit=1)
    first = first.rstrip(".")
    if first and len(first) <= _TITLE:
        return ScopeWords(name, first, plain("".join(rest), _DESCRIPTION), **meaning)
    called = plain(title, _TITLE) or plain(_JOINTS.sub(" ", name), _TITLE).strip().capitalize() or name
    return ScopeWords(name, called, plain(said, _DESCRIPTION), **meaning)


def plain(text: object, most: int) -> str:
    """Return a text from outside in one line, cut with dots, without what nobody sees: controls, turns of direction."""
    if not isinstance(text, str):
        return ""
    seen = "".join(each if each.isprintable() else " " for each in text[: 16 * most])
    line = " ".join(seen.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def maps(value: object) -> Mapping[str, Any]:
    """Return a member that should be an object; empty where it is something else."""
    return value if isinstance(value, dict) else {}


def lists(value: object) -> Sequence[Any]:
    """Return a member that should be a list; empty where it is something else."""
    return value if isinstance(value, list) else ()
