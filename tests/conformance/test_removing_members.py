"""Removing somebody: what ends is said first, and what they own goes to somebody named, in the same act."""

from datetime import timedelta

import pytest
from django.db.models import F

from agents.models import Agent
from kit import context
from tenants.models import Membership
from tests.conformance.test_resources_api import asker
from tests.conformance.test_step_up import age
from tests.harness import authenticator_app as app
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec
from tokens.models import RefreshToken

SCOPES = "members:read members:write"


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPES)


def own(world, name="Scout", **fields):
    with context.use(world.tenant):
        return Agent.objects.create(name=name, owner=world.people["bob"], **fields)


def again(world, agent):
    with context.use(world.tenant):
        return Agent.objects.get(pk=agent.pk)


def is_here(world, name):
    with context.use(world.tenant):
        return Membership.objects.get(pk=world.people[name].pk).status == "active"


def page(world, browser, name="bob"):
    browser.go(world.url(f"/console/members/{world.people[name].pk}/remove"))
    return browser.form("")


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_agents_go_to_somebody_named_in_the_act_that_removes_their_owner(world, ada, method):
    mine = own(world, successor=world.people["alice"])
    ended = own(world, "Old", status=Agent.Status.RETIRED)
    path = f"/members/{world.people['bob'].pk}{'/remove' if method == 'POST' else ''}"
    body = {"reason": "left", "agents_to": world.people["alice"].pk}
    with leaves_only(world):
        told = ada(method, path, {**body, "dry_run": True})
    assert told.json() == {"delegations": 0, "agents": 0, "agents_handed_over": 1, "agents_owned": 0}
    assert ada(method, path, body).json() == told.json()
    moved = again(world, mine)
    assert (moved.owner_id, moved.successor_id, moved.owner_left_at) == (world.people["alice"].pk, None, None)
    assert again(world, ended).owner_id == world.people["bob"].pk
    (entry,) = world.entries("agent.changed")
    assert (entry.principal_id, entry.about_id) == (world.people["ada"].pk, mine.pk)
    assert len(world.entries("member.suspended")) == 1


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(("to", "status"), [("bob", 422), ("nobody", 400), ("alice who left", 400)])
def test_whoever_cannot_take_over_is_refused_and_nobody_is_removed(world, ada, to, status):
    own(world)
    if to == "alice who left":
        world.rewrite(world.people["alice"], status="suspended")
    named = "usr_00000000000000000000000000" if to == "nobody" else world.people[to.split()[0]].pk
    with leaves_only(world):
        refused = ada("DELETE", f"/members/{world.people['bob'].pk}", {"agents_to": named})
    assert refused.status_code == status, refused.text
    assert is_here(world, "bob")


@spec("RFC 9700", "2.3")
def test_without_anybody_named_agents_keep_an_owner_who_left(world, ada):
    mine = own(world)
    told = ada("DELETE", f"/members/{world.people['bob'].pk}").json()
    assert told == {"delegations": 0, "agents": 0, "agents_handed_over": 0, "agents_owned": 1}
    assert again(world, mine).owner_id == world.people["bob"].pk


@spec("RFC 9700", "2.3")
def test_the_page_says_what_ends_and_hands_agents_over(world):
    mine = own(world, successor=world.people["alice"])
    world.grant(world.public_client(), "bob")
    browser = world.browser("ada")
    form = page(world, browser)
    for said in ("1 access that they allowed ends.", "1 agent stops acting for them.", "Scout : Alice follows"):
        assert said in browser.words(), said
    with leaves_only(world):
        browser.submit(form, {"agents_to": "nobody@elsewhere.example"})
    assert (browser.page.status_code, "Nobody who has a place here" in browser.words()) == (422, True)
    browser.submit(browser.form(""), {"agents_to": world.email("ada").upper(), "reason": "left"})
    assert str(browser.page.url).endswith("/console/members")
    assert (again(world, mine).owner_id, is_here(world, "bob")) == (world.people["ada"].pk, False)


@spec("RFC 9700", "2.3")
def test_whoever_owns_nothing_is_asked_for_nobody(world):
    form = page(world, world.browser("ada"))
    assert "agents_to" not in dict(form.fields)


@spec("RFC 9700", "2.3")
def test_more_than_a_few_accesses_are_counted_by_hand(world):
    first = world.public_client()
    world.grant(first, "bob")
    (one,) = world.delegations()
    with context.use(world.tenant):
        for number in range(25):
            one.pk, one._state.adding = type(one)._meta.get_field("id").get_default(), True
            one.audience = f"https://{number}.example"
            one.save()
    browser = world.browser("ada")
    form = page(world, browser)
    for number, status in {"": 422, "25": 409}.items():
        with leaves_only(world):
            browser.submit(form, {"number": number})
        assert browser.page.status_code == status
    browser.submit(browser.form(""), {"number": "26"})
    assert not is_here(world, "bob")


@spec("RFC 9470", "3")
def test_the_page_opens_to_whoever_proved_minutes_ago_that_it_is_them(world):
    browser = world.browser("ada")
    age(world, browser)
    browser.go(world.url(f"/console/members/{world.people['bob'].pk}/remove"))
    assert "/login/again" in str(browser.page.url)
    assert "Add a passkey" in browser.words()
    browser.submit(browser.form("/login/again"), {"password": PASSWORD})
    assert str(browser.page.url).endswith("/remove")
    browser.submit(browser.form(""))
    assert not is_here(world, "bob")


@spec("RFC 9470", "3")
@pytest.mark.parametrize("path", ["/console/members/{bob}/remove", "/console/agents/{agent}/end"])
def test_a_password_does_not_stand_for_a_factor(world, path):
    agent = own(world)
    browser = world.browser("ada")
    app.add(world, browser)
    age(world, browser)
    browser.go(world.url(path.format(bob=world.people["bob"].pk, agent=agent.pk)))
    assert str(browser.page.url.path).endswith("/login/again/code")
    assert [form for form in browser.forms() if "password" in dict(form.fields)] == []


@spec("RFC 9470", "3")
def test_over_the_api_a_person_with_a_factor_signed_in_minutes_ago(world, ada):
    app.add(world, world.browser("ada"))
    with context.use(world.tenant):
        RefreshToken.objects.update(auth_time=F("auth_time") - timedelta(minutes=6))
    path = f"/members/{world.people['bob'].pk}"
    assert ada("DELETE", path, {"dry_run": True}).status_code == 200
    with leaves_only(world):
        refused = ada("DELETE", path)
    assert (refused.status_code, "max_age" in refused.headers["www-authenticate"]) == (401, True)
    assert is_here(world, "bob")
