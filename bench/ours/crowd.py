"""A tenant that people have used for a month: its agents by the product's own verbs, what hangs on them by SQL."""

from pathlib import Path

import psycopg
from django.conf import settings

from agents import actions as agent_actions
from agents.models import Client
from audit.principals import SYSTEM
from bench import database
from bench.ours.world import CALENDAR, HELPERS, SLUG, Known, recall, remember
from delegations import actions as delegation_actions
from kit import context
from tenants import directory
from tenants.models import ResourceServer, Tenant

KEEPER = "keeper"
"""An agent that people let act for them, and that may give that back (`bench.ours.growth`)."""
OTHERS = ("planner", "secretary")
_SCRIPT, _LATER = Path(__file__).with_name("crowd.sql"), Path(__file__).with_name("crowd_own.sql")
_THERE = """
    SELECT (SELECT count(*) FROM delegations_delegation), (SELECT count(*) FROM delegations_delegation WHERE depth > 0),
        (SELECT count(*) FROM delegations_delegation WHERE ended_at IS NOT NULL),
        (SELECT count(*) FROM tenants_membership), (SELECT count(*) FROM delegations_ancestry),
        (SELECT count(*) FROM tokens_accesstoken), (SELECT count(*) FROM tokens_accesstoken WHERE expires > now()),
        (SELECT count(*) FROM tokens_refreshtoken), (SELECT count(*) FROM audit_entry)
"""


def gather(size: int) -> str:
    """Fill the bench's tenant in proportion to this many delegations; return in words what is there then."""
    tenant = directory.tenant_by_slug(SLUG)
    assert tenant is not None
    with context.use(tenant):
        _register()
        asked = _asked(tenant, size)
    with psycopg.connect(place(), autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        # Two transactions; the temporary function of the first ends with the connection.
        connection.execute(_SCRIPT.read_text(), asked)
        connection.execute("VACUUM tokens_accesstoken")
        connection.execute(_LATER.read_text(), asked)
        there = connection.execute(_THERE).fetchone()
    assert there is not None
    return (
        "{:,} delegations ({:,} handed on, {:,} ended) of {:,} people, {:,} steps of ancestry, "
        "{:,} tokens ({:,} of them unexpired), {:,} token families, {:,} entries of the ledger"
    ).format(*there)


def place() -> str:
    """Return the URL of the database, for the superuser: no row-level security bounds what is written or counted."""
    return database.url(str(settings.DATABASES["default"]["NAME"]))


def _register() -> None:
    known = {}
    for name in (KEEPER, *OTHERS):
        client, secret = agent_actions.register_agent(name, by=SYSTEM)
        known[name] = Known(client.client_id, secret)
    remember({**recall(), **known})
    own_api = ResourceServer.objects.get(identifier=directory.current().api_identifier)
    keeper = Client.objects.get(client_id=known[KEEPER].client_id)
    delegation_actions.allow_agent(keeper, own_api, frozenset({"delegations:end"}), by=SYSTEM)


def _asked(tenant: Tenant, size: int) -> dict[str, object]:
    keys = {
        name: Client.objects.get(client_id=known.client_id).pk for name, known in recall().items() if name != "issuer"
    }
    return {
        "size": size,
        "tenant": tenant.pk,
        "server": ResourceServer.objects.get(identifier=CALENDAR).pk,
        "audience": CALENDAR,
        "clients": [keys[name] for name in ("scout", KEEPER, *OTHERS)],
        "worker": keys["worker"],
        "helpers": [keys[name] for name in HELPERS],
    }
