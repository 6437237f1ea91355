"""Allowing less on a page: what that did is said, and a flaw loses nothing of what was typed."""

import pytest

from audit.events import Event
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.spec import spec

READ, WRITE, CONTACTS = "events:read", "events:write", "contacts:read"
TAKEN = {"scope": [READ, CONTACTS], "end": "hour"}
WHY = "it need not write"


@pytest.fixture
def chain(world):
    return chains.handed_on(world, 1, scope=f"{READ} {WRITE} {CONTACTS}")


def opened(world, name, path):
    browser = world.browser(name)
    assert browser.go(world.url(path)).status_code == 200
    return browser


@spec("RFC 9700", "2.3")
def test_whoever_made_it_less_reads_who_did_what_that_did_and_until_when_more_may_be_taken(world, chain):
    ada = opened(world, "ada", f"/console/delegations/{chain.delegation(0).pk}")
    assert ada.submit(ada.form("/narrow"), {**TAKEN, "reason": WHY}).status_code == 200
    words = ada.words()
    assert "By Ada, just now" in words
    assert "It may no longer change your calendar at Calendar. 1 part that it handed on became smaller too." in words
    assert "Calendar may accept a token for more until" in words


@spec("RFC 9700", "2.3")
def test_a_person_allows_less_on_their_own_page_and_reads_what_that_did(world, chain):
    root = chain.delegation(0)
    alice = opened(world, "alice", "/me/agents")
    alice.submit(alice.form(f"{root.pk}/narrow"), {"scope": [READ, CONTACTS]})
    assert "It may no longer change your calendar at Calendar." in alice.words()
    assert chain.delegation(0).scope_set == chain.delegation(1).scope_set == {READ, CONTACTS}
    assert (chain.delegation(0).expires_at, chain.delegation(0).shortened_by) == (root.expires_at, "")
    (entry,) = world.entries(Event.DELEGATION_NARROWED)
    assert entry.principal_id == world.people["alice"].pk
    assert "It may no longer" not in alice.go(world.url("/me/agents")).text
    bob = opened(world, "bob", "/me/agents")
    form = alice.form(f"{root.pk}/narrow")
    with leaves_only(world):
        bob.go(world.url("/logout"))
        form.fields = [*bob.form("/logout").fields, ("scope", READ)]
        assert bob.submit(form).status_code == 404


@spec("RFC 9110", "13.1.1")
def test_a_flaw_is_said_and_loses_nothing_of_what_was_typed(world, chain):
    path = f"/console/delegations/{chain.delegation(0).pk}"
    ada, bob = opened(world, "ada", path), world.browser("bob")
    world.rewrite(world.people["bob"], role="security")
    bob.go(world.url(path))
    for fill, status, said in (
        ({**TAKEN, "reason": " "}, 400, "Say why"),
        ({"reason": WHY}, 409, "It is as small as that already."),
        ({"scope": [], "reason": WHY}, 409, "end it instead"),
        ({"scope": [READ, CONTACTS], "end": "century", "version": "x", "reason": WHY}, 409, "changed"),
    ):
        with leaves_only(world):
            assert ada.submit(ada.form("/narrow"), fill).status_code == status, fill
        assert said in ada.words()
        kept = dict(ada.form("/narrow").fields)
        assert kept["reason"] == fill["reason"]
        assert kept["end"] == ("hour" if fill.get("end") == "hour" else "")
        ticked = [value for name, value in ada.form("/narrow").fields if name == "scope"]
        assert ticked == [each for each in (READ, WRITE, CONTACTS) if each in fill.get("scope", ticked)]
        ada.go(world.url(path))
    bob.submit(bob.form("/narrow"), {"scope": [READ], "reason": "less will do"})
    assert chain.delegation(0).scope_set == {READ}
    late = ada.form("/narrow")
    late.fields = [(name, "1" if name == "version" else value) for name, value in late.fields]
    assert ada.submit(late, {"scope": [READ, CONTACTS], "reason": WHY}).status_code == 409
    assert "Bob changed it at" in ada.words()
