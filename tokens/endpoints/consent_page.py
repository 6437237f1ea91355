"""What the consent page says, and what a decision on it means.

Nothing that the form posts is believed but the person's choices among what was asked: needed and already allowed
scopes count whatever was posted, and nothing beyond the request ever does.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from agents import logos
from agents.models import Agent, Client
from delegations import preview
from delegations.actions import Agreement, Allowed
from delegations.models import Delegation
from delegations.rules import Duration, default_duration, durations
from delegations.sentence import clock_words, listed
from kit import looks, uris
from tenants import directory
from tenants.models import Membership, Tenant
from tokens.asking import Asked, Target, helpers_to_name
from tokens.endpoints import circumstances
from tokens.endpoints.request import TenantRequest
from tokens.endpoints.since_agreed import changed

_NEW_FOR = timedelta(days=7)
_IDENTITY = {
    "profile": gettext_lazy("See your name"),
    "email": gettext_lazy("See your e-mail address"),
    "openid": gettext_lazy("Know that it is you"),
}


@dataclass(frozen=True, slots=True)
class ScopeLine:
    field: str
    title: str
    description: str
    is_needed: bool
    is_writing: bool
    is_ticked: bool
    is_already_allowed: bool
    weight: str = ""
    lasts: str = ""


@dataclass(frozen=True, slots=True)
class ResourceSection:
    name: str
    initials: str
    scopes: tuple[ScopeLine, ...]
    cannot: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    until: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Helper:
    """An agent that part of this may be handed to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """Everything that the page shows; kept word for word in the consent."""

    title: str
    agent_name: str
    agent_initials: str
    logo: str
    client_host: str
    is_verified: bool
    redirect_host: str
    is_loopback: bool
    people_count: int
    changed: tuple[str, ...]
    """What is not as it was when the person last agreed."""
    warning: str
    resources: tuple[ResourceSection, ...]
    identity: tuple[str, ...]
    helpers: tuple[Helper, ...]
    durations: tuple[Choice, ...]
    handle: str = ""

    def with_handle(self, handle: str) -> "ConsentPage":
        return replace(self, handle=handle)

    def as_shown(self) -> Mapping[str, Any]:
        shown = asdict(self)
        del shown["handle"]
        return shown


def build(tenant: Tenant, member: Membership, asked: Asked, *, now: datetime) -> ConsentPage:
    """Return the page for a request."""
    client = asked.client
    live = _live(asked, member, now)
    sections = tuple(_section(target, live.get(target.audience)) for target in asked.targets if target.resource_server)
    people = _people(client, now)
    host = uris.host_of(client.client_id if client.is_document else client.metadata.get("client_uri", ""))
    return ConsentPage(
        title=_title(client, sections, tenant),
        agent_name=client.name,
        agent_initials=client.agent.initials if client.agent else client.name[:2].upper(),
        logo=logos.shown([client]).get(client.pk, ""),
        client_host=host,
        is_verified=client.is_verified,
        redirect_host=uris.host_of(asked.redirect_uri) if asked.redirect_uri else "",
        is_loopback=uris.is_loopback(asked.redirect_uri),
        people_count=people,
        changed=changed(asked, live.values(), host=host),
        warning=_warning(client, asked, people, now),
        resources=sections,
        identity=tuple(str(words) for scope, words in _IDENTITY.items() if scope in asked.identity),
        helpers=_helpers(tenant, client),
        durations=_choices(tenant, asked, live, now),
    )


def agreement(request: TenantRequest, shown: Mapping[str, Any], asked: Asked, member: Membership) -> Agreement | None:
    """Return what the person agreed to of what they were shown, and how, or None where they did not."""
    now, post = timezone.now(), request.POST
    chosen = _chosen(request.tenant, post.get("duration", ""), shown, asked, now)
    if post.get("decision") != "allow" or chosen is None:
        return None
    ticked = frozenset(post.getlist("scope"))
    live = _live(asked, member, now)
    allowed = [
        Allowed(target.audience, scopes, target.resource_server)
        for target in asked.targets
        if (scopes := _allowed_scopes(target, live.get(target.audience), ticked))
    ]
    if not allowed:
        return None
    return Agreement(
        member=member,
        client=asked.client,
        redirect_host=asked.redirect_host,
        allowed=allowed,
        shown={**shown, "chosen": {"scopes": sorted(ticked), "duration": chosen.value}},
        expires_at=chosen.ends_at,
        identity=asked.identity,
        helpers=frozenset(helper["id"] for helper in shown.get("helpers", ())),
        circumstances=circumstances.of(request),
    )


