"""Where one is signed in: each browser is listed in words, ended by its person alone, and signs in anew then."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from audit.principals import SYSTEM, Kind, Principal
from kit import browsers, context
from remit.tasks import forget_sessions
from tenants import actions as tenant_actions
from tenants import sign_ins
from tenants.errors import NotActive
from tenants.models import SignIn, User
from tests.harness import everything, inside
from tests.harness.crowd import at_once
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"


def signed_in(world, name="alice", user_agent=FIREFOX):
    """Return a browser in which somebody signed in on the page."""
    browser = world.browser()
    browser.http.headers["User-Agent"] = user_agent
    browser.go(world.url("/login"))
    browser.sign_in(world.email(name), PASSWORD)
    return browser


def kept(world, name="alice"):
    with context.use(world.tenant):
        return list(sign_ins.of(world.people[name]))


def key(world, browser):
    return browser.http.cookies[f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"]


def is_let_in(world, browser):
    browser.go(world.url("/me/agents"))
    return not str(browser.page.url).startswith(world.url("/login"))


def listed(world, browser):
    """Return the words of each sign-in on the page."""
    page = browser.go(world.url("/me/security")).text
    return [each.split("</li>")[0] for each in page[page.index('id="sign-ins"') :].split("<li>")[1:]]


@pytest.fixture
def both(world):
    """Two browsers of alice: the first, and one that signed in later; the later one's row is first."""
    return signed_in(world), signed_in(world, user_agent=CHROME)


def end(world, browser, row):
    browser.go(world.url("/me/security"))
    return browser.submit(browser.form(f"/sign-ins/{row.pk}/end"))


@spec("RFC 9700", "4.7")
def test_one_browser_ends_the_other_which_signs_in_anew_and_goes_on_itself(world, both):
    first, second = both
    assert [("Chrome on Windows" in each, "This browser" in each) for each in listed(world, second)] == [
        (True, True),
        (False, False),
    ]
    mine, other = listed(world, first)
    assert ("Firefox on Linux" in mine, "This browser" in mine, "Chrome on Windows" in other) == (True, True, True)
    assert "127.0.0.0/24" in other
    later, _ = kept(world)
    page = end(world, first, later)
    assert "This sign-in ended: Chrome on Windows." in page.text
    assert (is_let_in(world, second), is_let_in(world, first)) == (False, True)
    (entry,) = world.entries("login.ended")
    assert entry.principal_id == entry.about_id == world.people["alice"].pk
    assert entry.detail == {"browser": "Chrome", "system": "Windows", "network": "127.0.0.0/24"}
    assert len(listed(world, first)) == 1


@spec("RFC 9700", "4.7")
def test_all_others_end_at_once_and_this_one_goes_on(world, both):
    first, second = both
    third, bob = signed_in(world), signed_in(world, "bob")
    first.go(world.url("/me/security"))
    form = first.form("/end-others")
    assert "2 other sign-ins ended." in first.submit(form).text
    assert [is_let_in(world, each) for each in (first, second, third, bob)] == [True, False, False, True]
    assert [entry.detail for entry in world.entries("login.others_ended")] == [{"ended": 2}]
    with pytest.raises(AssertionError, match="no form"):
        first.form("/end-others")
    with leaves_only(world):
        first.submit(form)


@spec("RFC 9700", "4.7")
def test_ending_the_own_one_is_signing_out(world, both):
    first, second = both
    old = key(world, first)
    end(world, first, kept(world)[1])
    assert str(first.page.url).startswith(world.url("/login"))
    first.http.cookies.set(first_cookie(world), old)
    assert (is_let_in(world, first), is_let_in(world, second)) == (False, True)
    assert len(world.entries("login.ended")) == 1


def first_cookie(world):
    return f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"


