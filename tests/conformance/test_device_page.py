"""`/device` as a person sees it: the code, who asks and from where, one decision, and whose it is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from delegations.models import Consent
from kit import context
from tests.harness import device
from tests.harness.device import UNKNOWN, type_in
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.spec import spec

WARNING = "Did somebody send you this code? Stop."
ALL = "events:read events:write contacts:read"
OVER = timedelta(seconds=1)


@pytest.fixture
def started(world):
    return device.start(world, scope=ALL)


@pytest.fixture
def page(started):
    """Alice's browser with the consent page open."""
    return started.opened()


def decide(browser, decision="allow", **fill):
    return browser.submit(browser.form("/device/decision"), {"decision": decision, **fill})


@spec("RFC 8628", "3.3")
def test_the_page_asks_for_the_code_and_warns_of_codes_that_were_sent(world):
    browser = world.browser("alice")
    browser.go(world.url("/device"))
    for said in ("Type the code that your device shows", WARNING, "report it", world.email("alice")):
        assert said in browser.words(), said
    assert dict(browser.form("/device").fields)["user_code"] == ""
    assert browser.page.headers["cache-control"] == "no-store"


@spec("RFC 8628", "3.3.1")
def test_a_code_that_came_with_the_address_is_shown_to_be_compared_and_not_sent(world, started):
    browser = world.browser("alice")
    with leaves_only(world):
        browser.go(started.answer["verification_uri_complete"])
    assert "Does your device show this code?" in browser.words()
    assert "Compare letter by letter" in browser.words()
    assert WARNING in browser.words()
    assert "<script" not in browser.page.text
    form = browser.form("/device")
    assert (form.method, dict(form.fields)["user_code"]) == ("post", started.user_code)
    assert started.row().member_id is None
    browser.submit(form)
    assert "Let Scout use Calendar for you?" in browser.words()


@spec("RFC 8628", "3.3.1")
@pytest.mark.parametrize("sent", ["", "x", "<script>alert(1)</script>", "BBBB-BBBBB", "%00"])
def test_what_is_no_code_in_the_address_is_not_shown(world, sent):
    browser = world.browser("alice")
    browser.go(world.url(f"/device?user_code={sent}"))
    assert "Type the code that your device shows" in browser.words()
    assert "alert" not in browser.page.text


@spec("RFC 8628", "3.3")
def test_whoever_is_not_signed_in_signs_in_first_and_comes_back_to_the_code(world, started):
    browser = world.browser()
    browser.go(started.answer["verification_uri_complete"])
    assert urlsplit(str(browser.page.url)).path.endswith("/login")
    browser.sign_in(world.email("alice"), "a long and quiet password")
    assert "Does your device show this code?" in browser.words()
    assert dict(browser.form("/device").fields)["user_code"] == started.user_code


@spec("RFC 8628", "6.1")
@pytest.mark.parametrize(
    "write", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code[:2]} {code[2:]} "]
)
def test_case_and_grouping_of_what_is_typed_do_not_matter(started, write):
    started.user_code = write(started.user_code)
    assert "Let Scout use Calendar for you?" in started.opened().words()


@spec("RFC 8628", "5.4")
def test_the_consent_page_says_who_asks_where_it_was_started_and_what_the_device_shows(world, started, page):
    for said in (
        "Let Scout use Calendar for you?",
        WARNING,
        f"Your device shows {started.user_code}",
        "Started just now from remit-cli/2.1 (Linux), 127.0.0.1",
        "Read your calendar needed",
        "Change your calendar changes things",
        "It will not be able to Act after the time you choose",
        "1 hour Today 7 days 30 days",
        "I did not start this: report it",
        "Your device goes on by itself.",
    ):
        assert said in page.words(), said
    assert page.form("/device/decision").buttons[0] == ("decision", "deny")
    world.rewrite(started.row(), created=timezone.now() - timedelta(minutes=2))
    assert "Started 2 min ago from" in started.opened().words()


@spec("RFC 8628", "5.4")
@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;, 127.0.0.1"),
        ("", "from a program without a name, 127.0.0.1"),
        ("x" * 900, "x" * 200 + ", 127"),
    ],
    ids=["markup", "none", "long"],
)
def test_what_a_program_calls_itself_is_short_text_on_the_page(world, program, said):
    assert said in device.start(world, user_agent=program).opened().page.text


@spec("RFC 8628", "3.3")
def test_a_yes_makes_one_consent_and_its_delegations_and_keeps_what_was_shown(world, started, page):
    decide(page, duration="hour", scope=[f"{world.calendar.pk} contacts:read"])
    assert "Done. Go back to your device" in page.words()
    (delegation,) = world.delegations()
    assert delegation.scopes == ["contacts:read", "events:read"]
    assert abs(delegation.expires_at - timezone.now() - timedelta(hours=1)) < timedelta(seconds=20)
    with context.use(world.tenant):
        (consent,) = Consent.objects.all()
    assert consent.shown["title"] == "Let Scout use Calendar for you?"
    assert consent.shown["started"]["user_agent"] == "remit-cli/2.1 (Linux)"
    assert started.user_code not in str(consent.shown)
    assert (consent.redirect_host, started.row().consent_id) == ("", consent.pk)
    assert started.poll().json()["scope"] == "contacts:read events:read"


