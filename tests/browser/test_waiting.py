"""The page of somebody who waits for their admins goes on by itself, up to the code, and loses nothing they typed."""

import pytest
from playwright.sync_api import expect

from agents import admission
from agents.models import Approval
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.spec import spec

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("a person at a browser")]


@spec("RFC 6749", "4.1.1")
def test_the_page_goes_on_to_the_consent_and_back_to_the_agent_once_it_is_decided(stage):
    world = stage.lived_in
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    newcomer = world.public_client("Late arrival")
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="open")
    page = stage.window("bob")
    page.goto(stage.request_url(newcomer))
    page.get_by_role("button", name="Ask your admins").click()
    expect(page.get_by_role("heading", name="Sent to your admins")).to_be_visible()
    page.get_by_label("What do you want it for?").fill("half a sentence")
    page.wait_for_timeout(6000)
    expect(page.get_by_label("What do you want it for?")).to_have_value("half a sentence")
    with context.use(world.tenant):
        question = Approval.objects.get(agent=newcomer.client.agent_id)
        admission.approve(question, by=world.people["ada"], owner=world.people["bob"], ceiling=None)
    expect(page.get_by_role("heading", name="Let Late arrival use Calendar for you?")).to_be_visible(timeout=15000)
    page.get_by_role("button", name="Allow until").click()
    expect(page.get_by_role("heading", name="Back at the agent")).to_be_visible()
    page.context.close()
