"""Planted forms: what meets no session is never done by a sign-in, and shown to nobody but to who typed it."""

import base64
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from agents.models import Approval
from console import kept
from kit import context
from tests.conformance.test_approvals_narrowed import put
from tests.conformance.test_signed_out_meanwhile import SENTENCE, ada, expire, sign_in
from tests.harness.footprint import leaves_only
from tests.harness.signing_in import Session
from tests.harness.world import PASSWORD
from tests.spec import spec

__all__ = ["ada"]
WORDS = "Planted words that nobody may meet"


@pytest.fixture
def approval(world):
    return put(world, "Onlooker", kind="admission", scopes=["events:read"], source="dcr")


def session_of(world, browser):
    return Session(browser.http.cookies[f"remit-{world.tenant.slug}"])


def plant(world, browser):
    """Send a denial from a browser whose session is over."""
    browser.go(world.url("/console/approvals"))
    form = browser.form("/deny")
    expire(world, browser)
    browser.submit(form, {"reason": WORDS})


@spec("RFC 9700", "4.7")
def test_what_one_person_typed_is_not_shown_to_another_who_signs_in_at_the_same_browser(world, ada, approval):
    world.rewrite(world.people["bob"], role="admin")
    plant(world, ada)
    page = sign_in(world, ada, "bob")
    assert str(page.url) == world.url("/console/approvals")
    assert WORDS not in page.text
    assert SENTENCE not in ada.words()
    ada.go(world.url("/console/approvals"))
    assert WORDS not in ada.page.text
    assert "kept_form" not in session_of(world, ada), "it was dropped"
    with context.use(world.tenant):
        assert Approval.objects.get(pk=approval.pk).status == "waiting"


@spec("RFC 9700", "4.7")
def test_a_browser_in_which_nobody_signed_in_leaves_nothing_behind(world, approval):
    stranger = world.browser()
    stranger.go(world.url("/login"))
    form = stranger.form("/login")
    form.action = f"/t/{world.tenant.slug}/console/approvals/{approval.pk}/deny"
    with leaves_only(world):
        stranger.submit(form, {"reason": WORDS})
    assert f"remit-{world.tenant.slug}" not in stranger.http.cookies, "no session was made of it"
    page = sign_in(world, stranger)
    assert WORDS not in page.text
    assert SENTENCE not in stranger.words()


@spec("RFC 9700", "4.7")
@pytest.mark.parametrize("mark", ["", "x", "WyJhIiwiYiJd:1tXXXX:zzzz", "a" * 5000])
def test_a_mark_that_is_not_ours_marks_nobody(world, ada, approval, mark):
    name = f"mark-{world.tenant.slug}"
    assert name in ada.http.cookies
    ada.go(world.url("/console/approvals"))
    form = ada.form("/deny")
    expire(world, ada)
    ada.http.cookies.delete(name)
    ada.http.cookies.set(name, mark, domain="localhost.local")
    ada.submit(form, {"reason": WORDS})
    page = sign_in(world, ada)
    assert WORDS not in page.text


@spec("RFC 9700", "4.7")
def test_a_mark_of_one_tenant_is_none_of_another(world, elsewhere, ada):
    """Both cookies are the browser's own: moved to another name, one says nothing."""
    theirs = put(elsewhere, "Onlooker", kind="admission", scopes=["events:read"], source="dcr")
    ada.go(elsewhere.url("/login"))
    form = ada.form("/login")
    form.action = f"/t/{elsewhere.tenant.slug}/console/approvals/{theirs.pk}/deny"
    moved = ada.http.cookies[f"mark-{world.tenant.slug}"]
    ada.http.cookies.set(f"mark-{elsewhere.tenant.slug}", moved, domain="localhost.local")
    ada.submit(form, {"reason": WORDS})
    page = sign_in(elsewhere, ada)
    assert WORDS not in page.text
    assert SENTENCE not in ada.words()


@spec("RFC 9700", "4.7")
def test_a_page_of_another_site_plants_nothing(world, ada, approval):
    ada.go(world.url("/console/approvals"))
    form = ada.form("/deny")
    expire(world, ada)
    place = world.url(f"/console/approvals/{approval.pk}/deny")
    answers = [
        ada.http.post(place, data={**dict(form.fields), "reason": WORDS}, headers={"Origin": "https://evil.example"}),
        ada.http.post(place, data={"reason": WORDS}, headers={"Origin": world.origin}),
    ]
    assert [each.status_code for each in answers] == [403, 403]
    ada.go(world.url("/console/approvals"))
    assert WORDS not in sign_in(world, ada).text
    assert SENTENCE not in ada.words()


@spec("RFC 9700", "4.11")
@pytest.mark.parametrize(
    "came",
    [
        "https://evil.example/t/{slug}/console/approvals",
        "{origin}/t/other-tenant/console/approvals",
        "{origin}/t/{slug}/logout",
        "{origin}/t/{slug}/authorize?client_id=x",
        "{origin}/t/{slug}//evil.example/console",
        "{origin}/t/{slug}/console/../../../evil",
        "{origin}/t/{slug}/console/nowhere",
        "{origin}/t/{slug}/console/approvals?q=" + "x" * 3000,
        "{origin}.evil.example/t/{slug}/console/approvals",
    ],
)
def test_where_a_form_says_it_came_from_leads_to_a_page_of_ours_alone(world, ada, approval, came):
    ada.go(world.url("/console/approvals"))
    form = ada.form("/deny")
    expire(world, ada)
    answer = ada.http.post(
        world.url(f"/console/approvals/{approval.pk}/deny"),
        data={**dict(form.fields), "reason": WORDS},
        headers={"Origin": world.origin, "Referer": came.format(origin=world.origin, slug=world.tenant.slug)},
    )
    (after,) = parse_qs(urlsplit(answer.headers["location"]).query)["next"]
    assert after == f"/t/{world.tenant.slug}/console/approvals/{approval.pk}"


@spec("RFC 9700", "4.7")
def test_what_is_kept_is_forgotten_after_minutes(world, ada, approval):
    plant(world, ada)
    session = session_of(world, ada)
    for name in ("kept_form", "kept_said"):
        session[name] = {**session[name], "at": session[name]["at"] - kept.KEPT_FOR / timedelta(seconds=1) - 1}
    session.save()
    page = sign_in(world, ada)
    assert WORDS not in page.text
    assert SENTENCE not in ada.words()


@spec("RFC 9700", "4.7")
def test_no_secret_and_nothing_long_is_kept(world, ada, approval):
    ada.go(world.url("/console/approvals"))
    form = ada.form("/deny")
    for typed in ({"reason": "x" * 9000}, {"reason": WORDS, "password": PASSWORD, "csrfmiddlewaretoken": None}):
        expire(world, ada)
        said = {name: value for name, value in typed.items() if value is not None}
        ada.submit(form, said)
        held = session_of(world, ada)
        assert ("kept_form" in held) == (typed["reason"] == WORDS)
        assert PASSWORD not in str(dict(held.items()))
        assert "csrf" not in str(dict(held.items()).get("kept_form", ""))
        sign_in(world, ada)
        ada.go(world.url("/console/approvals"))
        form = ada.form("/deny")


@spec("RFC 9700", "4.7")
def test_nobody_reads_from_the_mark_whose_it_is(world, ada):
    mark = ada.http.cookies[f"mark-{world.tenant.slug}"]
    member = world.people["ada"]
    decoded = base64.urlsafe_b64decode(mark.partition(":")[0] + "===").decode(errors="replace")
    for told in (member.pk, member.user_id, member.user.email, member.user.name):
        assert str(told) not in mark + decoded
