"""What of the demonstration crosses domains: an agent that one company lets reach another, and a CI job of no secret.

Each function is called within its tenant, and what is there already stays as it is.
"""

import hashlib
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk

from agents import across
from agents import actions as agent_actions
from agents.models import Client
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit.oauth import GrantType
from tenants.models import Membership, ResourceServer, Tenant
from trust import actions as trust_actions
from trust.models import Audience, TrustedIssuer

# The same agent, as it is known at home and at the other company.
COURIER, COURIER_THERE = "courier", "acme-courier"

JOB = "release-job"
PLATFORM = "https://ci.example"
"""No such host: its keys were handed over by hand, as those of platforms are that no server may reach."""
PLATFORM_KEY = "demo-only-key-of-the-ci-platform"
SUBJECT = "repo:acme/robots:ref:refs/heads/main"
REPOSITORY_ID = "74"


def send_courier(there: Tenant, resource: str, scopes: Iterable[str], *, secret: str) -> None:
    """Let an agent of the current tenant get grants for one resource of another tenant, for everyone."""
    if _moved(Audience, there) or Audience.objects.filter(issuer=there.issuer).exists():
        return
    courier = Client.objects.filter(client_id=COURIER).first() or _courier(secret)
    wanted = sorted(scopes)
    audience = trust_actions.add_audience(there.issuer, by=SYSTEM, name=there.name, resources={resource: wanted})
    across.name_elsewhere(courier, audience, COURIER_THERE, by=SYSTEM)
    across.allow_across(courier, audience, resource, wanted, by=SYSTEM, everyone=True)


def receive_courier(home: Tenant, resource: str, scopes: Iterable[str], people: dict[str, str], *, secret: str) -> None:
    """Believe another tenant about that agent, within one resource; `people` are e-mail addresses here, by id there."""
    if _moved(TrustedIssuer, home) or TrustedIssuer.objects.filter(issuer=home.issuer).exists():
        return
    if not Client.objects.filter(client_id=COURIER_THERE).exists():
        client, _ = agent_actions.register_agent(
            f"Courier of {home.name}",
            by=SYSTEM,
            owner=admin(),
            client_id=COURIER_THERE,
            grant_types=(GrantType.JWT_BEARER,),
        )
        agent_actions.change_secret(client, by=SYSTEM, secret=secret)
    trusted = trust_actions.trust_issuer(
        home.issuer,
        by=SYSTEM,
        name=home.name,
        key_source=TrustedIssuer.KeySource.METADATA,
        purposes=[TrustedIssuer.Purpose.ID_JAG],
        resources={resource: sorted(scopes)},
        clients=[COURIER_THERE],
    )
    for subject, email in people.items():
        member = Membership.objects.filter(user__email=email).first()
        if member is not None:
            trust_actions.link_subject(trusted, subject, member, by=SYSTEM, how="admin")


def _moved(model: type[Audience] | type[TrustedIssuer], tenant: Tenant) -> bool:
    """Let what the demonstration said of a tenant under another origin hold for it under this one; no verb renames."""
    former = model.objects.filter(issuer__endswith=f"/t/{tenant.slug}").exclude(issuer=tenant.issuer)
    return bool(former.update(issuer=tenant.issuer))


def employ_job(resource: str, scopes: Iterable[str]) -> None:
    """Let the release job of one repository act for itself, with nothing but its platform's token."""
    if Client.objects.filter(client_id=JOB).exists():
        return
    platform = TrustedIssuer.objects.filter(issuer=PLATFORM).first() or trust_actions.trust_issuer(
        PLATFORM,
        by=SYSTEM,
        name="CI platform",
        key_source=TrustedIssuer.KeySource.PASTED,
        jwks=platform_keys(),
        algorithms=["ES256"],
        purposes=[TrustedIssuer.Purpose.FEDERATION],
    )
    client = across.register_workload("Release job", by=SYSTEM, owner=admin(), client_id=JOB)
    across.federate(client, platform, SUBJECT, by=SYSTEM, claims={"repository_id": REPOSITORY_ID})
    server = ResourceServer.objects.get(identifier=resource)
    delegation_actions.allow_agent(client, server, frozenset(scopes), by=SYSTEM)


def admin() -> Membership | None:
    """Return who answers for the demonstration's agents: the current tenant's first admin."""
    admins = Membership.objects.filter(role=Membership.Role.ADMIN, status=Membership.Status.ACTIVE)
    return admins.order_by("pk").first()


def platform_keys() -> dict[str, list[dict[str, str]]]:
    """Return the platform's public key (RFC 7517), made of words that the demonstration knows too."""
    number = int.from_bytes(hashlib.sha256(PLATFORM_KEY.encode()).digest(), "big")
    key = jwk.JWK.from_pyca(ec.derive_private_key(number, ec.SECP256R1()))
    return {"keys": [{**key.export_public(as_dict=True), "kid": key.thumbprint(), "alg": "ES256", "use": "sig"}]}


def _courier(secret: str) -> Client:
    client, _ = agent_actions.register_agent(
        "Courier",
        by=SYSTEM,
        owner=admin(),
        client_id=COURIER,
        redirect_uris=("http://127.0.0.1/callback",),
        grant_types=(GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.TOKEN_EXCHANGE),
    )
    agent_actions.change_secret(client, by=SYSTEM, secret=secret)
    return client
