"""A tenant that its own admins pause: nothing is issued or accepted, its pages say so, and any admin resumes it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.principals import SYSTEM
from delegations.models import Consent
from kit import context
from tenants import actions as tenant_actions
from tenants import pausing
from tenants.models import Tenant
from tests.conformance.test_company_sign_in import arrives, members_of
from tests.conformance.test_resources_api import asker
from tests.conformance.test_step_up import age
from tests.harness import company, domains
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec
from tokens import idleness, stops
from tokens.models import AccessToken

PAGE, REASON = "/console/settings/pause", "We look at what happened."
SCOPES = "tenant:pause settings:read"


def status(world):
    return Tenant.objects.get(pk=world.tenant.pk).status


def pause(world):
    stops.pause_tenant(world.tenant, by=SYSTEM, name=world.tenant.name, reason=REASON)
    domains.wait()


def resume(world):
    pausing.resume_tenant(world.tenant, by=SYSTEM)
    domains.wait()


def asked(world, client, token, reader):
    """Ask everything that a token is for; return the answers' codes."""
    api = world.http.get(world.url("/api/v1/self"), headers={"Authorization": "Bearer nothing"})
    introspected = world.http.post(world.url("/introspect"), data={"token": token}, auth=reader.basic)
    keys, own = world.http.get(world.url("/jwks.json")), world.own_token(client)
    return [api.status_code, introspected.status_code, keys.status_code, own.status_code]


@spec("RFC 7662", "2.2")
def test_while_it_is_paused_nothing_is_issued_or_accepted_and_afterwards_all_is_as_it_was(world):
    scout, reader, worker = world.public_client(), world.introspector(), world.worker()
    tokens = world.grant(scout, scope="events:read offline_access")
    code, verifier = world.code(scout)
    pause(world)
    with leaves_only(world):
        assert asked(world, worker, tokens["access_token"], reader) == [404, 404, 404, 404]
        assert world.refresh(scout, tokens["refresh_token"]).status_code == 404
        assert world.redeem(scout, code, verifier).status_code == 404
        assert world.http.get(world.url("/.well-known/openid-configuration")).status_code == 404
    resume(world)
    assert asked(world, worker, tokens["access_token"], reader) == [401, 200, 200, 200]
    assert world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).status_code == 200
    assert world.redeem(scout, code, verifier).status_code == 200


@spec("RFC 9700", "2.3")
def test_within_the_second_in_which_a_process_still_knows_it_nothing_is_issued_either(world):
    scout = world.public_client()
    tokens = world.grant(scout, scope="events:read offline_access")
    stops.pause_tenant(world.tenant, by=SYSTEM, name=world.tenant.name, reason=REASON)
    assert world.refresh(scout, tokens["refresh_token"]).status_code in {400, 404}


@spec("RFC 9110", "15.6.4")
def test_every_page_says_that_it_is_paused_and_who_and_why_to_members_alone(world):
    bob = world.browser("bob")
    ada = world.browser("ada")
    ada.go(world.url(PAGE))
    ada.submit(ada.form(""), {"name": world.tenant.name, "reason": REASON})
    assert status(world) == "paused"
    domains.wait()
    paths = ("/", "/me/agents", "/console", "/console/agents", "/me/views", "/device", "/authorize", "/signup")
    stranger = world.browser()
    for path in paths:
        for browser, is_told in ((bob, True), (stranger, False)):
            assert browser.go(world.url(path)).status_code == 503, path
            assert f"{world.tenant.name} is paused" in browser.words()
            assert (REASON in browser.words()) is is_told
            assert ("Paused by Ada" in browser.words()) is is_told
            assert f"Resume {world.tenant.name}" not in browser.words()
    assert stranger.go(world.url("/login")).status_code == 200


@spec("RFC 9700", "2.3")
def test_any_admin_signs_in_and_resumes_it_and_nobody_else(world):
    pause(world)
    world.rewrite(world.people["bob"], role="security")
    bob, ada = world.browser("bob"), world.browser("ada")
    ada.go(world.url("/console/keys"))
    form = ada.form("/settings/resume")
    bob.go(world.url("/logout"))
    csrf = bob.form("/logout").fields
    mine, form.fields = form.fields, csrf
    with leaves_only(world):
        assert bob.submit(form).status_code == 403
    assert status(world) == "paused"
    form.fields = mine
    ada.submit(form)
    domains.wait()
    assert status(world) == "active"
    assert ada.go(world.url("/console/keys")).status_code == 200
    (entry,) = world.entries("tenant.resumed")
    assert entry.principal_id == world.people["ada"].pk


@spec("RFC 9470", "3")
def test_it_takes_the_name_a_reason_and_a_proof_of_minutes_ago(world):
    ada = world.browser("ada")
    ada.go(world.url(PAGE))
    right = {"name": world.tenant.name, "reason": REASON}
    for flaw in ({"name": "Another"}, {"name": ""}, {"reason": ""}):
        with leaves_only(world):
            assert ada.submit(ada.form(""), {**right, **flaw}).status_code == 422, flaw
    form = ada.form("")
    age(world, ada)
    with leaves_only(world):
        ada.submit(form, right)
    assert "/login/again" in str(ada.page.url)
    assert status(world) == "active"
    fresh = world.browser("ada")
    fresh.go(world.url(PAGE))
    fresh.submit(fresh.form(""), right)
    assert status(world) == "paused"
    (entry,) = world.entries("tenant.paused")
    assert (entry.principal_id, entry.reason) == (world.people["ada"].pk, REASON)


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(("role", "may"), [("admin", True), ("security", False)])
def test_the_danger_zone_is_there_for_admins(world, role, may):
    world.rewrite(world.people["ada"], role=role)
    ada = world.browser("ada")
    ada.go(world.url("/console/settings"))
    assert ("Danger zone" in ada.words()) is may
    assert ada.go(world.url(PAGE)).status_code == (200 if may else 403)


