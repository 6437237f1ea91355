"""Sign-in at the company's own provider: a tenant of ours, and one that another library runs."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tenants import sign_ins
from tenants.models import Membership, User
from tests.conformance.test_api import api_token
from tests.harness import company
from tests.harness.footprint import leaves_only
from tests.spec import spec
from trust import actions as trust_actions
from trust import providers
from trust.models import IdentityProvider, SubjectLink


@pytest.fixture
def provider(world, initech):
    """Initech's people may sign in to the tenant, and become members when they come first."""
    return company.let_sign_in_at(world, initech.url, "remit", "a-secret-there", email_domains=["initech.example"])


def begin(world, provider, **words):
    """Return a browser that was sent to the provider, and where."""
    browser = world.browser()
    answer = browser.go(world.url(f"/login/company?{urlencode({'at': provider.pk, **words})}"))
    assert answer.status_code == 303, answer.text[:500]
    return browser, answer.headers["location"]


def signed_in(world, browser):
    return browser.go(world.url("/me/agents")).status_code == 200 and "/login" not in str(browser.page.url)


def arrives(world, initech, provider, subject="peter", **claims):
    browser, place = begin(world, provider)
    browser.go(initech.sign_in(place, subject, **{"name": "Peter", "email": "peter@initech.example", **claims}))
    return browser


def members_of(world):
    with context.use(world.tenant):
        return {each.user.name: each for each in Membership.objects.select_related("user")}


@pytest.mark.interop
@spec("RFC 6749", "4.1")
def test_somebody_who_signs_in_at_the_company_is_a_member_and_the_same_one_when_they_come_again(
    world, initech, provider
):
    browser = arrives(world, initech, provider)
    assert signed_in(world, browser)
    first = members_of(world)["Peter"]
    assert (first.role, first.user.has_usable_password()) == ("member", False)
    (entry,) = [each for each in world.entries("login.ok") if each.principal_id == first.pk]
    assert entry.detail["methods"] == ["company"]
    again = arrives(world, initech, provider, name="Peter G.", email="other@initech.example")
    assert signed_in(world, again)
    with context.use(world.tenant):
        assert SubjectLink.objects.get(subject="peter").member_id == first.pk
        assert Membership.objects.count() == 4


@pytest.mark.interop
@spec("RFC 9700", "4.7")
def test_a_browser_is_one_sign_in_whoever_signs_in_once_more_in_it(world, initech, provider):
    browser = arrives(world, initech, provider)
    for subject, name in (("peter", "Peter"), ("anna", "Anna")):
        place = browser.go(world.url(f"/login/company?at={provider.pk}")).headers["location"]
        browser.go(initech.sign_in(place, subject, name=name, email=f"{subject}@initech.example"))
        page = browser.go(world.url("/me/security")).text
        assert (page.count("This browser"), page.count("/sign-ins/")) == (1, 1)
        with context.use(world.tenant):
            living = {who: sign_ins.living(each, now=timezone.now()) for who, each in members_of(world).items()}
            assert [who for who, rows in living.items() if rows] == [name]
            assert sign_ins.of(members_of(world)["Peter"]).count() == 1


@pytest.mark.interop
@spec("RFC 7636", "4.3")
def test_the_request_asks_for_a_code_with_pkce_state_and_nonce_and_back_to_where_it_was_asked(world, initech, provider):
    browser, place = begin(world, provider, next=f"/t/{world.tenant.slug}/me/security", email="peter@initech.example")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["login_hint"] == "peter@initech.example"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert asked["redirect_uri"] == world.url("/login/company/back")
    browser.go(initech.sign_in(place, "peter"))
    assert str(browser.page.url).endswith("/me/security")


@pytest.mark.interop
@spec("RFC 9700", "4.7")
def test_an_answer_that_this_browser_did_not_begin_or_begins_twice_signs_nobody_in(world, initech, provider):
    browser, place = begin(world, provider)
    back = initech.sign_in(place, "peter")
    stranger = world.browser()
    with leaves_only(world):
        assert stranger.go(back).status_code == 400
        assert "was not started here" in stranger.page.text
    assert not signed_in(world, stranger)
    browser.go(back)
    assert signed_in(world, browser)
    assert world.browser().go(back).status_code == 400
    assert browser.go(back).status_code == 400


