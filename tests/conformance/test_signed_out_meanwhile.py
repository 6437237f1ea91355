"""A session that ends in the middle of a form: whoever signs in again stands where they were, and nothing was done."""

from urllib.parse import parse_qs, urlsplit

import pytest

from agents.models import Agent, Approval
from kit import context
from tenants.invitation import Invitation
from tests.conformance.test_approvals_narrowed import put
from tests.conformance.test_step_up import age
from tests.harness import authenticator_app as app
from tests.harness.footprint import leaves_only
from tests.harness.signing_in import Session
from tests.harness.world import PASSWORD
from tests.spec import spec

SENTENCE = "You were signed out meanwhile. Nothing was done yet."


@pytest.fixture
def ada(world):
    """Ada's browser, which signed in at the page itself and so carries its mark."""
    browser = world.browser()
    browser.go(world.url("/login"))
    browser.sign_in(world.email("ada"), PASSWORD)
    return browser


def expire(world, browser):
    """Let the session be over, as the clock does: the browser still sends its cookie."""
    key = browser.http.cookies[f"remit-{world.tenant.slug}"]
    with context.use(world.tenant):
        Session(key).delete()


def sign_in(world, browser, name="ada"):
    assert "/login" in str(browser.page.url), browser.page.url
    return browser.sign_in(world.email(name), PASSWORD)


def field(form, name):
    return [value for each, value in form.fields if each == name]


@spec("RFC 6265", "5.3")
@pytest.mark.parametrize(
    ("verb", "typed"),
    [
        ("/deny", {"reason": "We do not know who runs it.", "preset": ""}),
        ("/ask", {"words": "What is it for?"}),
        ("/approve", {"until": "2027-03-01"}),
    ],
)
def test_a_decision_whose_session_ended_stands_in_its_card_again_and_is_not_made(world, ada, verb, typed):
    approval = put(world, "Onlooker", kind="admission", scopes=["events:read"], source="dcr")
    queue = world.url("/console/approvals?q=onlooker&order=oldest")
    ada.go(queue)
    form = ada.form(verb)
    expire(world, ada)
    with leaves_only(world):
        ada.submit(form, typed)
    page = sign_in(world, ada)
    assert str(page.url) == queue, "narrowed and sorted as it was"
    assert SENTENCE in ada.words()
    again = ada.form(verb)
    for name, value in typed.items():
        assert field(again, name) == [value]
    with context.use(world.tenant):
        assert Approval.objects.get(pk=approval.pk).status == "waiting"
    ada.go(queue)
    assert SENTENCE not in ada.words(), "it is said once"
    assert not any(value and value in ada.page.text for value in typed.values()), "and shown once"


@spec("RFC 6265", "5.3")
def test_an_invitation_a_setting_and_an_end_are_typed_once(world, ada):
    with context.use(world.tenant):
        agent = Agent.objects.create(name="Ledger bot", status="active")
    cases = (
        ("/console/members", "/invite", {"email": "new@elsewhere.example", "role": "auditor"}),
        ("/console/settings", "/settings/change", {"time_zone": "Europe/Vienna"}),
        (f"/console/agents/{agent.pk}/end", "/end", {"reason": "Its project is over."}),
        (f"/console/agents/{agent.pk}/pause", "/pause", {"reason": "It is odd today."}),
    )
    for path, action, typed in cases:
        ada.go(world.url(path))
        form = ada.form(action)
        expire(world, ada)
        with leaves_only(world):
            ada.submit(form, typed)
        assert str(sign_in(world, ada).url) == world.url(path)
        assert SENTENCE in ada.words()
        again = ada.form(action)
        for name, value in typed.items():
            assert field(again, name) == [value], path
    with context.use(world.tenant):
        assert not Invitation.objects.exists()
        assert Agent.objects.get(pk=agent.pk).status == "active"


@spec("RFC 6265", "5.3")
def test_what_is_typed_to_be_sure_is_typed_anew(world, ada):
    """The name of the organisation, before it is paused, and how many are reached: whoever is back types it again."""
    ada.go(world.url("/console/settings/pause"))
    form = next(each for each in ada.forms() if field(each, "reason"))
    expire(world, ada)
    ada.submit(form, {"name": world.tenant.name, "reason": "A key is out."})
    sign_in(world, ada)
    again = next(each for each in ada.forms() if field(each, "reason"))
    assert field(again, "reason") == ["A key is out."]
    assert field(again, "name") in ([], [""])


