"""What pages offer, say and refuse beside the API. That both do the same is shown in test_twins.py."""

import pytest

from kit import context
from notices.models import Webhook
from tenants.models import Scope, Tenant
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "settings:read settings:write events:read"


@spec("RFC 4180", "2")
def test_a_file_of_the_ledger_is_told_alike_from_the_page_and_from_the_api(world):
    query = "export.csv?event=member.*"
    page = world.browser("ada").go(world.url(f"/console/activity/{query}"))
    api = asker(world, "ada", SCOPES)("GET", f"/events/{query}")
    assert (page.status_code, api.status_code, page.text) == (200, 200, api.text)
    one, other = world.entries("events.exported")
    assert (one.principal_id, one.detail) == (other.principal_id, other.detail) != ("", {})


@spec("RFC 2104", "3")
def test_the_secret_of_a_webhook_is_shown_when_it_is_made_and_when_it_is_changed_and_never_again(world):
    browser = world.browser("ada")
    browser.go(world.url("/console/webhooks/add"))
    made = browser.submit(browser.form(""), {"url": "https://hooks.example.com/x", "families": ["agent.*"]})
    assert "whsec_" in made.text
    with context.use(world.tenant):
        page = world.url(f"/console/webhooks/{Webhook.objects.get().pk}")
    assert "whsec_" not in browser.go(page).text
    assert "whsec_" in browser.submit(browser.form("/secret"), {"keep_hours": "5"}).text
    assert "whsec_" not in browser.go(page).text


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("role", ["member", "developer", "auditor"])
def test_a_page_offers_what_the_role_may_do_and_refuses_the_rest(world, role):
    world.rewrite(world.people["bob"], role=role)
    browser = world.browser("bob")
    shown = {
        name: browser.go(world.url(f"/console/{name}"))
        for name in ("resources", "members", "settings", "activity", "webhooks")
    }
    opened = {name for name, page in shown.items() if page.status_code == 200}
    assert opened == {"member": set(), "developer": {"resources"}, "auditor": set(shown)}[role]
    assert ('/console/resources/add"' in shown["resources"].text) == (role == "developer")
    assert "/members/invite" not in shown["members"].text
    assert browser.go(world.url("/console/resources/add")).status_code == (200 if role == "developer" else 403)


@spec("RFC 9110", "13.1.1")
def test_whoever_saves_what_somebody_else_changed_meanwhile_reads_who_was_first(world):
    browser = world.browser("ada")
    browser.go(world.url("/console/settings"))
    form = browser.form("#handing-on")
    asker(world, "ada", SCOPES)("PATCH", "/settings", {"deepest_chain": 2})
    page = browser.submit(form, {"deepest_chain": "3"})
    assert page.status_code == 422
    assert "Ada changed it at" in page.text
    assert Tenant.objects.get(pk=world.tenant.pk).deepest_chain == 2


@spec("RFC 6749", "3.3")
def test_a_scope_is_shown_as_people_will_read_it_before_it_is_saved(world):
    browser = world.browser("ada")
    browser.go(world.url(f"/console/resources/{world.calendar.pk}/add-scope"))
    words = {"name": "rooms:book", "title": "Book <b>rooms</b>", "is_writing": "on", "show": "1"}
    page = browser.submit(browser.form(""), words)
    assert page.status_code == 200
    assert "Book &lt;b&gt;rooms&lt;/b&gt;" in page.text
    with context.use(world.tenant):
        assert not Scope.objects.filter(name="rooms:book").exists()


@spec("RFC 8628", "5.4")
def test_where_device_codes_are_good_is_said_on_the_page_and_a_network_that_is_none_loses_nothing(world):
    browser = world.browser("ada")
    browser.go(world.url("/console/settings"))
    said = {"device_codes": "trusted", "trusted_networks": "192.0.2.1/24"}
    with leaves_only(world):
        page = browser.submit(browser.form("#devices"), said)
    assert page.status_code == 422
    assert "192.0.2.1/24" in page.text
    assert "networks like 192.0.2.0/24" in page.text
    again = {"trusted_networks": "192.0.2.0/24\n2001:db8::/32"}
    assert browser.submit(browser.form("#devices"), again).status_code == 200
    fresh = Tenant.objects.get(pk=world.tenant.pk)
    assert fresh.device_codes == "trusted"
    assert fresh.trusted_networks == ["192.0.2.0/24", "2001:db8::/32"]
