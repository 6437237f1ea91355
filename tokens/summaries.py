"""One sentence for each kind of thing that a list holds, for the API, mail and pages alike.

Of delegations it is `delegations.sentence`'s. The reader's language is the one that is active.
"""

from collections.abc import Mapping, Sequence

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from agents.models import Agent, Approval
from audit.models import Entry
from delegations import entry_names
from delegations.entry_names import Known
from delegations.event_words import words
from delegations.sentence import in_a_sentence, listed
from tenants import directory
from tenants.models import Membership, ResourceServer
from tokens.models import SigningKey
from trust.models import Audience, TrustedIssuer

_Purpose, _Key = TrustedIssuer.Purpose, SigningKey.Status
MOST = 3
"""Scopes that a sentence names."""
BELIEVED: Mapping[str, str | Promise] = {
    _Purpose.ID_JAG: gettext_lazy("agents of people"),
    _Purpose.WORKLOAD: gettext_lazy("agents of its own"),
    _Purpose.FEDERATION: gettext_lazy("instead of a secret"),
    _Purpose.SOFTWARE: gettext_lazy("software"),
    _Purpose.SIGN_IN: gettext_lazy("sign-in"),
}
"""What an issuer is believed about, in a word or two."""
_KEYS: Mapping[str, str | Promise] = {
    _Key.NEXT: gettext_lazy("%(algorithm)s key %(kid)s is published, and signs next."),
    _Key.ACTIVE: gettext_lazy("%(algorithm)s key %(kid)s signs."),
    _Key.RETIRED: gettext_lazy("%(algorithm)s key %(kid)s signs no more; what it signed is still verified by it."),
    _Key.COMPROMISED: gettext_lazy("%(algorithm)s key %(kid)s leaked; nothing that it signed is good."),
    _Key.DESTROYED: gettext_lazy("%(algorithm)s key %(kid)s is gone."),
}


def question(approval: Approval) -> str:
    """Say what an agent wants, of a question about it."""
    facts = {"agent": approval.agent.name}
    if approval.kind == Approval.Kind.CHANGE:
        return gettext("%(agent)s has changed") % facts
    if approval.kind == Approval.Kind.RENEWAL:
        return gettext("%(agent)s wants to go on") % facts
    titles = [_title(resource, name) for resource, names in sorted(approval.asked.items()) for name in names]
    if not titles:
        return gettext("%(agent)s wants to act here") % facts
    return gettext("%(agent)s wants to %(what)s") % {**facts, "what": listed(titles[:MOST])}


def agent(found: Agent) -> str:
    """Say who answers for an agent, and whether it acts."""
    facts = {"agent": found.name, "status": found.get_status_display(), "owner": found.owner}
    if found.owner is None:
        return gettext("%(agent)s: %(status)s; nobody answers for it.") % facts
    return gettext("%(agent)s: %(status)s; %(owner)s answers for it.") % facts


def member(found: Membership) -> str:
    """Say which role somebody has, and until when."""
    facts = {"name": str(found), "role": found.role_label}
    if found.status != Membership.Status.ACTIVE:
        return gettext("%(name)s has no place here any more.") % facts
    if found.role_until is None or found.role_until <= timezone.now():
        return gettext("%(name)s is here as %(role)s.") % facts
    until = date_format(timezone.localtime(found.role_until), "DATE_FORMAT")
    return gettext("%(name)s is here as %(role)s until %(until)s.") % {**facts, "until": until}


def resource(server: ResourceServer) -> str:
    """Say how a resource checks tokens, or that it is let into no more."""
    facts = {"name": server.name}
    if server.retired_at is not None:
        return gettext("%(name)s is retired: nobody is let in.") % facts
    if server.asks:
        return gettext("%(name)s asks about each token.") % facts
    return gettext("%(name)s checks tokens by itself.") % facts


def issuer(found: TrustedIssuer) -> str:
    """Say what an issuer is believed about, or that it is not."""
    about = listed([str(BELIEVED[each]) for each in _Purpose if each in found.purposes])
    if found.removed_at is not None:
        return gettext("%(name)s was removed.") % {"name": found.name}
    if not found.is_enabled or not about:
        return gettext("%(name)s is believed about nothing.") % {"name": found.name}
    return gettext("%(name)s is believed about %(about)s.") % {"name": found.name, "about": about}


def audience(found: Audience) -> str:
    """Say how much lies behind a server elsewhere that takes our word."""
    if not found.is_enabled:
        return gettext("%(name)s is switched off: it gets no word of ours.") % {"name": found.name}
    number = len(found.resources)
    text = ngettext(
        "%(name)s takes our word for %(n)s resource.", "%(name)s takes our word for %(n)s resources.", number
    )
    return text % {"name": found.name, "n": number}


def key(found: SigningKey) -> str:
    """Say what a signing key does."""
    return str(_KEYS[found.status]) % {"algorithm": found.algorithm, "kid": found.kid[:10]}


def entries(found: Sequence[Entry]) -> Mapping[str, str]:
    """Say what happened, of entries of the ledger by their ids, in one query however many they are."""
    known = entry_names.of(found)
    return {each.pk: entry(each, known) for each in found}


def entry(found: Entry, known: Mapping[str, Known]) -> str:
    """Say who did what, for whom and through which agent; whoever did it for themselves is not named twice."""
    who = found.principal_label or found.principal_id
    about, what = entry_names.about(found, known), entry_names.what(found, known)
    said = " ".join(each for each in (who, words(found.event), "" if about == who else about) if each)
    if what and found.about_kind == "delegation":
        said = gettext("%(said)s: %(what)s") % {"said": said, "what": what}
    whom, through = (known[each].name if each in known else each for each in (found.on_behalf_of, found.through))
    if found.on_behalf_of and found.on_behalf_of != found.principal_id:
        said = gettext("%(said)s for %(whom)s") % {"said": said, "whom": whom}
    if through and through not in {found.principal_id, who} and through not in about:
        said = gettext("%(said)s via %(agent)s") % {"said": said, "agent": through}
    return f"{said}."


def _title(resource: str, name: str) -> str:
    protected = directory.resource_server(resource)
    scope = protected.scopes.get(name) if protected else None
    return in_a_sentence(scope.title if scope else name)
