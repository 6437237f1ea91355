"""Resource servers and their scopes over REST: written, read as people will read them, and retired with its price."""

import pytest

from audit.principals import SYSTEM
from tenants import actions as tenant_actions
from tests.conformance.test_api import api_token
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "resources:read resources:write"
MAIL = {
    "identifier": "https://mail.example/mcp",
    "name": "Mail",
    "scopes": [
        {"name": "mail:read", "title": "Read your mail", "is_default": True, "is_needed": True},
        {"name": "mail:send", "title": "Send mail as you", "description": "To anybody", "is_writing": True},
    ],
}


def asker(world, person, scopes=SCOPES):
    """Return a call as a person, through an app that they let do so."""
    token = api_token(world, world.public_client("Console app"), person, scopes)

    def ask(method, path, body=None, **headers):
        headers = {"Authorization": f"Bearer {token}", **headers}
        return world.http.request(method, world.url(f"/api/v1{path}"), headers=headers, json=body)

    return ask


@pytest.fixture
def ada(world):
    return asker(world, "ada")


@spec("RFC 8707", "2")
def test_a_resource_server_is_written_down_changed_and_asked_for(world, ada):
    made = ada("POST", "/resources", MAIL)
    assert made.status_code == 201, made.text
    place = f"/resources/{made.json()['id']}"
    assert [each["name"] for each in made.json()["scopes"]] == ["mail:read", "mail:send"]
    scout = world.public_client()
    assert world.grant(scout, scope="mail:read", resource=MAIL["identifier"])["scope"] == "mail:read"
    read = ada("GET", place)
    changed = ada("PATCH", place, {"name": "Post"}, **{"If-Match": read.headers["etag"]})
    assert (changed.status_code, changed.json()["name"]) == (200, "Post")
    assert ada("PATCH", place, {"name": "x"}, **{"If-Match": read.headers["etag"]}).status_code == 412
    assert [each["id"] for each in ada("GET", "/resources?q=pos").json()["resources"]] == [made.json()["id"]]
    (entry,) = world.entries("resource_server.changed")
    assert (entry.principal_id, entry.detail) == (
        world.people["ada"].pk,
        {"before": ["name: Mail"], "after": ["name: Post"]},
    )


@spec("RFC 6749", "3.3")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"identifier": "not a uri"}, 422), ({"identifier": "https://mail.example/#x"}, 422), ({"name": ""}, 400),
        ({"scopes": [{"name": "a b", "title": "x"}]}, 422), ({"scopes": [{"name": 'a"b', "title": "x"}]}, 422),
        ({"scopes": [{"name": "openid", "title": "x"}]}, 422), ({"scopes": MAIL["scopes"][:1] * 2}, 422),
        ({"token_format": "paper"}, 400), ({"scopes": "mail:read"}, 400),
    ],
)  # fmt: skip
def test_what_cannot_hold_is_refused_and_writes_nothing(world, ada, changes, status):
    with leaves_only(world):
        refused = ada("POST", "/resources", MAIL | changes)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json"), refused.text


@spec("RFC 8707", "2")
def test_an_identifier_is_there_once_in_a_tenant_and_it_is_said_which_resource_has_it(world, ada):
    with leaves_only(world):
        refused = ada("POST", "/resources", MAIL | {"identifier": world.calendar.identifier})
    assert refused.status_code == 409
    assert (refused.json()["detail"], refused.json()["taken_by"]) == (
        "Calendar has this identifier already.", world.calendar.pk,
    )  # fmt: skip
    browser = world.browser("ada")
    ada("POST", f"/resources/{world.calendar.pk}/retire")
    browser.go(world.url("/console/resources/add"))
    with leaves_only(world):
        page = browser.submit(browser.form(""), {"name": "Again", "identifier": world.calendar.identifier})
    assert page.status_code == 422
    assert "Calendar has this identifier already, and is retired: restore it instead." in page.text


@spec("RFC 8707", "2")
def test_what_another_tenant_has_is_not_taken_here_nor_named(world, elsewhere, ada):
    made = ada("POST", "/resources", MAIL | {"identifier": elsewhere.notes.identifier})
    assert made.status_code == 201, made.text


