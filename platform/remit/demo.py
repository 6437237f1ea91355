"""The demonstration's tenants, people and resource servers. Seeding again changes nothing."""

from dataclasses import dataclass
from itertools import pairwise

from django.conf import settings
from django.db import transaction

from agents import actions as agent_actions
from agents import handovers
from agents.models import Agent, Client
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from kit.oauth import GrantType
from remit import demo_across
from tenants import actions as tenant_actions
from tenants.actions import ScopeWords
from tenants.models import Membership, Tenant, User
from tokens.opening import open_tenant

PASSWORD = "correct horse battery staple"
AGENT_SECRET = "demo-only-secret-of-the-nightly-report-agent"
INTROSPECTION_SECRET = "demo-only-secret-of-the-calendar-server"

NIGHTLY_REPORT = "nightly-report"
# Agents that work together, by client id: each may hand part of what it is allowed to the one after it.
TEAM = ("orchestrator", "researcher", "summariser")
# It exchanges tokens as they do, and nobody may hand it anything.
STRANGER = "translator"

# Where `make demo` publishes the document of its second agent, and leaves the certificate of its CA while it plays.
DOCUMENT_HOST = "localhost:9443"
CA_FILE = settings.STATE_DIR / "demo-ca.pem"

CALENDAR_SCOPES = (
    ScopeWords("events:read", "Read your calendar", "Every event you can open", is_default=True, is_needed=True),
    ScopeWords("events:write", "Change your calendar", "Creates, moves and cancels events", is_writing=True),
    ScopeWords("contacts:read", "See who you meet", "Names and addresses of people in events"),
)
NOTES_SCOPES = (
    ScopeWords("notes:read", "Read your notes", "Every note you wrote", is_default=True, is_needed=True),
    ScopeWords("notes:write", "Write notes", "Creates and changes notes", is_writing=True),
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """One tenant of the demonstration; its servers listen on loopback ports of their own."""

    slug: str
    name: str
    calendar_port: int
    notes_port: int


ORGANISATIONS = (
    Organisation("acme", "Acme Robotics", 9401, 9402),
    Organisation("globex", "Globex", 9411, 9412),
)
PEOPLE = (
    ("alice", "Alice Ahrens", Membership.Role.MEMBER),
    ("bob", "Bob Brandt", Membership.Role.MEMBER),
    ("ada", "Ada Admin", Membership.Role.ADMIN),
)


def seed() -> None:
    """Make what is not there yet."""
    opened: list[tuple[Organisation, Tenant]] = []
    for organisation in ORGANISATIONS:
        tenant = Tenant.objects.filter(slug=organisation.slug).first() or _open(organisation)
        with context.use(tenant):
            _introduce_team()
            if _is_ours():
                opened.append((organisation, tenant))
    for organisation, tenant in opened[:1]:
        with context.use(tenant):
            _employ_job(organisation)
    for (_, home), (organisation, there) in pairwise(opened):
        _let_across(home, there, organisation)


def secret_of(client_id: str) -> str:
    """Return the secret of an agent that works with others."""
    return f"demo-only-secret-of-the-{client_id}"


@transaction.atomic
def _open(organisation: Organisation) -> Tenant:
    tenant = open_tenant(organisation.slug, organisation.name, by=SYSTEM)
    tenant_actions.change_policy(
        tenant,
        by=SYSTEM,
        registration=Tenant.Registration.OPEN,
        documents=Tenant.Registration.OPEN,
        device_codes=Tenant.Devices.ANYWHERE,
    )
    with context.use(tenant):
        for name, full_name, role in PEOPLE:
            email = _address(name, organisation.slug)
            user = User.objects.own(email) or User.objects.create_user(email, PASSWORD, name=full_name)
            tenant_actions.add_member(user, role, by=SYSTEM)
        _protect(organisation)
    return tenant


def _address(name: str, slug: str) -> str:
    return f"{name}@{slug}.example"


def _protect(organisation: Organisation) -> None:
    domain = f"{organisation.slug}.example"
    public = tenant_actions.add_resource_server(
        f"https://calendar.{domain}/mcp", "Calendar", CALENDAR_SCOPES, by=SYSTEM
    )
    tenant_actions.add_resource_server(f"https://notes.{domain}/mcp", "Notes", NOTES_SCOPES, by=SYSTEM)
    # The same two, as the example servers run them on this computer.
    for port, name, scopes in (
        (organisation.calendar_port, "Calendar on this computer", CALENDAR_SCOPES),
        (organisation.notes_port, "Notes on this computer", NOTES_SCOPES),
    ):
        server = tenant_actions.add_resource_server(
            f"http://localhost:{port}/mcp",
            name,
            scopes,
            by=SYSTEM,
            # The example notes server introspects, so that a cut shows there at once.
            asks_each_time=port == organisation.notes_port,
        )
        introspector, _ = agent_actions.register_introspector(server, by=SYSTEM, client_id=f"server-{port}")
        agent_actions.change_secret(introspector, by=SYSTEM, secret=INTROSPECTION_SECRET)
    client = _nightly_report()
    delegation_actions.allow_agent(client, public, frozenset({"events:read"}), by=SYSTEM)
    own_api = public.__class__.objects.get(identifier=client.tenant.api_identifier)
    delegation_actions.allow_agent(
        client, own_api, frozenset({"self:read", "delegations:read", "delegations:end"}), by=SYSTEM
    )


def _nightly_report() -> Client:
    client, _ = agent_actions.register_agent(
        "Nightly report",
        by=SYSTEM,
        owner=demo_across.admin(),
        client_id=NIGHTLY_REPORT,
        grant_types=(GrantType.CLIENT_CREDENTIALS,),
    )
    agent_actions.change_secret(client, by=SYSTEM, secret=AGENT_SECRET)
    return Client.objects.get(pk=client.pk)


@transaction.atomic
def _introduce_team() -> None:
    """Register the agents that work together in a tenant that the demonstration opened, be it before there were any."""
    known = Client.objects.filter(client_id__in=(NIGHTLY_REPORT, *TEAM, STRANGER)).values_list("client_id", flat=True)
    if set(known) != {NIGHTLY_REPORT}:
        return
    first, *others = TEAM
    # The first asks people; the others live on what they are handed.
    asking = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.TOKEN_EXCHANGE)
    team = [_colleague(first, asking), *(_colleague(each, (GrantType.TOKEN_EXCHANGE,)) for each in others)]
    for one, other in pairwise(team):
        handovers.allow_handover(one, other, by=SYSTEM)
    _colleague(STRANGER, (GrantType.TOKEN_EXCHANGE,))


