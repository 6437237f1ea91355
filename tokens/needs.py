"""Who could say yes to a token request that is refused: the question behind a refusal, where there is one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agents.models import Agent, Client
from delegations.models import Delegation
from kit.oauth import GrantType, InvalidScope, InvalidTarget, OAuthError, Unadmitted, UnauthorizedClient
from tenants import directory
from tenants.models import Membership, Tenant
from tokens.values import TokenRequest

_ASKABLE = (InvalidScope, InvalidTarget, UnauthorizedClient)
_OWN = frozenset({GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER})
"""Grants by which an agent asks for what is usual at a resource where it names no scope."""
_FOR_PEOPLE = frozenset({GrantType.REFRESH_TOKEN, GrantType.TOKEN_EXCHANGE})
"""Grants by which an agent that acts for a person already comes for more."""
Scopes = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody has to decide before a request can be answered: about which agent, and how much at which resource.

    `is_new` says that nobody approved the agent, `is_own` that it wants this for itself with no person behind it, and
    `is_beyond` that it is more than it was approved for. Of what is within that, `within` is left to the person.
    """

    agent_id: str
    asked: Scopes
    is_new: bool = False
    is_own: bool = False
    is_beyond: bool = False
    member_id: str = ""
    within: Scopes = field(default_factory=dict)

    @property
    def is_for_approvers(self) -> bool:
        return self.is_new or self.is_own or self.is_beyond


def behind(refusal: OAuthError, tenant: Tenant, client: Client, request: TokenRequest) -> Question | None:
    """Return the question behind a refusal, or None where nobody's decision would change it."""
    if not refusal.about:
        return None
    asked = _asked(tenant, request, refusal.at)
    if isinstance(refusal, Unadmitted):
        return Question(refusal.about, asked, is_new=True)
    if not isinstance(refusal, _ASKABLE) or not asked:
        return None
    if client.agent is None:
        return Question(refusal.about, asked, is_beyond=True)
    if refusal.about == client.agent.pk:
        return Question(refusal.about, asked, is_own=True)
    return _for_a_person(refusal.about, asked, client, client.agent, request)


def _for_a_person(about: str, asked: Scopes, client: Client, agent: Agent, request: TokenRequest) -> Question | None:
    """Return the question to a person for whom the agent acts, or None where they cannot be asked for this."""
    asks_people = client.allows_grant_type(GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE)
    member = Membership.objects.filter(pk=about, status=Membership.Status.ACTIVE).first()
    if request.one("grant_type") not in _FOR_PEOPLE or not asks_people or member is None:
        return None
    ((resource, scopes),) = asked.items()
    within = sorted(agent.under_ceiling(resource, frozenset(scopes)))
    is_beyond = len(within) < len(scopes)
    if not agent.may_act_for(member) or (not is_beyond and _is_allowed(member, client, resource, within, request)):
        return None
    left = {resource: within} if within else {}
    return Question(agent.pk, asked, is_beyond=is_beyond, member_id=member.pk, within=left)


def _is_allowed(
    member: Membership, client: Client, resource: str, scopes: Iterable[str], request: TokenRequest
) -> bool:
    """Say whether the person allowed all of it already: then what was presented is too small, and nobody is asked."""
    live = Delegation.objects.of(member).live(request.now).filter(client=client, audience=resource, parent=None)
    return any(frozenset(scopes) <= each.scope_set for each in live)


def _asked(tenant: Tenant, request: TokenRequest, at: str) -> dict[str, list[str]]:
    """Return the scopes that a request names at the one resource that it is for; empty where it names what is not."""
    inferred = at or (tenant.default_resource if request.one("grant_type") in _OWN else "")
    named = request.resources or ((inferred,) if inferred else ())
    protected = directory.resource_server(named[0]) if len(named) == 1 else None
    if protected is None:
        return {}
    usual = protected.default_scopes if request.one("grant_type") in _OWN else frozenset()
    scopes = request.scopes or usual
    if not scopes or not scopes <= protected.scopes.keys():
        return {}
    return {protected.server.identifier: sorted(scopes)}
