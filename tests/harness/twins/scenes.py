"""What stands in the tenant where every case begins, the names of it, and what single cases need besides."""

import json
import secrets
from typing import Any

from agents import across
from agents.models import Agent, Approval, Client, RegistrationToken
from audit.principals import SYSTEM, Kind, Principal
from delegations.models import Delegation
from kit import context
from kit.oauth import AuthMethod, GrantType
from tenants import actions as tenant_actions
from tests.harness import addresses, filling
from tests.harness.hostile import Hostile, json_answer
from tests.harness.keyholder import Keyholder, document
from tests.harness.platforms import named
from tests.harness.twins.case import Names
from tests.harness.world import REDIRECT, World, make
from tokens.models import RefreshToken
from trust import actions as trust_actions
from trust.models import TrustedIssuer

CODE = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
CLAIMED = "repo:acme/*"


def full(origin: str, http: Any, documents: Hostile) -> tuple[World, Names]:
    """Return a tenant with an object of every kind, and the names of what stands in it."""
    world = make(origin, http)
    # The apps' tokens are good for as long as all cases take.
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, access_token_seconds=3600)
    scout = world.public_client()
    world.grant(scout, scope="events:read events:write offline_access", tick=_all_of(world))
    with context.use(world.tenant):
        filling.of_trust_and_arrivals(world, scout.client)
        filling.of_addresses(world)
    ledger, runner = world.helper("Ledger", grant_types=CODE, redirect_uris=[REDIRECT]), world.helper("Runner")
    with context.use(world.tenant):
        Client.objects.filter(pk=runner.client.pk).update(auth_method=AuthMethod.FEDERATED)
        names = {
            **{name.rpartition("/")[2].removesuffix("_id"): str(pk) for name, pk in addresses.ids_in(world).items()},
            **{name: member.pk for name, member in world.people.items()},
            **{f"{name}_email": world.email(name) for name in world.people},
            **_of_agents(world, scout.client, ledger.client, runner.client),
            **_of_strangers(world, documents),
            "slug": world.tenant.slug,
            "tenant": world.tenant.name,
        }
    return world, names


def by(world: World, person: str = "ada") -> Principal:
    """Return a person as the author of what they did before."""
    member = world.people[person]
    return Principal(Kind.USER, member.pk, member.name)


def agent(names: Names, which: str = "agent") -> Agent:
    return Agent.objects.get(pk=names[which])


def client(names: Names, which: str = "ledger_client") -> Client:
    return Client.objects.select_related("agent").get(pk=names[which])


def delegation(names: Names) -> Delegation:
    return Delegation.objects.get_queryset().with_names().get(pk=names["delegation"])


def issuer(names: Names) -> TrustedIssuer:
    return TrustedIssuer.objects.get(pk=names["issuer"])


def _all_of(world: World) -> list[str]:
    return [f"{world.calendar.pk} events:read", f"{world.calendar.pk} events:write"]


def _of_agents(world: World, scout: Client, ledger: Client, runner: Client) -> Names:
    """Name an agent that came by itself, one with a secret, one that its platform proves, and what waits."""
    held = Delegation.objects.get(client=scout, audience=world.calendar.identifier)
    waiting = Approval.objects.get(status=Approval.Status.WAITING)
    return {
        "agent": str(scout.agent_id),
        "client": str(scout.pk),
        "client_id": scout.client_id,
        "ledger": str(ledger.agent_id),
        "ledger_client": str(ledger.pk),
        "runner": str(runner.agent_id),
        "runner_client": str(runner.pk),
        "newcomer": waiting.agent_id,
        "workload": Agent.objects.get(name="CI job").pk,
        "approval": waiting.pk,
        "delegation": held.pk,
        "place": RefreshToken.objects.get(client=scout).pk,
        "registration_token": RegistrationToken.objects.get().pk,
        "calendar": world.calendar.pk,
        "calendar_url": world.calendar.identifier,
        "notes": world.notes.pk,
        "notes_url": world.notes.identifier,
    }


def _of_strangers(world: World, server: Hostile) -> Names:
    """Publish a document of an agent, an issuer and a description of a resource; name where they lie."""
    base = f"/{world.tenant.slug}/{secrets.token_hex(4)}"
    document(server, f"{base}/client.json", client_uri="https://scout.example/", scope="events:read openid")
    platform, (key,) = named(server.url(f"{base}/issuer"), "first"), Keyholder("anybody").jwks["keys"]
    said = {"issuer": platform.url, "jwks_uri": server.url(f"{base}/jwks")}
    for path, content in ((f"{base}/issuer/.well-known/openid-configuration", said), (f"{base}/jwks", platform.jwks)):
        server.answers[path] = json_answer(json.dumps(content).encode())
    remote = trust_actions.trust_issuer(
        platform.url, by=SYSTEM, key_source="jwks_uri", jwks_uri=said["jwks_uri"], purposes=["workload"]
    )
    return {
        "document": server.url(f"{base}/client.json"),
        "unknown_issuer": server.url(f"{base}/issuer"),
        "remote": remote.pk,
        "guarded_url": server.url(f"{base}/mcp"),
        "jwk": key,
        "jwk_text": json.dumps(key),
        "jwks_text": json.dumps({"keys": [key]}),
    }


def federated(world: World, names: Names) -> None:
    """Let a platform's token stand for the runner's secret."""
    across.federate(client(names, "runner_client"), issuer(names), CLAIMED, by=SYSTEM)
