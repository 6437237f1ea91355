"""The pages of a person: who acts in my name, ending it, and taking that back."""

import re
from copy import copy
from datetime import timedelta

import pytest
from django.utils import timezone

from console.counted import SMALL
from delegations.models import Delegation
from kit import context, identifiers
from tests.harness.browser import Form
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec

MINE = "/me/agents"


@pytest.fixture
def scout(world):
    return world.public_client(client_uri="https://scout.example/")


@pytest.fixture
def tokens(world, scout):
    return world.grant(scout)


@pytest.fixture
def alice(world, tokens):
    """Alice's browser with her agents open, of which there is one."""
    browser = world.browser("alice")
    browser.go(world.url(MINE))
    return browser


def only(world):
    (delegation,) = world.delegations()
    return delegation


def press(world, browser, action):
    """Press a button as the page would have it, for an action that the page may not offer."""
    token = dict(browser.form("/agents").fields)["csrfmiddlewaretoken"]
    form = Form(f"/t/{world.tenant.slug}/me/agents{action}", "post", [("csrfmiddlewaretoken", token)])
    return browser.submit(form)


def end(world, browser):
    return browser.submit(browser.form(f"{only(world).pk}/end"))


@spec("RFC 9700", "2.1")
def test_the_page_says_who_acts_for_me_with_what_and_until_when(world, alice):
    words = alice.words()
    for said in (
        f"1 agent can act in your name at {world.tenant.name}.",
        "Scout uses Calendar",
        "scout.example Unverified publisher",
        "Read your calendar",
        "Cannot: Change your calendar, See who you meet",
        "Ends in 7 days",
        "Used once, last just now",
        "You allowed this on",
        "Scout may read your calendar at Calendar for Alice, until",
    ):
        assert said in words, said


@spec("RFC 9700", "2.1")
def test_a_person_without_agents_is_told_so(world):
    browser = world.browser("bob")
    browser.go(world.url(MINE))
    assert "No agent acts for you." in browser.words()
    assert browser.forms() == []


@spec("RFC 7009", "2.1")
def test_ending_access_stops_refresh_and_introspection_and_gives_a_receipt(world, scout, tokens, alice):
    assert world.is_active(tokens["access_token"])
    end(world, alice)
    assert str(alice.page.url) == world.url(MINE)
    words = alice.words()
    assert "Scout no longer uses Calendar for you." in words
    assert re.search(r"No new token from now on\. Calendar may accept the last one until \d\d:\d\d\.", words)
    assert not world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    (entry,) = world.entries("delegation.ended")
    assert (entry.principal_id, entry.reason) == (world.people["alice"].pk, "ended by the person")


@spec("RFC 7009", "2.1")
def test_ending_twice_ends_once(world, alice):
    form = alice.form(f"{only(world).pk}/end")
    alice.submit(form)
    with leaves_only(world):
        alice.submit(form)
    assert alice.page.status_code == 200


@spec("RFC 7009", "2.1")
def test_undo_makes_a_new_delegation_and_the_old_tokens_stay_dead(world, scout, tokens, alice):
    before = only(world)
    end(world, alice)
    alice.submit(alice.form("/undo"))
    old, new = world.delegations()
    assert (old.pk, new.restored_from_id, new.ended_at) == (before.pk, before.pk, None)
    assert (new.scopes, new.expires_at, new.consent_id) == (before.scopes, before.expires_at, before.consent_id)
    assert not world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert "no longer uses" not in alice.words()
    assert [entry.about_id for entry in world.entries("delegation.restored")] == [new.pk]


@spec("RFC 7009", "2.1")
def test_undo_is_for_ten_minutes(world, alice):
    end(world, alice)
    form = alice.form("/undo")
    world.rewrite(only(world), ended_at=timezone.now() - timedelta(minutes=10, seconds=1))
    with leaves_only(world):
        alice.submit(form)
    assert alice.page.status_code == 409
    assert "This can no longer be undone" in alice.words()
    alice.go(world.url(MINE))
    assert "Undo" not in alice.words()


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("why", ["it lives", "another ended it", "it was undone", "its time is over"])
def test_undo_is_for_what_this_person_just_ended(world, alice, why):
    delegation = only(world)
    if why != "it lives":
        end(world, alice)
        form = alice.form("/undo")
    if why == "another ended it":
        world.rewrite(delegation, ended_by="agt_other")
    if why == "it was undone":
        alice.submit(form)
    if why == "its time is over":
        world.rewrite(delegation, expires_at=timezone.now())
    with leaves_only(world):
        response = press(world, alice, f"/{delegation.pk}/undo") if why == "it lives" else alice.submit(form)
    assert response.status_code == 409


@spec("RFC 7009", "2.1")
def test_end_all_ends_every_access_of_this_person_and_of_nobody_else(world, scout, alice):
    world.grant(world.public_client("Other"), "alice", resource=world.notes.identifier, scope="notes:read")
    world.grant(scout, "bob")
    alice.go(world.url(MINE))
    assert "End access of 2 agents" in alice.words()
    alice.submit(alice.form("/end-all"))
    assert "No agent acts for you." in alice.words()
    lives = {each.subject for each in world.delegations() if each.ended_at is None}
    assert lives == {world.people["bob"].pk}


