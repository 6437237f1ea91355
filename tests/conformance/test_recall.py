"""Recall: what ends at the issuing tenant ends what stands on it at the accepting one; both say so (ID-JAG §9.3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM, Kind, Principal
from delegations.standing import RECALLED
from kit import context
from tests.harness import domains
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions
from tokens import stops
from trust import actions as trust_actions

MINE = "/me/agents"


@pytest.fixture
def across(world, elsewhere):
    return domains.make(world, elsewhere)


@pytest.fixture
def token(across):
    """A live token at globex."""
    token = across.cross()
    assert across.globex.is_active(token)
    return token


@pytest.fixture
def spare(across):
    """A grant that nobody presented yet."""
    return across.grant()


def at_acme(across):
    return next(each for each in across.standing(across.acme) if each.ended_at is None)


def end(across):
    ada = across.acme.people["ada"]
    with context.use(across.acme.tenant):
        token_actions.end_delegation(at_acme(across), by=Principal(Kind.USER, ada.pk, "Ada"), reason="enough")


def end_on_the_page(world):
    browser = world.browser("alice")
    browser.go(world.url(MINE))
    (delegation,) = (each for each in world.delegations() if each.origin == "id_jag" and each.ended_at is None)
    browser.submit(browser.form(f"{delegation.pk}/end"))


def end_as_alice(across):
    end_on_the_page(across.acme)


def end_everything(across):
    browser = across.acme.browser("alice")
    browser.go(across.acme.url(MINE))
    browser.submit(browser.form("/end-all"))


def suspend_agent(across):
    with context.use(across.acme.tenant):
        stops.pause_agent(across.here.client.agent, by=SYSTEM, reason="strange")


def suspend_member(across):
    with context.use(across.acme.tenant):
        stops.close_membership(across.acme.people["alice"], by=SYSTEM, reason="left")


def suspend_tenant(across):
    stops.close_tenant(across.acme.tenant, by=SYSTEM, reason="unpaid")


def resume_agent(across):
    with context.use(across.acme.tenant):
        agent_actions.resume_agent(across.here.client.agent, by=SYSTEM)


def lives_at_globex(across):
    return [each for each in across.standing(across.globex) if each.ended_at is None]


def assert_both_ledgers_say_so(across, number=1):
    recalled = across.acme.entries(Event.DELEGATION_RECALLED)
    assert [each.detail["at"] for each in recalled] == [across.globex.tenant.issuer] * number
    ended = across.globex.entries(Event.DELEGATION_ENDED)
    assert {(each.principal_id, each.reason) for each in ended} == {(across.acme.tenant.issuer, RECALLED)}
    assert {each.about_id for each in ended} == {each.pk for each in across.standing(across.globex)}


ENDS = {
    end: "access_denied",
    end_as_alice: "access_denied",
    end_everything: "invalid_grant",
    suspend_agent: "invalid_grant",
    suspend_member: "invalid_grant",
}


@spec("ID-JAG", "9.3")
@pytest.mark.parametrize("over", ENDS)
def test_what_ends_at_acme_is_over_at_globex_at_once_and_in_both_ledgers(across, token, spare, over):
    over(across)
    assert not across.globex.is_active(token)
    assert lives_at_globex(across) == []
    across.refuses(ENDS[over])
    assert "withdrew" in across.refuses_to_redeem(spare)
    assert_both_ledgers_say_so(across)


@spec("ID-JAG", "9.3")
def test_a_tenant_that_is_suspended_takes_back_all_that_it_said(across, token, spare):
    suspend_tenant(across)
    assert not across.globex.is_active(token)
    assert across.request().status_code in {400, 404}  # A process may know of the tenant for a moment still.
    across.refuses_to_redeem(spare)
    domains.wait()
    assert across.request().status_code == 404
    assert_both_ledgers_say_so(across)


@spec("ID-JAG", "9.3")
def test_what_is_over_by_the_calendar_is_no_ground_for_a_token_and_nothing_at_globex_ends_later(across, spare):
    ends = timezone.now() + timedelta(seconds=20)
    across.acme.rewrite(at_acme(across), expires_at=ends)
    token = across.cross()
    assert claims(token)["exp"] <= ends.timestamp()
    (there,) = lives_at_globex(across)
    assert there.expires_at <= ends
    across.acme.rewrite(at_acme(across), expires_at=timezone.now() - timedelta(seconds=1))
    across.refuses_to_redeem(spare)


@spec("ID-JAG", "9.3")
def test_no_grant_outlives_the_delegation_that_it_stands_on(across):
    across.grant()
    across.acme.rewrite(at_acme(across), expires_at=timezone.now() + timedelta(seconds=20))
    assert across.request().json()["expires_in"] <= 20


@spec("ID-JAG", "9.3")
def test_an_agent_that_is_resumed_crosses_with_a_new_grant_and_the_old_token_stays_dead(across, token):
    suspend_agent(across)
    across.refuses("invalid_grant")
    resume_agent(across)
    domains.wait()
    assert across.globex.is_active(across.cross())
    assert not across.globex.is_active(token)
    assert len(across.standing(across.acme)) == 1
    assert len(across.standing(across.globex)) == 2


@spec("ID-JAG", "9.3")
def test_what_acme_ended_is_over_at_globex_until_acme_s_newer_word(across, token):
    end(across)
    across.refuses("access_denied")
    across.allow(everyone=True)
    domains.wait()
    assert across.globex.is_active(across.cross())
    assert not across.globex.is_active(token)


@spec("ID-JAG", "9.3")
def test_a_recall_ends_what_was_made_of_the_token_and_nothing_of_anybody_else(across, token):
    narrowed = across.globex.exchange(across.there, token, scope="events:read").json()["access_token"]
    bob = across.acme.grant(across.here, "bob", scope="openid", resource=None)["id_token"]
    with context.use(across.globex.tenant):
        link = (across.trusted, across.acme.people["bob"].pk, across.globex.people["bob"])
        trust_actions.link_subject(*link, by=SYSTEM, how="admin")
    bobs = across.redeem(across.grant(subject_token=bob)).json()["access_token"]
    own = across.globex.worker()
    alone = across.globex.own_token(own).json()["access_token"]
    suspend_member(across)
    assert not across.globex.is_active(narrowed)
    assert not across.globex.is_active(token)
    assert across.globex.is_active(bobs)
    assert across.globex.is_active(alone)


@spec("ID-JAG", "9.3")
def test_where_nothing_stands_there_is_nothing_to_recall(across, spare):
    with leaves_only(across.globex):
        end(across)
    assert across.acme.entries(Event.DELEGATION_RECALLED) == []
    across.refuses_to_redeem(spare)


# --- globex has a word of its own


def end_at_globex(across):
    ada = across.globex.people["ada"]
    (delegation,) = lives_at_globex(across)
    with context.use(across.globex.tenant):
        token_actions.end_delegation(delegation, by=Principal(Kind.USER, ada.pk, "Ada"), reason="not here")


@spec("ID-JAG", "9.3")
def test_the_person_reads_at_globex_who_allowed_it(across, token):
    browser = across.globex.browser("alice")
    browser.go(across.globex.url(MINE))
    for said in ("Scout there uses Calendar", "Acme allowed this", "Read your calendar"):
        assert said in browser.words(), said


@spec("ID-JAG", "9.3")
def test_what_globex_s_admin_ended_stays_ended_although_acme_goes_on_asserting(across, token):
    end_at_globex(across)
    assert not across.globex.is_active(token)
    for _ in range(2):
        across.refuses_to_redeem(across.grant())
    end(across)
    across.allow(everyone=True)
    domains.wait()
    across.refuses_to_redeem(across.grant())


@spec("ID-JAG", "9.3")
def test_what_the_person_ended_at_globex_no_admin_brings_back(across, token):
    end_on_the_page(across.globex)
    assert not across.globex.is_active(token)
    across.refuses_to_redeem(across.grant())
    with context.use(across.globex.tenant):
        trust_actions.change_issuer(across.trusted, by=SYSTEM, name="Acme, as agreed again")
    domains.wait()
    across.refuses_to_redeem(across.grant())
    assert len(across.acme.entries(Event.DELEGATION_RECALLED)) == 0


@spec("ID-JAG", "9.3")
def test_what_ends_at_globex_leaves_acme_as_it_is(across, token):
    with leaves_only(across.acme):
        end_at_globex(across)
    assert across.request().status_code == 200