@spec("RFC 6749", "3.3")
def test_a_page_says_from_how_many_delegations_a_scope_would_be_taken(world):
    world.grant(world.public_client(), scope="events:read")
    page = world.browser("ada").go(world.url(f"/console/resources/{world.calendar.pk}/scopes/events:read"))
    assert "Taking it away takes it from 1 delegation (" in page.text
    none = world.browser("ada").go(world.url(f"/console/resources/{world.calendar.pk}/scopes/contacts:read"))
    assert "Taking it away takes it from 0 delegations (" in none.text


@spec("RFC 6749", "3.3")
def test_a_scope_is_added_changed_and_taken_away_with_the_number_of_those_who_hold_it(world, ada):
    scout = world.public_client()
    world.grant(scout, scope="events:read contacts:read", tick=[f"{world.calendar.pk} contacts:read"])
    place = f"/resources/{world.calendar.pk}/scopes"
    made = ada("POST", place, {"name": "rooms:book", "title": "Book rooms", "is_writing": True})
    assert made.status_code == 201, made.text
    with leaves_only(world):
        assert ada("POST", place, {"name": "rooms:book", "title": "Again"}).status_code == 409
    assert ada("PATCH", f"{place}/rooms:book", {"title": "Book a room"}).json()["title"] == "Book a room"
    with leaves_only(world):
        told = ada("DELETE", f"{place}/contacts:read", {"dry_run": True})
    assert told.json() == {"people": 1, "agents": 1, "delegations": 1, "revocation_lag": 300}
    assert ada("DELETE", f"{place}/contacts:read", {"reason": "over"}).json() == told.json()
    assert "contacts:read" not in world.grant(scout, scope="events:read")["scope"]
    assert ada("GET", f"{place}/contacts:read").status_code == 404
    assert [each["name"] for each in ada("GET", place).json()["scopes"]] == [
        "events:read",
        "events:write",
        "rooms:book",
    ]
    assert [entry.detail["scope"] for entry in world.entries("scope.retired")] == ["contacts:read"]


@spec("RFC 8707", "2")
def test_a_retired_resource_server_gets_no_token_and_no_answer_until_it_is_restored(world, ada):
    scout = world.public_client()
    tokens = world.grant(scout, scope="events:read offline_access")
    assert world.is_active(tokens["access_token"])
    place = f"/resources/{world.calendar.pk}"
    with leaves_only(world):
        told = ada("POST", f"{place}/retire", {"dry_run": True})
    assert told.json() == {"people": 1, "agents": 1, "delegations": 1, "revocation_lag": 300}
    assert ada("POST", f"{place}/retire", {"reason": "moved"}).json() == told.json()
    assert not world.is_active(tokens["access_token"])
    refused = world.refresh(scout, tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_target"
    with leaves_only(world):
        assert ada("POST", f"{place}/retire", {"reason": "moved"}).status_code == 409
        assert ada("PATCH", place, {"name": "x"}).status_code == 409
    assert ada("POST", f"{place}/restore").json()["retired_at"] is None
    assert world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).status_code == 200


@spec("RFC 8707", "2")
def test_neither_this_products_own_api_nor_the_default_resource_is_retired(world, ada):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, default_resource=world.calendar.identifier)
    found = {each["identifier"]: each["id"] for each in ada("GET", "/resources").json()["resources"]}
    with leaves_only(world):
        for identifier in (world.tenant.api_identifier, world.calendar.identifier):
            assert ada("POST", f"/resources/{found[identifier]}/retire", {"reason": "over"}).status_code == 422
        own = f"/resources/{found[world.tenant.api_identifier]}/scopes/self:read"
        assert ada("PATCH", own, {"title": "Harmless"}).status_code == 422


@spec("RFC 6749", "3.3")
def test_the_preview_reads_like_the_page_that_a_person_will_see(world, ada):
    shown = ada("GET", f"/resources/{world.calendar.pk}/preview?scope=events:read&scope=events:write").json()
    page = world.ask(world.public_client(), "alice", scope="events:read events:write").words()
    assert [line["title"] for line in shown["can"]] == ["Read your calendar", "Change your calendar"]
    assert shown["cannot"] == ["See who you meet", "Act after the time you choose"]
    for line in [*(line["title"] for line in shown["can"]), *shown["cannot"]]:
        assert line in page
    assert [line["is_ticked"] for line in shown["can"]] == [True, False]
