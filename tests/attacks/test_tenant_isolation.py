"""What belongs to one tenant, presented at another: the answer is that of something unknown, and nothing changes."""

import pytest
from django.conf import settings

from agents.models import Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants.models import ResourceServer
from tests.harness import raw
from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import REDIRECT, Credentials, pkce
from tests.spec import spec

API_SCOPES = ("self:read", "delegations:read", "delegations:end")


@pytest.fixture
def scout(world):
    """A client at home, in the tenant under attack."""
    return world.secret_client("Scout")


@pytest.fixture
def double(world, elsewhere, scout):
    """A client elsewhere that has the very id and secret of the one at home."""
    twin = elsewhere.secret_client("Scout")
    with context.use(elsewhere.tenant):
        Client.objects.filter(pk=twin.client.pk).update(client_id=scout.id, client_secret=scout.client.client_secret)
        return Credentials(Client.objects.select_related("agent").get(pk=twin.client.pk), scout.secret)


def api_token(world, who):
    with context.use(world.tenant):
        server = ResourceServer.objects.get(identifier=world.tenant.api_identifier)
    ticked = [f"{server.pk} {scope}" for scope in API_SCOPES]
    granted = world.grant(who, resource=server.identifier, scope=" ".join(API_SCOPES), tick=ticked)
    return granted["access_token"]


def cookie(world):
    return f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"


@spec("RFC 6749", "4.1.3")
def test_a_code_is_unknown_elsewhere_even_to_a_client_of_the_same_id_and_secret(world, elsewhere, scout, double):
    code, verifier = world.code(scout)
    with leaves_only(world), leaves_only(elsewhere, "token.refused"):
        assert_refused(elsewhere.redeem(double, code, verifier), "invalid_grant")
    assert world.redeem(scout, code, verifier).status_code == 200


@spec("RFC 6749", "6")
def test_a_refresh_token_is_unknown_elsewhere(world, elsewhere, scout, double):
    tokens = world.grant(scout)
    with leaves_only(world), leaves_only(elsewhere, "token.refused"):
        assert_refused(elsewhere.refresh(double, tokens["refresh_token"]), "invalid_grant")
    assert world.refresh(scout, tokens["refresh_token"]).status_code == 200


@spec("RFC 7662", "2.2")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_is_inactive_elsewhere(world, elsewhere, scout, double, kind):
    tokens = world.grant(scout)
    callers = [double, elsewhere.introspector(), elsewhere.introspector(elsewhere.notes)]
    with leaves_only(world):
        assert [elsewhere.introspect(caller, tokens[kind]) for caller in callers] == [{"active": False}] * 3
    assert world.is_active(tokens["access_token"])


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_cannot_be_revoked_from_elsewhere(world, elsewhere, scout, double, kind):
    tokens = world.grant(scout)
    with leaves_only(world), leaves_only(elsewhere):
        assert elsewhere.revoke(double, tokens[kind]).status_code == 200
    assert world.is_active(tokens["access_token"])


@spec("OIDC Core", "5.3.3")
def test_a_token_is_none_at_the_userinfo_and_the_api_of_another_tenant(world, elsewhere, scout):
    sign_in = world.grant(scout, scope="openid", resource=None)["access_token"]
    own = api_token(world, scout)
    for token in (sign_in, own):
        for path in ("/userinfo", "/api/v1/self", "/api/v1/delegations"):
            refused = elsewhere.http.get(elsewhere.url(path), headers={"Authorization": f"Bearer {token}"})
            assert refused.status_code == 401
            assert world.tenant.slug not in refused.text
    assert world.http.get(world.url("/userinfo"), headers={"Authorization": f"Bearer {sign_in}"}).status_code == 200


@spec("RFC 6749", "2.3")
def test_a_clients_secret_is_wrong_elsewhere(world, elsewhere):
    worker = world.worker()
    with leaves_only(world), leaves_only(elsewhere):
        assert_refused(elsewhere.own_token(worker), "invalid_client", 401)
    assert world.own_token(worker).status_code == 200


