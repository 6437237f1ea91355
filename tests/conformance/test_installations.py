"""Where an agent runs: each sign-in that it keeps is a place of its own, which ends alone."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from django.utils.html import escape

from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_api import api_token as a_persons_token
from tests.harness import device
from tests.harness.footprint import leaves_only
from tests.harness.inside import counted
from tests.spec import spec
from tokens import installations
from tokens.errors import InstallationOver

MINE = "/me/agents"
API_SCOPES = "delegations:read delegations:end"


@pytest.fixture
def scout(world):
    return world.public_client(redirect_uris=["http://127.0.0.1/callback", "https://scout.example/back"])


@pytest.fixture
def two(world, scout):
    """The token sets of one agent on two computers of one person; the second was not asked again."""
    return world.grant(scout), world.grant(scout)


def mine(world, person="alice"):
    browser = world.browser(person)
    browser.go(world.url(MINE))
    return browser


def ending(browser, family):
    return browser.form(f"/places/{family.pk}/end")


def api_token(world, who):
    """Return the agent's token for the API, for alice."""
    return a_persons_token(world, who, "alice", API_SCOPES)


def api(world, token, path, method="GET"):
    return world.http.request(
        method, world.url(f"/api/v1/delegations/{path}"), headers={"Authorization": f"Bearer {token}"}
    )


def calendar(world, person="alice"):
    """Return this person's delegation at the calendar."""
    subject, audience = world.people[person].pk, world.calendar.identifier
    return next(each for each in world.delegations() if (each.subject, each.audience) == (subject, audience))


@spec("RFC 7009", "2.1")
def test_ending_one_place_leaves_the_other_alive(world, scout, two):
    here, there = two
    browser = mine(world)
    assert "Runs in 2 places" in browser.words()
    browser.submit(ending(browser, world.family(here["refresh_token"])))
    words = browser.words()
    assert "Scout no longer runs there for you: A person's computer." in words
    assert re.search(r"No new token from now on\. Calendar may accept the last one until \d\d:\d\d\.", words)
    assert "Runs in 1 place" in words
    assert [world.is_active(each["access_token"]) for each in two] == [False, True]
    assert world.refresh(scout, here["refresh_token"]).json()["error"] == "invalid_grant"
    assert world.refresh(scout, there["refresh_token"]).status_code == 200
    assert calendar(world).ended_at is None
    assert "no longer runs" not in mine(world).words()


@spec("RFC 7009", "2.1")
def test_who_ended_a_place_sees_the_agent_ask_before_it_is_back(world, scout, two):
    browser = mine(world)
    browser.submit(ending(browser, world.family(two[0]["refresh_token"])))
    asked = world.ask(scout, "alice")
    assert asked.page.status_code == 200
    asked.decide(duration="week")
    assert world.ask(scout, "alice").page.status_code == 303


@spec("RFC 7009", "2.1")
def test_a_sign_out_by_the_agent_itself_asks_nobody_again(world, scout, two):
    world.revoke(scout, two[0]["refresh_token"])
    assert world.ask(scout, "alice").page.status_code == 303


@spec("RFC 7009", "2.1")
def test_page_console_and_api_end_a_place_in_the_same_way(world, scout):
    kept = {}
    for door in ("page", "console", "app", "api"):
        family = world.family(world.grant(scout)["refresh_token"])
        where = f"{calendar(world).pk}/installations/{family.pk}"
        if door == "page":
            browser = mine(world)
            browser.submit(ending(browser, family))
        elif door == "console":
            browser = world.browser("ada")
            browser.go(world.url(f"/console/delegations/{calendar(world).pk}/places"))
            browser.submit(ending(browser, family))
        elif door == "app":
            app = world.public_client("Their own app")
            token = a_persons_token(world, app, "alice", "delegations:oversee delegations:revoke")
            listed = api(world, token, f"{calendar(world).pk}/installations").json()["installations"]
            assert family.pk in {each["id"] for each in listed}
            ended = api(world, token, f"{where}/end", "POST")
            assert ended.json()["token_families_ended"] == 1
            assert api(world, token, f"{where}/end", "POST").status_code == 409
        else:
            token = api_token(world, scout)
            ended = api(world, token, where, "DELETE")
            assert ended.json()["token_families_ended"] == 1
            assert api(world, token, where, "DELETE").status_code == 409
        entry = world.entries("installation.ended")[-1]
        assert entry.about_id == family.pk
        over = world.family(family.pk)
        assert over.revoked is not None
        assert over.ended_by == entry.principal_id
        receipt = {name: value for name, value in entry.detail.pop("receipt").items() if name != "ended_at"}
        tokens = [{**each, "accepted_until": ""} for each in receipt.pop("tokens")]
        kept[door] = (entry.detail, receipt.keys(), tokens, entry.on_behalf_of, entry.through)
    assert kept["page"] == kept["console"] == kept["app"] == kept["api"]


