"""What a tenant offers of how long a person may allow, and in which language it speaks to whoever chose none."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants import pausing
from tenants.invitation import Invitation
from tenants.mail import invite_by_mail
from tests.conformance.test_resources_api import asker
from tests.harness import mailbox
from tests.harness.footprint import leaves_only
from tests.spec import spec


def offered(world):
    page = world.ask(world.public_client("Scout"), "alice")
    return re.findall(r'name="duration" value="(\w+)"', page.page.text)


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("choices", "days", "shown"),
    [
        (["hour", "today", "week", "month"], 30, ["hour", "today", "week", "month"]),
        (["today", "month"], 30, ["today", "month"]),
        (["today", "month"], 7, ["today"]),
        (["month"], 7, ["hour", "today", "week"]),
    ],
)
def test_a_consent_page_offers_what_the_tenant_chose_within_the_longest(world, choices, days, shown):
    world.tenant = tenant_actions.change_policy(
        world.tenant, by=SYSTEM, consent_choices=choices, longest_delegation_days=days
    )
    assert offered(world) == shown


@spec("RFC 9700", "2.3")
def test_a_choice_that_is_not_offered_allows_nothing(world):
    scout = world.public_client("Scout")
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, consent_choices=["hour"])
    browser = world.ask(scout, "alice")
    browser.submit(browser.form("/authorize"), {"duration": "month", "decision": "allow"})
    assert world.delegations() == []


@spec("RFC 9110", "15.5.21")
@pytest.mark.parametrize("said", [[], ["hour", "hour"], ["year"], "hour"])
def test_what_is_no_choice_is_refused_and_nothing_changes(world, said):
    ask = asker(world, "ada", "settings:read settings:write")
    assert ask("PATCH", "/settings", {"consent_choices": ["hour", "today"]}).json()["consent_choices"] == [
        "hour",
        "today",
    ]
    with leaves_only(world):
        assert ask("PATCH", "/settings", {"consent_choices": said}).status_code in {400, 422}
    assert ask("GET", "/settings").json()["consent_choices"] == ["hour", "today"]


@spec("RFC 9110", "9.3.3")
def test_an_admin_ticks_what_is_offered_on_the_page_and_puts_it_back(world):
    ada = world.browser("ada")
    ada.go(world.url("/console/settings"))
    form = next(form for form in ada.forms() if ("part", "access") in form.fields)
    ada.submit(form, {"consent_choices": ["today", "week"]})
    assert asker(world, "ada", "settings:read")("GET", "/settings").json()["consent_choices"] == ["today", "week"]
    ada.go(world.url("/console/settings"))
    back = next(form for form in ada.forms() if ("setting", "consent_choices") in form.fields)
    ada.submit(back)
    told = asker(world, "ada", "settings:read")("GET", "/settings").json()["consent_choices"]
    assert told == ["hour", "today", "week", "month"]


@spec("RFC 9110", "12.5.4")
@pytest.mark.parametrize(("header", "language"), [("", "de"), ("fr", "de"), ("en", "en-gb")])
def test_pages_are_in_the_tenants_language_for_whoever_asks_for_none_of_ours(world, header, language):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, language="de")
    nobody = world.browser()
    nobody.http.headers["Accept-Language"] = header
    assert nobody.go(world.url("/login")).headers["Content-Language"] == language


@spec("RFC 5322", "3.6")
def test_whoever_is_new_is_invited_in_the_tenants_language_and_whoever_chose_one_in_theirs(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, language="de")
    with mailbox.listening() as box, override_settings(**box.settings), context.use(world.tenant):
        made = Invitation.objects.create(
            email="grace@elsewhere.example",
            role="member",
            invited_by=world.people["ada"],
            digest="x" * 64,
            expires_at=timezone.now(),
        )
        invite_by_mail(made, "secret")
        assert box.messages[-1]["Subject"].startswith("Ihr Platz bei")


def test_an_operator_removes_what_is_paused_by_its_name_and_nobody_else_does(world):
    slug, name = world.tenant.slug, world.tenant.name
    with pytest.raises(CommandError, match="not paused"):
        call_command("remove_tenant", slug, name=name, reason="It moved away.")
    pausing.pause_tenant(world.tenant, by=SYSTEM, name=name, reason="Moving.")
    with pytest.raises(CommandError, match="The name is"):
        call_command("remove_tenant", slug, name="Another", reason="It moved away.")
    call_command("remove_tenant", slug, name=name, reason="It moved away.")
    assert world.http.get(world.url("/")).status_code == 404
    (entry,) = world.entries("tenant.removed")
    assert (entry.principal_kind, entry.reason) == ("system", "It moved away.")
    with pytest.raises(CommandError, match="not paused"):
        call_command("remove_tenant", slug, name=name, reason="Again.")
