"""What an admin takes back of the rules ends what stands on them, on both sides (ID-JAG §9.3, EMA §7.4)."""

from functools import partial

import pytest

from agents import across as across_actions
from agents.errors import Unusable as ClientUnusable
from audit.principals import SYSTEM, Kind, Principal
from kit import context
from tests.harness import chain, domains
from tests.harness.domains import Foreign
from tests.spec import spec
from tokens import actions as token_actions
from tokens import stops
from trust import actions as trust_actions
from trust.errors import Unusable


@pytest.fixture
def across(world, elsewhere):
    return domains.make(world, elsewhere)


def forbid(across):
    stops.forbid_across(across.rule, by=SYSTEM)


def disable_client(across):
    stops.disable_client(across.here.client, by=SYSTEM, reason="strange")


def disable_audience(across):
    stops.change_audience(across.audience, by=SYSTEM, is_enabled=False)


@spec("ID-JAG", "9.3")
@pytest.mark.parametrize("take_back", [forbid, disable_client, disable_audience])
def test_what_an_admin_of_acme_takes_back_is_over_at_globex_at_once(across, take_back):
    token, spare = across.cross(), across.grant()
    assert across.globex.is_active(token)
    with context.use(across.acme.tenant):
        take_back(across)
    assert not across.globex.is_active(token)
    assert across.request().status_code in {400, 401}
    across.refuses_to_redeem(spare)
    (recalled,) = across.acme.entries("delegation.recalled")
    assert recalled.detail == {"at": across.globex.tenant.issuer, "delegations": 1}


@spec("ID-JAG", "9.3")
def test_a_rule_that_was_taken_back_and_is_made_anew_lets_across_again(across):
    across.cross()
    with context.use(across.acme.tenant):
        forbid(across)
    across.refuses("access_denied")
    across.allow(everyone=True)
    domains.wait()
    assert across.globex.is_active(across.cross())


@spec("MCP", "EMA 7.4")
def test_tokens_of_an_issuer_that_is_switched_off_are_inactive_and_what_was_made_of_them_too(across):
    token = across.cross()
    narrowed = across.globex.exchange(across.there, token, scope="events:read").json()["access_token"]
    assert across.globex.is_active(token)
    assert across.globex.is_active(narrowed)
    switch = partial(trust_actions.change_issuer, across.trusted, by=SYSTEM)
    with context.use(across.globex.tenant):
        switch(is_enabled=False)
    assert not across.globex.is_active(token)
    assert not across.globex.is_active(narrowed)
    assert across.globex.exchange(across.there, token, scope="events:read").json()["error"] == "invalid_request"
    with context.use(across.globex.tenant):
        switch(is_enabled=True)
    assert across.globex.is_active(token)


@spec("ID-JAG", "9.5")
def test_what_globex_s_admin_ended_stays_ended_whatever_changes_but_the_link(across):
    across.cross()
    ada = Principal(Kind.USER, across.globex.people["ada"].pk, "Ada")
    with context.use(across.globex.tenant):
        (there,) = across.standing(across.globex)
        token_actions.end_delegation(there, by=ada, reason="not here")
        trust_actions.change_issuer(across.trusted, by=ada, name="Acme, Incorporated")
    domains.wait()
    across.refuses_to_redeem(across.grant())
    with context.use(across.globex.tenant):
        (link,) = across.trusted.links.all()
        trust_actions.unlink_subject(link, by=ada)
        trust_actions.link_subject(across.trusted, link.subject, link.member, by=ada, how="admin")
    assert across.globex.is_active(across.cross())


@spec("ID-JAG", "5")
def test_a_name_elsewhere_is_one_client_s_and_a_resource_elsewhere_one_server_s(across):
    other = chain.asker(across.acme, "Another")
    with context.use(across.acme.tenant):
        with pytest.raises(ClientUnusable):
            across_actions.name_elsewhere(other.client, across.audience, across.there.id, by=SYSTEM)
        across_actions.name_elsewhere(other.client, across.audience, "another-name", by=SYSTEM)
        resources = {across.globex.calendar.identifier: ["events:read"]}
        with pytest.raises(Unusable):
            trust_actions.add_audience(Foreign().url, by=SYSTEM, resources=resources)
        trust_actions.add_audience(Foreign().url, by=SYSTEM, resources={"https://api.foreign.example/": ["read"]})


@spec("ID-JAG", "4.4")
def test_an_id_token_opens_nothing_of_what_an_issuer_said(world):
    foreign, both = Foreign(), chain.asker(world, "Both", grant_types=domains.CROSSES)
    domains.trust_foreign(world, foreign)
    assert domains.present(world, both, foreign.grant(world, both, scope="events:write")).status_code == 200
    signed_in = world.grant(both, scope="openid", resource=None)["id_token"]
    form = {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "resource": world.calendar.identifier}
    assert world.exchange(both, signed_in, **form).json()["error"] == "invalid_target"