@spec("RFC 9700", "4.7")
@pytest.mark.parametrize("whose", ["another person's", "another tenant's", "nobody's", "one that ended"])
def test_what_is_not_one_s_own_is_not_there(world, elsewhere, both, whose):
    first, second = both
    bob, far = signed_in(world, "bob"), signed_in(elsewhere)
    ids = {
        "another person's": kept(world, "bob")[0].pk,
        "another tenant's": kept(elsewhere)[0].pk,
        "nobody's": f"sgn_{'0' * 26}",
        "one that ended": kept(world)[0].pk,
    }
    first.go(world.url("/me/security"))
    form = first.form(f"/sign-ins/{kept(world)[0].pk}/end")
    if whose == "one that ended":
        sent = list(form.fields)
        first.submit(form)
        form.fields = sent
    form.action = form.action.replace(form.action.split("/")[-2], ids[whose])
    with leaves_only(world), leaves_only(elsewhere):
        assert first.submit(form).status_code == 404
    ended = whose == "one that ended"
    assert [is_let_in(world, first), is_let_in(world, second), is_let_in(world, bob)] == [True, not ended, True]
    assert is_let_in(elsewhere, far)


@spec("RFC 9700", "4.7")
def test_it_takes_a_post_with_the_page_s_own_token(world, both):
    first, second = both
    path = world.url(f"/me/security/sign-ins/{kept(world)[0].pk}/end")
    with leaves_only(world):
        assert first.go(path).status_code == 405
        assert first.http.post(path, headers={"Origin": world.origin}).status_code == 403
    assert is_let_in(world, second)


@spec("RFC 9700", "4.7")
@pytest.mark.parametrize("verb", ["one", "all others"])
def test_of_several_who_end_it_at_once_one_does(world, both, verb):
    later, first = kept(world)
    me = Principal(Kind.USER, world.people["alice"].pk, "Alice")

    def run(_):
        if verb == "all others":
            return sign_ins.end_others(world.people["alice"], first.pk, by=me)
        with suppress(NotActive):
            sign_ins.end(later, by=me)
            return 1
        return 0

    assert sorted(at_once(4, run, tenant=world.tenant)) == [0, 0, 0, 1]
    assert len(world.entries("login.ended")) + len(world.entries("login.others_ended")) == 1
    assert [is_let_in(world, each) for each in both] == [True, False]


@spec("RFC 9700", "4.7")
def test_two_browsers_that_end_each_other_s_at_once_over_the_pages_leave_nothing_half(world, both):
    later, first = kept(world)
    forms = []
    for browser, row in zip(both, (later, first), strict=True):
        browser.go(world.url("/me/security"))
        forms.append(browser.form(f"/sign-ins/{row.pk}/end"))
    pages = at_once(2, lambda number: both[number].submit(forms[number]).status_code)
    assert max(pages) < 500
    ended = len(world.entries("login.ended"))
    assert ended >= 1
    with context.use(world.tenant):
        assert len(sign_ins.living(world.people["alice"], now=timezone.now())) == 2 - ended


@spec("RFC 9700", "4.7")
def test_no_key_of_a_session_stands_in_clear_but_in_its_own_table(world, both):
    rows = everything.rows()
    for browser in both:
        assert everything.tables_with(key(world, browser), rows) == {"django_session"}
    opened = set(sign_ins._keys(kept(world)).values())
    assert opened == {key(world, browser) for browser in both}


@spec("RFC 9700", "4.7")
def test_signing_out_forgets_the_sign_in(world, both):
    first, second = both
    first.go(world.url("/logout"))
    first.submit(first.form("/logout"))
    assert len(kept(world)) == 1
    assert len(listed(world, second)) == 1
    first.go(world.url("/login"))
    (entry,) = world.entries("logout.ok")
    alice = world.people["alice"].pk
    assert (entry.principal_id, entry.about_id, entry.detail) == (alice, alice, {})