@spec("RFC 6749", "4.4")
def test_a_twin_elsewhere_gets_nothing_for_the_resource_at_home(world, elsewhere):
    worker = elsewhere.worker()
    with leaves_only(world):
        refusal = elsewhere.own_token(worker, resource=world.calendar.identifier)
    assert_refused(refusal, "invalid_target")


@spec("RFC 6749", "4.1.1")
def test_a_client_of_another_tenant_is_unknown_on_the_authorization_page(world, elsewhere, scout):
    with leaves_only(world), leaves_only(elsewhere):
        page = elsewhere.ask(scout, resource=elsewhere.calendar.identifier).page
    assert (page.status_code, "location" in page.headers) == (400, False)
    assert "not known" in page.text
    assert "Scout" not in page.text


@spec("RFC 8707", "2")
def test_the_resource_of_another_tenant_is_an_invalid_target(world, elsewhere):
    other = elsewhere.public_client()
    found = answer(elsewhere.ask(other, resource=world.calendar.identifier).page)
    assert (found["error"], found["iss"]) == ("invalid_target", elsewhere.tenant.issuer)


@spec("RFC 9700", "4.7")
def test_a_session_moved_to_another_tenants_cookie_name_is_nobody(world, elsewhere):
    browser = world.browser("alice")
    key = browser.http.cookies[cookie(world)]
    moved = elsewhere.browser()
    for name in (cookie(elsewhere), cookie(world), settings.SESSION_COOKIE_NAME):
        moved.http.cookies.set(name, key)
    moved.go(elsewhere.url("/me/agents"))
    assert str(moved.page.url).startswith(elsewhere.url("/login"))
    assert world.email("alice") not in moved.page.text
    assert browser.go(world.url("/me/agents")).status_code == 200
    assert world.email("alice") in browser.page.text


@spec("RFC 9700", "4.7")
def test_a_session_at_one_tenant_opens_no_console_of_another(world, elsewhere):
    browser = world.browser("ada")
    assert browser.go(world.url("/console/agents")).status_code == 200
    browser.go(elsewhere.url("/console/agents"))
    assert str(browser.page.url).startswith(elsewhere.url("/login"))


@spec("RFC 9700", "4.7")
def test_two_tenants_in_one_browser_keep_two_sessions(world, elsewhere):
    browser = world.browser("alice")
    browser.go(elsewhere.url("/login"))
    browser.sign_in(elsewhere.email("bob"), "a long and quiet password")
    assert elsewhere.email("bob") in browser.go(elsewhere.url("/me/agents")).text
    assert world.email("alice") in browser.go(world.url("/me/agents")).text
    browser.go(world.url("/logout"))
    browser.submit(browser.form("/logout"))
    assert elsewhere.email("bob") in browser.go(elsewhere.url("/me/agents")).text


@spec("RFC 6749", "4.1.1")
def test_a_consent_page_of_one_tenant_is_not_decided_at_another(world, elsewhere, scout):
    shown = world.ask(scout, "alice")
    handle = dict(shown.form("/authorize").fields)["handle"]
    other = elsewhere.ask(elsewhere.public_client(), "alice")
    with leaves_only(world), leaves_only(elsewhere):
        other.decide(handle=handle)
    assert other.page.status_code == 400
    assert answer(shown.decide())["code"]


@spec("RFC 6749", "10.2")
@pytest.mark.parametrize("act", ["end", "undo"])
def test_the_access_of_another_tenant_is_not_there_on_the_pages(world, elsewhere, scout, act):
    world.grant(scout)
    elsewhere.grant(elsewhere.public_client())
    (theirs,) = world.delegations()
    browser = elsewhere.browser("alice")
    browser.go(elsewhere.url("/me/agents"))
    form = browser.form(f"{elsewhere.delegations()[0].pk}/end")
    form.action = f"/t/{elsewhere.tenant.slug}/me/agents/{theirs.pk}/{act}"
    with leaves_only(world), leaves_only(elsewhere):
        browser.submit(form)
    foreign = browser.page
    browser.go(elsewhere.url("/me/agents"))
    form.action = f"/t/{elsewhere.tenant.slug}/me/agents/dlg_00000000000000000000000000/{act}"
    unknown = browser.submit(form)
    assert (foreign.status_code, foreign.text) == (unknown.status_code, unknown.text)
    assert foreign.status_code == 404