def _chosen(tenant: Tenant, value: str, shown: Mapping[str, Any], asked: Asked, now: datetime) -> Duration | None:
    """Return the choice of how long; one that was shown and is too long by now lasts as long as it still may."""
    offered = _durations(tenant, asked.client, now)
    found = next((duration for duration in offered if duration.value == value), None)
    was_shown = value in {each["value"] for each in shown.get("durations", ())}
    return offered[-1] if found is None and was_shown else found


def _allowed_scopes(target: Target, live: Delegation | None, ticked: frozenset[str]) -> frozenset[str]:
    if target.resource_server is None:
        return target.scopes
    protected = directory.resource_server(target.audience)
    known = protected.scopes if protected else {}
    return frozenset(
        name
        for name in target.scopes & known.keys()
        if known[name].is_needed or (live and name in live.scope_set) or _field(target, name) in ticked
    )


def _section(target: Target, live: Delegation | None) -> ResourceSection:
    server, protected = target.resource_server, directory.resource_server(target.audience)
    assert server is not None
    assert protected is not None
    before = live.scope_set if live else frozenset()
    wanted = [scope for name, scope in protected.scopes.items() if name in target.scopes]
    only_writing = all(scope.is_writing for scope in wanted if scope.name not in before)
    lines = tuple(
        ScopeLine(
            field=_field(target, scope.name),
            title=scope.title,
            description=scope.description,
            is_needed=scope.is_needed,
            is_writing=scope.is_writing,
            is_ticked=preview.is_ticked(scope, only_writing=only_writing),
            is_already_allowed=scope.name in before,
            weight=scope.weight,
            lasts=preview.lasts(scope),
        )
        for scope in wanted
    )
    never = [scope.title for name, scope in protected.scopes.items() if name not in target.scopes | before]
    return ResourceSection(server.name, server.initials, lines, preview.cannot(wanted, never))


def _field(target: Target, scope: str) -> str:
    return f"{target.resource_server.pk if target.resource_server else ''} {scope}"


def _live(asked: Asked, member: Membership, now: datetime) -> dict[str, Delegation]:
    found = Delegation.objects.of(member).live(now).filter(client=asked.client, origin=Delegation.Origin.CONSENT)
    return {delegation.audience: delegation for delegation in found.select_related("consent")}


def _durations(tenant: Tenant, client: Client, now: datetime) -> list[Duration]:
    latest = client.agent.latest_end(now) if client.agent is not None else None
    return durations(
        now, time_zone=tenant.time_zone, longest_days=tenant.longest_delegation_days, latest=latest,
        offered=tenant.consent_choices,
    )  # fmt: skip


def _choices(tenant: Tenant, asked: Asked, live: Mapping[str, Delegation], now: datetime) -> tuple[Choice, ...]:
    ends = [delegation.expires_at for delegation in live.values() if delegation.expires_at]
    offered = _durations(tenant, asked.client, now)
    default = default_duration(offered, asked.scopes, at_least=max(ends, default=None))
    return tuple(
        Choice(
            each.value,
            each.label,
            clock_words(each.ends_at, now=now, time_zone=tenant.time_zone),
            each is default,
        )
        for each in offered
    )


def _helpers(tenant: Tenant, client: Client) -> tuple[Helper, ...]:
    ids = helpers_to_name(tenant, client)
    return tuple(Helper(agent.pk, agent.name) for agent in Agent.objects.filter(pk__in=ids).order_by("name"))


def _people(client: Client, now: datetime) -> int:
    return Delegation.objects.live(now).filter(client=client).values("member").distinct().count()


def _title(client: Client, sections: tuple[ResourceSection, ...], tenant: Tenant) -> str:
    if not sections:
        return gettext("Sign in to %(client)s with %(tenant)s?") % {"client": client.name, "tenant": tenant.name}
    return gettext("Let %(client)s use %(places)s for you?") % {
        "client": client.name,
        "places": listed([section.name for section in sections]),
    }


def _warning(client: Client, asked: Asked, people: int, now: datetime) -> str:
    """Return the one warning that matters most, or nothing."""
    if not client.is_verified and looks.has_odd_letters(client.name):
        return gettext("Its name holds letters that look like others: it may want to be taken for another agent.")
    if not client.is_verified and any(_writes(target) for target in asked.targets):
        return gettext("Nobody has checked who runs this agent, and it asks to change things.")
    if uris.is_loopback(asked.redirect_uri):
        return gettext("It returns to this computer. Allow it only if you started it here.")
    if not people and not client.is_verified:
        return gettext("Nobody here has used this agent before.")
    if now - client.created < _NEW_FOR and not client.is_verified:
        return gettext("This agent registered itself less than a week ago.")
    return ""


def _writes(target: Target) -> bool:
    protected = directory.resource_server(target.audience)
    return protected is not None and any(protected.scopes[name].is_writing for name in target.scopes)
