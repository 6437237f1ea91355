"""How soon an end holds is said before it, resource by resource, wherever somebody ends many."""

import pytest

from kit import context
from notices.kinds.delegations import ENDED_BY_OTHERS
from notices.models import OptOut
from tests.conformance.test_resources_api import asker
from tests.harness import many
from tests.harness.footprint import leaves_only
from tests.spec import spec

LATE, AT_ONCE = "Calendar within 5 minutes", "Notes at once"


@pytest.fixture
def asking(world):
    """Alice lets a scout use both resources; Notes asks about each token."""
    world.rewrite(world.notes, asks_each_time=True)
    scout = world.public_client()
    world.grant(scout, scope="events:read")
    world.grant(scout, scope="notes:read", resource=world.notes.identifier)
    return world


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize(
    ("person", "path"),
    [("ada", "/console/delegations/end?q=scout"), ("ada", "/console/members/{alice}/remove"), ("alice", "/me/agents")],
)
def test_a_page_that_ends_many_says_how_soon_each_resource_refuses(asking, person, path):
    browser = asking.browser(person)
    browser.go(asking.url(path.format(alice=asking.people["alice"].pk)))
    assert all(said in browser.words() for said in (LATE, AT_ONCE)), browser.words()


@spec("RFC 7009", "2.1")
def test_whoever_ends_many_reads_who_is_told_of_it(world):
    many.delegations(world, 3)
    world.grant(world.public_client("Crowd scout"), "ada")
    ada, ask = world.browser("ada"), asker(world, "ada", "jobs:read jobs:run webhooks:read webhooks:write")
    ada.go(world.url("/console/delegations/end?q=Crowd"))
    assert "3 people are told by mail, with your name and the reason." in ada.words()
    assert "webhook" not in ada.words().partition("End 4 delegations")[2].partition("ten minutes")[0]
    with context.use(world.tenant):
        OptOut.objects.create(
            member_id=world.delegations()[0].member_id
            if world.delegations()[0].member_id != world.people["ada"].pk
            else world.delegations()[-1].member_id,
            kind=ENDED_BY_OTHERS.name,
        )
    hook = {"url": "https://hooks.example.com/x", "events": ["delegation.*"]}
    assert ask("POST", "/webhooks", hook).status_code == 201
    ada.go(world.url("/console/delegations/end?q=Crowd"))
    assert "2 people are told by mail" in ada.words()
    assert "1 webhook is told of each." in ada.words()
    with leaves_only(world):
        told = ask("POST", "/delegations/bulk-end", {"filter": {"q": "Crowd"}, "dry_run": True}).json()
    assert told == {
        "delegations": 4, "people": 4, "agents": 2, "resources": 1, "told": 2, "webhooks": 1,
        "revocation_lags": {world.calendar.identifier: world.tenant.access_token_seconds},
    }  # fmt: skip
