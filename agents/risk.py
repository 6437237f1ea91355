"""What an approver should look at twice, in words, with the rule that says so. Nothing here decides."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from agents.models import Agent, Approval, Client
from kit import uris
from tenants import directory

NEW = timedelta(days=7)
_ALIKE = str.maketrans({"0": "o", "1": "l", "|": "l", "3": "e", "5": "s", "i": "l"})


@dataclass(frozen=True, slots=True)
class Risk:
    """A rule that fired, and what it says to a person."""

    rule: str
    words: str


def of(approval: Approval, *, now: datetime) -> list[Risk]:
    """Return the risks of approving, the gravest first."""
    client = approval.client
    if client is None:
        return []
    found = [
        _writes_unverified(approval, client),
        _looks_alike(approval.agent, client),
        _odd_letters(client.name),
        _only_this_computer(client),
        _is_new(client, now),
    ]
    return [risk for risk in found if risk is not None]


def _writes_unverified(approval: Approval, client: Client) -> Risk | None:
    if client.is_verified or not any(_writing(resource, scopes) for resource, scopes in approval.asked.items()):
        return None
    return Risk("unverified-writes", _("Nobody has checked who runs it, and it asks to change things."))


def _looks_alike(agent: Agent, client: Client) -> Risk | None:
    others = Agent.objects.filter(status=Agent.Status.ACTIVE).exclude(pk=agent.pk).values_list("name", flat=True)
    alike = next((name for name in others if skeleton(name) == skeleton(client.name)), None)
    words = _("Its name looks like that of %(other)s, which is approved.") % {"other": alike}
    return Risk("look-alike", words) if alike else None


def has_odd_letters(name: str) -> bool:
    """Say whether letters of a name look like others, or are seen by nobody."""
    return any(unicodedata.category(each) in {"Cf", "Co", "Cn"} for each in name) or _mixes_scripts(name)


def _odd_letters(name: str) -> Risk | None:
    if not has_odd_letters(name):
        return None
    return Risk("odd-letters", _("Its name holds letters that look like others, or that nobody sees."))


def _only_this_computer(client: Client) -> Risk | None:
    if not client.redirect_uris or not all(uris.is_loopback(uri) for uri in client.redirect_uris):
        return None
    return Risk("loopback-only", _("It returns to programs on people's own computers: any of them can claim its name."))


def _is_new(client: Client, now: datetime) -> Risk | None:
    if client.is_verified or now - client.created > NEW:
        return None
    return Risk("new", _("It came here less than a week ago."))


def skeleton(name: str) -> str:
    """Return what a name looks like: letters that are taken for each other become the same one."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_ALIKE).replace("rn", "m").replace("vv", "w")
    return "".join(each for each in plain if each.isalnum())


def _mixes_scripts(name: str) -> bool:
    scripts = {unicodedata.name(each, "?").split(" ")[0] for each in name if each.isalpha()}
    return len(scripts) > 1


def _writing(resource: str, scopes: Iterable[str]) -> bool:
    protected = directory.resource_server(resource)
    known = protected.scopes if protected else {}
    return any(name in known and known[name].is_writing for name in scopes)
