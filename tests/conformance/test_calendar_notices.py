"""What the calendar brings: ends that are announced and renewed, access that goes quiet, refusals, old secrets."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from agents import credentials
from agents.models import Agent, Client
from audit import ledger
from audit.events import Event
from audit.principals import SYSTEM, Kind, Principal
from delegations.models import Consent, Delegation
from kit import context
from notices import actions, kinds, rounds, sending, turns, watch
from notices.models import Turn
from tenants import actions as tenant_actions
from tenants import members
from tests.conformance.test_notices import text_of
from tests.harness import crowd, mailbox, many
from tests.spec import spec
from tokens import idleness
from tokens.models import AccessToken

DAY = timedelta(days=1)


@pytest.fixture
def box():
    with mailbox.listening() as box, override_settings(**box.settings):
        yield box


@pytest.fixture
def scout(world):
    """An agent of bob's, which alice lets read her calendar for a week, and which used that."""
    who = world.public_client("Scout")
    world.grant(who)
    with context.use(world.tenant):
        Agent.objects.filter(pk=who.client.agent_id).update(owner=world.people["bob"])
    return who


def of(world, who):
    (found,) = [each for each in world.delegations() if each.client_id == who.client.pk and each.ended_at is None]
    return found


def age(world, delegation, *, allowed, ends=None, used=None):
    """Let a delegation be so old, end in so long, and have been used so long ago."""
    now = timezone.now()
    world.rewrite(delegation, created_at=now - allowed, expires_at=now + ends if ends is not None else None)
    with context.use(world.tenant):
        Consent.objects.filter(pk=delegation.consent_id).update(created_at=now - allowed)
        tokens = AccessToken.objects.filter(delegation=delegation)
        tokens.update(created=now - used) if used is not None else tokens.delete()


def morning(world, days=0):
    zone = ZoneInfo(world.tenant.time_zone)
    return datetime.combine(timezone.now().astimezone(zone).date(), rounds.AT, tzinfo=zone) + timedelta(days=days)


def look(world, now=None):
    with context.use(world.tenant):
        return watch.look(now or timezone.now())


def round_of(world, now):
    with context.use(world.tenant):
        return rounds.go(now)


def tell(world, box):
    """Let the clock seal, read and send; return what was sent to whom."""
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    before = len(box.messages)
    with context.use(world.tenant):
        actions.read_ledger(timezone.now())
        sending.send_due(timezone.now() + timedelta(seconds=1))
    return {message["To"].split("@")[0]: message for message in box.messages[before:]}


# --- ends soon


ENDS = {
    "a day before": (29 * DAY, DAY / 2, DAY, True),
    "long before": (29 * DAY, 1.5 * DAY, DAY, False),
    "unused for a week": (29 * DAY, DAY / 2, 8 * DAY, False),
    "never used": (29 * DAY, DAY / 2, None, False),
    "a fifth of a short life": (DAY / 3, DAY / 13, DAY / 6, True),
    "more than a fifth of it": (DAY / 3, DAY / 11, DAY / 6, False),
}


@spec("RFC 5322", "3.6")
def test_an_end_is_announced_when_it_is_near_and_the_access_is_in_use(world, scout):
    mine = of(world, scout)
    with context.use(world.tenant):
        token = AccessToken.objects.get()
    for case, (allowed, left, used, is_told) in ENDS.items():
        with context.use(world.tenant):
            Turn.objects.all().delete()
            token.save(force_insert=not AccessToken.objects.exists())
        age(world, mine, allowed=allowed, ends=left, used=used)
        assert look(world) == is_told, case
        assert look(world) == 0, "it is announced once"
    assert len(world.entries("delegation.ends_soon")) == 2