@spec("RFC 8628", "3.3")
@pytest.mark.parametrize(
    "fill", [{"decision": "deny"}, {"decision": "maybe"}, {"decision": ""}, {"duration": "year"}], ids=str
)
def test_anything_but_a_clear_yes_is_a_no(world, started, page, fill):
    decide(page, **fill)
    assert "Nothing was allowed" in page.words()
    assert (world.delegations(), started.row().status) == ([], "denied")
    (refusal,) = world.entries(Event.DELEGATION_REFUSED)
    assert refusal.principal_id == world.people["alice"].pk


@spec("RFC 8628", "5.4")
@pytest.mark.parametrize("where", ["on the code page", "on the consent page"])
def test_a_report_ends_the_code_and_tells_the_ledger_where_it_came_from(world, started, where):
    if where == "on the code page":
        browser = world.browser("alice")
        browser.go(started.answer["verification_uri_complete"])
        type_in(browser, started.user_code, decision="report")
    else:
        browser = started.decide(decision="report")
    assert "Thank you. This code is dead" in browser.words()
    (entry,) = world.entries(Event.DEVICE_CODE_REPORTED)
    assert entry.detail == {"address": "127.0.0.1", "user_agent": "remit-cli/2.1 (Linux)"}
    assert entry.principal_id == world.people["alice"].pk
    assert_refused(started.poll(), "access_denied")
    assert UNKNOWN in started.opened("bob").words()


@spec("RFC 8628", "5.4")
def test_the_person_who_typed_the_code_in_is_the_only_one_who_may_decide(world, started, page):
    sent = dict(page.form("/device/decision").fields)
    bob = started.opened("bob")
    assert UNKNOWN in bob.words()
    with leaves_only(world):
        bob.submit(bob.form("/device"), {"user_code": started.user_code})
        token = dict(bob.form("/device").fields)["csrfmiddlewaretoken"]
        stolen = sent | {"decision": "allow", "csrfmiddlewaretoken": token}
        answer = bob.http.post(world.url("/device/decision"), data=stolen, headers={"Origin": world.origin})
    assert answer.status_code == 400
    assert "This request is over" in answer.text
    decide(page)
    assert [each.member_id for each in world.delegations()] == [world.people["alice"].pk]


@spec("RFC 8628", "3.3")
def test_only_the_page_that_was_shown_last_is_decided(world, started, page):
    again = started.opened()
    with leaves_only(world):
        decide(page)
    assert "This request is over" in page.words()
    decide(again)
    assert "Done. Go back to your device" in again.words()


@spec("RFC 8628", "3.3")
@pytest.mark.parametrize("second", ["allow", "deny", "report"])
def test_a_request_is_decided_once(world, started, page, second):
    form = page.form("/device/decision")
    decide(page)
    with leaves_only(world):
        page.submit(form, {"decision": second})
    assert page.page.status_code == 409
    assert UNKNOWN in started.opened().words()


@spec("RFC 8628", "3.3")
def test_two_yeses_at_once_make_one_consent(world, started, page):
    sent = dict([*page.form("/device/decision").fields, ("decision", "allow")])
    headers = {"Origin": world.origin, "Cookie": "; ".join(f"{n}={v}" for n, v in page.http.cookies.items())}

    def press(_):
        return world.http.post(world.url("/device/decision"), data=sent, headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(press, range(6))) == [200, 409, 409, 409, 409, 409]
    assert len(world.delegations()) == 1


@spec("RFC 8628", "3.3")
def test_a_page_whose_code_is_over_decides_nothing(world, started, page):
    world.rewrite(started.row(), expires=timezone.now() - OVER)
    with leaves_only(world):
        decide(page)
    assert page.page.status_code == 400
    assert "This request is over" in page.words()


@spec("RFC 9700", "4.7")
@pytest.mark.parametrize("step", ["/device", "/device/decision"])
def test_a_form_that_another_site_sends_is_refused(world, started, page, step):
    sent = {"user_code": started.user_code, "decision": "allow"} | dict(page.form("/device/decision").fields)
    with leaves_only(world):
        answer = page.http.post(world.url(step), data=sent, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


@spec("RFC 8628", "3.3")
def test_an_agent_that_was_paused_meanwhile_is_not_allowed_anything(world, started, page):
    with context.use(world.tenant):
        agent_actions.suspend_agent(started.who.client.agent, by=SYSTEM, reason="strange")
    with leaves_only(world):
        decide(page)
    assert "is paused" in page.words()
    assert "is paused" in started.opened().words()