@spec("RFC 9700", "4.7")
def test_whoever_is_suspended_is_signed_in_nowhere_even_when_they_come_back(world, both):
    bob = signed_in(world, "bob")
    alice = world.people["alice"]
    with context.use(world.tenant):
        tenant_actions.suspend_member(alice, by=SYSTEM, reason="test")
    assert kept(world) == []
    assert not Session.objects.filter(pk__in=[key(world, each) for each in both]).exists()
    world.rewrite(alice, status="active")
    assert [is_let_in(world, each) for each in (*both, bob)] == [False, False, True]


@spec("RFC 9700", "4.7")
def test_what_a_new_password_ended_is_not_listed(world, both):
    user = User.objects.get(pk=world.people["alice"].user_id)
    before = user.password
    user.set_password(PASSWORD)
    assert user.password != before
    user.save()
    assert not is_let_in(world, both[0])
    assert len(listed(world, signed_in(world))) == 1


@spec("RFC 9700", "4.7")
def test_the_clock_forgets_a_sign_in_after_its_session_and_not_one_that_goes_on(world, both):
    later, first = kept(world)
    now = timezone.now()
    long = now + timedelta(hours=5)
    Session.objects.filter(pk=key(world, both[0])).update(expire_date=long)
    Session.objects.filter(pk=key(world, both[1])).update(expire_date=now - timedelta(seconds=1))
    forget_sessions()
    assert len(kept(world)) == 2, "each is looked at when it would end"
    assert len(listed(world, both[0])) == 1, "and one that is over is not listed meanwhile"
    with context.use(world.tenant):
        SignIn.objects.update(ends_at=now - timedelta(seconds=1))
    assert forget_sessions() >= 1
    (left,) = kept(world)
    assert left.pk == first.pk != later.pk
    assert abs(left.ends_at - long) < timedelta(seconds=1)


@spec("RFC 9700", "4.7")
def test_it_goes_in_batches(world):
    with context.use(world.tenant):
        for number in range(5):
            row = sign_ins.keep(world.people["bob"], f"gone {number}", user_agent="", address="")
            world.rewrite(row, ends_at=timezone.now() - timedelta(seconds=1))
        assert sign_ins.forget(timezone.now(), batch=2, most=2) == 4
        assert sign_ins.forget(timezone.now()) == 1


@spec("RFC 9700", "4.7")
def test_what_a_browser_calls_itself_is_never_repeated(world):
    signed_in(world, user_agent="<b>Evil</b>/1.0 Firefox/1 <script>")
    signed_in(world, user_agent="curl/8.0")
    page = listed(world, signed_in(world))
    assert ["Firefox<" in each.replace(" ", "") or "Firefox on" in each for each in page] == [True, False, True]
    assert "A browser that is not known" in page[1]
    assert not [each for each in page if "Evil" in each or "curl" in each]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, ("Firefox", "Linux")),
        (CHROME, ("Chrome", "Windows")),
        (f"{CHROME} Edg/141.0", ("Edge", "Windows")),
        ("Mozilla/5.0 (X11; Linux x86_64) Chromium/141.0 Chrome/141.0 Safari/537.36", ("Chromium", "Linux")),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/141.0 Mobile Safari/537.36 OPR/90", ("Opera", "Android")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", ("Safari", "iPhone")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1", ("Safari", "macOS")),
        ("curl/8.0", ("", "")),
    ],
)
def test_a_user_agent_is_read_as_a_browser_on_a_system(user_agent, words):
    assert browsers.read(user_agent) == words


@spec("RFC 9700", "4.7")
def test_signing_in_takes_one_statement_for_it(world):
    visitor = inside._client()
    with inside.counted() as statements:
        visitor.post(inside._path(world, "/login"), {"login": world.email("alice"), "password": PASSWORD})
    assert len([each for each in statements if "tenants_signin" in each]) == 1, statements
    with inside.counted() as statements:
        assert visitor.get(inside._path(world, "/me/security")).status_code == 200
    assert len(statements) <= 12, statements