@pytest.mark.interop
@spec("RFC 9700", "4.5")
def test_a_code_of_another_sign_in_brings_another_nonce_and_is_refused(world, initech, provider):
    browser, place = begin(world, provider)
    _, other = begin(world, provider)
    mixed = parse_qs(urlsplit(initech.sign_in(other, "peter")).query)["code"][0]
    state = parse_qs(urlsplit(place).query)["state"][0]
    page = browser.go(world.url(f"/login/company/back?{urlencode({'code': mixed, 'state': state})}"))
    assert page.status_code == 400
    assert not signed_in(world, browser)
    assert world.entries("login.refused")[-1].about_id == provider.pk


@pytest.mark.interop
@spec("RFC 9700", "2.3")
def test_nobody_is_found_by_a_bare_address(world, initech, provider):
    """An address that a member here has makes a newcomer a member of their own, without it."""
    browser = arrives(
        world, initech, provider, "mallory", name="Mallory", email=world.email("ada"), email_verified=True
    )
    assert signed_in(world, browser)
    mallory = members_of(world)["Mallory"]
    assert mallory.role == "member"
    assert mallory.email != world.email("ada")


@pytest.mark.interop
@spec("RFC 9700", "2.3")
def test_a_verified_address_of_a_named_domain_finds_a_member_where_an_admin_lets_it(world, initech):
    provider = company.let_sign_in_at(
        world, initech.url, "remit", "a-secret-there", mappings=["email"], email_domains=["initech.example"]
    )
    with context.use(world.tenant):
        User.objects.filter(pk=world.people["bob"].user_id).update(email="bob@initech.example")
    refused = arrives(world, initech, provider, "bob", email="bob@initech.example", email_verified=False)
    assert "does not open this organisation" in refused.page.text
    assert not signed_in(world, refused)
    assert signed_in(world, arrives(world, initech, provider, "bob", email="bob@initech.example", email_verified=True))
    with context.use(world.tenant):
        assert SubjectLink.objects.get(subject="bob").member_id == world.people["bob"].pk


@pytest.mark.interop
@spec("RFC 9700", "2.3")
def test_groups_give_the_role_at_each_sign_in_and_the_last_admin_stays_one(world, initech):
    roles = [["security-team", "security"], ["leads", "approver"]]
    provider = company.let_sign_in_at(world, initech.url, "remit", "a-secret-there", roles=roles)
    for groups, role in ((["leads", "security-team"], "security"), (["leads"], "approver"), (["nothing"], "approver")):
        arrives(world, initech, provider, groups=groups)
        peter = members_of(world)["Peter"]
        assert (peter.role, peter.groups) == (role, sorted(groups))
    with context.use(world.tenant):
        trust_actions.link_subject(provider.issuer, "ada", world.people["ada"], by=SYSTEM, how="admin")
    arrives(world, initech, provider, "ada", groups=["leads"])
    assert members_of(world)["Ada"].role == "admin"
    changed = [(each.detail["before"], each.detail["after"]) for each in world.entries("member.role_changed")]
    assert changed == [("member", "security"), ("security", "approver")]


@pytest.mark.interop
@spec("RFC 6749", "4.1.2.1")
def test_a_person_without_a_place_and_a_provider_that_was_switched_off_open_nothing(world, initech, provider):
    browser = arrives(world, initech, provider)
    world.rewrite(members_of(world)["Peter"], status="suspended")
    assert "Your place here is closed" in arrives(world, initech, provider).page.text
    denied, place = begin(world, provider)
    state = parse_qs(urlsplit(place).query)["state"][0]
    said = denied.go(world.url(f"/login/company/back?{urlencode({'error': 'access_denied', 'state': state})}"))
    assert "said no" in said.text
    waiting, place = begin(world, provider)
    with context.use(world.tenant):
        trust_actions.change_issuer(provider.issuer, by=SYSTEM, is_enabled=False)
    page = waiting.go(initech.sign_in(place, "michael"))
    assert (page.status_code, "issuer_not_trusted" in page.text) == (400, True)
    assert browser.go(world.url(f"/login/company?at={provider.pk}")).status_code == 400


@pytest.mark.interop
@spec("RFC 9207", "2.4")
def test_an_answer_that_names_another_issuer_is_refused(world, initech, provider):
    browser, place = begin(world, provider)
    back = initech.sign_in(place, "peter")
    page = browser.go(f"{back}&{urlencode({'iss': 'https://mix-up.example'})}")
    assert page.status_code == 400
    assert not signed_in(world, browser)


