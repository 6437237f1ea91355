"""What an agent was approved for is shown afterwards, and how much it gets is changed on its page as over the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from agents.models import Agent, Client
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_resources_api import asker
from tests.conformance.test_step_up import age, families
from tests.harness import authenticator_app as app
from tests.harness.footprint import leaves_only
from tests.harness.inside import counted
from tests.spec import spec

SCOPES = "agents:read agents:write"
EVENT = "agent.ceiling_changed"


@pytest.fixture
def twins(world):
    """Two agents of bob's that are alike: one for the page, one for its endpoint."""
    with context.use(world.tenant):
        return [agent_actions.register_agent("Twin", by=SYSTEM, owner=world.people["bob"])[0].agent for _ in range(2)]


def ceiling(world, agent):
    with context.use(world.tenant):
        return Agent.objects.get(pk=agent.pk).ceiling


def bounds(world, *scopes):
    return {world.calendar.identifier: sorted(scopes)}


def on_page(world, browser, agent, extent, *scopes):
    browser.go(world.url(f"/console/agents/{agent.pk}/ceiling"))
    ticked = [f"{world.calendar.identifier} {scope}" for scope in scopes]
    return browser.submit(browser.form("/ceiling"), {"extent": extent, "scopes": ticked})


@spec("RFC 9700", "2.3")
def test_what_was_approved_is_on_the_page_and_in_the_answer(world, twins):
    agent, _ = twins
    ask, ada = asker(world, "ada", SCOPES), world.browser("ada")
    ada.go(world.url(f"/console/agents/{agent.pk}"))
    for words in ("It gets at most Whatever people allow it", "It acts for Whoever allows it", "No end date"):
        assert words in ada.words(), words
    until = timezone.now().replace(microsecond=0) + timedelta(days=40)
    people = {"members": [world.people["alice"].pk], "groups": ["finance"]}
    said = {"people": people, "longest_seconds": 7200, "approved_until": until, "admitted_at": timezone.now()}
    world.rewrite(agent, ceiling=bounds(world, "events:read", "gone:read"), **said)
    ada.go(world.url(f"/console/agents/{agent.pk}"))
    said = ada.words()
    for words in ("What was approved", "Calendar Read your calendar gone:read", "Alice, the group finance", "2 hours"):
        assert words in said, words
    assert f"{until:%b %Y}" in said
    found = ask("GET", f"/agents/{agent.pk}").json()
    assert (found["ceiling"], found["people"], found["longest"]) == (
        bounds(world, "events:read", "gone:read"),
        people,
        7200,
    )
    assert found["approved_until"].startswith(f"{until:%Y-%m-%dT%H:%M}")
    world.rewrite(agent, ceiling={}, people={"members": [], "groups": []})
    ada.go(world.url(f"/console/agents/{agent.pk}"))
    assert "It gets at most Nothing It acts for –" in ada.words()


@spec("RFC 9700", "2.3")
def test_how_much_an_agent_gets_is_changed_alike_and_holds_from_the_next_request_on(world, twins):
    by_page, by_api = twins
    ada, ask = world.browser("ada"), asker(world, "ada", SCOPES)
    for extent, scopes, wanted in (
        ("ticked", ["events:read", "contacts:read"], bounds(world, "events:read", "contacts:read")),
        ("ticked", ["events:read"], bounds(world, "events:read")),
        ("ticked", [], {}),
        ("anything", [], None),
    ):
        assert str(on_page(world, ada, by_page, extent, *scopes).url) == world.url(f"/console/agents/{by_page.pk}")
        answer = ask("PATCH", f"/agents/{by_api.pk}", {"ceiling": wanted})
        assert (answer.status_code, answer.json()["ceiling"]) == (200, wanted), answer.text
        assert ceiling(world, by_page) == ceiling(world, by_api) == wanted
        one, other = world.entries(EVENT)[-2:]
        assert (one.about_id, other.about_id) == (by_page.pk, by_api.pk)
        assert (one.principal_id, one.detail) == (other.principal_id, other.detail)
    assert world.entries(EVENT)[-1].detail == {"ceiling": ["none"], "before": []}
    with leaves_only(world):
        on_page(world, ada, by_page, "anything")
        assert ask("PATCH", f"/agents/{by_api.pk}", {"ceiling": None}).status_code == 200


