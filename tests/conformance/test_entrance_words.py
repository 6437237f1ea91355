"""What the door says: what somebody proves themselves for, and why their company's sign-in did not let them in."""

import re
import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from agents.models import Approval
from audit.principals import SYSTEM
from console.entrance import proving
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_authorize_sign_in import long_ago
from tests.conformance.test_company_sign_in import arrives, members_of, provider, signed_in
from tests.harness import authenticator_app as app
from tests.harness import company, inside
from tests.harness.world import PASSWORD
from tests.spec import spec

__all__ = ["provider"]


@spec("RFC 9470", "3")
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/console/members/{bob}/remove", "Removing somebody needs that you prove it is you."),
        ("/console/agents/{agent}/end", "Ending an agent needs that you prove it is you."),
        ("/console/settings/pause", "Pausing everything needs that you prove it is you."),
        ("/me/security/passkeys/add", "Adding a passkey needs that you prove it is you."),
    ],
)
def test_the_page_that_asks_again_says_what_for_and_goes_on_there(world, path, words):
    agent = world.secret_client("Scout").client.agent_id
    place = world.url(path.format(bob=world.people["bob"].pk, agent=agent))
    ada = world.browser("ada")
    long_ago(world, ada, minutes=10)
    ada.go(place)
    assert "/login/again" in str(ada.page.url)
    assert f"{words} Type your password." in ada.words()
    ada.submit(ada.form("/login/again"), {"password": PASSWORD})
    assert str(ada.page.url) == place


@spec("RFC 9470", "3")
def test_what_a_factor_proves_is_said_by_the_way_it_is_proved(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    world.public_client("Newcomer")
    ada = world.browser("ada")
    app.add(world, ada)
    ada.go(world.url("/console/approvals"))
    long_ago(world, ada, minutes=10)
    ada.submit(ada.form("/approve"))
    assert "Approving needs that you prove it is you. Type a code." in ada.words()
    with context.use(world.tenant):
        assert Approval.objects.get().status == "waiting"


@spec("RFC 9470", "3")
def test_another_address_brings_no_words_of_an_act_that_was_left(world):
    ada = world.browser("ada")
    long_ago(world, ada, minutes=10)
    ada.go(world.url("/console/settings/pause"))
    ada.go(world.url(f"/login/again?next=/t/{world.tenant.slug}/me/agents"))
    assert "Sign in again" in ada.words()
    assert "needs that you prove it is you" not in ada.words()


@spec("OIDC Core", "3.1.2.1")
def test_an_agent_that_asks_for_a_proof_is_said_to_ask(world):
    alice = world.ask(world.public_client("Scout"), "alice", prompt="login")
    assert "An agent wants you to prove that it is you, before you decide what it may do." in alice.words()


def test_the_words_are_of_acts_that_there_are():
    from remit import tenant_urls

    assert set(proving.ACTS) <= {each.name for each in tenant_urls.urlpatterns}


@pytest.mark.interop
@spec("OIDC Core", "3.1.3.7")
@pytest.mark.parametrize("off", [-3600, 3600])
def test_a_token_of_another_time_is_said_to_be_one_and_nobody_is_signed_in(world, initech, provider, off):
    told = int(time.time()) + off
    browser = arrives(world, initech, provider, iat=told, exp=told + 300)
    assert "The clock of your company's sign-in differs from ours" in browser.words()
    assert time.strftime("%Y-%m-%d %H:%M:%S,", time.gmtime(told)) in browser.words()
    assert not signed_in(world, browser)
    assert "Peter" not in members_of(world)
    assert len(world.entries("login.refused")) == 1


@spec("RFC 9110", "15.6.3")
def test_a_provider_that_does_not_answer_is_said_to_since_when_and_which_ways_do_not_need_it(world):
    away = company.let_sign_in_at(world, "https://localhost:1", "remit", "a-secret-there")
    browser = world.browser()
    page = browser.go(world.url(f"/login/company?at={away.pk}"))
    assert page.status_code == 502
    assert re.search(r"When \d\d:\d\d:\d\d UTC Since just now", browser.words())
    assert "A passkey, or a password with a second factor" in browser.words()
    cache.set(f"company:silent:{away.pk}", timezone.now() - timedelta(minutes=12))
    later = inside.get(world, f"/login/company?at={away.pk}")
    assert "<dd>12 min ago</dd>" in later.content.decode()