@pytest.mark.interop
@spec("RFC 7636", "4.3")
def test_the_sign_in_page_knows_the_provider_by_name_and_by_mail_domain(world, initech, provider):
    page = world.browser().go(world.url("/login"))
    assert f"Sign in with {company.NAME}" in page.text
    known = world.browser().go(world.url("/login/company?email=Peter@Initech.example"))
    assert known.headers["location"].startswith(initech.url)
    unknown = world.browser().go(world.url("/login/company?email=who@nowhere.example"))
    assert (unknown.status_code, "nowhere.example" in unknown.text) == (400, True)


@spec("RFC 6749", "4.1")
def test_a_second_tenant_of_ours_is_a_provider_like_any_other(world, elsewhere):
    client_id, secret = company.register_at_sister(world, elsewhere)
    provider = company.let_sign_in_at(world, elsewhere.tenant.issuer, client_id, secret)
    browser = world.browser()
    browser.go(world.url(f"/login/company?at={provider.pk}"))
    browser.sign_in(elsewhere.email("alice"), "a long and quiet password")
    browser.decide(duration="hour")
    assert signed_in(world, browser)
    with context.use(world.tenant):
        link = SubjectLink.objects.select_related("member__user").get(issuer=provider.issuer)
    assert (link.subject, link.member.user.name) == (elsewhere.people["alice"].pk, "Alice")
    assert link.member_id != world.people["alice"].pk


@spec("RFC 6749", "3.2.1")
def test_a_wrong_secret_at_the_sister_lets_nobody_in(world, elsewhere):
    client_id, _ = company.register_at_sister(world, elsewhere)
    provider = company.let_sign_in_at(world, elsewhere.tenant.issuer, client_id, "not-the-secret")
    browser = world.browser()
    browser.go(world.url(f"/login/company?at={provider.pk}"))
    browser.sign_in(elsewhere.email("alice"), "a long and quiet password")
    browser.decide(duration="hour")
    assert browser.page.status_code == 400
    assert not signed_in(world, browser)


@spec("RFC 9700", "2.3")
def test_an_admin_says_it_over_the_api_and_the_secret_is_never_shown(world):
    token = api_token(world, world.public_client("Console app"), "ada", "trust:read trust:write")

    def ask(method, path, body=None):
        headers = {"Authorization": f"Bearer {token}"}
        return world.http.request(method, world.url(f"/api/v1/trust/issuers{path}"), headers=headers, json=body)

    words = {"issuer": "https://accounts.initech.example", "key_source": "metadata", "purposes": ["id_jag"]}
    issuer = ask("POST", "", words).json()["id"]
    said = {"client_id": "remit", "client_secret": "hush", "roles": [["leads", "approver"]]}
    with leaves_only(world):
        assert "sign-in" in ask("PUT", f"/{issuer}/sign-in", said).json()["detail"]
        assert ask("GET", f"/{issuer}/sign-in").status_code == 404
    ask("PATCH", f"/{issuer}", {"purposes": ["sign_in"]})
    made = ask("PUT", f"/{issuer}/sign-in", said)
    assert (made.status_code, made.json()["redirect_uri"]) == (200, world.url("/login/company/back"))
    assert "hush" not in made.text + ask("GET", f"/{issuer}/sign-in").text
    with leaves_only(world):
        assert ask("PUT", f"/{issuer}/sign-in", {**said, "roles": [["leads", "emperor"]]}).status_code == 422
        assert ask("PUT", f"/{issuer}/sign-in", {**said, "roles": [["leads"]]}).status_code == 400
    ask("PUT", f"/{issuer}/sign-in", {"client_id": "remit-2"})
    with context.use(world.tenant):
        kept = IdentityProvider.objects.get()
        assert (kept.client_id, providers.secret_of(kept)) == ("remit-2", "hush")
        assert "hush" not in kept.client_secret
    assert ask("DELETE", f"/{issuer}/sign-in").status_code == 204
    assert [each.event for each in world.entries() if each.event.startswith("trust.provider")] == [
        "trust.provider_set", "trust.provider_set", "trust.provider_removed",
    ]  # fmt: skip


@spec("RFC 9700", "2.1")
def test_a_provider_of_another_tenant_opens_nothing_here(world, elsewhere):
    client_id, secret = company.register_at_sister(elsewhere, world)
    theirs = company.let_sign_in_at(elsewhere, world.tenant.issuer, client_id, secret)
    assert world.browser().go(world.url(f"/login/company?at={theirs.pk}")).status_code == 400