def _is_ours() -> bool:
    """Say whether the demonstration opened the current tenant: one of the same name may be somebody's own."""
    return Client.objects.filter(client_id=NIGHTLY_REPORT).exists()


@transaction.atomic
def _employ_job(organisation: Organisation) -> None:
    demo_across.employ_job(f"http://localhost:{organisation.calendar_port}/mcp", ("events:read", "events:write"))


@transaction.atomic
def _let_across(home: Tenant, there: Tenant, organisation: Organisation) -> None:
    """Let an agent of one tenant reach the notes of another; of the people there it is alice whom both know."""
    resource, scopes = f"http://localhost:{organisation.notes_port}/mcp", ("notes:read", "notes:write")
    with context.use(home):
        demo_across.send_courier(there, resource, scopes, secret=secret_of(demo_across.COURIER))
        alice = Membership.objects.filter(user__email=_address("alice", home.slug)).first()
    people = {alice.pk: _address("alice", there.slug)} if alice else {}
    with context.use(there):
        secret = secret_of(demo_across.COURIER_THERE)
        demo_across.receive_courier(home, resource, scopes, people, secret=secret)


def _colleague(client_id: str, grants: tuple[GrantType, ...]) -> Agent:
    asks = GrantType.AUTHORIZATION_CODE in grants
    client, _ = agent_actions.register_agent(
        client_id.title(),
        by=SYSTEM,
        owner=demo_across.admin(),
        client_id=client_id,
        redirect_uris=("http://127.0.0.1/callback",) if asks else (),
        grant_types=grants,
    )
    agent_actions.change_secret(client, by=SYSTEM, secret=secret_of(client_id))
    assert client.agent is not None
    return client.agent


def banner() -> str:
    """Say where to go and as whom, in ten lines at most."""
    origin = settings.PUBLIC_ORIGIN
    return "\n".join(
        (
            f"Remit is up at {origin}",
            f"  people    {origin}/t/acme/me/agents           alice@acme.example, bob@acme.example",
            f"  admins    {origin}/t/acme/console/delegations ada@acme.example",
            f"  password  {PASSWORD}",
            f"  a second tenant, globex, is at {origin}/t/globex (alice@globex.example, …)",
            "  first token: the three lines of curl in README.md      whole journey: make demo",
            "Ctrl-C stops it.",
        )
    )
