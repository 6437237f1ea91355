"""Agents of a trusted platform, with nobody at a browser and no registration each (workload assertion grant).

The platform is trusted once. Whom it names is known by registration and subject together; a subject that was never
seen waits for an admin, or acts within the quarantine that an admin described. `client_id` says which platform.
"""

from datetime import datetime, timedelta

from agents import across
from agents.errors import NameTaken, NoRoom
from agents.models import Agent, Client
from agents.models.agent import earliest
from delegations import standing
from delegations.errors import StaysEnded
from delegations.models import Delegation
from delegations.standing import Standing
from kit import jose
from kit.oauth import BadAssertion, InvalidScope, InvalidTarget, Unadmitted
from tenants import directory
from tenants.directory import Protected
from tenants.models import Tenant
from tokens import trust
from tokens.across.people import readable
from tokens.trust import Believed, Wanted
from tokens.values import Proof, TokenRequest
from trust import directory as trust_directory
from trust.models import TrustedIssuer

PURPOSE = TrustedIssuer.Purpose.WORKLOAD


def client_of(tenant: Tenant, request: TokenRequest) -> Client | None:
    """Return the client that stands for the agents of the platform that an assertion claims to be from."""
    if tenant.workloads != Tenant.Registration.OPEN:
        return None
    try:
        _, claims = jose.unverified(request.one("assertion"))
    except jose.BadToken as error:
        raise BadAssertion(f"assertion: {error}") from error
    issuer = trust_directory.issuer(claims.get("iss"), PURPOSE)
    if issuer is None:
        raise BadAssertion("no platform of this name is trusted")
    return across.platform_client(issuer)


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what a platform's agent may do for itself; raises OAuthError.

    What an unseen subject leaves behind is its agent, which waits; no token, and nothing of the assertion.
    """
    if tenant.workloads != Tenant.Registration.OPEN:
        raise BadAssertion("platforms bring no agents here")
    audiences = frozenset({tenant.issuer, f"{tenant.issuer}/token"})
    believed = trust.believe(request.one("assertion"), Wanted(PURPOSE, "jwt", audiences, True), now=request.now)
    agent = _agent(believed, request)
    protected = _resource(believed, request)
    scopes = _scopes(believed, agent, protected, request)
    word = _word(tenant, across.platform_client(believed.issuer), agent, protected, scopes, believed, request)
    there = standing.found(word)
    word = _left(word, there, request.now)
    is_there = there is not None and standing.covers(there, word, request.now)
    if not is_there:
        _check_may_stand(word)
    return Proof(
        tenant=tenant,
        subject=agent.pk,
        actor=None,
        client=word.client,
        scopes=word.scopes,
        delegations=(there if there is not None and is_there else standing.planned(word),),
        may_infer_audience=True,
        consumes=believed.use,
        not_after=believed.expires_at,
        standing=None if is_there else word,
    )


def _agent(believed: Believed, request: TokenRequest) -> Agent:
    """Return the active agent of the subject; raises Unadmitted where an admin must act first."""
    subject = readable(believed.claims.get("sub"))
    known = Agent.objects.filter(issuer=believed.issuer, foreign_subject=subject)
    agent = known.first()
    if agent is None:
        try:
            agent = across.arrive(believed.issuer, subject)
        except NameTaken:
            agent = known.get()
        except NoRoom as error:
            raise BadAssertion(str(error)) from error
    if agent.waits(request.now):
        raise Unadmitted(f"{agent.pk} waits for an admin", about=agent.pk)
    if agent.status != Agent.Status.ACTIVE:
        raise BadAssertion(f"{agent.pk} is not active")
    return agent


def _resource(believed: Believed, request: TokenRequest) -> Protected:
    named = request.resources or tuple(believed.issuer.resources)
    if len(named) != 1:
        raise InvalidTarget("one resource is needed")
    protected = directory.resource_server(named[0])
    if protected is None or not believed.issuer.opens(named[0]):
        raise InvalidTarget(f"{named[0][:200]!r} is not a resource that this platform's agents reach")
    return protected


def _scopes(believed: Believed, agent: Agent, protected: Protected, request: TokenRequest) -> frozenset[str]:
    """Return ceiling of the platform ∩ ceiling of the agent ∩ claim ∩ asked; raises InvalidScope beyond that."""
    identifier = protected.server.identifier
    claimed = believed.claims.get("scope")
    if claimed is not None and not isinstance(claimed, str):
        raise BadAssertion("scope")
    opened = believed.issuer.opens(identifier) & protected.scopes.keys()
    if claimed is not None:
        opened &= frozenset(claimed.split())
    allowed = agent.under_ceiling(identifier, opened)
    wanted = request.scopes or (protected.default_scopes & allowed) or allowed
    if request.deferral and wanted & allowed:
        return wanted & allowed
    if not wanted or not wanted <= allowed:
        # Beyond the agent's ceiling, somebody can give more; beyond the platform's or the claim, nobody here can.
        about = agent.pk if wanted and wanted <= opened else ""
        raise InvalidScope(f"more than {agent.pk} is allowed at {identifier[:200]!r}", about=about)
    return wanted


def _word(
    tenant: Tenant,
    client: Client,
    agent: Agent,
    protected: Protected,
    scopes: frozenset[str],
    believed: Believed,
    request: TokenRequest,
) -> Standing:
    return Standing(
        subject=agent.pk,
        member=None,
        client=client,
        agent=agent,
        audience=protected.server.identifier,
        scopes=scopes,
        expires_at=earliest(
            request.now + timedelta(days=tenant.longest_delegation_days), agent.latest_end(request.now)
        ),
        origin=Delegation.Origin.WORKLOAD,
        said_at=agent.admitted_at or agent.created_at,
        resource_server=protected.server,
        issuer=believed.issuer,
    )


def _check_may_stand(word: Standing) -> None:
    try:
        standing.check_stays_ended(word)
    except StaysEnded as error:
        raise BadAssertion(str(error)) from error


def _left(word: Standing, there: Delegation | None, now: datetime) -> Standing:
    try:
        return standing.bounded(word, there, now)
    except StaysEnded as error:
        raise BadAssertion(str(error)) from error
