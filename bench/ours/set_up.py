"""Once a run: a tenant with a person, a resource server and its clients, made by the product's own verbs."""

from datetime import timedelta

from django.utils import timezone
from jwcrypto import jwk

from agents import actions as agent_actions
from agents import directory, handovers
from agents.models import Client
from agents.registration.metadata import ClientMetadata
from audit.principals import SYSTEM
from bench.ours.world import CALENDAR, HELPERS, REDIRECT, SCOPES, SLUG, Known, remember
from delegations import actions as delegation_actions
from delegations.actions import Agreement, Allowed
from kit import context
from kit.oauth import AuthMethod, GrantType
from tenants import actions as tenant_actions
from tenants.actions import ScopeWords
from tenants.models import ResourceServer, User
from tokens.opening import open_tenant

WORDS = [ScopeWords(scope, scope.title(), is_default=True) for scope in SCOPES]
PERSON = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)


def main() -> None:
    """Make everything, and keep what the requests have to know of it."""
    tenant = open_tenant(SLUG, "Bench", by=SYSTEM)
    with context.use(tenant):
        server = tenant_actions.add_resource_server(CALENDAR, "Calendar", WORDS, by=SYSTEM)
        key = jwk.JWK.generate(kty="EC", crv="P-256", kid="client")
        worker, secret = agent_actions.register_agent("Worker", by=SYSTEM)
        reader, reading = agent_actions.register_introspector(server, by=SYSTEM)
        keyholder = _keyholder(key)
        scout, scouting = agent_actions.register_dynamically(
            ClientMetadata("Scout", (REDIRECT,), PERSON, AuthMethod.SECRET_BASIC)
        )
        for client in (worker, keyholder):
            delegation_actions.allow_agent(client, server, frozenset(SCOPES), by=SYSTEM)
        helpers = _helpers(scout)
        _agree(scout, server)
    remember(
        {
            **helpers,
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


def _agree(client: Client, server: ResourceServer) -> None:
    user = User.objects.create(email="alice@bench.example", name="Alice")
    agreement = Agreement(
        member=tenant_actions.add_member(user, "member", by=SYSTEM),
        client=client,
        redirect_host="agent.example",
        allowed=[Allowed(CALENDAR, frozenset(SCOPES), server)],
        shown={},
        expires_at=timezone.now() + timedelta(days=7),
        helpers=directory.reach(str(client.agent_id), len(HELPERS)),
    )
    delegation_actions.approve(agreement, by=SYSTEM)