@spec("RFC 9110", "9.3.3")
def test_over_the_api_it_is_the_same_and_the_token_that_did_it_is_worth_nothing_then(world):
    ask, weaker = asker(world, "ada", SCOPES), asker(world, "ada", "settings:read settings:write")
    right = {"name": world.tenant.name, "reason": REASON}
    with leaves_only(world):
        assert weaker("POST", "/settings/pause", right).status_code == 403
        assert ask("POST", "/settings/pause", {"name": world.tenant.name}).status_code == 400
        assert ask("POST", "/settings/pause", {**right, "name": "Another"}).status_code == 422
    done = ask("POST", "/settings/pause", right)
    assert (done.status_code, done.json()["status"]) == (200, "paused"), done.text
    domains.wait()
    assert ask("GET", "/settings").status_code == 404
    resume(world)
    assert ask("GET", "/settings").status_code == 200
    assert [each.reason for each in world.entries("tenant.paused")] == [REASON]


@spec("RFC 9700", "2.3")
def test_what_an_operator_suspended_no_admin_resumes_and_no_page_says_anything_of(world):
    pause(world)
    ada = world.browser("ada")
    ada.go(world.url("/"))
    form = ada.form("/settings/resume")
    tenant_actions.suspend_tenant(world.tenant, by=SYSTEM, reason="unpaid")
    domains.wait()
    assert ada.submit(form).status_code == 404
    assert world.tenant.name not in ada.page.text
    assert status(world) == "suspended"


@spec("ID-JAG", "9.3")
def test_what_stands_on_its_word_in_another_tenant_ends(world, elsewhere):
    across = domains.make(world, elsewhere)
    token = across.cross()
    assert across.globex.is_active(token)
    stops.pause_tenant(across.acme.tenant, by=SYSTEM, name=across.acme.tenant.name, reason=REASON)
    assert not across.globex.is_active(token)


@spec("RFC 9700", "2.3")
def test_an_operator_resumes_what_is_paused_and_nothing_else(world):
    with pytest.raises(CommandError, match="not paused"):
        call_command("resume_tenant", world.tenant.slug)
    pause(world)
    said = StringIO()
    call_command("resume_tenant", world.tenant.slug, stdout=said)
    assert (status(world), said.getvalue()) == ("active", f"{world.tenant.issuer} is served again\n")
    with context.use(world.tenant), pytest.raises(CommandError, match="no such tenant"):
        call_command("resume_tenant", "t-never")


@pytest.mark.interop
@spec("RFC 9700", "2.1")
def test_while_it_is_paused_signing_in_makes_nobody_and_moves_no_role(world, initech):
    provider = company.let_sign_in_at(world, initech.url, "remit", "a-secret-there", roles=[["boss", "admin"]])
    arrives(world, initech, provider)
    before = members_of(world)
    pause(world)
    arrives(world, initech, provider, "mallory", name="Mallory", groups=["boss"])
    assert "while the tenant is paused" in world.entries("login.refused")[-1].reason
    peter = arrives(world, initech, provider, groups=["boss"])
    assert "Paused by" in peter.go(world.url("/")).text
    assert {name: (each.role, each.groups) for name, each in members_of(world).items()} == {
        name: (each.role, each.groups) for name, each in before.items()
    }
    resume(world)
    arrives(world, initech, provider, groups=["boss"])
    assert members_of(world)["Peter"].role == "admin"


@spec("RFC 9470", "3")
def test_resuming_takes_a_proof_of_minutes_ago(world):
    ada = world.browser("ada")
    pause(world)
    age(world, ada)
    ada.go(world.url("/console/keys"))
    with leaves_only(world):
        ada.submit(ada.form("/settings/resume"))
    assert "/login/again" in str(ada.page.url)
    assert status(world) == "paused"
    ada.submit(ada.form("/login/again"), {"password": PASSWORD})
    ada.submit(ada.form("/settings/resume"))
    assert status(world) == "active"


@spec("RFC 9700", "2.3")
def test_what_nobody_could_use_while_it_was_paused_does_not_end_for_that(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, unused_days=30)
    world.grant(world.public_client())
    (one,) = world.delegations()
    world.rewrite(one, expires_at=None)
    month = timedelta(days=31)

    def turn(now):
        with context.use(Tenant.objects.get(pk=world.tenant.pk)):
            return idleness.end_due(now)

    pausing.pause_tenant(world.tenant, by=SYSTEM, name=world.tenant.name, reason=REASON)
    assert turn(timezone.now() + month) == 0
    pausing.resume_tenant(world.tenant, by=SYSTEM)
    with context.use(world.tenant):
        AccessToken.objects.update(created=timezone.now() - month)
    world.rewrite(one, created_at=timezone.now() - month)
    with context.use(world.tenant):
        Consent.objects.update(created_at=timezone.now() - month)
    assert turn(timezone.now()) == 0
    assert turn(timezone.now() + month) == 1
