"""What a dialog asks stands on its page without scripts too, and comes back with what was typed before a sign-in."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import admission
from agents.models import Approval
from kit import context
from tests.conformance.test_signed_out_meanwhile import expire, sign_in
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec

CARDS = "/console/approvals"


@pytest.fixture
def ada(world):
    """Ada's browser, which signed in at the page itself and so carries its mark."""
    world.grant(world.public_client(), scope="events:read")
    browser = world.browser()
    browser.go(world.url("/login"))
    browser.sign_in(world.email("ada"), PASSWORD)
    return browser


@spec("RFC 9700", "2.1")
def test_a_delegation_of_somebody_else_is_ended_on_a_page_of_its_own_too(world, ada):
    (held,) = world.delegations()
    ada.go(world.url(f"/console/delegations/{held.pk}/end"))
    assert "End this access?" in ada.words()
    assert "Calendar: its last token works until" in ada.words()
    ada.submit(ada.form("/end"), {"reason": "over"})
    assert "This access was ended." in ada.words()
    again = ada.go(world.url(f"/console/delegations/{held.pk}/end"))
    assert str(again.url).endswith(held.pk)


def test_what_was_typed_into_a_dialog_before_a_sign_in_opens_it_again_and_nothing_was_done(world, ada):
    ada.go(world.url(f"/console/resources/{world.calendar.pk}"))
    expire(world, ada)
    with leaves_only(world):
        ada.submit(ada.form("/retire"), {"reason": "It moved."})
    page = sign_in(world, ada)
    assert 'id="retire" aria-labelledby="retire-title" open>' in page.text
    assert dict(ada.form("/retire").fields)["reason"] == "It moved."
    assert world.entries("resource_server.retired") == []
    assert (
        " open>" not in ada.go(world.url(f"/console/resources/{world.calendar.pk}")).text.partition("<dialog")[2][:90]
    )


def test_an_approval_that_cannot_be_undone_any_more_offers_to_pause_the_agent(world, ada):
    with context.use(world.tenant):
        (agent,) = {each.agent for each in world.delegations()}
        approval = Approval.objects.create(
            agent=agent, client=world.delegations()[0].client, kind=Approval.Kind.ADMISSION,
            status=Approval.Status.APPROVED, decided_by=world.people["ada"], decided_at=timezone.now(),
        )  # fmt: skip
    pause = f'<a class="button compact" href="/t/{world.tenant.slug}/console/agents/{agent.pk}/pause">'
    fresh = ada.go(world.url(CARDS)).text
    assert (pause in fresh, f"{approval.pk}/undo" in fresh) == (False, True)
    undo = ada.form(f"{approval.pk}/undo")
    world.rewrite(approval, decided_at=timezone.now() - admission.UNDO - timedelta(seconds=1))
    with leaves_only(world):
        page = ada.submit(undo)
    assert (page.status_code, "It is too late to undo that" in ada.words()) == (409, True)
    assert page.text.count(pause) == 2  # In the place of the card, and in the list of what was decided.
    world.rewrite(agent, status="suspended")
    assert pause not in ada.go(world.url(CARDS)).text
    world.rewrite(agent, status="active")
    world.rewrite(world.people["bob"], role="approver")
    assert pause not in world.browser("bob").go(world.url(CARDS)).text