@spec("RFC 9700", "2.3")
def test_a_lower_ceiling_cuts_what_people_allowed_by_the_next_request(world):
    scout = world.public_client()
    token = world.grant(scout, scope="events:read contacts:read offline_access")["refresh_token"]
    answer = asker(world, "ada", SCOPES)("PATCH", f"/agents/{scout.client.agent_id}", {
        "ceiling": bounds(world, "events:read"), "name": "Cut",
    })  # fmt: skip
    assert (answer.status_code, answer.json()["name"]) == (200, "Cut"), answer.text
    assert world.refresh(scout, token).json()["scope"].split() == ["events:read"]


@spec("RFC 9457", "3")
def test_a_ceiling_names_what_there_is_and_a_waiting_or_ended_agent_has_none_set(world, twins):
    agent, _ = twins
    ask, path = asker(world, "ada", SCOPES), f"/agents/{twins[0].pk}"
    with leaves_only(world):
        for odd, status in (
            ({world.calendar.identifier: ["events:fly"]}, 422),
            ({"https://nowhere.example": ["events:read"]}, 422),
            ({world.calendar.identifier: "events:read"}, 400),
            ("all", 400),
        ):
            assert ask("PATCH", path, {"ceiling": odd}).status_code == status, odd
    read = ask("GET", path).headers["etag"]
    assert ask("PATCH", path, {"ceiling": {}}, **{"If-Match": read}).status_code == 200
    with leaves_only(world):
        assert ask("PATCH", path, {"ceiling": None}, **{"If-Match": read}).status_code == 412
        for status, code in (("pending", 422), ("denied", 409), ("retired", 409)):
            world.rewrite(agent, status=status)
            assert ask("PATCH", path, {"ceiling": None}).status_code == code, status
            world.rewrite(agent, status="active")


@spec("RFC 9700", "2.3")
def test_only_who_may_change_agents_says_how_much_one_gets_and_no_agent_says_it_of_itself(world, twins):
    agent, _ = twins
    itself = world.public_client("Console app")
    world.rewrite(world.people["bob"], role="approver")
    ask, bob = asker(world, "bob", SCOPES), world.browser("bob")
    path = world.url(f"/console/agents/{agent.pk}")
    assert "/ceiling" not in bob.go(path).text
    own = world.own_api_token(world.worker(), SCOPES)
    with leaves_only(world):
        assert bob.go(f"{path}/ceiling").status_code == 403
        assert ask("PATCH", f"/agents/{agent.pk}", {"ceiling": {}}).status_code == 403
        bearer = {"Authorization": f"Bearer {own}"}
        url = world.url(f"/api/v1/agents/{agent.pk}")
        assert world.http.patch(url, headers=bearer, json={"ceiling": {}}).status_code == 403
    ada = asker(world, "ada", SCOPES)
    with context.use(world.tenant):
        through = Client.objects.exclude(pk=itself.client.pk).filter(name="Console app").latest("created").agent_id
    with leaves_only(world):
        refused = ada("PATCH", f"/agents/{through}", {"ceiling": None})
    assert (refused.status_code, refused.json()["title"]) == (403, "This is about the agent that asks")
    assert ada("PATCH", f"/agents/{agent.pk}", {"ceiling": {}}).status_code == 200


@spec("RFC 9470", "3")
def test_who_has_a_factor_proves_it_again_before_an_agent_gets_another_ceiling(world, twins):
    agent, _ = twins
    ask, ada = asker(world, "ada", SCOPES), world.browser("ada")
    app.add(world, ada)
    (family,) = families(world)
    world.rewrite(family, auth_time=timezone.now() - timedelta(minutes=6))
    ada.go(world.url(f"/console/agents/{agent.pk}/ceiling"))
    age(world, ada)
    with leaves_only(world):
        ada.submit(ada.form("/ceiling"), {"extent": "ticked"})
        assert "/login/again" in str(ada.page.url)
        assert ask("PATCH", f"/agents/{agent.pk}", {"ceiling": {}}).status_code == 401
    assert ask("PATCH", f"/agents/{agent.pk}", {"name": "Renamed"}).status_code == 200
    world.rewrite(family, auth_time=timezone.now())
    assert ask("PATCH", f"/agents/{agent.pk}", {"ceiling": {}}).status_code == 200


