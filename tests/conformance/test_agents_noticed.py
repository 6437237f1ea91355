"""What is worth a second look at agents: the list, the API and the word that narrows them say the same of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Agent
from kit import context
from tests.conformance.test_api import api_token
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec
from tokens.models import AccessToken

AGENTS = "/console/agents"
GRAVE = {"unverified-writes", "look-alike", "odd-letters"}


@pytest.fixture(scope="module")
def world(origin, http):
    """One tenant for all of these: each test brings agents of its own."""
    world = make(origin, http)
    yield world
    world.close()


@pytest.fixture(scope="module")
def ada(world):
    return world.browser("ada")


@pytest.fixture(scope="module")
def api(world):
    token = api_token(world, world.public_client("Console app"), "ada", "agents:read agents:write approvals:read")
    headers = {"Authorization": f"Bearer {token}"}
    return lambda path: world.http.get(world.url(f"/api/v1/{path}"), headers=headers).json()


def rules_of(api, name):
    (row,) = api(f"agents?q={name}")["agents"]
    return {each["rule"]: each["is_high"] for each in row["risks"]}


@spec("RFC 9700", "2.1")
def test_an_agent_is_of_high_risk_by_the_same_rules_in_its_row_over_the_api_and_where_the_list_is_narrowed(
    world, ada, api
):
    world.helper("Ledger")
    world.worker(scopes="events:write")  # An admin made it: whoever runs it is known.
    alike, odd, plain = (world.public_client(name) for name in ("1edger", "Ledgеr", "Onlooker"))
    writer = world.public_client("Scribe")
    world.grant(writer, scope="events:write")
    expected = {"1edger": {"look-alike"}, "Ledgеr": {"odd-letters"}, "Scribe": {"unverified-writes"}, "Onlooker": set()}
    for name, grave in expected.items():
        found = rules_of(api, name)
        assert {rule for rule, is_high in found.items() if is_high} == found.keys() & GRAVE == grave
        assert "new" in found
    names = {each["name"] for each in api("agents?high_risk=true")["agents"]}
    assert {name for name, grave in expected.items() if grave} <= names
    assert names.isdisjoint({"Ledger", "Worker", "Onlooker"})
    assert {"Ledger", "Worker", "Onlooker"} <= {each["name"] for each in api("agents?high_risk=false")["agents"]}
    page = ada.go(world.url(f"{AGENTS}?high_risk=true&q=1edger"))
    assert "High risk Its name looks like that of Ledger, which is approved." in ada.words()
    assert "high_risk=true" in page.text
    for who in (alike, odd, writer):
        world.rewrite(who.client.agent, status="retired")
    assert names.isdisjoint({each["name"] for each in api("agents?high_risk=true")["agents"]} - {"Console app"})
    assert rules_of(api, "Scribe") == {}
    assert plain.client.agent_id in {each["id"] for each in api("agents")["agents"]}


@spec("RFC 9700", "2.1")
def test_a_row_says_how_old_the_oldest_good_secret_is_and_how_often_it_was_refused_within_a_week(world, ada, api):
    who = world.helper("Clerk")
    made = timezone.now() - timedelta(days=412, hours=1)
    world.rewrite(who.client, created=made)
    for _ in range(2):
        assert world.own_token(who, scope="events:write").status_code == 400
    (row,) = api("agents?q=Clerk")["agents"]
    assert row["oldest_secret_at"].startswith(f"{made:%Y-%m-%dT%H:%M}")
    assert row["refused_within_a_week"] == 2
    page = ada.go(world.url(f"{AGENTS}?q=Clerk"))
    assert "never used 2 412 days" in ada.words()
    assert f'agents/{who.client.agent_id}/activity?refused=requests" aria-label="2 refused in 7 days">2<' in page.text
    world.rewrite(who.client, status="disabled")
    (row,) = api("agents?q=Clerk")["agents"]
    assert row["oldest_secret_at"] is None


@spec("RFC 9700", "2.3")
def test_what_an_agent_did_not_ask_for_in_two_months_is_proposed_to_go_and_goes_once_somebody_saves(world, ada, api):
    who = world.public_client("Planner")
    asked = "events:read contacts:read"
    world.grant(who, scope=asked)
    place = f"{AGENTS}/{who.client.agent_id}"
    used = f"agents/{who.client.agent_id}/scopes-used"
    long_ago = timezone.now() - timedelta(days=61)
    ada.go(world.url(place))
    assert "It used" not in ada.words()
    assert api(used)["unused"] == {}
    with context.use(world.tenant):
        tokens = AccessToken.objects.filter(delegation__agent=who.client.agent_id)
        tokens.update(scope="events:read")
        delegation = tokens.select_related("delegation__consent").get().delegation
    world.rewrite(who.client.agent, created_at=long_ago)
    world.rewrite(delegation, created_at=long_ago)
    world.rewrite(delegation.consent, created_at=long_ago)
    page = ada.go(world.url(place))
    assert "It used 1 of 2 scopes in 60 days." in ada.words()
    told = api(used)
    assert (told["tokens"], told["unused"]) == (1, {world.calendar.identifier: ["contacts:read"]})
    link = f"{place}/ceiling?without=unused"
    assert link in page.text
    with leaves_only(world):
        ada.go(world.url(link))
    assert "Nothing changes before you save." in ada.words()
    ada.submit(ada.form("/ceiling"))
    with context.use(world.tenant):
        assert Agent.objects.get(pk=who.client.agent_id).ceiling == {world.calendar.identifier: ["events:read"]}
    ada.go(world.url(place))
    assert "It used" not in ada.words()
    with leaves_only(world):
        ada.go(world.url(link))
    assert "Nothing changes before you save." not in ada.words()
