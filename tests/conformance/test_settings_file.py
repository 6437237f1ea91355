"""A tenant's rules as a file: what is in it, who has it, and that it holds no secret; and how long things are kept."""

from datetime import timedelta

import pytest
import yaml
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from notices import forgetting
from notices.models import Notice
from tenants.actions import POLICY, change_policy
from tests.conformance.test_resources_api import asker
from tests.conformance.test_settings_page import PLACE, save, saved
from tests.harness.footprint import leaves_only
from tests.spec import spec
from trust import actions as trust_actions

FILE = "/settings/export.yaml"
ALL = "settings:read resources:read trust:read"


@pytest.fixture
def trusting(world):
    """Trust an issuer whose keys were pasted, and an authorization server elsewhere."""
    theirs = {"kty": "OKP", "crv": "Ed25519", "kid": "theirs", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    pasted = {"key_source": "pasted", "jwks": {"keys": [theirs]}}
    with context.use(world.tenant):
        trust_actions.trust_issuer("https://idp.example", by=SYSTEM, purposes=["id_jag"], **pasted)
        trust_actions.add_audience("https://login.elsewhere.example", by=SYSTEM)
    return world


@spec("RFC 9512", "2.1")
def test_the_file_says_what_the_api_says_and_page_and_api_give_the_same(trusting):
    world = trusting
    ask = asker(world, "ada", ALL)
    answer = ask("GET", FILE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    said = yaml.safe_load(answer.text)
    assert {**said["settings"], "fixed": []} == ask("GET", "/settings").json()
    assert set(said["settings"]) == POLICY
    (calendar,) = [each for each in said["resources"] if each["identifier"] == world.calendar.identifier]
    listed = ask("GET", f"/resources/{world.calendar.pk}").json()
    assert calendar["scopes"] == listed["scopes"]
    assert {name: value for name, value in listed.items() if name in calendar} == calendar
    assert [each["issuer"] for each in said["trust"]["issuers"]] == ["https://idp.example"]
    assert [each["issuer"] for each in said["trust"]["audiences"]] == ["https://login.elsewhere.example"]
    page = world.browser("ada").go(world.url(f"{PLACE}/export.yaml"))
    assert (page.status_code, yaml.safe_load(page.text)) == (200, said)
    assert page.headers["content-disposition"] == f'attachment; filename="{world.tenant.slug}.yaml"'
    taken = [each for each in world.entries("list.exported") if each.detail["list"] == "settings"]
    assert [each.detail["parts"] for each in taken] == [["settings", "resources", "trust"]] * 2


@spec("RFC 9512", "4")
def test_no_key_and_no_secret_is_in_the_file(trusting):
    text = asker(trusting, "ada", ALL)("GET", FILE).text
    assert "11qYAYKxCrfVS" not in text
    assert not {"jwks", "client_secret"} & set(yaml.safe_load(text)["trust"]["issuers"][0])


@spec("RFC 6750", "3.1")
def test_what_a_token_may_not_read_is_left_out_and_said_to_be(trusting):
    said = yaml.safe_load(asker(trusting, "ada", "settings:read trust:read")("GET", FILE).text)
    assert (said["left_out"], "resources" in said, "trust" in said) == (["resources"], False, True)
    ask, alice = asker(trusting, "ada", "trust:read"), trusting.browser("alice")
    with leaves_only(trusting):
        assert ask("GET", FILE).status_code == 403
        assert alice.go(trusting.url(f"{PLACE}/export.yaml")).status_code == 403


@spec("RFC 9700", "2.1")
def test_mail_that_is_over_goes_when_the_tenant_says_and_nobody_elses_with_it(world, elsewhere):
    def sent(of, days):
        with context.use(of.tenant):
            ago = timezone.now() - timedelta(days=days)
            return Notice.objects.create(
                entry_id=f"evt_{days}", kind="decided", recipient=of.people["alice"], state="sent", created_at=ago
            )

    ada = world.browser("ada")
    ada.go(world.url(PLACE))
    for of in (world, elsewhere):
        sent(of, 6)
        sent(of, 8)
    assert save(ada, "keeping", keep_days="3").status_code == 422
    assert save(ada, "keeping", keep_days="7").status_code == 200
    assert saved(world).keep_days == 7
    for of, left in ((world, 1), (elsewhere, 2)):
        of.tenant.refresh_from_db()
        with context.use(of.tenant):
            forgetting.forget(timezone.now())
            assert Notice.objects.filter(kind="decided", state="sent").count() == left
    change_policy(world.tenant, by=SYSTEM, keep_days=0)
    assert saved(world).keep_days == 0
