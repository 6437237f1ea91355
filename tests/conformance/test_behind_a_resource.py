"""What lies behind a resource is said on its page as over the API, and opens what it says from the next request on."""

from functools import partial

import pytest

from kit import context
from tenants.models import Downstream, ResourceServer
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.spec import spec

OPENED = {"events:read": ["notes:read"], "contacts:read": ["notes:read", "notes:write"]}
TYPED = "events:read notes:read\ncontacts:read notes:write notes:read"


@pytest.fixture
def ada(world):
    return asker(world, "ada")


def path(world, to=None):
    return f"/resources/{world.calendar.pk}/downstream" + (f"/{to.pk}" if to else "")


def edges(world):
    with context.use(world.tenant):
        return list(Downstream.objects.values_list("upstream__name", "downstream__name", "scopes"))


def told(world, event):
    return [(each.principal_label, each.about_label, each.detail | {"to": ""}) for each in world.entries(event)]


@spec("RFC 8693", "2.1")
def test_what_lies_behind_is_added_and_taken_away_alike(world, elsewhere):
    browser, ask = world.browser("ada"), asker(elsewhere, "ada")
    page = world.url(f"/console/resources/{world.calendar.pk}")
    browser.go(f"{page}/downstream")
    browser.submit(browser.form("/downstream"), {"to": world.notes.pk, "scopes": TYPED})
    assert str(browser.page.url) == page, browser.words()
    made = ask("PUT", path(elsewhere, elsewhere.notes), {"scopes": OPENED})
    assert (made.status_code, made.json()["to"], made.json()["scopes"]) == (200, elsewhere.notes.pk, OPENED), made.text
    assert edges(world) == edges(elsewhere) == [("Calendar", "Notes", OPENED)]
    assert told(world, "resource_server.downstream_allowed") == told(elsewhere, "resource_server.downstream_allowed")
    assert "What lies behind it Notes" in browser.words()
    assert ask("GET", path(elsewhere)).json()["downstream"] == [made.json()]
    browser.submit(browser.form("/forbid"))
    assert ask("DELETE", path(elsewhere, elsewhere.notes)).status_code == 204
    assert edges(world) == edges(elsewhere) == []
    event = "resource_server.downstream_forbidden"
    assert told(world, event) == told(elsewhere, event) != []
    assert "a token for it opens no other resource" in browser.words()
    with leaves_only(elsewhere):
        assert ask("DELETE", path(elsewhere, elsewhere.notes)).status_code == 404


@spec("RFC 8693", "2.1")
def test_it_opens_what_it_says_and_nothing_once_it_is_taken_away(world, ada):
    chain = chains.make(world)
    gateway = world.helper("Calendar agent", resource_server=world.calendar)
    there = partial(world.exchange, gateway, chain.tokens[0], resource=world.notes.identifier)
    assert there().status_code == 400
    assert ada("PUT", path(world, world.notes), {"scopes": {"events:read": ["notes:read"]}}).status_code == 200
    assert there().json()["scope"] == "notes:read"
    assert ada("DELETE", path(world, world.notes)).status_code == 204
    assert there().status_code == 400


@spec("RFC 9457", "3")
def test_an_edge_names_scopes_that_both_have_and_never_this_product_s_own_api(world, ada):
    with context.use(world.tenant):
        api = ResourceServer.objects.get(identifier=world.tenant.api_identifier)
    browser = world.browser("ada")
    browser.go(world.url(f"/console/resources/{world.calendar.pk}/downstream"))
    form = browser.form("/downstream")
    with leaves_only(world):
        for scopes, status in (
            ({}, 422),
            ({"events:read": []}, 422),
            ({"events:fly": ["notes:read"]}, 422),
            ({"events:read": ["notes:fly"]}, 422),
            ({"events:read": "notes:read"}, 400),
        ):
            assert ada("PUT", path(world, world.notes), {"scopes": scopes}).status_code == status, scopes
        for typed in ("", "events:read", "events:fly notes:read", "events:read notes:fly"):
            assert browser.submit(form, {"to": world.notes.pk, "scopes": typed}).status_code == 422, typed
        for to in (world.calendar, api):
            assert ada("PUT", path(world, to), {"scopes": {"events:read": ["self:read"]}}).status_code == 422
            assert browser.submit(form, {"to": to.pk, "scopes": "events:read self:read"}).status_code == 422
        assert ada("PUT", f"/resources/{api.pk}/downstream/{world.notes.pk}", {
            "scopes": {"self:read": ["notes:read"]}
        }).status_code == 422  # fmt: skip
        stale = ada("PUT", path(world, world.notes), {"scopes": OPENED}, **{"If-Match": '"99"'})
        assert stale.status_code == 412
    assert ada("PUT", path(world, world.notes), {"scopes": OPENED}).status_code == 200
    with leaves_only(world):
        late = browser.submit(form, {"to": world.notes.pk, "scopes": TYPED})
    assert (late.status_code, "Ada changed it at" in late.text) == (422, True)


@spec("RFC 9700", "2.3")
def test_only_who_may_stop_access_for_everybody_opens_what_lies_behind(world, ada):
    own = world.own_api_token(world.worker(), "resources:read resources:write")
    bearer = {"Authorization": f"Bearer {own}"}
    world.rewrite(world.people["bob"], role="developer")
    bob, browser = asker(world, "bob"), world.browser("bob")
    page = world.url(f"/console/resources/{world.calendar.pk}")
    with leaves_only(world):
        assert bob("PUT", path(world, world.notes), {"scopes": OPENED}).status_code == 403
        assert browser.go(f"{page}/downstream").status_code == 403
        url = world.url(f"/api/v1{path(world, world.notes)}")
        assert world.http.put(url, headers=bearer, json={"scopes": OPENED}).status_code == 403
    assert ada("PUT", path(world, world.notes), {"scopes": OPENED}).status_code == 200
    with leaves_only(world):
        assert bob("DELETE", path(world, world.notes)).status_code == 403
    assert bob("GET", path(world)).json()["downstream"][0]["scopes"] == OPENED
    shown = browser.go(page).text
    assert ("What lies behind it" in shown, "/forbid" in shown) == (True, False)
