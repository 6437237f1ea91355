"""The second factor over HTTP, with scripts off: codes of an app, recovery codes, and what each tenant knows."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import override_settings

from audit.principals import SYSTEM
from console.entrance.factors import Factors
from kit import context, sealing
from tenants import actions as tenant_actions
from tests.harness import authenticator_app as app
from tests.harness.world import PASSWORD, World


@pytest.fixture
def secret(world: World) -> str:
    """Alice's app, whose first code was used a while ago."""
    browser = world.browser("alice")
    secret = app.add(world, browser)
    app.forget_steps(world, "alice")
    return secret


def raw_rows(world: World, name: str = "alice") -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, data FROM mfa_authenticator WHERE user_id = %s", [world.people[name].user.pk])
        return str(cursor.fetchall())


def happened(world: World, *events: str) -> list[tuple[str, dict[str, object]]]:
    return [(entry.event, entry.detail) for entry in world.entries() if entry.event in events]


def give_place(elsewhere: World, world: World, name: str = "alice") -> None:
    with context.use(elsewhere.tenant):
        elsewhere.people[name] = tenant_actions.add_member(world.people[name].user, "member", by=SYSTEM)


# --- an app


def test_a_password_alone_opens_nothing_once_an_app_is_added(world, secret):
    browser = app.after_password(world, "alice")

    assert not app.is_signed_in(world, browser)


def test_a_code_of_the_app_opens_the_account_after_the_password(world, secret):
    browser = app.after_password(world, "alice", f"/login?next=/t/{world.tenant.slug}/me/agents/past")

    page = app.prove(browser, app.code(secret))

    assert str(page.url).endswith("/me/agents/past")
    assert happened(world, "login.ok")[-1] == ("login.ok", {"methods": ["password", "totp"]})


def test_a_wrong_code_opens_nothing_and_is_written_down(world, secret):
    browser = app.after_password(world, "alice")

    page = app.prove(browser, app.code(secret, steps=-100))

    assert "This code is wrong" in page.text
    assert not app.is_signed_in(world, browser)
    assert happened(world, "login.refused") == [("login.refused", {"methods": ["totp"]})]


@pytest.mark.parametrize("typed", ["", " ", "0", "１２３４５６", "٠٠٠٠٠٠", "\x00", "a" * 5000, "-" * 6])
def test_a_code_that_is_no_code_is_refused(world, secret, typed):
    browser = app.after_password(world, "alice")

    assert app.prove(browser, typed).status_code == 200
    assert not app.is_signed_in(world, browser)


def test_a_code_opens_once_even_while_it_is_still_right(world, secret):
    typed = app.code(secret, steps=1)
    app.prove(app.after_password(world, "alice"), typed)
    browser = app.after_password(world, "alice")

    page = app.prove(browser, typed)

    assert "This code is wrong, or it was used before" in page.text
    assert not app.is_signed_in(world, browser)


def test_a_code_of_an_earlier_step_is_refused_after_a_later_one(world, secret):
    app.prove(app.after_password(world, "alice"), app.code(secret, steps=1))
    browser = app.after_password(world, "alice")

    app.prove(browser, app.code(secret, steps=-1))

    assert not app.is_signed_in(world, browser)


def test_the_code_that_added_the_app_opens_nothing_any_more(world):
    secret = app.add(world, world.browser("alice"))
    browser = app.after_password(world, "alice")

    app.prove(browser, app.code(secret))

    assert not app.is_signed_in(world, browser)


def test_of_two_who_send_one_code_at_once_one_gets_in(world, secret):
    browsers = [app.after_password(world, "alice") for _ in range(4)]
    typed = app.code(secret)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda browser: app.prove(browser, typed), browsers))

    assert sum(app.is_signed_in(world, browser) for browser in browsers) == 1


def test_after_five_wrong_codes_the_right_one_opens_nothing_in_any_browser(world, secret):
    for _ in range(5):
        app.prove(app.after_password(world, "alice"), "000000")
    browser = app.after_password(world, "alice")

    page = app.prove(browser, app.code(secret))

    assert "Too many failed login attempts" in page.text
    assert not app.is_signed_in(world, browser)
    assert len(happened(world, "login.refused")) == 5


def test_a_brute_force_in_one_tenant_is_bounded_by_what_was_tried_in_another(world, elsewhere, secret):
    give_place(elsewhere, world)
    for _ in range(5):
        app.prove(app.after_password(world, "alice"), "000000")
    browser = app.after_password(elsewhere, "alice")

    app.prove(browser, app.code(secret))

    assert not app.is_signed_in(elsewhere, browser)


def test_the_wrong_codes_of_one_person_do_not_keep_another_out(world, secret):
    bobs = app.add(world, world.browser("bob"))
    app.forget_steps(world, "bob")
    for _ in range(6):
        app.prove(app.after_password(world, "alice"), "000000")
    browser = app.after_password(world, "bob")

    app.prove(browser, app.code(bobs))

    assert app.is_signed_in(world, browser)


