"""Ended in one's own name, and taken back: each on its own row, on either page, and all that were ended at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kit import context
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens.models import AccessToken

MINE, PAST = "/me/agents", "/me/agents/past"


@pytest.fixture
def alice(world):
    """Alice, for whom two agents act at two places."""
    for name in ("Scout", "Second"):
        world.grant(world.public_client(name), scope="events:read")
    browser = world.browser("alice")
    browser.go(world.url(MINE))
    return browser


def lives(world):
    return {each.agent.name for each in _named(world) if each.ended_at is None}


def _named(world):
    with context.use(world.tenant):
        return [each for each in world.delegations() if each.agent]


def end(world, browser, name):
    (held,) = (each for each in _named(world) if each.agent.name == name and each.ended_at is None)
    browser.go(world.url(MINE))
    browser.submit(browser.form(f"{held.pk}/end"))
    return held


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("page", [MINE, PAST])
def test_each_that_was_ended_is_taken_back_by_its_own_button_on_either_page(world, alice, page):
    first, second = end(world, alice, "Scout"), end(world, alice, "Second")
    assert lives(world) == set()
    alice.go(world.url(page))
    alice.submit(alice.form(f"{first.pk}/undo"))
    assert lives(world) == {"Scout"}
    alice.go(world.url(page))
    assert [form.action for form in alice.forms() if f"{first.pk}/undo" in form.action] == []
    alice.submit(alice.form(f"{second.pk}/undo"))
    assert lives(world) == {"Scout", "Second"}


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize(
    "why", ["too long ago", "by somebody else", "it would be over", "allowed anew", "taken back and ended"]
)
def test_what_cannot_be_taken_back_has_no_button(world, alice, why):
    held = end(world, alice, "Scout")
    moment = timezone.now() - timedelta(minutes=11)
    change = {
        "too long ago": {"ended_at": moment},
        "by somebody else": {"ended_by": world.people["ada"].pk},
        "it would be over": {"expires_at": timezone.now()},
    }
    if why == "allowed anew":
        world.rewrite(held, ended_at=timezone.now(), ended_by=world.people["alice"].pk)
        _allow_again(world, held)
    elif why == "taken back and ended":
        alice.submit(alice.form(f"{held.pk}/undo"))
        (anew,) = (each for each in _named(world) if each.restored_from_id == held.pk)
        world.rewrite(anew, ended_at=timezone.now(), ended_by=world.people["ada"].pk)
    else:
        world.rewrite(held, **change[why])
    for page in (MINE, PAST):
        alice.go(world.url(page))
        assert [form for form in alice.forms() if form.action.endswith("/undo")] == [], page


def _allow_again(world, held):
    with context.use(world.tenant):
        anew = type(held).objects.get(pk=held.pk)
        anew.pk, anew.ended_at, anew.ended_by, anew._state.adding = f"dlg_{'1' * 26}", None, "", True
        anew.save()


@spec("RFC 7009", "2.1")
def test_all_that_was_ended_at_once_is_taken_back_at_once_and_no_token_wakes(world, alice):
    tokens = world.grant(world.public_client("Third"), scope="events:read offline_access")
    end(world, alice, "Second")
    alice.go(world.url(MINE))
    alice.submit(alice.form("/end-all"))
    assert lives(world) == set()
    assert "Ended just now" in alice.words()
    back = alice.form("/undo-all")
    alice.submit(back)
    assert lives(world) == {"Scout", "Third"}
    assert "2 accesses are back." in alice.words()
    assert not world.is_active(tokens["access_token"])
    with leaves_only(world):
        alice.submit(back)
    assert (alice.page.status_code, "can no longer be undone" in alice.words()) == (409, True)


@spec("RFC 7009", "2.1")
def test_what_cannot_come_back_does_not_keep_the_rest(world, alice):
    alice.submit(alice.form("/end-all"))
    (held,) = (each for each in _named(world) if each.agent.name == "Scout")
    form = alice.form("/undo-all")
    world.rewrite(held, expires_at=timezone.now())
    alice.submit(form)
    assert lives(world) == {"Second"}


@spec("RFC 9110", "9.2.1")
def test_nobody_takes_back_all_by_an_address_alone_or_for_another_person(world, alice):
    alice.submit(alice.form("/end-all"))
    bob = world.browser("bob")
    bob.go(world.url(MINE))
    mine, theirs = alice.form("/undo-all"), dict(bob.form("/look").fields)["csrfmiddlewaretoken"]
    with leaves_only(world):
        assert alice.http.get(world.url("/me/agents/undo-all")).status_code == 405
        sent = {"csrfmiddlewaretoken": theirs}
        answer = bob.http.post(world.url("/me/agents/undo-all"), data=sent, headers={"Origin": world.origin})
        assert answer.status_code == 409
    alice.submit(mine)
    assert lives(world) == {"Scout", "Second"}


@spec("RFC 9700", "4.14")
@pytest.mark.parametrize("why", ["endless", "unused", "elsewhere"])
def test_one_notice_says_what_wants_to_be_looked_at_and_leads_there(world, why):
    bad = world.public_client("Travel planner")
    world.grant(bad, scope="events:read events:write", tick=[f"{world.calendar.pk} events:write"])
    world.grant(world.public_client("Harmless"), scope="events:read")
    (held,) = (each for each in _named(world) if each.agent.name == "Travel planner")
    browser = world.browser("alice")
    browser.go(world.url(MINE))
    assert "Look at it" not in browser.words()
    if why == "elsewhere":
        world.rewrite(bad.client, redirect_uris=["https://another.example/back"])
        said = "Travel planner now has its answers sent to another address than when you allowed it Calendar."
    elif why == "endless":
        world.rewrite(held, expires_at=None)
        said = "Travel planner can change things at Calendar and has no end date."
    else:
        with context.use(world.tenant):
            AccessToken.objects.filter(delegation=held).delete()
        said = "Travel planner can change things at Calendar and was never used."
    browser.go(world.url(MINE))
    assert said in browser.words()
    assert f'<a href="#{held.pk}">Look at it</a>' in browser.page.text
    assert f'id="{held.pk}"' in browser.page.text