@spec("RFC 6749", "5.1")
def test_a_place_says_where_the_code_went_and_when_it_was_seen(world, scout):
    first = world.family(world.grant(scout)["refresh_token"])
    redirect = "https://scout.example/back"
    code, verifier = world.code(scout, redirect_uri=redirect)
    web = world.redeem(scout, code, verifier, redirect_uri=redirect).json()
    started = device.start(world, device.agent(world, client_name="Terminal"))
    started.decide()
    assert started.poll().status_code == 200
    world.rewrite(first, created=timezone.now() - timedelta(days=3), rotated_at=timezone.now() - timedelta(days=2))
    words = mine(world).words()
    for said in (
        "A person's computer First seen 3 days ago Last seen 2 days ago",
        "A website (scout.example) First seen just now Last seen just now",
        "A device that showed a code First seen just now",
    ):
        assert said in words, said
    token = api_token(world, scout)
    listed = api(world, token, f"{calendar(world).pk}/installations").json()["installations"]
    assert [(each["place"], each["redirect_host"]) for each in listed] == [
        ("site", "https://scout.example"),
        ("computer", "http://127.0.0.1"),
    ]
    assert listed[0]["id"] == world.family(web["refresh_token"]).pk
    assert listed[0]["first_seen_at"] == listed[0]["last_seen_at"]
    world.refresh(scout, web["refresh_token"])
    seen = api(world, token, f"{calendar(world).pk}/installations").json()["installations"][0]
    assert seen["last_seen_at"] > seen["first_seen_at"]
    assert {each.detail["installation"] for each in world.entries("token.issued")} >= {first.pk, listed[0]["id"]}


@spec("RFC 9700", "2.1")
def test_only_what_can_still_be_refreshed_is_a_place(world, scout, two):
    families = [world.family(each["refresh_token"]) for each in two]
    once = world.public_client("Once", grant_types=["authorization_code"])
    assert "refresh_token" not in world.grant(once)
    world.worker()
    world.rewrite(families[0], rotated_at=timezone.now() - timedelta(days=31))
    world.rewrite(families[1], expires=timezone.now())
    browser = mine(world)
    assert "Once uses Calendar" in browser.words()
    assert "Runs in" not in browser.words()
    console = world.browser("ada")
    console.go(world.url(f"/console/delegations/{calendar(world).pk}/places"))
    assert "It runs nowhere now." in console.words()


SAID = {
    "  My   laptop ": "My laptop",
    "a\u202eb\u0000\n c": "a b c",
    "x" * 100: "x" * 80,
    "<b>at work</b>": "<b>at work</b>",
    "": "",
}


@spec("RFC 9700", "2.1")
def test_a_person_calls_a_place_something_and_it_is_only_text(world, two):
    family = world.family(two[0]["refresh_token"])
    browser = mine(world)
    for said, kept in SAID.items():
        browser.submit(browser.form(f"/places/{family.pk}/name"), {"label": said})
        assert world.family(family.pk).label == kept
        assert world.entries("installation.named")[-1].detail["label"] == kept
        assert f"<p>{escape(kept or 'A person' + chr(39) + 's computer')}</p>" in browser.page.text


@spec("RFC 9700", "2.1")
def test_the_place_of_another_is_not_there(world, scout, two):
    world.grant(scout, "bob")
    other = world.public_client("Other")
    theirs, elsewhere = (world.family(world.grant(who, name)["refresh_token"]) for who, name in
                         ((scout, "bob"), (other, "alice")))  # fmt: skip
    browser = mine(world)
    own = world.family(two[0]["refresh_token"])
    form = ending(browser, own)
    path = form.action
    admin = world.browser("ada")
    admin.go(world.url(f"/console/delegations/{calendar(world).pk}/places"))
    of_admin = ending(admin, own)
    where, token = calendar(world).pk, api_token(world, scout)
    person = a_persons_token(world, world.public_client("Their own app"), "alice", "delegations:revoke")
    for wrong in (theirs.pk, elsewhere.pk, "rtf_00000000000000000000000000", "%00"):
        assert api(world, token, f"{where}/installations/{wrong}", "DELETE").status_code == 404
        assert api(world, person, f"{where}/installations/{wrong}/end", "POST").status_code == 404
        with leaves_only(world):
            for one, asked, what in ((browser, form, path), (admin, of_admin, of_admin.action)):
                asked.action = what.replace(own.pk, wrong)
                assert one.submit(asked).status_code == 404
                asked.action = what
            form.action = path.replace(own.pk, wrong).replace("/end", "/name")
            assert browser.submit(form).status_code == 404
            form.action = path.replace(calendar(world).pk, calendar(world, "bob").pk)
            assert browser.submit(form).status_code == 404
    assert api(world, api_token(world, other), f"{where}/installations").status_code == 404
    nobody = world.browser("bob")
    with leaves_only(world):
        assert nobody.go(world.url(f"/console/delegations/{where}/places")).status_code == 403


@spec("RFC 7009", "2.1")
def test_a_place_that_is_over_is_ended_and_named_no_more(world, two):
    family = world.family(two[0]["refresh_token"])
    browser = mine(world)
    end, name = ending(browser, family), browser.form(f"/places/{family.pk}/name")
    browser.submit(end)
    with leaves_only(world):
        assert browser.submit(end).status_code == 200
        assert browser.submit(name, {"label": "Late"}).status_code == 200


@spec("RFC 7009", "2.1")
def test_of_many_who_end_one_place_at_once_one_does(world, two):
    family, delegation = world.family(two[0]["refresh_token"]), calendar(world)

    def end(_):
        with context.use(world.tenant):
            try:
                installations.end(family, delegation, by=SYSTEM, reason="enough")
            except InstallationOver:
                return False
            finally:
                connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(end, range(8))) == 1
    assert len(world.entries("installation.ended")) == 1


@spec("RFC 9700", "2.1")
def test_places_cost_the_pages_one_statement_however_many_there_are(world, scout):
    def cost():
        with context.use(world.tenant), counted() as statements:
            installations.of(world.delegations(), now=timezone.now())
        return len(statements)

    world.grant(scout)
    before = cost()
    world.grant(scout)
    world.grant(world.public_client("Other"), "bob")
    assert cost() == before