@spec("RFC 9110", "15.5.6")
def test_after_a_page_that_was_itself_the_answer_to_a_form_one_stands_where_the_form_is(world, ada):
    """The page of a flawed decision has the address of the form: nobody reads there."""
    approval = put(world, "Onlooker", kind="admission", scopes=["events:read"], source="dcr")
    ada.go(world.url("/console/approvals"))
    ada.submit(ada.form("/deny"), {"reason": ""})
    assert ada.page.status_code == 422
    expire(world, ada)
    ada.submit(ada.form("/deny"), {"reason": "We do not know who runs it."})
    page = sign_in(world, ada)
    assert (page.status_code, str(page.url)) == (200, world.url(f"/console/approvals/{approval.pk}"))
    assert SENTENCE in ada.words()
    assert field(ada.form("/deny"), "reason") == ["We do not know who runs it."]


@spec("RFC 9110", "15.5.6")
@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/console/approvals/{apr}/approve", "/console/approvals/{apr}"),
        ("/console/settings/change", "/console/settings"),
        ("/console/members/invite", "/console/members"),
        ("/me/agents/end-all", "/me/agents"),
        ("/me/security/sign-ins/end-others", "/me/security"),
    ],
)
@pytest.mark.parametrize("is_in", [True, False])
def test_whoever_opens_an_address_that_takes_a_form_is_told_where_the_form_is(world, ada, path, page, is_in):
    browser, none = ada if is_in else world.browser(), {"apr": f"apr_{'0' * 26}"}
    path, page = path.format(**none), page.format(**none)
    answer = browser.go(world.url(path))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "It only takes the form of another page." in browser.words()
    assert f'href="/t/{world.tenant.slug}{page}"' in answer.text


@spec("RFC 6265", "5.3")
def test_a_script_that_asked_for_a_part_of_a_page_leaves_for_the_page(world, ada):
    ada.go(world.url("/console/activity"))
    expire(world, ada)
    answer = ada.http.get(
        world.url("/console/activity/newer?after=evt_00000000000000000000000000"),
        headers={"HX-Request": "true", "Referer": world.url("/console/activity?event=token.*")},
    )
    (after,) = parse_qs(urlsplit(answer.headers["hx-redirect"]).query)["next"]
    assert after == f"/t/{world.tenant.slug}/console/activity?event=token.*"


@spec("RFC 9470", "3")
def test_whoever_has_to_prove_first_who_they_are_finds_what_they_typed(world, ada):
    with context.use(world.tenant):
        agent = Agent.objects.create(name="Ledger bot", status="active")
    path = world.url(f"/console/agents/{agent.pk}/end")
    ada.go(path)
    form = ada.form("/end")
    age(world, ada)
    with leaves_only(world):
        ada.submit(form, {"reason": "Its project is over."})
    assert "/login/again" in str(ada.page.url)
    ada.submit(next(each for each in ada.forms() if "password" in dict(each.fields)), {"password": PASSWORD})
    assert str(ada.page.url) == path
    assert "You proved that it is you. Nothing was done yet." in ada.words()
    assert field(ada.form("/end"), "reason") == ["Its project is over."]


@spec("RFC 6265", "5.3")
def test_it_is_there_after_a_second_factor_too(world, ada):
    secret = app.add(world, ada)
    app.forget_steps(world, "ada")
    ada.go(world.url("/console/members"))
    form = ada.form("/invite")
    expire(world, ada)
    ada.submit(form, {"email": "new@elsewhere.example", "role": "auditor"})
    sign_in(world, ada)
    ada.submit(next(each for each in ada.forms() if "code" in dict(each.fields)), {"code": app.code(secret)})
    assert str(ada.page.url) == world.url("/console/members")
    assert SENTENCE in ada.words()
    assert field(ada.form("/invite"), "email") == ["new@elsewhere.example"]


@spec("RFC 6265", "5.3")
def test_a_script_that_sent_the_form_leaves_for_the_sign_in_and_finds_it_as_well(world, ada):
    put(world, "Onlooker", kind="admission", scopes=["events:read"], source="dcr")
    ada.go(world.url("/console/approvals"))
    form = ada.form("/deny")
    expire(world, ada)
    sent = ada.http.post(
        f"{world.origin}{form.action}",
        data={**dict(form.fields), "reason": "We do not know who runs it."},
        headers={"HX-Request": "true", "Origin": world.origin, "Referer": world.url("/console/approvals")},
    )
    ada.go(f"{world.origin}{sent.headers['hx-redirect']}")
    sign_in(world, ada)
    assert SENTENCE in ada.words()
    assert field(ada.form("/deny"), "reason") == ["We do not know who runs it."]
