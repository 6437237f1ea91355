"""Retiring a resource and taking a scope away: whom it reaches is said first, why is kept, and both come back."""

import pytest

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants.models import ResourceServer, Scope
from tests.conformance.test_resources_api import asker
from tests.harness import many
from tests.harness.footprint import leaves_only
from tests.spec import spec

READ = "events:read"


@pytest.fixture
def ada(world):
    return world.browser("ada")


def place(world, kind="retire"):
    return f"/console/resources/{world.calendar.pk}/{kind}"


def scope_place(world, name=READ):
    return f"{place(world, 'retire-scope')}?name={name}"


def test_a_resource_of_few_people_is_retired_from_its_page_with_a_reason_that_is_kept(world, ada):
    world.grant(world.public_client(), scope=READ)
    page = ada.go(world.url(f"/console/resources/{world.calendar.pk}"))
    assert 'command="show-modal"' in page.text
    assert "1 person, 1 agent" in ada.words()
    assert "1 delegation rests until it is restored" in ada.words()
    assert "those that are out there end within" in ada.words()
    with leaves_only(world):
        assert ada.submit(ada.form("/retire"), {"reason": ""}).status_code == 422
    assert ada.submit(ada.form("/retire"), {"reason": "It moved."}).status_code == 200
    (entry,) = world.entries("resource_server.retired")
    assert (entry.reason, entry.principal_id) == ("It moved.", world.people["ada"].pk)


def test_a_browser_without_dialogs_asks_the_same_on_a_page_of_its_own(world, ada):
    world.grant(world.public_client(), scope=READ)
    page = ada.go(world.url(f"/console/resources/{world.calendar.pk}"))
    assert f'<noscript><a class="small" href="/t/{world.tenant.slug}{place(world)}">' in page.text
    assert ada.go(world.url(place(world))).status_code == 200
    assert "Alice" in ada.words()
    assert ada.submit(ada.form("/retire"), {"reason": "It moved."}).status_code == 200
    with context.use(world.tenant):
        assert ResourceServer.objects.get(pk=world.calendar.pk).retired_at is not None


@pytest.mark.parametrize("kind", ["retire", "retire-scope"])
def test_what_reaches_many_people_takes_their_number(world, ada, kind):
    many.delegations(world, 26)
    shown = f"/console/resources/{world.calendar.pk}{f'/scopes/{READ}' if kind == 'retire-scope' else ''}"
    assert 'command="show-modal"' not in ada.go(world.url(shown)).text
    ada.go(world.url(place(world) if kind == "retire" else scope_place(world)))
    assert "26 people" in ada.words()
    asked = ada.form(f"/{kind}")
    assert dict(asked.fields)["number"] == ""
    with leaves_only(world):
        for number, status, words in (("", 422, "required"), ("25", 409, "Another number matches")):
            ada.submit(asked, {"reason": "over", "number": number})
            assert (ada.page.status_code, words in ada.words()) == (status, True), number
    assert ada.submit(ada.form(f"/{kind}"), {"reason": "over", "number": "26"}).status_code == 200
    assert [entry.reason for entry in world.entries() if entry.event.endswith(".retired")] == ["over"]


def test_somebody_who_lets_an_agent_in_meanwhile_is_read_of_before_it_happens(world, ada):
    world.grant(world.public_client(), scope=READ)
    ada.go(world.url(place(world)))
    world.grant(world.public_client("Second"), "bob", scope=READ)
    with leaves_only(world):
        ada.submit(ada.form("/retire"), {"reason": "over"})
    assert (ada.page.status_code, "Another number matches now" in ada.words()) == (409, True)
    assert ada.submit(ada.form("/retire"), {"reason": "over"}).status_code == 200


def test_why_something_cannot_be_retired_or_put_back_is_said(world, ada):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, default_resource=world.calendar.identifier)
    ada.go(world.url(place(world)))
    with leaves_only(world):
        ada.submit(ada.form("/retire"), {"reason": "over"})
    assert (ada.page.status_code, "Choose another one first" in ada.words()) == (409, True)
    ada.go(world.url(scope_place(world)))
    form = ada.form("/retire-scope")
    world.rewrite(world.calendar, retired_at=world.calendar.created_at)
    with leaves_only(world):
        ada.submit(form, {"reason": "over"})
    assert (ada.page.status_code, "It is over already." in ada.words()) == (409, True)


@spec("RFC 6749", "3.3")
def test_a_scope_is_put_back_as_it_was_for_whoever_was_allowed_it(world, ada):
    scout = world.public_client()
    world.grant(scout, scope="events:read contacts:read", tick=[f"{world.calendar.pk} contacts:read"])
    with context.use(world.tenant):
        before = Scope.objects.filter(name="contacts:read").values().get()
    ada.go(world.url(scope_place(world, "contacts:read")))
    assert "Taking it away takes it from 1 delegation" in ada.words()
    ada.submit(ada.form("/retire-scope"), {"reason": "Nobody may."})
    assert "contacts:read" not in world.grant(scout, scope="events:read")["scope"]
    assert "Scopes that were taken away" in ada.words()
    back = ada.form("/restore-scope")
    ada.submit(back)
    with context.use(world.tenant):
        after = Scope.objects.filter(name="contacts:read").values().get()
    assert {**after, "id": before["id"]} == before
    assert [(entry.event, entry.reason) for entry in world.entries() if entry.event.startswith("scope.")] == [
        ("scope.retired", "Nobody may."), ("scope.restored", ""),
    ]  # fmt: skip
    with leaves_only(world):
        ada.submit(back)
    assert (ada.page.status_code, "It is there already." in ada.words()) == (409, True)


def test_over_the_api_it_takes_a_reason_where_somebody_holds_it_and_a_scope_comes_back_too(world):
    ask = asker(world, "ada")
    world.grant(world.public_client(), scope="events:read")
    place = f"/resources/{world.calendar.pk}"
    foreseen = {"people": 1, "agents": 1, "delegations": 1, "revocation_lag": world.tenant.access_token_seconds}
    for method, path in (("DELETE", f"{place}/scopes/{READ}"), ("POST", f"{place}/retire")):
        with leaves_only(world):
            assert ask(method, path, {"dry_run": True}).json() == foreseen
            refused = ask(method, path, {"reason": " "})
        assert (refused.status_code, "reason" in refused.json()["errors"]) == (400, True), refused.text
    assert ask("DELETE", f"{place}/scopes/{READ}", {"reason": "over"}).json() == foreseen
    with leaves_only(world):
        told = ask("POST", f"{place}/restore-scope", {"name": READ, "dry_run": True}).json()
        assert told == {"dry_run": True, "people": 1, "agents": 1, "delegations": 1}
        assert ask("POST", f"{place}/restore-scope", {"name": "events:never"}).status_code == 409
    assert ask("POST", f"{place}/restore-scope", {"name": READ}).status_code == 201
    with leaves_only(world):
        assert ask("POST", f"{place}/restore-scope", {"name": READ}).status_code == 409
    assert [entry.reason for entry in world.entries("scope.retired")] == ["over"]


def test_whoever_only_reads_resources_retires_none(world):
    world.rewrite(world.people["bob"], role="auditor")
    bob = world.browser("bob")
    with leaves_only(world):
        assert bob.go(world.url(place(world))).status_code == 403
        assert bob.go(world.url(scope_place(world))).status_code == 403
