"""Whoever runs the installation fixes a setting: admins read what it is and from whom, and change it nowhere."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants.models import Tenant
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "settings:read settings:write"


def fix(world, *words, **options):
    call_command("fix_setting", *words, tenant=world.tenant.slug, stdout=StringIO(), **options)


@spec("RFC 9110", "15.5.10")
def test_a_fixed_setting_is_read_by_its_admins_and_changed_by_none_until_it_is_released(world):
    ada = asker(world, "ada", SCOPES)
    fix(world, "registration", "admission")
    read = ada("GET", "/settings").json()
    assert (read["fixed"], read["registration"]) == (["registration"], "admission")
    with leaves_only(world):
        refused = ada("PATCH", "/settings", {"registration": "open", "documents": "off"})
        assert (refused.status_code, list(refused.json()["errors"])) == (409, ["registration"])
        assert ada("PATCH", "/settings", {"fixed": []}).status_code == 400
    assert ada("PATCH", "/settings", {"registration": "admission", "documents": "off"}).status_code == 200
    fix(world, "registration", release=True)
    assert ada("PATCH", "/settings", {"registration": "open"}).json()["fixed"] == []
    told = [(each.principal_id, each.detail) for each in world.entries() if "tenant.setting_" in each.event]
    assert told == [("system", {"setting": "registration"})] * 2


def test_the_page_says_who_fixed_it_and_takes_what_stands_beside_it(world):
    fix(world, "registration", "admission")
    ada = world.browser("ada")
    page = ada.go(world.url("/console/settings"))
    part = page.text.partition('id="arriving"')[2].partition("</section>")[0]
    assert part.count("Fixed by whoever runs this installation.") == 1
    form = ada.form("/change#arriving")
    assert "registration" not in dict(form.fields), "a field that takes nothing"
    assert ada.submit(form, {"documents": "off", "registration": "open"}).status_code == 200
    saved = Tenant.objects.get(pk=world.tenant.pk)
    assert (saved.documents, saved.registration) == ("off", "admission")
    put_back = [dict(each.fields).get("setting") for each in ada.forms() if "put-back" in each.action]
    assert ("documents" in put_back, "registration" in put_back) == (True, False)


@pytest.mark.parametrize("words", [("slug", "other"), ("access_token_seconds", "9999"), ("unused_days", "soon")])
def test_what_cannot_hold_is_fixed_for_nobody(world, words):
    with leaves_only(world), pytest.raises(CommandError):
        fix(world, *words)
    assert Tenant.objects.get(pk=world.tenant.pk).fixed == []