@spec("RFC 5322", "3.6")
def test_the_mail_leads_to_a_page_that_does_nothing_until_somebody_allows_it_anew(world, scout, box):
    before = of(world, scout)
    age(world, before, allowed=29 * DAY, ends=DAY / 2, used=DAY)
    look(world)
    mails = tell(world, box)
    assert list(mails) == ["alice"]
    page = world.url(f"/me/agents/{before.pk}/renew")
    assert page in text_of(mails["alice"])
    assert mails["alice"]["Subject"] == "Renew or let go: Scout acts for you and that ends soon"
    alice = world.browser("alice")
    shown = alice.go(page)
    assert "Let Scout use Calendar for you?" in shown.text
    assert "You allowed Scout this before." in shown.text
    assert of(world, scout).expires_at - timezone.now() < DAY, "a page was opened, and that is all"
    alice.submit(alice.form("/renew"), {"decision": "allow", "duration": "week"})
    after = of(world, scout)
    assert (after.pk, after.scopes) == (before.pk, before.scopes)
    assert 6 * DAY < after.expires_at - timezone.now() <= 7 * DAY
    assert after.consent_id != before.consent_id
    with context.use(world.tenant):
        old, new = Consent.objects.get(pk=before.consent_id), Consent.objects.get(pk=after.consent_id)
    assert (new.redirect_host, new.shown["title"]) == (old.redirect_host, old.shown["title"])
    assert len(world.entries("delegation.widened")) == 1
    assert look(world) == 0, "it is far away again"
    age(world, after, allowed=6 * DAY, ends=DAY / 2, used=DAY)
    with context.use(world.tenant):
        Turn.objects.update(at=timezone.now() - 7 * DAY)
    assert look(world) == 1, "and is announced anew when that comes near"


@spec("RFC 6819", "5.1.5.2")
def test_a_renewal_is_nobody_elses_and_of_nothing_that_is_over_or_above_todays_ceiling(world, scout):
    mine = of(world, scout)
    page = world.url(f"/me/agents/{mine.pk}/renew")
    assert world.browser("bob").go(page).status_code == 404
    alice = world.browser("alice")
    alice.go(page)
    form = alice.form("/renew")
    with context.use(world.tenant):
        Agent.objects.filter(pk=scout.client.agent_id).update(ceiling={world.calendar.identifier: []})
    for answer in (alice.go(page), alice.submit(form, {"decision": "allow", "duration": "week"})):
        assert (answer.status_code, "There is nothing to renew" in answer.text) == (400, True)
    with context.use(world.tenant):
        Agent.objects.filter(pk=scout.client.agent_id).update(ceiling=None, status="suspended")
    assert "is paused" in alice.go(page).text
    with context.use(world.tenant):
        Agent.objects.filter(pk=scout.client.agent_id).update(status="active")
        Delegation.objects.filter(pk=mine.pk).update(ended_at=timezone.now())
    assert "There is nothing to renew" in alice.submit(form, {"decision": "allow", "duration": "week"}).text
    assert world.entries("delegation.widened") == []


@spec("RFC 6819", "5.1.5.2")
def test_a_renewal_is_decided_once_and_letting_it_end_changes_nothing(world, scout):
    before = of(world, scout)
    alice = world.browser("alice")
    alice.go(world.url(f"/me/agents/{before.pk}/renew"))
    form = alice.form("/renew")
    alice.submit(form, {"decision": "deny", "duration": "week"})
    assert of(world, scout).version == before.version
    assert [each.reason for each in world.entries("delegation.refused")] == ["not renewed"]
    assert alice.submit(form, {"decision": "allow", "duration": "week"}).status_code == 409
    assert of(world, scout).version == before.version


@spec("RFC 5322", "3.6")
def test_what_was_renewed_or_ended_before_the_mail_left_is_not_told(world, scout, box):
    mine = of(world, scout)
    age(world, mine, allowed=29 * DAY, ends=DAY / 2, used=DAY)
    look(world)
    world.rewrite(mine, expires_at=timezone.now() + 7 * DAY)
    assert tell(world, box) == {}


# --- gone quiet, and the end of what nobody uses


@spec("RFC 5322", "3.6")
def test_what_goes_quiet_is_told_in_one_mail_a_week_to_the_person_and_the_owner(world, scout, box):
    age(world, of(world, scout), allowed=50 * DAY, ends=10 * DAY, used=31 * DAY)
    reader = world.public_client("Reader")
    world.code(reader)
    age(world, of(world, reader), allowed=31 * DAY, ends=10 * DAY)
    assert round_of(world, morning(world) - timedelta(minutes=1)) == 0, "it is not nine yet"
    assert round_of(world, morning(world)) == 2
    assert round_of(world, morning(world) + timedelta(hours=1)) == 0, "once a day"
    mails = tell(world, box)
    assert sorted(mails) == ["alice", "bob"]
    alice = text_of(mails["alice"])
    assert "- Scout at Calendar, last used: 31 days ago" in alice
    assert "- Reader at Calendar, last used: never" in alice
    assert world.url("/me/agents") in alice
    assert "- Scout: 1" in text_of(mails["bob"])
    third = world.public_client("Third")
    world.code(third)
    age(world, of(world, third), allowed=29 * DAY, ends=10 * DAY)
    assert round_of(world, morning(world, days=2)) == 0, "it is quiet, and the week is not over"
    assert round_of(world, morning(world, days=8)) == 1, "alice alone: nothing new is quiet for bob"
    assert round_of(world, morning(world, days=16)) == 0


