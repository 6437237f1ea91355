"""The page of ways in says and changes what the API does, with the same entries."""

import re

import pytest

from agents.models import RegistrationToken
from kit import context
from tenants.models import Tenant
from tests.conformance.test_api import api_token, call
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.harness.registering import post as register
from tests.spec import spec

ONE = "https://one.example/Agent.json?v=1"
OPEN = "Nobody looks at them first"


@pytest.fixture
def ada(world):
    browser = world.browser("ada")
    browser.go(world.url("/console/ways-in"))
    return browser


def policy(world):
    tenant = Tenant.objects.get(pk=world.tenant.pk)
    return tenant.registration, tenant.documents, tenant.admitted_hosts, tenant.registration_needs_token


@spec("RFC 7591", "3")
def test_an_admin_changes_the_ways_in_and_a_word_that_cannot_be_is_told_and_loses_nothing(world, ada):
    assert OPEN in ada.words()
    said = {"registration": "hosts", "documents": "admission", "workloads": "off"}
    for bad in (
        {"admitted_hosts": "https://x.example/"},
        {"admitted_hosts": "http://x.example/agent.json"},
        {"admitted_hosts": "https://a@x.example/agent.json"},
        {"registration": "everybody"},
        {"admitted_hosts": "localhost"},
    ):
        with leaves_only(world):
            ada.submit(ada.form("/ways-in/change"), {**said, "admitted_hosts": "good.example", **bad})
        assert ada.page.status_code == 422
        assert next(iter(bad.values())) in ada.page.text or "everybody" in str(bad)
    ada.submit(
        ada.form("/ways-in/change"), {**said, "admitted_hosts": f"Good.example\nother.example,good.example {ONE}"}
    )
    assert policy(world) == ("hosts", "admission", ["good.example", ONE, "other.example"], False)
    assert OPEN not in ada.words()
    api = asker(world, "ada", "settings:read settings:write")
    same = {"registration": "hosts", "documents": "admission", "admitted_hosts": ["good.example", ONE, "other.example"]}
    read = api("GET", "/settings").json()
    assert {name: read[name] for name in same} == same
    api("PATCH", "/settings", {"registration": "open"})
    api("PATCH", "/settings", same)
    by_page, _, by_api = world.entries("tenant.policy_changed")[-3:]
    assert by_page.principal_id == by_api.principal_id == world.people["ada"].pk
    assert by_api.detail["changes"][0] in by_page.detail["changes"]
    ada.go(world.url("/console/settings"))
    ada.submit(ada.form("#arriving"), {"admitted_hosts": f"{ONE}\nMore.example"})
    assert policy(world)[2] == [ONE, "more.example"]


@spec("RFC 7591", "3")
def test_a_token_made_on_the_page_is_shown_once_and_is_the_one_that_the_api_lists_and_takes_back(world, ada):
    token = api_token(world, world.public_client(), "ada", "registration:read registration:write")
    ways = {"registration": "open", "documents": "open", "workloads": "off", "registration_needs_token": "on"}
    ada.submit(ada.form("/ways-in/change"), ways)
    with leaves_only(world):
        ada.submit(ada.form("/ways-in/tokens"), {"name": "CI", "uses": "0", "days": "7"})
    assert ada.page.status_code == 422
    ada.submit(ada.form("/ways-in/tokens"), {"name": "CI", "uses": "2", "days": "7"})
    secret = re.search(r"<code>([^<]+)</code>", ada.page.text)[1]
    world.http.post(world.url("/api/v1/registration-tokens"), json={"name": "API", "uses": 2},
                    headers={"Authorization": f"Bearer {token}"})  # fmt: skip
    listed = call(world, token, "/registration-tokens").json()["registration_tokens"]
    assert [(each["name"], each["uses"], each["uses_left"]) for each in listed] == [("API", 2, 2), ("CI", 2, 2)]
    by_page, by_api = world.entries("registration_token.made")
    assert (by_page.principal_id, set(by_page.detail)) == (by_api.principal_id, set(by_api.detail))
    ada.go(world.url("/console/ways-in"))
    assert secret not in ada.page.text
    made = register(world, secret)
    assert made.status_code == 201
    ada.go(world.url("/console/ways-in"))
    assert "1 of 2" in ada.words()
    ada.submit(ada.form(f"{listed[1]['id']}/revoke"))
    assert register(world, secret).status_code == 401
    with context.use(world.tenant):
        assert RegistrationToken.objects.get(pk=listed[1]["id"]).revoked_at is not None


@spec("RFC 9700", "2.3")
def test_whoever_may_look_changes_nothing(world, ada):
    form, tokens = ada.form("/ways-in/change"), ada.form("/ways-in/tokens")
    world.rewrite(world.people["ada"], role="auditor")
    ada.go(world.url("/console/ways-in"))
    assert (ada.page.status_code, [each for each in ada.forms() if "/ways-in" in each.action]) == (200, [])
    with leaves_only(world):
        ada.submit(form, {"registration": "open", "documents": "open", "workloads": "open"})
        assert ada.page.status_code == 403
        ada.submit(tokens, {"name": "x", "uses": "1", "days": "1"})
    world.rewrite(world.people["ada"], role="member")
    assert ada.go(world.url("/console/ways-in")).status_code == 403
