"""Once a run: a tenant with a person, a resource server and its clients, made by the product's own verbs."""

from datetime import timedelta

from django.utils import timezone
from jwcrypto import jwk

from agents import across as crossing
from agents import actions as agent_actions
from agents import directory, handovers
from agents.models import Client
from agents.registration.metadata import ClientMetadata
from audit.principals import SYSTEM
from bench.ours.world import (
    CALENDAR,
    ELSEWHERE,
    HELPERS,
    PERSON,
    REDIRECT,
    SCOPES,
    SLUG,
    THEIR_API,
    Known,
    remember,
)
from delegations import actions as delegation_actions
from delegations.actions import Agreement, Allowed
from kit import context
from kit.oauth import AuthMethod, GrantType
from tenants import actions as tenant_actions
from tenants.actions import ScopeWords
from tenants.models import Membership, ResourceServer, Tenant, User
from tokens.opening import open_tenant
from trust import actions as trust

WORDS = [ScopeWords(scope, scope.title(), is_default=True) for scope in SCOPES]
FOR_A_PERSON = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)


def main() -> None:
    """Make everything, and keep what the requests have to know of it."""
    tenant = open_tenant(SLUG, "Bench", by=SYSTEM)
    tenant = tenant_actions.change_policy(tenant, by=SYSTEM, registration=Tenant.Registration.OPEN)
    with context.use(tenant):
        server = tenant_actions.add_resource_server(CALENDAR, "Calendar", WORDS, by=SYSTEM)
        key = jwk.JWK.generate(kty="EC", crv="P-256", kid="client")
        worker, secret = agent_actions.register_agent("Worker", by=SYSTEM)
        reader, reading = agent_actions.register_introspector(server, by=SYSTEM)
        keyholder = _keyholder(key)
        scout, scouting = agent_actions.register_dynamically(
            ClientMetadata("Scout", (REDIRECT,), (*FOR_A_PERSON, GrantType.TOKEN_EXCHANGE), AuthMethod.SECRET_BASIC)
        )
        for client in (worker, keyholder):
            delegation_actions.allow_agent(client, server, frozenset(SCOPES), by=SYSTEM)
        helpers = _helpers(scout)
        alice = _agree(scout, server)
        across = _across(scout, alice)
    remember(
        {
            **helpers,
            **across,
            "worker": Known(worker.client_id, secret),
            "reader": Known(reader.client_id, reading),
            "scout": Known(scout.client_id, scouting),
            "keyholder": Known(keyholder.client_id, key.export_private()),
        }
    )


def _helpers(first: Client) -> dict[str, Known]:
    """Register agents that work for each other."""
    known, above = {}, first
    for name in HELPERS:
        client, secret = agent_actions.register_agent(name, by=SYSTEM, grant_types=(GrantType.TOKEN_EXCHANGE,))
        assert above.agent is not None
        assert client.agent is not None
        handovers.allow_handover(above.agent, client.agent, by=SYSTEM)
        known[name], above = Known(client.client_id, secret), client
    return known


def _keyholder(key: jwk.JWK) -> Client:
    described = ClientMetadata(
        "Keyholder",
        redirect_uris=(),
        grant_types=(GrantType.CLIENT_CREDENTIALS,),
        auth_method=AuthMethod.PRIVATE_KEY_JWT,
        jwks={"keys": [key.export_public(as_dict=True)]},
    )
    return agent_actions.register_dynamically(described)[0]


def _across(scout: Client, alice: Membership) -> dict[str, Known]:
    """Let the scout cross to another domain, and the presenter present that domain's grants."""
    audience = trust.add_audience(ELSEWHERE, by=SYSTEM, resources={THEIR_API: list(SCOPES)})
    crossing.name_elsewhere(scout, audience, "scout-there", by=SYSTEM)
    crossing.allow_across(scout, audience, THEIR_API, SCOPES, by=SYSTEM, everyone=True)
    key = jwk.JWK.generate(kty="RSA", size=2048, kid="issuer", alg="RS256", use="sig")
    issuer = trust.trust_issuer(
        ELSEWHERE,
        by=SYSTEM,
        key_source="pasted",
        jwks={"keys": [key.export_public(as_dict=True)]},
        purposes=["id_jag"],
        resources={CALENDAR: list(SCOPES)},
        any_client=True,
    )
    trust.link_subject(issuer, PERSON, alice, by=SYSTEM, how="admin")
    grants = (GrantType.JWT_BEARER,)
    presenter, secret = agent_actions.register_agent("Presenter", by=SYSTEM, grant_types=grants)
    return {"presenter": Known(presenter.client_id, secret), "issuer": Known(ELSEWHERE, key.export_private())}


def _agree(client: Client, server: ResourceServer) -> Membership:
    user = User.objects.create(email=PERSON, name="Alice")
    member = tenant_actions.add_member(user, "member", by=SYSTEM)
    agreement = Agreement(
        member=member,
        client=client,
        redirect_host="agent.example",
        allowed=[Allowed(CALENDAR, frozenset(SCOPES), server)],
        shown={},
        expires_at=timezone.now() + timedelta(days=7),
        helpers=directory.reach(str(client.agent_id), len(HELPERS)),
    )
    delegation_actions.approve(agreement, by=SYSTEM)
    return member
