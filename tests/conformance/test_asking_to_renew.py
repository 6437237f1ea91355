"""An admin asks a person to renew what ends: a mail that leads to the page where they decide, once a day at most."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from audit import ledger
from kit import context
from notices import actions as notices
from notices import kinds
from notices.models import Notice
from tests.conformance.test_delegations_api import anew, held
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "delegations:ask"
EVENT = "delegation.renewal_asked"


@pytest.fixture
def held_by_alice(world):
    scout = world.public_client()
    world.grant(scout, scope="events:read offline_access", duration="week")
    return held(world, scout, "alice")


@spec("RFC 6749", "1.5")
def test_the_person_gets_a_mail_that_leads_to_the_page_of_the_same_choices(world, held_by_alice):
    ada = world.browser("ada")
    ada.go(world.url(f"/console/delegations/{held_by_alice.pk}"))
    ada.submit(ada.form("/ask-to-renew"))
    assert "Asked to renew just now" in ada.words()
    assert not [each for each in ada.forms() if "/ask-to-renew" in each.action]
    (entry,) = world.entries(EVENT)
    assert (entry.principal_id, entry.on_behalf_of) == (world.people["ada"].pk, world.people["alice"].pk)
    assert anew(world, held_by_alice).expires_at == held_by_alice.expires_at
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    with context.use(world.tenant):
        notices.read_ledger(timezone.now())
        told = Notice.objects.get(kind="asked-to-renew")
        words = kinds.REGISTRY[told.kind].words(entry, told.recipient)
    assert (told.recipient_id, words.link) == (world.people["alice"].pk, f"/me/agents/{held_by_alice.pk}/renew")
    assert words.subject == "Renew or let go: Ada asks you about Scout"
    alice = world.browser("alice")
    assert "You allowed Scout this before." in alice.go(world.url(words.link)).text


@spec("RFC 9110", "15.5.10")
def test_they_are_asked_once_a_day_at_most_and_only_about_what_they_can_renew(world, held_by_alice):
    ask, path = asker(world, "ada", SCOPES), f"/delegations/{held_by_alice.pk}/ask-to-renew"
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda _: ask("POST", path).status_code, range(2)))
    assert sorted(answers) == [200, 409]
    with leaves_only(world):
        refused = ask("POST", path)
        assert (refused.status_code, "within a day" in refused.json()["detail"]) == (409, True), refused.text
    world.rewrite(held_by_alice, renewal_asked_at=timezone.now() - timedelta(days=1, minutes=1))
    assert ask("POST", path).json()["delegation"] == held_by_alice.pk
    assert len(world.entries(EVENT)) == 2
    for cannot in ({"expires_at": None}, {"ended_at": timezone.now()}, {"origin": "id_jag"}):
        was = {name: getattr(held_by_alice, name) for name in cannot}
        world.rewrite(held_by_alice, renewal_asked_at=None, **cannot)
        with leaves_only(world):
            assert ask("POST", path).status_code == 409, cannot
        world.rewrite(held_by_alice, **was)
    # Whoever may not end it asks nobody.
    bob = asker(world, "bob", SCOPES)
    with leaves_only(world):
        assert bob("POST", path).status_code == 403


@spec("RFC 6749", "3.3")
def test_to_ask_takes_a_scope_of_its_own_which_ends_nothing(world, held_by_alice):
    path = f"/delegations/{held_by_alice.pk}"
    asks, ends = asker(world, "ada", "delegations:ask"), asker(world, "ada", "delegations:revoke")
    with leaves_only(world):
        refused = asks("POST", f"{path}/end", {"reason": "over"}), ends("POST", f"{path}/ask-to-renew")
    assert [each.status_code for each in refused] == [403, 403]
    assert asks("POST", f"{path}/ask-to-renew").status_code == 200
    assert ends("POST", f"{path}/end", {"reason": "over"}).status_code == 200