@spec("RFC 5322", "3.6")
def test_whoever_uses_it_again_before_the_mail_left_is_not_told(world, scout, box):
    mine = of(world, scout)
    age(world, mine, allowed=50 * DAY, ends=10 * DAY, used=31 * DAY)
    round_of(world, morning(world))
    age(world, mine, allowed=50 * DAY, ends=10 * DAY, used=DAY)
    assert tell(world, box) == {}


@spec("RFC 9700", "2.3")
def test_a_policy_ends_what_nobody_used_for_so_long_and_the_person_is_told_why(world, scout, box):
    mine = of(world, scout)
    age(world, mine, allowed=200 * DAY, ends=10 * DAY, used=91 * DAY)
    round_of(world, morning(world))
    assert of(world, scout), "nothing ends where no policy says so"
    tell(world, box)
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=90)
    used = world.public_client("Reader")
    world.grant(used)
    age(world, of(world, used), allowed=200 * DAY, ends=10 * DAY, used=89 * DAY)
    with context.use(world.tenant):
        assert idleness.end_due(morning(world)) == 1
        assert idleness.end_due(morning(world)) == 0
    assert of(world, used)
    (entry,) = world.entries("delegation.ended")
    assert (entry.about_id, entry.principal_id, entry.reason) == (mine.pk, "system", "nobody used it for 90 days")
    assert entry.detail["receipt"]["token_families_ended"] == 1
    assert "nobody used it for 90 days" in text_of(tell(world, box)["alice"])


@spec("RFC 9700", "2.3")
def test_a_policy_of_unused_access_leaves_time_to_be_told(world):
    for days in (30, 0):
        assert tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=days).unused_days == days
    for days in (29, -1, True, "90"):
        with pytest.raises(ValueError, match="30 to 3650, or 0"):
            tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=days)


@spec("RFC 9700", "2.3")
def test_a_token_at_the_moment_of_such_an_end_is_seen_or_refused(world):
    who = world.public_client("Scout")
    refresh = world.grant(who)["refresh_token"]
    age(world, of(world, who), allowed=200 * DAY, ends=10 * DAY, used=91 * DAY)
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=90)
    now = timezone.now()

    def act(number):
        return idleness.end_due(now) if number else world.refresh(who, refresh).status_code

    assert crowd.at_once(2, act, tenant=world.tenant) in ([200, 0], [400, 1])


@spec("RFC 9700", "2.3")
def test_many_clocks_at_once_tell_and_end_each_once(world, scout):
    age(world, of(world, scout), allowed=29 * DAY, ends=DAY / 2, used=DAY)
    agent = many.delegations(world, 12)
    now = morning(world)
    with context.use(world.tenant):
        Delegation.objects.filter(agent=agent).update(created_at=now - 91 * DAY)
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=90)
    crowd.at_once(3, lambda _: watch.look(timezone.now()), tenant=world.tenant)
    assert len(world.entries("delegation.ends_soon")) == 1
    ended = crowd.at_once(3, lambda _: idleness.end_due(now), tenant=world.tenant)
    assert sum(ended) == 12
    assert len({entry.about_id for entry in world.entries("delegation.ended")}) == 12
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=0)
    age(world, of(world, scout), allowed=50 * DAY, ends=10 * DAY, used=31 * DAY)
    crowd.at_once(3, lambda _: rounds.go(now), tenant=world.tenant)
    assert len(world.entries("delegation.gone_quiet")) == 2


@spec("RFC 9700", "2.3")
def test_telling_one_person_more_takes_three_statements_in_a_transaction_more(world, django_assert_max_num_queries):
    now = morning(world)
    for number in (1, 30):
        agent = many.delegations(world, number, name=f"Crowd {number}")
        with context.use(world.tenant):
            Delegation.objects.filter(agent=agent).update(created_at=now - 31 * DAY)
            Turn.objects.filter(name=rounds.ROUND).delete()
            with django_assert_max_num_queries(18 + 5 * number, connection=connections["default"]):
                assert rounds.go(now) == number


# --- agents


