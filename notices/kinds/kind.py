"""What a kind of notice is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.functional import Promise

from audit.events import Event
from audit.models import Entry
from tenants.models import Membership


@dataclass(frozen=True, slots=True)
class Words:
    """What a person reads: plain sentences, and one link that opens a page and does nothing by itself."""

    subject: str
    lines: tuple[str, ...]
    link: str
    """The path of the page, below the tenant."""
    link_words: str


def everybody(member: Membership) -> bool:
    """Say that anybody may be told."""
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """Of which events who is told what.

    `words` returns None where there is nothing to tell any more by the time the notice is sent.
    """

    name: str
    title: str | Promise
    """As a person chooses it."""
    events: frozenset[Event]
    to: Callable[[Entry], Iterable[Membership]]
    words: Callable[[Entry, Membership], Words | None]
    concerns: Callable[[Membership], bool] = everybody
    """Whether a person may ever be told: nobody is offered the choice of mail that they never get."""
    is_always: bool = False
    """Whether nobody can do without it: whoever stole a session would switch it off first."""
    is_once: bool = False
    """Whether a person is told once about a thing, whatever else happens to it."""
