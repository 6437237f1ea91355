"""In which tenants a person has a place: they alone are told, over the API as in the menu of the pages."""

import pytest

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_api import api_token, call
from tests.conformance.test_console_shell import places
from tests.conformance.test_resources_api import asker
from tests.harness import inside
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPE = "tenants:read"


@pytest.fixture
def both(world, elsewhere):
    """Ada of the one tenant, with a place in the other, where somebody waits for a decision."""
    elsewhere.tenant = tenant_actions.change_policy(
        elsewhere.tenant, by=SYSTEM, registration="admission", environment="staging"
    )
    elsewhere.public_client("Newcomer")
    elsewhere.tenant = tenant_actions.change_policy(elsewhere.tenant, by=SYSTEM, registration="open")
    with context.use(elsewhere.tenant):
        return tenant_actions.add_member(world.people["ada"].user, "approver", by=SYSTEM)


def found(world, name="ada"):
    answer = asker(world, name, SCOPE)("GET", "/me/tenants")
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["tenants"]}


@spec("RFC 9700", "2.1")
def test_a_person_reads_each_of_their_tenants_with_the_role_the_environment_and_what_waits(world, elsewhere, both):
    here, there = (found(world)[each.tenant.pk] for each in (world, elsewhere))
    assert there == {
        "id": elsewhere.tenant.pk,
        "name": elsewhere.tenant.name,
        "slug": elsewhere.tenant.slug,
        "issuer": elsewhere.tenant.issuer,
        "environment": "staging",
        "member": both.pk,
        "role": "approver",
        "waiting": 1,
        "is_current": False,
        "links": {"console": elsewhere.url("/console")},
    }
    assert (here["role"], here["member"], here["is_current"]) == ("admin", world.people["ada"].pk, True)
    assert here["environment"] == world.tenant.environment
    menu = places(world.browser("ada").go(world.url("/console/agents")))
    assert {each["links"]["console"] for each in found(world).values()} == set(menu)


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("lost", ["place", "tenant", "the role"])
def test_a_place_that_is_closed_is_not_named_and_without_the_role_what_waits_is_not(world, elsewhere, both, lost):
    if lost == "place":
        elsewhere.rewrite(both, status="suspended")
    elif lost == "tenant":
        tenant_actions.suspend_tenant(elsewhere.tenant, by=SYSTEM, reason="over")
    else:
        elsewhere.rewrite(both, role="member")
    named = found(world)
    if lost != "the role":
        assert set(named) == {world.tenant.pk}
        return
    there = named[elsewhere.tenant.pk]
    assert (there["role"], there["waiting"]) == ("member", 0)
    assert there["links"] == {"console": elsewhere.url("/me/agents")}


@spec("RFC 6750", "3.1")
def test_nobody_reads_a_tenant_in_which_they_have_no_place_and_no_agent_reads_any(world, elsewhere, both):
    assert set(found(world, "bob")) == {world.tenant.pk}
    assert set(found(elsewhere, "ada")) == {elsewhere.tenant.pk}, "there she is somebody else of that name"
    own = world.own_api_token(world.worker())
    client = world.public_client("Another app")
    other = api_token(world, client, "ada", "members:read settings:read")
    with leaves_only(world):
        for token in (own, other):
            refused = call(world, token, "/me/tenants")
            assert (refused.status_code, elsewhere.tenant.name in refused.text) == (403, False)
    assert call(world, api_token(world, client, "ada", SCOPE), "/me/tenants").status_code == 200
    assert asker(world, "ada", SCOPE)("GET", "/me/tenants?user=bob").status_code == 400


@spec("RFC 9700", "2.1")
def test_it_asks_once_for_all_tenants_whom_the_person_is_and_what_waits(world, elsewhere, both):
    token = api_token(world, world.public_client("Another app"), "ada", SCOPE)
    ask = {"Authorization": f"Bearer {token}"}
    inside.get(world, "/api/v1/me/tenants", **ask)
    with inside.counted() as statements:
        answer = inside.get(world, "/api/v1/me/tenants", **ask)
    assert len(answer.json()["tenants"]) == 2
    assert len(statements) <= 5, statements


@spec("RFC 9700", "2.1")
def test_whoever_looks_at_their_own_agents_goes_elsewhere_from_there_too(world, elsewhere, both):
    ada = world.browser("ada")
    menu = places(ada.go(world.url("/me/agents")))
    assert menu == places(ada.go(world.url("/console/agents")))
    there = menu[elsewhere.url("/console")]
    assert all(word in there for word in (elsewhere.tenant.name, "Approver", "Staging", "1 wait for a decision"))
    assert places(world.browser("bob").go(world.url("/me/agents"))) == {}
