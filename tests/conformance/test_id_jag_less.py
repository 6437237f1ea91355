"""Across domains what somebody made smaller stays so: where grants are issued, and where they are taken."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.events import Event
from tests.conformance.test_resources_api import asker
from tests.harness import domains
from tests.harness.world import claims
from tests.spec import spec

READ, WRITE = domains.SCOPES
BOTH = f"{READ} {WRITE}"
SCOPE = "delegations:narrow"
GONE = "all of what was asked was taken away"


@pytest.fixture
def across(world, elsewhere):
    """An agent that crossed with all that acme lets it; `token` is what it got at globex."""
    across = domains.make(world, elsewhere)
    across.token = across.cross(scope=BOTH)
    return across


def held(across, world):
    (standing,) = [each for each in across.standing(world) if each.ended_at is None]
    return standing


def less(across, world, **said):
    """Make what stands at a tenant smaller over its API, as ada; return where that is taken back."""
    ask = asker(world, "ada", SCOPE)
    found = held(across, world)
    answer = ask("PATCH", f"/delegations/{found.pk}", {**said, "reason": "reading will do"})
    assert answer.status_code == 200, answer.text
    return lambda: ask("POST", f"/delegations/{found.pk}/put-back")


def seen(world, token):
    world.reader = world.reader or world.introspector()
    return set(world.introspect(world.reader, token).get("scope", "").split())


@spec("ID-JAG", "4.3.3")
def test_what_was_taken_at_the_issuing_tenant_no_later_grant_brings_and_what_stood_on_it_is_recalled(across):
    acme, globex = across.acme, across.globex
    assert seen(globex, across.token) == {READ, WRITE}
    less(across, acme, scopes=[READ])
    assert not globex.is_active(across.token)
    (told,) = acme.entries(Event.DELEGATION_RECALLED)
    assert told.about_id == held(across, acme).pk
    domains.wait()
    for asked in (BOTH, None):
        grant = across.grant(scope=asked)
        assert claims(grant)["scope"] == READ
        assert seen(globex, across.redeem(grant).json()["access_token"]) == {READ}
    assert across.refuses("access_denied", scope=WRITE).endswith(GONE)
    assert held(across, acme).withheld_set == {WRITE}


@spec("ID-JAG", "9.3")
def test_what_was_taken_at_the_accepting_tenant_no_later_grant_brings_there_and_acme_says_what_it_said(across):
    globex = across.globex
    less(across, globex, scopes=[READ])
    assert seen(globex, across.token) == {READ}
    domains.wait()
    grant = across.grant(scope=BOTH)
    assert claims(grant)["scope"] == BOTH
    answer = across.redeem(grant)
    assert (answer.status_code, answer.json()["scope"]) == (200, READ)
    assert seen(globex, answer.json()["access_token"]) == {READ}
    assert across.refuses_to_redeem(across.grant(scope=WRITE)).endswith(GONE)
    assert across.redeem(across.grant(scope=READ)).status_code == 200
    assert held(across, globex).scope_set == {READ}


@spec("ID-JAG", "4.4")
@pytest.mark.parametrize("which", ["acme", "globex"])
def test_an_earlier_end_holds_for_whatever_comes_of_later_grants_and_is_not_outlived(across, which):
    world, globex = getattr(across, which), across.globex
    ends = timezone.now() + timedelta(seconds=100)
    less(across, world, expires_at=ends.isoformat())
    domains.wait()
    assert seen(globex, across.cross(scope=BOTH)) == {READ, WRITE}
    assert held(across, world).expires_at == ends
    if which == "globex":
        answer = across.redeem(across.grant(scope=BOTH))
        assert answer.json()["expires_in"] <= 100
    world.rewrite(held(across, world), expires_at=timezone.now())
    if which == "acme":
        assert across.refuses("invalid_grant").startswith("StaysEnded")
    else:
        assert across.refuses_to_redeem(across.grant()).startswith("StaysEnded")


@spec("ID-JAG", "9.3")
@pytest.mark.parametrize("which", ["acme", "globex"])
def test_what_is_taken_back_is_in_the_next_grant_again(across, which):
    back = less(across, getattr(across, which), scopes=[READ])
    domains.wait()
    assert seen(across.globex, across.cross(scope=BOTH)) == {READ}
    answer = back()
    assert (answer.status_code, answer.json().get("given")) == (200, [WRITE]), answer.text
    assert seen(across.globex, across.cross(scope=BOTH)) == {READ, WRITE}
    assert across.globex.is_active(across.token) == (which == "globex")


@spec("ID-JAG", "9.3")
def test_what_the_issuer_is_trusted_for_by_now_bounds_what_is_taken_back(across):
    back = less(across, across.globex, scopes=[READ])
    across.globex.rewrite(across.trusted, resources={across.globex.calendar.identifier: [READ]})
    answer = back()
    assert (answer.status_code, answer.json()["detail"]) == (422, "Nothing of what was taken is allowed by now.")
    assert held(across, across.globex).scope_set == {READ}


@spec("ID-JAG", "9.3")
def test_people_read_on_their_page_what_is_left_of_what_their_organisation_allowed(across):
    less(across, across.globex, scopes=[READ])
    alice = across.globex.browser("alice")
    alice.go(across.globex.url("/me/agents"))
    words = alice.words()
    assert "Acme allowed this" in words
    assert "Cannot: Change your calendar" in words
    assert datetime.fromisoformat(across.globex.entries(Event.DELEGATION_NARROWED)[0].detail["receipt"]["narrowed_at"])
