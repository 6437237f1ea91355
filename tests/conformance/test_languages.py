"""Pages and mail in the language of whoever reads them; what programs read, and what is kept, in one."""

import html
import re

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from agents.models import Agent, Approval
from audit import ledger
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from kit.languages import reading, spoken
from notices import actions, sending
from notices.models import Job
from tenants import members
from tenants.models import User
from tests.harness import chain as chains
from tests.harness import mailbox
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec

MINE = "/me/notices"


@pytest.fixture
def asking(world):
    """Open the sign-in page in a browser that asks for a language; with a name, sign in with it."""

    def asks(language, person=""):
        browser = world.browser()
        browser.http.headers["Accept-Language"] = language
        browser.go(world.url("/login"))
        if person:
            browser.sign_in(world.email(person), PASSWORD)
        return browser

    return asks


def language_of(page):
    """Return the language of a page, which its headers say too."""
    (code,) = re.findall(r'<html lang="([^"]+)" dir="ltr">', page.text)
    assert page.headers["Content-Language"] == code
    assert "Accept-Language" in page.headers["Vary"]
    return code


def choose(world, browser, language):
    browser.go(world.url(MINE))
    return browser.submit(browser.form("/me/language"), {"language": language})


@spec("RFC 9110", "12.5.4")
@pytest.mark.once
@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-CA, fr;q=0.9, de;q=0.4, en;q=0.3", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en-gb"),
        ("en;q=0, de", "de"),
        ("*, de;q=0.5", "en-gb"),
        ("fr", "en-gb"),
        ("", "en-gb"),
        ("\x00;;q=zwei, de_DE@euro", "en-gb"),
        ("x" * 499 + ",de", "en-gb"),
    ],
)
def test_of_what_a_browser_asks_for_the_first_that_we_speak_is_spoken(asked, answered):
    assert spoken(asked) == answered


@spec("RFC 9110", "8.5")
def test_pages_speak_what_the_browser_asks_for_and_say_so(world, asking):
    assert language_of(asking("de-AT, en;q=0.5").page) == "de"
    assert "Anmelden" in asking("de").words()
    assert language_of(asking("fr").page) == "en-gb"
    outside = world.http.get(f"{world.origin}/t/nobody-here/", headers={"Accept": "text/html", "Accept-Language": "de"})
    assert (outside.status_code, language_of(outside)) == (404, "de")
    signed_in = asking("de", "alice")
    assert language_of(signed_in.page) == "de"
    assert signed_in.page.headers["Cache-Control"] == "no-store"
    refused = signed_in.go(world.url("/console/agents"))
    assert (refused.status_code, language_of(refused)) == (403, "de")


@spec("RFC 9110", "12.5.4")
def test_what_a_person_chose_goes_before_what_their_browser_asks_for(world, asking):
    alice = asking("en", "alice")
    assert language_of(choose(world, alice, "de")) == "de"
    assert "Sprache" in alice.words()
    assert language_of(asking("en", "alice").page) == "de"
    assert language_of(asking("en").page) == "en-gb"
    (entry,) = world.entries("member.language_chosen")
    assert (entry.principal_id, entry.detail) == (world.people["alice"].pk, {"language": "de"})
    with leaves_only(world):
        assert choose(world, alice, "tlh").status_code == 400
    assert language_of(choose(world, alice, "")) == "en-gb"


def test_what_programs_read_is_the_same_in_every_language(world, asking):
    """The same thread has just answered a page in German: nothing of that is left on it."""
    forms = {
        "/token": {"grant_type": "password"},
        "/device_authorization": {"client_id": "nobody"},
        "/register": {"redirect_uris": "no list"},
        "/api/v1/agents": {"name": ""},
        "/api/v1/nothing": {},
    }
    named = re.compile(rb"req_\w+")
    for path, form in forms.items():
        asking("de", "alice")
        plain, german = (
            world.http.post(world.url(path), data=form, headers={"Accept-Language": language})
            for language in ("en", "de")
        )
        assert "Content-Language" not in german.headers
        assert "Accept-Language" not in german.headers.get("Vary", "")
        assert german.status_code == plain.status_code
        assert named.sub(b"", german.content) == named.sub(b"", plain.content)
        assert german.status_code >= 400


def test_what_is_kept_in_the_ledger_is_in_one_language(world, asking):
    scout = world.public_client()
    alice = asking("de", "alice")
    alice.go(world.authorize_url(scout, "c" * 43))
    assert language_of(alice.page) == "de"
    alice.decide(duration="week")
    (entry,) = world.entries("delegation.allowed")
    assert re.fullmatch(r"Scout may .+ for Alice, until \d+ \w+ 20\d\d, \d\d:\d\d\.", entry.detail["sentence"])


@pytest.mark.once
def test_what_the_ledger_calls_a_thing_is_no_word_of_whoever_did_it(world):
    with context.use(world.tenant), reading("de"):
        assert str(Approval(kind="admission", agent=Agent(name="Scout"))) == "New agent: Scout"
        assert str(Job(kind="end", total=3)) == "End access: 3"


