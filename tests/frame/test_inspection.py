"""The clock walks the chains: that they hold is said on the page, and what does not hold is loud."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from audit import inspection, ledger
from audit.models import DeadLetter, Inspection, Seal
from tests.conformance.test_resources_api import asker
from tests.frame.test_metrics import scrape
from tests.harness import vandal
from tests.harness.world import World

OPERATOR = settings.OPERATOR_ALIAS
BROKEN = ("remit_ledgers_broken",)


@pytest.fixture
def walked(world: World):
    """A tenant whose chain was walked to its end; nothing of it is left in tables that others count."""
    seal_all(world)
    walk(world)
    yield world
    for table in ("audit_seal", "audit_entry", "audit_inspection"):
        vandal.run(f"DELETE FROM {table} WHERE tenant_id = '{world.tenant.pk}'")
    DeadLetter.objects.using(OPERATOR).filter(of_tenant=world.tenant.pk).delete()


def seal_all(world):
    while ledger.seal(world.tenant.pk, using=OPERATOR):
        pass


def walk(world, **later):
    """Let the clock come to the tenant, and return how many entries it walked."""
    return inspection.inspect(world.tenant.pk, using=OPERATOR, now=timezone.now() + timedelta(**later))


def is_waiting(world, **later):
    return world.tenant.pk in inspection.waiting(timezone.now() + timedelta(**later), using=OPERATOR)


def kept(world):
    return Inspection.unscoped.using(OPERATOR).get(tenant_id=world.tenant.pk)


def letters(world):
    return list(DeadLetter.objects.using(OPERATOR).filter(of_tenant=world.tenant.pk, recovered_at=None))


def seal(world, sequence):
    return Seal.unscoped.using(OPERATOR).get(tenant_id=world.tenant.pk, sequence=sequence)


def test_what_was_walked_is_said_on_the_page_and_over_the_api(walked):
    last = kept(walked)
    assert (last.why, last.reached_entry) == ("", seal(walked, last.reached).entry_id)
    page = walked.browser("ada").go(walked.url("/console/activity"))
    place = f"/t/{walked.tenant.slug}/console/activity/events/{last.reached_entry}"
    assert f'Verified up to <a href="{place}">' in page.text
    told = asker(walked, "ada", "events:read")("GET", "/events/chain").json()
    assert told["broken"] is None
    assert (told["verified"]["sequence"], told["verified"]["entry_id"]) == (last.reached, last.reached_entry)


def test_a_walk_goes_on_where_it_stood_and_begins_again_after_a_day(walked):
    reached = kept(walked).reached
    assert not is_waiting(walked)
    assert walk(walked) == 0
    walked.worker()
    seal_all(walked)
    assert is_waiting(walked)
    new = walk(walked)
    assert 0 < new < kept(walked).reached == reached + new
    assert not is_waiting(walked, hours=23)
    assert is_waiting(walked, hours=25)
    assert walk(walked, hours=25) == reached + new


TAMPERED = {
    "a change of what was walked before": ("UPDATE audit_entry SET reason = 'x' WHERE id = '{entry}'", {"hours": 25}),
    "an entry that is gone": ("DELETE FROM audit_entry WHERE id = '{entry}'", {"hours": 25}),
    "the last seals that are gone": ("DELETE FROM audit_seal WHERE tenant_id = '{tenant}' AND sequence > 2", {}),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_chain_that_does_not_hold_is_loud_until_it_holds_again(walked, how):
    statement, later = TAMPERED[how]
    before = scrape()[BROKEN]
    vandal.run(statement.format(entry=seal(walked, 2).entry_id, tenant=walked.tenant.pk))
    assert is_waiting(walked, **later)
    walk(walked, **later)
    assert kept(walked).why
    assert [letter.error for letter in letters(walked)] == ["Broken"]
    assert scrape()[BROKEN] == before + 1
    page = walked.browser("ada").go(walked.url("/console/activity"))
    assert "The chain of entries does not hold" in page.text
    assert "Verified up to" not in page.text
    told = asker(walked, "ada", "events:read")("GET", "/events/chain").json()
    assert told["broken"]["why"] == kept(walked).why
    assert is_waiting(walked, **later), "it is looked at again each time"


def test_a_chain_that_was_put_right_is_quiet_again(walked):
    entry = seal(walked, 2).entry_id
    vandal.run(f"UPDATE audit_entry SET reason = 'x' || reason WHERE id = '{entry}'")
    walk(walked, hours=25)
    assert letters(walked)
    vandal.run(f"UPDATE audit_entry SET reason = substr(reason, 2) WHERE id = '{entry}'")
    walk(walked, hours=25)
    assert (kept(walked).why, letters(walked)) == ("", [])


def test_a_chain_that_was_made_anew_does_not_fit_what_was_kept_of_the_old_one(walked):
    entry = seal(walked, 1).entry_id
    vandal.run(
        f"UPDATE audit_entry SET reason = 'x' WHERE id = '{entry}'",
        f"DELETE FROM audit_seal WHERE tenant_id = '{walked.tenant.pk}'",
    )
    walked.worker()
    seal_all(walked)
    assert ledger.verify(walked.tenant.pk, using=OPERATOR).broken_at is None
    walk(walked)
    assert kept(walked).why.endswith("was changed")
