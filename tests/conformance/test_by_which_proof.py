"""Each entry of the ledger says from which network it was asked, and by which proof: of people and of programs."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from audit import digests, ledger
from audit.events import Event
from audit.models import Entry
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import authenticator_app as app
from tests.harness import vandal
from tests.harness.world import PASSWORD
from tests.spec import spec

OPERATOR, HERE = settings.OPERATOR_ALIAS, "127.0.0.0/24"
OLD = {
    "id": "evt_01kb9000000000000000000000", "tenant_id": "ten_01kb9000000000000000000000",
    "at": datetime(2026, 11, 29, 8, 30, 15, 250, tzinfo=UTC), "event": "delegation.ended", "principal_kind": "user",
    "principal_id": "usr_1", "principal_label": "Ada", "on_behalf_of": "usr_2", "through": "agt_1",
    "about_kind": "delegation", "about_id": "dlg_1", "about_label": "Scout", "reason": "gone", "request_id": "req_1",
    "detail": {"scopes": ["events:read"]},
}  # fmt: skip
AS_IT_WAS = "e97d698ffc98bafc7710514afb16ab1d643003a92dd8784d715d6126567b7bec"
"""The digest of that entry behind GENESIS, as the release before these columns wrote it."""


def shown(entry):
    return entry.network, entry.proof


def signed_in_browser(world, name="ada"):
    browser = world.browser()
    browser.go(world.url("/login"))
    browser.sign_in(world.email(name), PASSWORD)
    return browser


@spec("RFC 6749", "2.3")
def test_what_a_program_did_says_how_its_client_authenticated(world):
    world.own_token(world.worker())
    assert shown(world.entries("token.issued")[-1]) == (HERE, "client_secret_basic")
    scout = world.public_client()
    token = world.grant(scout)["refresh_token"]
    assert shown(world.entries("token.issued")[-1]) == (HERE, "none")
    assert world.refresh(scout, token, scope="contacts:read").status_code == 400
    refused = world.entries("token.refused")[-1]
    assert (*shown(refused), refused.proved_at) == (HERE, "none", None)


@spec("RFC 9470", "1")
def test_what_a_person_did_says_what_they_proved_and_when_last(world):
    before = timezone.now() - timedelta(seconds=1)
    browser = signed_in_browser(world)
    signed_in = world.entries("login.ok")[-1]
    assert shown(signed_in) == (HERE, "password")
    assert before <= signed_in.proved_at <= timezone.now()
    browser.go(world.url("/console/members"))
    browser.submit(browser.form("/invite"), {"email": "new@acme.example", "role": "member"})
    invited = world.entries("member.invited")[-1]
    assert (*shown(invited), invited.proved_at) == (HERE, "password", signed_in.proved_at)


@spec("RFC 9470", "1")
def test_a_second_factor_stands_beside_the_password(world):
    secret = app.add(world, world.browser("alice"))
    app.forget_steps(world, "alice")
    app.prove(app.after_password(world, "alice"), app.code(secret))
    assert world.entries("login.ok")[-1].proof == "password+totp"


@spec("RFC 6750", "2.1")
def test_what_an_app_did_for_a_person_says_so_and_when_they_signed_in_for_it(world):
    before = timezone.now() - timedelta(seconds=1)
    ada = asker(world, "ada", "members:read members:write")
    assert ada("POST", "/invitations", {"email": "new@acme.example", "role": "member"}).status_code == 201
    invited = world.entries("member.invited")[-1]
    assert shown(invited) == (HERE, "access_token")
    assert before <= invited.proved_at <= timezone.now()


def test_what_the_clock_did_came_from_nowhere_and_proves_nothing(world):
    with context.use(world.tenant):
        entry = ledger.record(Event.CHECK_RUN, by=SYSTEM)
    assert (*shown(entry), entry.proved_at) == ("", "", None)


def test_a_wrong_password_proves_nothing(world):
    browser = world.browser()
    browser.go(world.url("/login"))
    browser.sign_in(world.email("alice"), "wrong")
    assert shown(world.entries("login.refused")[-1]) == (HERE, "")


@pytest.mark.parametrize(
    ("address", "kept"), [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::9", "2001:db8:1::/48"), ("", "")]
)
def test_no_whole_address_is_kept(world, address, kept):
    with context.use(world.tenant), context.request("req_x", address=address):
        ledger.record(Event.CHECK_RUN, by=SYSTEM)
    assert world.entries("check.run")[-1].network == kept


def test_the_entry_s_page_its_file_and_the_api_say_the_same(world):
    browser, ask = signed_in_browser(world), asker(world, "ada", "events:read")
    entry = world.entries("login.ok")[0]
    page = browser.go(world.url(f"/console/activity/events/{entry.pk}"))
    assert page.status_code == 200
    words = browser.words()
    assert HERE in words
    assert "Proved by Password, last" in words
    told = ask("GET", f"/events/{entry.pk}").json()
    assert (told["network"], told["proof"]) == (HERE, "password")
    assert datetime.fromisoformat(told["proved_at"]) == entry.proved_at
    lines = ask("GET", f"/events/export.jsonl?event=login.ok&who={entry.principal_id}").text.splitlines()
    assert {"network": HERE, "proof": "password"}.items() <= json.loads(lines[-1]).items()
    rows = csv.DictReader(io.StringIO(ask("GET", "/events/export.csv?event=login.ok").text))
    assert {(each["network"], each["proof"]) for each in rows} == {(HERE, "password")}


# --- the chain


def test_an_entry_of_before_has_the_digest_that_it_had():
    assert digests.link(ledger.GENESIS, Entry(**OLD)) == AS_IT_WAS
    for changed in ({"network": HERE}, {"proof": "none"}, {"proved_at": timezone.now()}):
        assert digests.link(ledger.GENESIS, Entry(**OLD, **changed)) != AS_IT_WAS


@pytest.mark.walks
@pytest.mark.parametrize("column", ["network", "proof", "proved_at"])
def test_a_ledger_with_entries_of_before_holds_and_what_was_added_cannot_be_changed(world, column):
    with context.use(world.tenant):
        older = ledger.record(Event.CHECK_RUN, by=SYSTEM)
    signed_in_browser(world)
    newer = world.entries("login.ok")[-1]
    while ledger.seal(world.tenant.pk, using=OPERATOR):
        pass
    assert ledger.verify(world.tenant.pk, using=OPERATOR).why == ""
    for entry in (older, newer):
        was = getattr(entry, column)
        vandal.run(f"UPDATE audit_entry SET {column} = '2020-01-01 00:00:00' WHERE id = '{entry.pk}'")
        assert ledger.verify(world.tenant.pk, using=OPERATOR).why == f"entry {entry.pk} was changed"
        back = "NULL" if was is None else f"'{was:%Y-%m-%d %H:%M:%S.%f}'" if column == "proved_at" else f"'{was}'"
        vandal.run(f"UPDATE audit_entry SET {column} = {back} WHERE id = '{entry.pk}'")
        assert ledger.verify(world.tenant.pk, using=OPERATOR).why == ""
