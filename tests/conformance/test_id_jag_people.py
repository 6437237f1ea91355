"""What a grant leaves with the person and the admin: seen, ended at once, and ended for good (ID-JAG §9; issue 5)."""

from functools import partial

import pytest

from audit.events import Event
from audit.principals import SYSTEM, Kind, Principal
from delegations.errors import DelegationOver
from kit import context
from tests.harness import domains
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions

MINE = "/me/agents"


@pytest.fixture
def across(world, elsewhere):
    made = domains.make(world, elsewhere)
    made.grant()
    return made


@pytest.fixture
def alice(across):
    """Alice's browser at acme, with her agents open."""
    browser = across.acme.browser("alice")
    browser.go(across.acme.url(MINE))
    return browser


def only(across):
    (delegation,) = across.standing(across.acme)
    return delegation


def end_by_admin(across):
    ada = across.acme.people["ada"]
    with context.use(across.acme.tenant):
        token_actions.end_delegation(only(across), by=Principal(Kind.USER, ada.pk, "Ada"), reason="enough")


def agree_again(across):
    across.acme.grant(across.here, scope="openid", resource=None, prompt="consent")


@spec("ID-JAG", "4.3.3")
def test_every_issue_stands_on_a_delegation_that_says_what_and_where(across):
    for scope in ("events:read", "events:write", "events:read"):
        across.grant(scope=scope)
    found = only(across)
    assert (found.origin, found.elsewhere_id) == ("id_jag", across.audience.pk)
    assert found.audience == across.globex.calendar.identifier
    assert (found.subject, found.agent_id) == (across.acme.people["alice"].pk, across.here.client.agent_id)
    assert found.scopes == domains.SCOPES
    told = [each.about_id for each in across.acme.entries(Event.DELEGATION_ALLOWED)]
    assert told.count(found.pk) == 1


@spec("ID-JAG", "4.3.3")
def test_a_refused_issue_leaves_no_delegation_behind(across):
    with leaves_only(across.acme, Event.TOKEN_REFUSED):
        across.request(scope="events:drop")


@spec("ID-JAG", "9")
def test_the_person_reads_that_the_organisation_allowed_it(across, alice):
    words = alice.words()
    for said in ("Scout uses Globex", "Your organisation allowed this", "events:read"):
        assert said in words, said


@spec("ID-JAG", "9")
def test_what_the_person_ends_on_the_page_is_refused_at_once_whatever_the_admin_says_again(across, alice):
    alice.submit(alice.form(f"{only(across).pk}/end"))
    assert "Scout no longer uses Globex for you." in alice.words()
    across.refuses("access_denied")
    across.allow(everyone=True)
    domains.wait()
    across.refuses("access_denied")
    across.refuses("access_denied", scope="events:write")


@spec("ID-JAG", "9")
def test_what_the_person_ended_comes_back_with_the_person_s_newer_consent(across, alice):
    alice.submit(alice.form(f"{only(across).pk}/end"))
    across.refuses("access_denied")
    agree_again(across)
    assert across.request().status_code == 200
    ended, again = across.standing(across.acme)
    assert ended.ended_at
    assert again.ended_at is None


@spec("ID-JAG", "9")
def test_what_the_person_takes_back_within_minutes_stands_again(across, alice):
    alice.submit(alice.form(f"{only(across).pk}/end"))
    alice.submit(alice.form("/undo"))
    assert across.request().status_code == 200
    assert len(across.standing(across.acme)) == 2


@spec("ID-JAG", "9")
def test_what_an_admin_ended_stays_ended_until_the_admin_s_newer_rule(across):
    end_by_admin(across)
    across.refuses("access_denied")
    agree_again(across)
    across.refuses("access_denied")
    across.allow(everyone=True)
    domains.wait()
    assert across.request().status_code == 200


@spec("ID-JAG", "9")
def test_an_end_is_of_one_person_and_one_resource(across):
    end_by_admin(across)
    across.refuses("access_denied")
    bob = across.acme.grant(across.here, "bob", scope="openid", resource=None)["id_token"]
    assert claims(across.grant(subject_token=bob))["sub"] == across.acme.people["bob"].pk


@spec("ID-JAG", "9")
def test_ending_everything_ends_what_crosses_too(across, alice):
    alice.submit(alice.form("/end-all"))
    assert "No agent acts for you." in alice.words()
    across.refuses("invalid_grant")


@spec("ID-JAG", "9")
def test_a_grant_is_no_way_to_act_here_and_its_delegation_buys_no_token_here(across):
    """What leads elsewhere is no authority at home: neither by the ID token nor by a refresh."""
    acme, here = across.acme, across.here
    at, kind = across.globex.calendar.identifier, "urn:ietf:params:oauth:token-type:id_token"
    ask = partial(acme.exchange, here, across.granted["id_token"], subject_token_type=kind)
    domains.refuses(acme, lambda: ask(resource=at), "invalid_target", of=across.granted["id_token"])
    domains.refuses(acme, lambda: ask(scope="events:read"), "invalid_scope", of=across.granted["id_token"])
    assert acme.refresh(here, across.granted["refresh_token"], resource=at).json()["error"] == "invalid_target"


@spec("ID-JAG", "9")
def test_another_tenant_sees_and_ends_nothing_of_it(across):
    delegation, browser = only(across), across.globex.browser("alice")
    browser.go(across.globex.url(MINE))
    assert "No agent acts for you." in browser.words()
    with context.use(across.globex.tenant), leaves_only(across.acme), pytest.raises(DelegationOver):
        token_actions.end_delegation(delegation, by=SYSTEM, reason="not theirs")