# --- recovery codes


def test_a_recovery_code_opens_the_account_once(world):
    browser = world.browser("alice")
    app.add(world, browser)
    codes = app.recovery_codes(browser)
    assert len(set(codes)) == 10

    first, second = app.after_password(world, "alice"), app.after_password(world, "alice")
    app.prove(first, codes[3])
    app.prove(second, codes[3])

    assert app.is_signed_in(world, first)
    assert not app.is_signed_in(world, second)
    assert happened(world, "recovery_codes.used") == [("recovery_codes.used", {"methods": ["recovery_code"]})]
    assert happened(world, "login.ok")[-1] == ("login.ok", {"methods": ["password", "recovery_code"]})
    assert happened(world, "login.refused") == [("login.refused", {"methods": ["recovery_code"]})]


def test_replaced_recovery_codes_open_nothing(world):
    browser = world.browser("alice")
    app.add(world, browser)
    old = app.recovery_codes(browser)
    browser.go(world.url("/me/security/recovery-codes/replace"))
    browser.submit(browser.form("/replace"))
    new = app.recovery_codes(browser)

    first, second = app.after_password(world, "alice"), app.after_password(world, "alice")
    app.prove(first, old[0])
    app.prove(second, new[0])

    assert not app.is_signed_in(world, first)
    assert app.is_signed_in(world, second)


def test_each_look_at_the_recovery_codes_is_written_down(world):
    browser = world.browser("alice")
    app.add(world, browser)
    saved = browser.go(world.url("/me/security/recovery-codes/file"))

    assert saved.headers["content-type"].startswith("text/plain")
    assert len(re.findall(r"^\d{8}$", saved.text, re.M)) == 10
    assert len(happened(world, "recovery_codes.shown")) == 2


# --- at rest


def test_the_secret_of_an_app_is_not_in_its_row(world, secret):
    assert '"totp"' in raw_rows(world).replace("'", '"')
    assert secret not in raw_rows(world)


def test_the_seed_of_recovery_codes_and_the_codes_are_not_in_their_row(world):
    browser = world.browser("alice")
    app.add(world, browser)
    codes = Authenticator.objects.get(user=world.people["alice"].user, type="recovery_codes")

    assert Factors().decrypt(codes.data["seed"]) not in raw_rows(world)
    assert not any(code in raw_rows(world) for code in app.recovery_codes(browser))


def test_a_secret_that_waits_for_its_first_code_is_not_in_the_session(world):
    browser = world.browser("alice")
    browser.go(world.url("/me/security/app/add"))
    browser.submit(browser.form("/login/again"), {"password": PASSWORD})
    shown = re.search(r"<code>([A-Z2-7 ]+)</code>", browser.page.text)[1].replace(" ", "")
    key = browser.http.cookies[f"remit-{world.tenant.slug}"]

    assert "authenticator_app" in Session.objects.get(pk=key).get_decoded()
    assert shown not in str(Session.objects.get(pk=key).get_decoded())


def test_what_an_old_sealing_key_sealed_opens_while_the_old_key_is_configured(world, secret, settings):
    row = Authenticator.objects.get(user=world.people["alice"].user, type="totp")
    new = b"n" * 32

    with override_settings(SEALING_KEYS=[new, *settings.SEALING_KEYS]):
        assert Factors().decrypt(row.data["secret"]) == secret
        sealed_anew = Factors().encrypt(secret)
        assert sealing.unseal(sealed_anew, [new]).decode() == secret
    with override_settings(SEALING_KEYS=[new]), pytest.raises(sealing.CannotOpen):
        Factors().decrypt(row.data["secret"])


# --- changes


def test_adding_and_removing_an_app_is_written_down_with_its_recovery_codes(world, secret):
    browser = app.after_password(world, "alice")
    app.prove(browser, app.code(secret))
    browser.go(world.url("/me/security/app/remove"))
    app.forget_steps(world, "alice")
    app.prove(browser, app.code(secret))
    browser.submit(browser.form("/app/remove"))

    assert raw_rows(world) in {"[]", "()"}
    for event in ("factor.added", "factor.removed"):
        factors = [detail["factor"] for _, detail in happened(world, event)]
        assert sorted(factors) == ["recovery_codes", "totp"]
    assert happened(world, "login.again")[-1] == ("login.again", {"methods": ["totp"]})


CHANGES = [
    "/me/security/app/add",
    "/me/security/app/remove",
    "/me/security/passkeys/add",
    "/me/security/passkeys/1/remove",
    "/me/security/recovery-codes",
    "/me/security/recovery-codes/file",
    "/me/security/recovery-codes/replace",
]


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_asks_to_sign_in_again_even_just_after_signing_in(world, path):
    browser = world.browser("alice")

    assert "/login/again?next=" in str(browser.go(world.url(path)).url)


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_by_a_stranger_asks_to_sign_in(world, path):
    assert "/login?next=" in str(world.browser().go(world.url(path)).url)