@spec("RFC 6749", "10.2")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_access_of_another_tenant_is_not_there_in_the_api(world, elsewhere, scout, method):
    world.grant(scout)
    (theirs,) = world.delegations()
    token = api_token(elsewhere, elsewhere.public_client())
    answers = []
    for which in (theirs.pk, "dlg_00000000000000000000000000"):
        with leaves_only(world), leaves_only(elsewhere):
            response = elsewhere.http.request(
                method, elsewhere.url(f"/api/v1/delegations/{which}"), headers={"Authorization": f"Bearer {token}"}
            )
        answers.append((response.status_code, response.json()["title"]))
    assert answers == [(404, "There is no such thing here")] * 2


@spec("RFC 8414", "3.3")
@pytest.mark.parametrize(
    "path",
    ["/t/{a}/../{b}", "/t/{a}%2f..%2f{b}", "/t/{a}/..;/{b}", "/t/{A}", "/t/{a}%00", "/t//{a}", "/t/{a};x",
     "/t/{a}%e2%80%8b",
     "//t/{a}", "/T/{a}", "/t/{a}%20", "/t/{a}.", "/t/%2e%2e/t/{a}", "/t/{a}%0a", "/t/{a}%252f"],
)  # fmt: skip
@pytest.mark.parametrize("place", ["{t}/.well-known/openid-configuration", "/.well-known/openid-configuration{t}"])
def test_tricks_with_the_slug_find_no_tenant(world, elsewhere, path, place):
    slugs = {"a": world.tenant.slug, "b": elsewhere.tenant.slug, "A": world.tenant.slug.upper()}
    found = raw.send(world.origin, place.format(t=path.format(**slugs)), {"Accept": "application/json"})
    assert found.status in {400, 404}
    assert b"issuer" not in found.body
    assert "location" not in found.headers


def unnamed(answer):
    """Return what an answer says, but for the name of its request."""
    return answer.text.replace(answer.headers["x-request-id"], "")


@spec("RFC 8414", "3.3")
def test_a_suspended_tenant_looks_like_one_that_never_was(world, elsewhere):
    tenant_actions.suspend_tenant(world.tenant, by=SYSTEM, reason="test")
    for path in (
        "/.well-known/openid-configuration",
        "/jwks.json",
        "/authorize",
        "/login",
        "/me/agents",
        "/api/v1/self",
    ):
        gone = world.http.get(world.url(path))
        never = world.http.get(world.url(path).replace(world.tenant.slug, "t-never"))
        assert (gone.status_code, unnamed(gone)) == (404, unnamed(never))
        assert never.status_code == 404
        # The API says it as it says everything (RFC 9457), the rest as OAuth does.
        said = "application/problem+json" if "/api/" in path else "application/json"
        assert gone.headers["content-type"] == never.headers["content-type"] == said
        page = world.http.get(world.url(path), headers={"Accept": "text/html"})
        assert page.status_code == 404
        assert world.tenant.name not in page.text
    assert world.http.post(world.url("/token"), data={}).status_code == 404
    assert elsewhere.http.get(elsewhere.url("/jwks.json")).status_code == 200


@spec("RFC 9700", "4.4.2")
def test_each_tenant_answers_with_its_own_issuer(world, elsewhere):
    for each in (world, elsewhere):
        found = answer(each.ask(each.public_client(), response_type="token").page)
        assert found["iss"] == each.tenant.issuer == f"{each.origin}/t/{each.tenant.slug}"


@spec("RFC 6749", "10.2")
def test_a_consent_at_one_tenant_is_none_at_another(world, elsewhere, scout, double):
    world.grant(scout)
    browser = elsewhere.browser("alice")
    url = elsewhere.authorize_url(double, pkce()[1], redirect_uri=REDIRECT, prompt="none")
    assert answer(browser.go(url))["error"] == "consent_required"
