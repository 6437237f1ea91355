"""What a person does on a page, another does over the API: the same effect, and the same entry in the ledger."""

import json

import pytest

from kit import context
from notices.models import Delivery, Webhook
from tenants.actions import POLICY
from tenants.invitation import Invitation
from tenants.models import Membership, ResourceServer, Scope, Tenant
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = (
    "resources:read resources:write members:read members:write settings:read settings:write events:read"
    " webhooks:read webhooks:write"
)
KINDS = ("resource_server.", "scope.", "member.", "tenant.policy", "events.", "delegation.ended", "webhook.")


class OnPages:
    """Ada at a browser."""

    def __init__(self, world):
        self.world, self.browser = world, world.browser("ada")

    def press(self, page, action, **fill):
        assert self.browser.go(self.world.url(page)).status_code == 200, page
        answer = self.browser.submit(self.browser.form(action), fill)
        assert answer.status_code == 200, answer.text[:2000]
        return answer

    def add_resource(self, words):
        self.press("/console/resources/add", "", **words)

    def change_resource(self, pk, words):
        self.press(f"/console/resources/{pk}", "/change", **words)

    def retire(self, pk, reason):
        self.press(f"/console/resources/{pk}", "/retire", reason=reason)

    def restore(self, pk):
        self.press(f"/console/resources/{pk}", "/restore")

    def add_scope(self, pk, words):
        self.press(f"/console/resources/{pk}/add-scope", "", **words)

    def change_scope(self, pk, name, words):
        self.press(f"/console/resources/{pk}/scopes/{name}", "", **words)

    def retire_scope(self, pk, name):
        self.press(f"/console/resources/{pk}/scopes/{name}", "/retire-scope")

    def invite(self, words):
        self.press("/console/members", "/invite", **words)

    def withdraw(self, pk):
        self.press("/console/members", f"/invitations/{pk}")

    def give_role(self, pk, role):
        self.press("/console/members", f"/{pk}/role", role=role)

    def remove(self, pk, reason):
        self.press(f"/console/members/{pk}/remove", "", reason=reason)

    def change_settings(self, words):
        typed = {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in words.items()}
        self.browser.go(self.world.url("/console/settings"))
        (part,) = [each for each in self.browser.forms() if typed.keys() <= dict(each.fields).keys()]
        assert self.browser.submit(part, typed).status_code == 200

    def add_webhook(self, words):
        page = self.press("/console/webhooks/add", "", **_as_form(words))
        assert "whsec_" in page.text

    def change_webhook(self, pk, words):
        self.press(f"/console/webhooks/{pk}", "/change", **_as_form(words))

    def change_webhook_secret(self, pk, hours):
        assert "whsec_" in self.press(f"/console/webhooks/{pk}", "/secret", keep_hours=str(hours)).text

    def switch_webhook(self, pk, is_on):
        self.press(f"/console/webhooks/{pk}", "/switch")

    def ping(self, pk):
        self.press(f"/console/webhooks/{pk}", "/ping")

    def replay(self, pk, delivery):
        self.press(f"/console/webhooks/{pk}", f"/{delivery}/replay")

    def remove_webhook(self, pk):
        self.press(f"/console/webhooks/{pk}/remove", "")

    def export(self, query):
        return self.browser.go(self.world.url(f"/console/activity/export.csv?{query}")).text


class OverTheApi:
    """Ada through an app."""

    def __init__(self, world):
        self.ask = asker(world, "ada", SCOPES)

    def done(self, *request):
        answer = self.ask(*request)
        assert answer.status_code < 300, answer.text
        return answer

    def add_resource(self, words):
        self.done("POST", "/resources", words)

    def change_resource(self, pk, words):
        self.done("PATCH", f"/resources/{pk}", words)

    def retire(self, pk, reason):
        self.done("POST", f"/resources/{pk}/retire", {"reason": reason})

    def restore(self, pk):
        self.done("POST", f"/resources/{pk}/restore")

    def add_scope(self, pk, words):
        self.done("POST", f"/resources/{pk}/scopes", words)

    def change_scope(self, pk, name, words):
        self.done("PATCH", f"/resources/{pk}/scopes/{name}", words)

    def retire_scope(self, pk, name):
        self.done("DELETE", f"/resources/{pk}/scopes/{name}")

    def invite(self, words):
        self.done("POST", "/invitations", words)

    def withdraw(self, pk):
        self.done("DELETE", f"/invitations/{pk}")

    def give_role(self, pk, role):
        self.done("PATCH", f"/members/{pk}", {"role": role})

    def remove(self, pk, reason):
        self.done("POST", f"/members/{pk}/remove", {"reason": reason})

    def change_settings(self, words):
        self.done("PATCH", "/settings", words)

    def add_webhook(self, words):
        self.done("POST", "/webhooks", words)

    def change_webhook(self, pk, words):
        self.done("PATCH", f"/webhooks/{pk}", words)

    def change_webhook_secret(self, pk, hours):
        self.done("POST", f"/webhooks/{pk}/rotate-secret", {"keep_hours": hours})

    def switch_webhook(self, pk, is_on):
        self.done("PATCH", f"/webhooks/{pk}", {"is_on": is_on})

    def ping(self, pk):
        self.done("POST", f"/webhooks/{pk}/ping")

    def replay(self, pk, delivery):
        self.done("POST", f"/webhooks/{pk}/deliveries/{delivery}/replay")

    def remove_webhook(self, pk):
        self.done("DELETE", f"/webhooks/{pk}")

    def export(self, query):
        return self.done("GET", f"/events/export.csv?{query}").text


