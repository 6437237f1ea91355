"""Notices about agents, to those who answer for them and who look after everybody's: many refusals, old secrets, and
whether they are still needed.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from agents import confirming, credentials
from agents.models import Agent, Client, CoOwner
from audit.events import Event
from audit.models import Entry
from delegations.sentence import in_words
from notices.kinds.kind import Kind, Words
from notices.links import path
from tenants.models import Membership
from tenants.roles import Act, may
from tenants.rules import is_here
from tokens.checking.history import refusals_for

MAX_REASON = 200


def _whoever_answers(entry: Entry) -> Iterable[Membership]:
    """Return the owners of the agent that an entry is through, and who may stop everybody's agents."""
    agent = Agent.objects.select_related("owner__user").filter(pk=entry.through).first()
    if agent is None:
        return []
    return [*_answering(agent), *_keepers()]


def _answering(agent: Agent) -> Iterable[Membership]:
    further = CoOwner.objects.filter(agent=agent).select_related("member__user")
    owners = [agent.owner, *(each.member for each in further)]
    return [each for each in owners if each is not None and is_here(each)]


def _keepers() -> Iterable[Membership]:
    here = Membership.objects.filter(status=Membership.Status.ACTIVE, user__is_active=True).select_related("user")
    return [member for member in here.order_by("pk") if may(member, Act.AGENTS_PAUSE)]


def _refused_often(entry: Entry, member: Membership) -> Words | None:
    agent = Agent.objects.filter(pk=entry.about_id).first()
    last = refusals_for(member).filter(pk=entry.detail.get("last", "")).first()
    if agent is None:
        return None
    facts = {name: entry.detail.get(name, 0) for name in ("refused", "usually")} | {"agent": agent.name}
    reason = last.reason[:MAX_REASON] if last is not None else ""
    lines = [
        gettext("%(agent)s was refused %(refused)s times within an hour; usually it is %(usually)s.") % facts,
        *([gettext("The last reason: %(reason)s") % {"reason": reason}] if reason else []),
        gettext("Nothing was given to it. It may be set up wrongly, or somebody may try what they can get."),
    ]
    subject = gettext("%(agent)s is refused often") % facts
    if last is None:
        return Words(subject, tuple(lines), path("my-agents"), gettext("Your agents"))
    return Words(subject, tuple(lines), path("why", last.pk), gettext("Why it was refused"))


def _secret_ages(entry: Entry, member: Membership) -> Words | None:
    client = Client.objects.select_related("agent").filter(pk=entry.about_id).first()
    kept = [each.id for each in credentials.secrets(client)] if client is not None else []
    made_at = parse_datetime(str(entry.detail.get("made_at", "")))
    if client is None or client.agent is None or made_at is None or entry.detail.get("credential") not in kept:
        return None  # It was retired since.
    by = date_format(made_at + timedelta(days=365), gettext("j F Y"))
    facts = {"agent": client.agent.name, "when": in_words(made_at, now=timezone.now()), "day": by}
    lines = (
        gettext("%(agent)s proves itself with a secret that was made %(when)s.") % facts,
        gettext("Replace it once a year, by %(day)s. Until you do, it stays good.") % facts,
        gettext("Add a second secret, let the agent use that, and then retire this one: meanwhile both are good."),
    )
    is_keeper = may(member, Act.CLIENTS_READ)
    page = path("console-client", client.agent.pk, client.pk) if is_keeper else path("my-agents")
    return Words(gettext("A secret of %(agent)s grows old") % facts, lines, page, gettext("Look at its credentials"))


def _owners(entry: Entry) -> Iterable[Membership]:
    """Return who answers for the agent that an entry is about."""
    agent = Agent.objects.select_related("owner__user").filter(pk=entry.about_id).first()
    return _answering(agent) if agent is not None else []


def _still_needed(entry: Entry, member: Membership) -> Words | None:
    agent = Agent.objects.filter(pk=entry.about_id).first()
    if agent is None or not confirming.is_asked(agent):
        return None  # Somebody answered since.
    facts = {"agent": agent.name, "by": entry.principal_label or gettext("your organisation")}
    lines = (
        gettext("%(by)s asks those who own %(agent)s whether it is still needed.") % facts,
        gettext("If it is, say so on its page. If it is not, end it there. Until you do, nothing changes."),
    )
    subject = gettext("Is %(agent)s still needed?") % facts
    return Words(subject, lines, path("console-agent", agent.pk), gettext("Look at it"))


REFUSED_OFTEN = Kind(
    name="refused-often",
    title=gettext_lazy("An agent that you answer for is refused often"),
    events=frozenset({Event.AGENT_REFUSED_OFTEN}),
    to=_whoever_answers,
    words=_refused_often,
)
SECRET_AGES = Kind(
    name="secret-ages",
    title=gettext_lazy("A secret of an agent that you answer for grows old"),
    events=frozenset({Event.CLIENT_SECRET_AGES}),
    to=_whoever_answers,
    words=_secret_ages,
)
STILL_NEEDED = Kind(
    name="still-needed",
    title=gettext_lazy("Somebody asks whether an agent that you answer for is still needed"),
    events=frozenset({Event.AGENT_CONFIRMATION_ASKED}),
    to=_owners,
    words=_still_needed,
)