def test_a_change_that_is_sent_after_five_minutes_changes_nothing(world, secret):
    browser = world.browser()
    browser.go(world.url("/login"))
    browser.sign_in(world.email("alice"), PASSWORD)
    app.prove(browser, app.code(secret))
    app.forget_steps(world, "alice")
    browser.go(world.url("/me/security/app/remove"))
    app.prove(browser, app.code(secret))
    form, page = browser.form("/app/remove"), browser.page
    grow_old(world, browser)
    browser.page = page

    after = browser.submit(form)

    assert "/login/again" in str(after.url)
    app.forget_steps(world, "alice")
    assert app.prove(browser, app.code(secret)).status_code == 200
    assert str(browser.page.url) == world.url("/me/security/app/remove")
    assert Authenticator.objects.filter(user=world.people["alice"].user, type="totp").exists()


def grow_old(world: World, browser) -> None:
    session = Session.objects.get(pk=browser.http.cookies[f"remit-{world.tenant.slug}"])
    content = session.get_decoded()
    for method in content["account_authentication_methods"]:
        method["at"] -= 301
    session.session_data = Session.get_session_store_class()().encode(content)
    session.save()


def test_a_password_is_no_proof_again_where_a_factor_is_set_up(world, secret):
    browser = app.after_password(world, "alice")
    app.prove(browser, app.code(secret))

    page = browser.go(world.url("/login/again?next=/"))

    assert "/login/again/code" in str(page.url)
    assert 'type="password"' not in page.text


def test_nobody_removes_the_passkey_of_another(world):
    bobs = Authenticator.objects.create(user=world.people["bob"].user, type="webauthn", data={"name": "Bob's"})
    browser = world.browser("alice")
    browser.go(world.url(f"/me/security/passkeys/{bobs.pk}/remove"))

    browser.submit(browser.form("/login/again"), {"password": PASSWORD})

    assert browser.page.status_code == 404


def test_an_agent_that_asks_for_a_new_sign_in_gets_one_with_the_code(world, secret):
    scout = world.public_client()
    browser = app.after_password(world, "alice")
    app.prove(browser, app.code(secret))
    app.forget_steps(world, "alice")

    browser.go(world.authorize_url(scout, "x" * 43, prompt="login"))
    assert "/login/again/code" in str(browser.page.url)
    app.prove(browser, app.code(secret))

    assert "Scout" in browser.page.text
    assert "/authorize" in str(browser.page.url)


# --- tenants


def test_a_second_factor_that_was_passed_in_one_tenant_says_nothing_in_another(world, elsewhere, secret):
    give_place(elsewhere, world)
    browser = app.after_password(world, "alice")
    app.prove(browser, app.code(secret))

    assert app.is_signed_in(world, browser)
    assert not app.is_signed_in(elsewhere, browser)
    browser.go(elsewhere.url("/login"))
    browser.sign_in(world.email("alice"), PASSWORD)
    assert str(browser.page.url) == elsewhere.url("/login/second-factor")
    assert happened(elsewhere, "login.ok") == []


def test_a_password_that_was_right_in_one_tenant_does_not_wait_for_a_code_in_another(world, elsewhere, secret):
    give_place(elsewhere, world)
    browser = app.after_password(world, "alice")
    key = browser.http.cookies[f"remit-{world.tenant.slug}"]
    browser.http.cookies.set(f"remit-{elsewhere.tenant.slug}", key, domain="localhost.local")

    assert str(browser.go(elsewhere.url("/login/second-factor")).url) == elsewhere.url("/login")


def test_a_place_that_is_lost_between_password_and_code_opens_nothing(world, secret):
    browser = app.after_password(world, "alice")
    with context.use(world.tenant):
        tenant_actions.suspend_member(world.people["alice"], by=SYSTEM, reason="left")

    page = app.prove(browser, app.code(secret))

    assert str(page.url) == world.url("/login")
    assert not app.is_signed_in(world, browser)


def test_a_right_password_without_a_place_here_is_throttled_as_a_wrong_one(world, elsewhere):
    def tries(email: str, password: str) -> list[str]:
        browser = elsewhere.browser()
        browser.go(elsewhere.url("/login"))
        pages = [browser.sign_in(email, password).text for _ in range(7)]
        return ["too many" if "Too many failed" in page else "refused" for page in pages]

    right, wrong = tries(world.email("alice"), PASSWORD), tries(world.email("bob"), "not the password")

    assert right == wrong == ["refused"] * 5 + ["too many"] * 2


# --- policies of the pages


def test_the_page_of_the_second_factor_may_lead_to_a_client(world, secret):
    page = app.after_password(world, "alice").page

    assert "form-action" not in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]


def test_the_pages_of_a_person_keep_their_forms_at_home(world):
    page = world.browser("alice").go(world.url("/me/security"))

    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]
