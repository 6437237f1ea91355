"""A role may end on a day: from its last second on it opens nothing, whether the clock was there or not."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from audit import ledger
from kit import context
from notices import actions, sending, watch
from tenants import members
from tenants.models import Membership
from tests.conformance.test_resources_api import asker
from tests.harness import crowd, mailbox
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "members:read members:write agents:read"
SOON = timedelta(days=2)


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPES)


def place(world, name="bob"):
    return f"/members/{world.people[name].pk}"


def stands(world, name="bob"):
    with context.use(world.tenant):
        found = Membership.objects.get(pk=world.people[name].pk)
    return found.role, found.role_until


def ends(delta):
    return (timezone.now() + delta).isoformat()


@spec("RFC 9700", "2.3")
def test_a_role_ends_by_itself_at_its_last_second_and_the_clock_writes_it_down_once(world, ada):
    given = ada("PATCH", place(world), {"role": "auditor", "role_until": (until := ends(SOON))})
    assert (given.status_code, datetime.fromisoformat(given.json()["role_until"])) == (
        200,
        datetime.fromisoformat(until),
    )
    bob, browser = asker(world, "bob", SCOPES), world.browser("bob")
    assert (bob("GET", "/agents").status_code, browser.go(world.url("/console")).status_code) == (200, 200)
    assert "Bob" in str(ada("GET", "/members?role_ends_before=7d").json()["members"])
    world.rewrite(world.people["bob"], role_until=timezone.now())
    with leaves_only(world):
        assert (bob("GET", "/agents").status_code, browser.go(world.url("/console")).status_code) == (403, 403)
    assert "Your role here is Member" in browser.words()
    now = timezone.now()
    done = crowd.at_once(2, lambda _: members.end_roles_due(now), tenant=world.tenant)
    assert (sorted(done), stands(world)) == ([0, 1], ("member", None))
    first, last = world.entries("member.role_changed")
    assert (first.detail["after"], first.detail["until"][:19]) == ("auditor", until[:19])
    assert (last.principal_id, last.detail["before"], last.detail["after"]) == ("system", "auditor", "member")


LASTING, ENDING = ("admin", None), ("admin", SOON)
CASES = (
    (LASTING, "bob", ("member", None), {"role": "admin", "role_until": SOON}, 200),
    (LASTING, "bob", ("member", None), {"role": "admin", "role_until": -SOON}, 422),
    (LASTING, "bob", ("admin", SOON), {"role_until": None}, 200),
    (LASTING, "ada", ("admin", None), {"role_until": SOON}, 409),
    (ENDING, "ada", ENDING, {"role_until": None}, 403),
    (ENDING, "ada", ENDING, {"role": "auditor", "role_until": 2 * SOON}, 403),
    (ENDING, "ada", ENDING, {"role_until": SOON / 2}, 200),
    (ENDING, "bob", ("member", None), {"role": "approver"}, 403),
    (ENDING, "bob", ("member", None), {"role": "approver", "role_until": SOON / 2}, 200),
    (ENDING, "bob", ("approver", None), {"role": "auditor"}, 200),
    (("security", None), "bob", ("member", None), {"role": "approver", "role_until": SOON}, 200),
    (("security", None), "bob", ("admin", SOON), {"role_until": SOON / 2}, 403),
)
"""What ada is, whose role it is and which, what she says, and the answer; alice is an admin beside an ada who is one
until a day.
"""


@spec("RFC 9700", "2.3")
def test_nobody_gives_a_role_for_longer_than_they_have_their_own(world, ada):
    for mine, whose, before, said, status in CASES:
        now = timezone.now()
        world.rewrite(world.people["alice"], role="admin" if mine[1] else "member")
        for name, (role, until) in {"bob": ("member", None), "ada": mine, whose: before}.items():
            world.rewrite(world.people[name], role=role, role_until=until and now + until)
        body = {name: (now + each).isoformat() if isinstance(each, timedelta) else each for name, each in said.items()}
        rows = stands(world, whose)
        answer = ada("PATCH", place(world, whose), body)
        assert answer.status_code == status, (mine, whose, before, said, answer.text)
        assert (stands(world, whose) != rows) == (status == 200)


def test_the_page_takes_the_last_day_of_a_role_and_keeps_what_it_shows(world):
    ada = world.browser("ada")
    day = timezone.now().astimezone(ZoneInfo(world.tenant.time_zone)).date() + timedelta(days=3)
    role = f"/{world.people['bob'].pk}/role"
    ada.go(world.url("/console/members"))
    ada.submit(ada.form(role), {"role": "approver", "until": f"{day}"})
    _, until = stands(world)
    assert until.astimezone(ZoneInfo(world.tenant.time_zone)).date() == day + timedelta(days=1)
    assert ("Ends" in ada.words(), f'value="{day}"' in ada.page.text) == (True, True)
    ada.submit(ada.form(role), {"role": "auditor"})
    assert stands(world) == ("auditor", until)
    ada.go(world.url("/console/members?role_ends_before=7d"))
    assert ("bob@" in ada.words(), "alice@" in ada.words()) == (True, False)
    with leaves_only(world):
        assert ada.submit(ada.form(role), {"until": "soon"}).status_code == 422
    ada.submit(ada.form(role), {"until": ""})
    assert stands(world) == ("auditor", None)


@spec("RFC 5322", "3.6")
def test_whoever_has_it_and_whoever_gives_it_are_warned_once_before_a_role_ends_and_told_when_it_has(world, ada):
    ada("PATCH", place(world), {"role": "auditor", "role_until": ends(timedelta(days=30))})
    now = timezone.now()

    def tell(at):
        with context.use(world.tenant):
            watch.look(at)
        ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
        with context.use(world.tenant):
            actions.read_ledger(timezone.now())
            sending.send_due(timezone.now())
        subjects = sorted((each["To"], each["Subject"]) for each in box.messages)
        box.messages.clear()
        return subjects

    with mailbox.listening() as box, override_settings(**box.settings):
        assert tell(now) == [(world.email("bob"), "Your role was changed")]
        assert tell(now + timedelta(days=26)) == []
        warned = [(world.email("ada"), "The role of Bob ends soon"), (world.email("bob"), "Your role ends soon")]
        assert (tell(now + timedelta(days=28)), tell(now + timedelta(days=29))) == (warned, [])
        world.rewrite(world.people["bob"], role_until=now)
        with context.use(world.tenant):
            members.end_roles_due(timezone.now())
        told = [(world.email("ada"), "The role of Bob was changed"), (world.email("bob"), "Your role was changed")]
        assert tell(now) == told


@spec("OIDC Core", "5.1")
def test_groups_neither_take_nor_lengthen_a_role_until_its_day_and_give_theirs_after_it(world):
    bob, by = world.people["bob"], members.SYSTEM
    until = timezone.now() + SOON

    def follow(role):
        with context.use(world.tenant):
            members.follow_groups(bob, ["staff"], role, by=by)
        return stands(world)

    world.rewrite(bob, role="admin", role_until=until)
    assert (follow("member"), follow("admin"), follow("auditor")) == (("admin", until),) * 3
    world.rewrite(bob, role_until=timezone.now())
    assert (follow("auditor"), follow("admin")) == (("auditor", None), ("admin", None))
