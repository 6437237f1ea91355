"""Approving takes a proof of minutes ago of whoever has a factor; what was typed survives the way there and back."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_admission import agent_of, approvals, console, decision, wait
from tests.conformance.test_api import api_token
from tests.conformance.test_approvals_api import post
from tests.harness import authenticator_app as app
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens.models import RefreshToken, SigningKey


def admit(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    return world.public_client()


def age(world, browser):
    """Let what the person proved in this session lie six minutes back."""
    key = browser.http.cookies[f"remit-{world.tenant.slug}"]
    session = SessionStore(key)
    for method in session["account_authentication_methods"]:
        method["at"] -= 360
    session.save()


@spec("RFC 9470", "3")
def test_an_approval_waits_for_a_fresh_proof_and_keeps_what_was_typed(world):
    browser = world.browser("ada")
    secret = app.add(world, browser)
    app.forget_steps(world, "ada")
    scout = admit(world)
    wait(world, scout, scope="events:read events:write")
    queue = "/console/approvals?q=scout&writes=true"
    browser.go(world.url(queue))
    filled = decision(world, scope=[f"{world.calendar.identifier} events:read"], longest="3600", until="2027-03-01")
    age(world, browser)
    with leaves_only(world):
        browser.submit(browser.form("/approve"), filled)
    assert "/login/again" in str(browser.page.url)
    browser.submit(next(each for each in browser.forms() if "code" in dict(each.fields)), {"code": app.code(secret)})
    assert str(browser.page.url) == world.url(queue), "narrowed as it was"
    assert "Nothing is decided yet" in browser.words()
    assert agent_of(world, scout).status == "pending"
    form = browser.form("/approve")
    assert ("until", "2027-03-01") in form.fields
    assert [value for name, value in form.fields if name == "scope"] == [f"{world.calendar.identifier} events:read"]
    assert 'value="3600" selected' in browser.page.text
    browser.submit(form, {"owner": filled["owner"], "longest": "3600"})
    agent = agent_of(world, scout)
    assert (agent.status, agent.ceiling) == ("active", {world.calendar.identifier: ["events:read"]})
    browser.go(world.url("/console/approvals"))
    assert "Nothing is decided yet" not in browser.words()


@spec("RFC 9470", "3")
def test_who_has_no_factor_is_not_sent_away_and_denying_takes_no_proof(world):
    scout = admit(world)
    wait(world, scout)
    browser = console(world)
    age(world, browser)
    browser.submit(browser.form("/approve"), decision(world))
    assert agent_of(world, scout).status == "active"


@spec("RFC 9470", "3")
@pytest.mark.parametrize("verb", ["approve", "deny"])
def test_the_api_asks_for_a_fresh_sign_in_where_the_person_has_a_factor(world, verb):
    token = api_token(world, world.public_client("Console app"), "ada", "approvals:read approvals:decide")
    app.add(world, world.browser("ada"))
    admit(world)
    *_, question = approvals(world)
    (family,) = families(world)
    world.rewrite(family, auth_time=timezone.now() - timedelta(minutes=6))
    said = {"owner": world.people["ada"].pk, "ceiling": None} if verb == "approve" else {"reason": "no"}
    answer = post(world, token, f"{question.pk}/{verb}", said)
    assert answer.status_code == (401 if verb == "approve" else 200)
    if verb == "approve":
        challenge = answer.headers["www-authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge
        assert 'max_age="300"' in challenge
        world.rewrite(family, auth_time=timezone.now())
        assert post(world, token, f"{question.pk}/{verb}", said).status_code == 200


@spec("RFC 9470", "3")
@pytest.mark.parametrize("what", ["a leaked key", "many at once"])
def test_the_api_asks_for_a_fresh_sign_in_before_what_reaches_many(world, what):
    token = api_token(world, world.public_client("Console app"), "ada", "keys:read keys:write jobs:read jobs:run")
    (family,) = families(world)
    world.grant(world.public_client())
    with context.use(world.tenant):
        signing = SigningKey.objects.get(status="active", algorithm="ES256")
    place, said = {
        "a leaked key": (f"/keys/{signing.pk}/compromise", {"reason": "on a laptop"}),
        "many at once": ("/delegations/bulk-end", {"filter": {"q": "Scout"}, "reason": "over", "expect": 1}),
    }[what]

    def ask(**further):
        headers = {"Authorization": f"Bearer {token}"}
        return world.http.post(world.url(f"/api/v1{place}"), headers=headers, json={**said, **further})

    app.add(world, world.browser("ada"))
    world.rewrite(family, auth_time=timezone.now() - timedelta(minutes=6))
    with leaves_only(world):
        assert ask(dry_run=True).status_code == 200
        answer = ask()
    assert answer.status_code == 401
    assert 'error="insufficient_user_authentication"' in answer.headers["www-authenticate"]
    assert 'max_age="300"' in answer.headers["www-authenticate"]
    world.rewrite(family, auth_time=timezone.now())
    assert ask().status_code in {200, 202}


def families(world):
    with context.use(world.tenant):
        return list(RefreshToken.objects.all())