@spec("RFC 9700", "4.10")
def test_a_burst_of_refusals_is_told_once_a_day_to_the_owner_and_whoever_may_pause_it(world, scout, box, monkeypatch):
    for _ in range(watch.LEAST - 1):
        assert world.refresh(scout, "rtf_nothing.0.x").status_code == 400
    assert look(world) == 0
    assert world.refresh(scout, "rtf_nothing.0.x").status_code == 400
    with monkeypatch.context() as usual:
        # All of these a while ago, and as many again: of an agent that is refused twice an hour, twenty are no burst.
        usual.setattr(watch, "HOUR", timedelta(0))
        usual.setattr(watch, "refused_often", lambda now: [(scout.client.agent_id, watch.LEAST, "")])
        usual.setattr(watch, "_HOURS", 9)
        assert look(world) == 0
    assert [look(world), look(world)] == [1, 0]
    mails = tell(world, box)
    assert sorted(mails) == ["ada", "bob"]
    assert mails["bob"]["Subject"] == "Scout is refused often"
    assert "Scout was refused 20 times within an hour; usually it is 0." in text_of(mails["bob"])
    last = world.entries("token.refused")[-1]
    assert world.url(f"/why/{last.pk}") in text_of(mails["bob"])
    assert world.browser("bob").go(world.url(f"/why/{last.pk}")).status_code == 200


@spec("RFC 6819", "5.1.4.1.5")
def test_an_old_secret_is_told_of_thirty_days_a_week_and_a_day_before_its_year_is_over(world, box):
    worker = world.worker()
    with context.use(world.tenant):
        Agent.objects.filter(pk=worker.client.agent_id).update(owner=world.people["bob"])
    made = morning(world) - rounds.SECRET_LIFE + 31 * DAY
    world.rewrite(worker.client, created=made)
    told = [days for days in (0, 1, 2, 23, 24, 29, 30, 31) if round_of(world, morning(world, days=days))]
    assert told == [1, 24, 30]
    mails = tell(world, box)
    assert sorted(mails) == ["ada", "bob"]
    assert "add a second secret" in text_of(mails["ada"]).lower()
    with context.use(world.tenant):
        client = Client.objects.get(pk=worker.client.pk)
        credentials.add_secret(client, by=SYSTEM)
        credentials.retire(Client.objects.get(pk=client.pk), credentials.FIRST_SECRET, by=SYSTEM)
        Turn.objects.all().delete()
    assert round_of(world, morning(world, days=30)) == 0, "it was replaced"


# --- the same for every kind


@spec("RFC 2369", "3.2")
def test_every_kind_can_be_refused_but_the_one_that_guards_the_way_in(world):
    alice = world.people["alice"]
    with context.use(world.tenant):
        actions.choose(alice, list(kinds.REGISTRY), by=SYSTEM)
        always = {name for name, kind in kinds.REGISTRY.items() if kind.is_always}
        assert actions.unwanted_by(alice) == kinds.REGISTRY.keys() - always
    assert always == {"factors-changed"}
    page = world.browser("ada").go(world.url("/me/notices")).text
    for name, kind in kinds.REGISTRY.items():
        assert (f'id="{name}"' in page) is (name not in always), kind.title


@spec("RFC 5322", "3.6")
def test_a_person_is_told_of_a_factor_and_a_role_that_was_given_them_and_nobody_of_their_own_doing(world, box):
    with context.use(world.tenant):
        actions.choose(world.people["alice"], list(kinds.REGISTRY), by=SYSTEM)
        by = Principal(Kind.USER, world.people["alice"].pk, "Alice")
        for event in (Event.FACTOR_ADDED, Event.SIGNED_IN):
            ledger.record(event, by=by, about=world.people["alice"])
        members.give_role(world.people["bob"], "auditor", by=world.people["ada"])
    mails = tell(world, box)
    assert sorted(mails) == ["alice", "bob"]
    assert mails["alice"]["Subject"] == "A way to sign in was added to you"
    assert "If it was not" in text_of(mails["alice"])
    assert "Your role is Auditor now; it was Member." in text_of(mails["bob"])


def test_an_announcement_is_forgotten_when_it_cannot_come_again(world, scout):
    age(world, of(world, scout), allowed=29 * DAY, ends=DAY / 2, used=DAY)
    look(world)
    with context.use(world.tenant):
        assert turns.forget(timezone.now() + turns.KEPT - DAY) == 0
        assert turns.forget(timezone.now() + turns.KEPT + DAY) == 1