@spec("RFC 3282", "2")
def test_mail_is_in_the_language_of_whom_it_goes_to(world, asking):
    scout = world.public_client()
    asking("de", "alice")
    choose(world, asking("de", "bob"), "en-gb")
    for name in ("alice", "bob"):
        world.grant(scout, name)
    with context.use(world.tenant):
        for delegation in world.delegations():
            delegation_actions.revoke(delegation, by=SYSTEM, reason="the contract is over")
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    with mailbox.listening() as box, override_settings(**box.settings), context.use(world.tenant):
        actions.read_ledger(timezone.now())
        assert sending.send_due(timezone.now()) == 2
    letters = {message["To"]: message for message in box.messages}
    german, english = letters[world.email("alice")], letters[world.email("bob")]
    assert (german["Content-Language"], english["Content-Language"]) == ("de", "en-gb")
    assert german["Subject"] == "Scout handelt nicht mehr für Sie"
    assert english["Subject"] == "Scout no longer acts for you"
    for kind in ("plain", "html"):
        assert "Scout" in german.get_body((kind,)).get_content()
    assert '<html lang="de" dir="ltr">' in german.get_body(("html",)).get_content()


@pytest.mark.once
def test_a_sign_in_in_the_usual_language_writes_nothing_of_it(world, asking):
    asking("en-US", "alice")
    asking("fr", "alice")
    assert User.objects.get(email=world.email("alice")).browser_language == ""
    asking("de", "alice")
    asking("en", "alice")
    assert User.objects.get(email=world.email("alice")).browser_language == "en-gb"


@pytest.mark.parametrize(
    ("setting", "value", "german", "english"),
    [
        ("access_token_seconds", "3601", "Eine Zahl von 1 bis 3600.", "A number from 1 to 3600."),
        (
            "unused_days",
            "29",
            "Eine Zahl von 30 bis 3650, oder 0 für nie.",
            "A number from 30 to 3650, or 0 for never.",
        ),
        ("trusted_networks", "192.0.2.1/24", "192.0.2.1/24 ist kein Netz.", "192.0.2.1/24 is no network."),
        ("admitted_hosts", "http://a.example/x", "ist weder ein Host", "is neither a host"),
        ("time_zone", "Mars/Base", "Ein Name wie Europe/Vienna.", "A name like Europe/Vienna."),
        ("default_resource", "https://a.example", "einer Ihrer Ressourcen", "of one of your resources"),
    ],
)
def test_why_a_setting_cannot_hold_is_said_beside_it_in_the_language_of_its_page(
    world, asking, setting, value, german, english
):
    for language, words in (("de", german), ("en", english)):
        ada = asking(language, "ada")
        ada.go(world.url("/console/settings"))
        with leaves_only(world):
            (part,) = [each for each in ada.forms() if setting in dict(each.fields)]
            refused = ada.submit(part, {setting: value})
        assert refused.status_code == 422
        field = refused.text.partition(f'name="{setting}"')[2].partition('<div class="field')[0]
        assert words in html.unescape(field), ada.words()
        assert f"{setting}:" not in ada.words()


def test_why_a_form_cannot_hold_is_said_in_the_language_of_its_page(world, asking):
    for language, words in (("de", "Ein Issuer ist eine https-URL"), ("en", "An issuer is an https URL")):
        ada = asking(language, "ada")
        ada.go(world.url("/console/trust/add-issuer"))
        with leaves_only(world):
            refused = ada.submit(ada.form(""), {"issuer": "http://login.example", "purposes": ["id_jag"]})
        assert refused.status_code == 422
        assert words in ada.words()


@spec("RFC 9110", "12.5.4")
def test_how_a_step_stands_what_an_invited_person_will_be_and_that_nothing_is_left_to_renew(world, asking):
    chain = chains.handed_on(world, 1)
    root, part = (chain.delegation(place) for place in range(2))
    world.rewrite(root, ended_at=timezone.now())
    world.rewrite(part, expires_at=timezone.now())
    with context.use(world.tenant):
        members.invite(f"eve@{world.tenant.slug}.example", "approver", by=world.people["ada"], tell=lambda *_: None)
    for language, steps, role, title in (
        ("de", ("Beendet", "Durch sein Enddatum beendet"), "Freigabe", "Es gibt nichts zu erneuern"),
        ("en", ("Ended", "Ended by its end date"), "Approver", "There is nothing to renew"),
    ):
        ada, alice = asking(language, "ada"), asking(language, "alice")
        shown = ada.go(world.url(f"/console/delegations/{part.pk}")).text
        assert [f'<span class="badge">{each}</span>' in shown for each in steps] == [True, True]
        assert f">{role}</td>" in ada.go(world.url("/console/members")).text
        assert title in alice.go(world.url(f"/me/agents/{root.pk}/renew")).text