@spec("RFC 9110", "13.1.1")
def test_whoever_read_an_older_ceiling_reads_who_was_first_and_keeps_what_a_form_cannot_show(world, twins):
    agent, _ = twins
    ada = world.browser("ada")
    world.rewrite(agent, ceiling={"https://retired.example": ["a:read"], **bounds(world, "events:read")})
    ada.go(world.url(f"/console/agents/{agent.pk}/ceiling"))
    form = ada.form("/ceiling")
    on_page(world, ada, agent, "ticked", "contacts:read")
    assert ceiling(world, agent) == {"https://retired.example": ["a:read"], **bounds(world, "contacts:read")}
    with leaves_only(world):
        late = ada.submit(form, {"extent": "anything"})
    assert (late.status_code, "Ada changed it at" in late.text) == (409, True)


def test_the_people_of_an_approval_take_one_statement_however_many_they_are(world, twins):
    from console.admin import agent_facts, ceilings
    from tenants import directory
    from tokens.around import Around

    agent, _ = twins
    agent.people = {"members": [each.pk for each in world.people.values()], "groups": ["a", "b"]}
    with context.use(world.tenant):
        assert directory.resource_servers()  # What the process keeps is there.
    with context.use(world.tenant), counted() as statements:
        people = agent_facts.of(agent, Around([], []), [], now=timezone.now(), is_bounded=True).people
        assert len(ceilings.approved(agent, people)["people"]) == len(world.people) + 2
    assert len(statements) == 1


@spec("RFC 9700", "2.3")
def test_for_whom_how_long_and_until_when_is_changed_alike_and_what_is_not_said_stays(world, twins):
    by_page, by_api = twins
    ada, ask = world.browser("ada"), asker(world, "ada", SCOPES)
    alice, day = world.people["alice"].pk, timezone.now() + timedelta(days=40)
    people = {"members": [alice], "groups": []}
    ada.go(world.url(f"/console/agents/{by_page.pk}/ceiling"))
    ada.submit(ada.form("/ceiling"), {"people": [alice], "longest": "3600", "until": f"{day:%Y-%m-%d}"})
    until = limits(world, by_page)[2]
    said = {"people": people, "longest": 3600, "approved_until": until.isoformat()}
    answer = ask("PATCH", f"/agents/{by_api.pk}", said)
    assert (answer.status_code, answer.json()["people"], answer.json()["longest"]) == (200, people, 3600), answer.text
    assert limits(world, by_page) == limits(world, by_api) == (people, 3600, until)
    assert until.date() >= day.date()
    one, other = world.entries(EVENT)[-2:]
    assert one.detail == other.detail
    assert (one.detail["members"], one.detail["longest_seconds"]) == ([alice], 3600)
    with leaves_only(world):
        ada.go(world.url(f"/console/agents/{by_page.pk}/ceiling"))
        ada.submit(ada.form("/ceiling"))
        for odd in ({"people": {"members": []}}, {"longest": 5}, {"approved_until": "2020-01-01T00:00:00Z"}):
            assert ask("PATCH", f"/agents/{by_api.pk}", odd).status_code == 422, odd
        ada.go(world.url(f"/console/agents/{by_page.pk}/ceiling"))
        assert ada.submit(ada.form("/ceiling"), {"until": "2020-01-01"}).status_code == 422
    # Whoever left stands in nobody's way: what is not said is not judged again.
    world.rewrite(world.people["alice"], status="suspended")
    assert ask("PATCH", f"/agents/{by_api.pk}", {"longest": None}).status_code == 200
    assert limits(world, by_api) == (people, None, until)
    assert world.entries(EVENT)[-1].detail["before_longest_seconds"] == 3600


def limits(world, agent):
    with context.use(world.tenant):
        found = Agent.objects.get(pk=agent.pk)
    return found.people, found.longest_seconds, found.approved_until