@spec("RFC 7009", "2.1")
def test_past_access_says_by_whom_it_ended(world, scout, alice):
    end(world, alice)
    world.grant(scout)
    world.rewrite(world.delegations()[-1], expires_at=timezone.now() - timedelta(hours=1))
    alice.go(world.url("/me/agents/past"))
    words = alice.words()
    assert re.search(r"Ended .* by you", words)
    assert re.search(r"Ended .* by its end date", words)
    assert alice.forms() == []


@spec("RFC 9110", "9.2.1")
@pytest.mark.parametrize("action", ["/{}/end", "/{}/undo", "/end-all"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_a_post_ends_anything(world, alice, action, method):
    path = action.format(only(world).pk)
    with leaves_only(world):
        response = alice.http.request(method, world.url(f"{MINE}{path}"), headers={"Origin": world.origin})
    assert response.status_code in {403, 405}


@spec("RFC 9700", "4.7")
@pytest.mark.parametrize("action", ["/{}/end", "/{}/undo", "/end-all"])
@pytest.mark.parametrize("flaw", ["no token", "another site"])
def test_a_post_from_another_site_ends_nothing(world, alice, action, flaw):
    token = "" if flaw == "no token" else dict(alice.form("/end-all").fields)["csrfmiddlewaretoken"]
    origin = world.origin if flaw == "no token" else "https://evil.example"
    url = world.url(MINE + action.format(only(world).pk))
    with leaves_only(world):
        response = alice.http.post(url, data={"csrfmiddlewaretoken": token}, headers={"Origin": origin})
    assert response.status_code == 403


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("act", ["end", "undo"])
def test_the_access_of_another_person_is_not_there(world, scout, alice, act):
    world.grant(scout, "bob")
    theirs = next(each for each in world.delegations() if each.subject == world.people["bob"].pk)
    with leaves_only(world):
        foreign = press(world, alice, f"/{theirs.pk}/{act}")
        alice.go(world.url(MINE))
        unknown = press(world, alice, f"/dlg_00000000000000000000000000/{act}")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text == unknown.text


@spec("RFC 9110", "15.5.5")
@pytest.mark.parametrize("odd", ["%00", "a%00b", "'", "%ff", "x" * 2000])
def test_an_odd_id_is_not_there(world, alice, odd):
    with leaves_only(world):
        assert press(world, alice, f"/{odd}/end").status_code == 404


@spec("RFC 9700", "4.16")
@pytest.mark.parametrize("path", ["/", MINE, "/me/agents/past", "/console/agents", "/console/delegations"])
def test_whoever_is_not_signed_in_signs_in_first(world, path):
    browser = world.browser()
    browser.go(f"{world.url(path)}?x=1")
    assert str(browser.page.url).startswith(world.url("/login"))
    assert browser.page.url.params["next"].startswith(f"/t/{world.tenant.slug}")


@spec("RFC 7009", "2.1")
def test_whoever_ends_more_than_a_few_types_how_many(world, scout, alice):
    (held,) = world.delegations()
    with context.use(world.tenant):
        many = [copy(held) for _ in range(SMALL)]
        for number, each in enumerate(many):
            each.pk, each.audience, each._state.adding = identifiers.make("dlg"), f"https://r{number}.example", True
        Delegation.objects.bulk_create(many)
    alice.go(world.url(MINE))
    assert f"{SMALL + 1} times you allowed something" in alice.words()
    form = alice.form("/end-all")
    for typed in ("", str(SMALL)):
        with leaves_only(world):
            page = alice.submit(form, {"number": typed})
        assert (page.status_code, 'class="disclosure" open' in page.text) == (422, True)
    alice.submit(alice.form("/end-all"), {"number": str(SMALL + 1)})
    assert "No agent acts for you." in alice.words()


@spec("RFC 7515", "7.1")
def test_a_person_has_the_signed_record_of_their_own_before_and_after_its_end(world, scout, alice):
    (held,) = world.delegations()
    place = f"{MINE}/{held.pk}/record"
    for page in (MINE, "/me/agents/past"):
        assert f'href="{alice_place(world, place)}"' in alice.go(world.url(page)).text
        answer = alice.go(world.url(place))
        assert (answer.status_code, answer.headers["content-disposition"]) == (
            200, f'attachment; filename="{held.pk}.json"',
        )  # fmt: skip
        told = answer.json()
        assert told["record"]["delegation"] == held.pk
        assert claims(told["jws"]) == told["record"]
        alice.go(world.url(MINE))
        if page == MINE:
            end(world, alice)
    for name in ("bob", "ada"):
        assert world.browser(name).go(world.url(place)).status_code == 404


def alice_place(world, place):
    return f"/t/{world.tenant.slug}{place}"