def effect(world):
    """Return what stands in the tenant, without what is its alone."""
    with context.use(world.tenant):
        found = {
            "resources": [
                (each.identifier, each.name, each.token_format, each.retired_at is None, each.version)
                for each in ResourceServer.objects.order_by("pk")
            ],
            "scopes": list(Scope.objects.order_by("pk").values_list("name", "title", "is_writing", "position")),
            "members": list(Membership.objects.order_by("pk").values_list("user__name", "role", "status", "version")),
            "invitations": [
                (each.email, each.role, each.withdrawn_at is None) for each in Invitation.objects.order_by("pk")
            ],
            "webhooks": [
                (each.url, each.description, each.events, each.is_on, each.version, bool(each.old_secret))
                for each in Webhook.objects.order_by("pk")
            ],
            "deliveries": list(Delivery.objects.order_by("pk").values_list("event", "state", "last_attempt")),
            "policy": {name: getattr(Tenant.objects.get(pk=world.tenant.pk), name) for name in sorted(POLICY)},
        }
    told = [
        (each.event, each.principal_label, each.about_label, each.reason, _without_ids(each.detail))
        for each in world.entries()
        if each.event.startswith(KINDS) and each.event != "delegation.ended"
    ]
    return json.loads(
        json.dumps([found, told]).replace(world.tenant.slug, "t-one").replace(world.tenant.slug.title(), "")
    )


def _without_ids(detail):
    return {name: value for name, value in detail.items() if name not in {"delivery", "entry"}}


def _as_form(words):
    """Return what is said over the API as it is ticked and typed."""
    typed = {name: words[name] for name in ("url", "description")}
    families = [each for each in words["events"] if each.endswith("*")]
    return {**typed, "families": families, "names": " ".join(sorted(set(words["events"]) - set(families)))}


def steps(world, hand):
    """Do one thing after another; give what stands there after each."""
    calendar, bob = world.calendar.pk, world.people["bob"].pk
    yield hand.add_resource({"name": "Mail", "identifier": "https://mail.example/mcp", "token_format": "opaque"})
    yield hand.change_resource(calendar, {"name": "Diary"})
    yield hand.add_scope(calendar, {"name": "rooms:book", "title": "Book rooms", "is_writing": True} | _ticks(hand))
    yield hand.change_scope(calendar, "rooms:book", {"title": "Book a room"})
    yield hand.retire_scope(calendar, "rooms:book")
    yield hand.retire(calendar, "moved")
    yield hand.restore(calendar)
    yield hand.invite({"email": f"eve@{world.tenant.slug}.example", "role": "auditor"})
    with context.use(world.tenant):
        invitation = Invitation.objects.get().pk
    yield hand.withdraw(invitation)
    yield hand.give_role(bob, "auditor")
    yield hand.remove(bob, "left")
    yield hand.change_settings({"access_token_seconds": 120})
    yield hand.change_settings({"device_codes": "trusted", "trusted_networks": ["192.0.2.0/24", "2001:db8::/32"]})
    yield hand.export("event=member.*")
    words = {"url": "https://hooks.example.com/x", "description": "Pager", "events": ["agent.*", "job.finished"]}
    yield hand.add_webhook(words)
    with context.use(world.tenant):
        webhook = Webhook.objects.get().pk
    yield hand.ping(webhook)
    yield hand.change_webhook(webhook, words | {"description": "Pager 2", "events": ["approval.*", "agent.*"]})
    yield hand.change_webhook_secret(webhook, 5)
    with context.use(world.tenant):
        Delivery.objects.update(state="delivered", attempts=1)
        delivery = Delivery.objects.get().pk
    yield hand.replay(webhook, delivery)
    yield hand.switch_webhook(webhook, False)
    yield hand.switch_webhook(webhook, True)
    yield hand.remove_webhook(webhook)


def _ticks(hand):
    return {"is_writing": "on"} if isinstance(hand, OnPages) else {}


@spec("RFC 9700", "2.3")
def test_what_is_done_on_a_page_and_over_the_api_is_the_same_and_is_told_alike(world, elsewhere):
    pages, api = steps(world, OnPages(world)), steps(elsewhere, OverTheApi(elsewhere))
    before = effect(world)
    for number, _ in enumerate(zip(pages, api, strict=True)):
        after = effect(world)
        assert after == effect(elsewhere), number
        assert after != before, number
        before = after


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
    assert ("Add a resource" in shown["resources"].text) == (role == "developer")
    assert "Invite" not in shown["members"].text
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


@spec("RFC 9700", "2.1")
def test_a_page_that_shortens_what_people_may_allow_shortens_what_stands_as_the_api_does(world, elsewhere):
    seen = []
    for each, hand in ((world, OnPages(world)), (elsewhere, OverTheApi(elsewhere))):
        each.grant(each.public_client(), duration="month")
        hand.change_settings({"longest_delegation_days": 5})
        (told,) = each.entries("delegation.shortened")
        (allowed,) = [one for one in each.delegations() if one.audience == each.calendar.identifier]
        seen.append((told.principal_id == each.people["ada"].pk, (allowed.expires_at - told.at).days, told.detail))
    assert [each[:2] for each in seen] == [(True, 4)] * 2
    assert [each[2]["delegations"] for each in seen] == [1, 2], "the app through which ada asks is the second"


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
