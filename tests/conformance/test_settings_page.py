"""Settings on the page: each part is saved alone, says where it comes from, and goes back to what it was."""

import html
import re

import pytest

from audit.principals import SYSTEM
from tenants import actions, history
from tenants.errors import BadSetting
from tenants.models import Tenant
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec

PLACE = "/console/settings"


@pytest.fixture
def ada(world):
    browser = world.browser("ada")
    browser.go(world.url(PLACE))
    return browser


def saved(world):
    return Tenant.objects.get(pk=world.tenant.pk)


def save(ada, part, **said):
    return ada.submit(ada.form(f"/settings/change#{part}"), said)


def back(ada, setting):
    """Press the button that puts a setting back, where the history has one."""
    forms = [each for each in ada.forms() if ("setting", setting) in each.fields]
    return forms[0] if forms else None


@spec("RFC 9110", "15.5.4")
def test_the_index_leads_to_every_part_and_every_setting_of_the_api_stands_in_one(world, ada):
    words = re.findall(r'<a href="#([\w-]+)">', ada.page.text)
    assert words[-1] == "history"
    for word in words:
        assert f'id="{word}"' in ada.page.text
    # What is ticked of several stands in one part, and is sent once for each tick.
    names = [name for form in ada.forms() if "/change#" in form.action for name in {name for name, _ in form.fields}]
    names = [name for name in names if name not in {"part", "version", "csrfmiddlewaretoken"}]
    settings = asker(world, "ada", "settings:read")("GET", "/settings").json().keys()
    # Days of keys are said on the page of the keys; a box that is not ticked is not sent.
    assert set(names) | {"registration_needs_token"} == settings - {"key_days", "fixed"}
    assert len(names) == len(set(names))


@spec("RFC 9700", "2.1")
def test_a_part_is_saved_alone_and_the_others_stay(world, ada):
    world.tenant = actions.change_policy(world.tenant, by=SYSTEM, registration_needs_token=True)
    ada.go(world.url(PLACE))
    page = save(ada, "access", unused_days="60")
    assert page.status_code == 200
    assert str(page.url).endswith("/console/settings#access")
    now = saved(world)
    assert (now.unused_days, now.registration_needs_token) == (60, True)
    (told,) = [each for each in world.entries("tenant.policy_changed") if each.principal_label == "Ada"]
    assert told.detail == {"changes": [{"setting": "unused_days", "before": "0", "after": "60"}]}


@spec("RFC 9700", "2.1")
def test_what_cannot_be_saved_is_said_in_its_part_and_loses_nothing_of_it(world, ada):
    with leaves_only(world):
        page = save(ada, "access", unused_days="3", longest_delegation_days="9")
    assert page.status_code == 422
    fields = dict(ada.form("#access").fields)
    assert (fields["unused_days"], fields["longest_delegation_days"]) == ("3", "9")
    assert "A number from 30 to 3650" in html.unescape(page.text)


@spec("RFC 9110", "13.1.1")
def test_a_part_that_somebody_else_changed_meanwhile_is_read_again(world, ada):
    form = ada.form("#owners")
    save(ada, "access", unused_days="60")
    with leaves_only(world):
        page = ada.submit(form, {"owner_grace_days": "7"})
    assert (page.status_code, "Ada changed it at" in page.text) == (422, True)


@spec("RFC 9700", "2.1")
def test_each_setting_says_who_set_it_or_that_it_came_so(world, ada):
    assert "Set by Ada" not in ada.page.text
    save(ada, "owners", owner_grace_days="7")
    part = ada.page.text.partition('id="owners"')[2].partition("</section>")[0]
    assert "Set by Ada, just now." in part
    assert "Usual value." in ada.page.text.partition('id="here"')[2].partition("</section>")[0]


CHANGES = [
    ("access", {"unused_days": "60"}, "unused_days"),
    ("arriving", {"registration": "off"}, "registration"),
    ("arriving", {"registration_needs_token": "on"}, "registration_needs_token"),
    ("arriving", {"admitted_hosts": "a.example\nhttps://b.example/c.json"}, "admitted_hosts"),
    ("devices", {"trusted_networks": "192.0.2.0/24\n2001:db8::/32"}, "trusted_networks"),
    ("here", {"environment": "staging"}, "environment"),
    ("here", {"time_zone": "Europe/Vienna"}, "time_zone"),
]


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(("part", "typed", "setting"), CHANGES)
def test_a_change_is_put_back_from_its_line_and_so_is_putting_it_back(world, ada, part, typed, setting):
    before = getattr(saved(world), setting)
    save(ada, part, **typed)
    after = getattr(saved(world), setting)
    assert after != before
    button = back(ada, setting)
    assert ada.submit(button).status_code == 200
    assert getattr(saved(world), setting) == before
    # The line of the change that was put back would change nothing now, and has no button.
    assert all(dict(button.fields)["entry"] != dict(each.fields).get("entry") for each in ada.forms())
    ada.submit(back(ada, setting))
    assert getattr(saved(world), setting) == after
    told = [each.detail["changes"] for each in world.entries("tenant.policy_changed") if each.principal_label == "Ada"]
    assert [[each["setting"] for each in changes] for changes in told] == [[setting]] * 3


@spec("RFC 9110", "13.1.1")
def test_what_was_put_back_late_or_can_hold_no_more_changes_nothing(world, ada):
    world.tenant = actions.change_policy(world.tenant, by=SYSTEM, default_resource=world.notes.identifier)
    ada.go(world.url(PLACE))
    save(ada, "access", default_resource="")
    button = back(ada, "default_resource")
    save(ada, "owners", owner_grace_days="7")
    with leaves_only(world):
        page = ada.submit(button)
        assert (page.status_code, "changed it at" in page.text) == (409, True)
    world.rewrite(world.notes, retired_at=world.tenant.created_at)
    ada.go(world.url(PLACE))
    with leaves_only(world):
        page = ada.submit(back(ada, "default_resource"))
    assert (page.status_code, "one of your resources" in page.text) == (409, True)


@spec("RFC 9110", "15.5.4")
def test_only_an_admin_puts_back_and_nobody_what_no_change_says(world, ada):
    save(ada, "owners", owner_grace_days="7")
    button = back(ada, "owner_grace_days")
    with leaves_only(world):
        assert ada.submit(button, {"setting": "slug"}).status_code == 409
        for entry in ("evt_nothing", "\x00", ""):
            assert ada.submit(button, {"entry": entry}).status_code == 404
        foreign = next(each.pk for each in world.entries() if each.event != "tenant.policy_changed")
        assert ada.submit(button, {"entry": foreign}).status_code == 404
    world.rewrite(world.people["ada"], role="auditor")
    with leaves_only(world):
        assert ada.submit(button).status_code == 403
    assert back(ada, "owner_grace_days") is None or "Put back" not in ada.go(world.url(PLACE)).text
    assert "An admin may change these." in ada.go(world.url(PLACE)).text


@pytest.mark.parametrize("name", sorted(actions.POLICY))
def test_every_setting_is_read_back_from_the_words_of_the_ledger(name):
    tenant = Tenant()
    tenant.admitted_hosts, tenant.trusted_networks = ["a.example", "b.example"], ["192.0.2.0/24"]
    tenant.key_days = {"ES256": 90, "RS256": 30}
    value = getattr(tenant, name)
    assert history.said(name, actions._text(value)) == value


def test_words_that_are_no_number_are_said_to_be_none():
    with pytest.raises(BadSetting):
        history.said("unused_days", "a while")
