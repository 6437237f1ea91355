"""For whom, where and how much a grant is made, and who is refused: ID-JAG §4.3.3 (JAG-01–06, 18; A2, A3, A6)."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from agents import across as across_actions
from agents import actions as agent_actions
from agents import handovers
from agents.models import NameElsewhere
from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from kit.oauth import TokenType
from tenants import actions as tenant_actions
from tests.harness import chain as chains
from tests.harness import domains
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import claims
from tests.spec import spec

ACCESS_TOKEN, REFRESH_TOKEN, ID_TOKEN = (
    kind.value for kind in (TokenType.ACCESS_TOKEN, TokenType.REFRESH_TOKEN, TokenType.ID_TOKEN)
)


@pytest.fixture
def across(world, elsewhere):
    return domains.make(world, elsewhere)


def as_refresh(token):
    return {"subject_token": token, "subject_token_type": REFRESH_TOKEN}


# --- the subject: an ID token


@spec("ID-JAG", "4.3.3")
def test_an_id_token_counts_for_its_own_client_alone(across):
    acme = across.acme
    other = chains.asker(acme, "Another planner")
    theirs = acme.grant(other, scope="openid", resource=None)["id_token"]
    across.refuses("invalid_grant", subject_token=theirs)
    there = across.globex.grant(chains.asker(across.globex), scope="openid", resource=None)["id_token"]
    across.refuses("invalid_grant", subject_token=there)
    assert across.request().status_code == 200


@spec("ID-JAG", "4.3.3")
def test_an_id_token_that_is_over_or_strange_is_a_bad_grant(across):
    genuine, now = claims(across.granted["id_token"]), int(time.time())

    def signed(typ="JWT", algorithm="RS256", **changes):
        return chains.signed(across.acme, {**genuine, **changes}, typ=typ, algorithm=algorithm)

    assert across.request(subject_token=signed()).status_code == 200
    changes = [
        {"exp": now - 1}, {"exp": None}, {"exp": now + 86_400}, {"iat": now + 600}, {"aud": across.there.id},
        {"aud": [across.here.id, across.there.id]}, {"iss": across.globex.tenant.issuer}, {"sid": None},
        {"sid": "rtf_unknown"}, {"sub": across.acme.people["bob"].pk}, {"sub": None}, {"sub": "ü"},
        {"sub": across.here.client.agent_id}, {"typ": "at+jwt"}, {"typ": "oauth-id-jag+jwt"},
    ]  # fmt: skip
    for each in changes:
        across.refuses("invalid_grant", subject_token=signed(**each))


@spec("RFC 8725", "3.1")
def test_what_is_not_exactly_an_id_token_of_ours_is_a_bad_grant(across):
    token = across.granted["id_token"]
    header, payload, signature = token.split(".")
    _, other, _ = chains.signed(across.acme, {**claims(token), "sub": "usr_x"}, typ="JWT").split(".")
    wrong = [
        "gar.ba.ge", token + "x", f"{header}.{payload}.", f"{header}.{other}.{signature}", token.upper(), f" {token}",
        f"eyJhbGciOiJub25lIn0.{payload}.", f"{token},{token}", across.granted["refresh_token"], "x" * 9000,
        across.granted["access_token"], across.grant(),
    ]  # fmt: skip
    for each in wrong:
        across.refuses("invalid_grant", subject_token=each)


@spec("ID-JAG", "4.3")
@pytest.mark.parametrize("kind", [ACCESS_TOKEN, TokenType.JWT.value, TokenType.ID_JAG.value, "urn:x", "id_token"])
def test_no_other_kind_of_token_says_who_signed_in(across, kind):
    for token in (across.granted["access_token"], across.granted["id_token"], across.grant()):
        across.refuses("invalid_request", subject_token=token, subject_token_type=kind)


# --- the subject: a refresh token


@spec("ID-JAG", "4.3.3")
def test_a_refresh_token_is_judged_as_in_a_refresh_and_does_not_move(across):
    token = across.granted["refresh_token"]
    for _ in range(3):
        assert across.request(**as_refresh(token)).status_code == 200
    assert across.acme.family(token).generation == 0
    assert across.acme.refresh(across.here, token).status_code == 200
    garbage = [f"{token}x", token.replace("rtf_", "rtf_0", 1), token.replace(".0.", ".1."), token[:-3], "rtf_.0.x"]
    for each in [*garbage, "rtf_unknown.0.x", across.granted["id_token"], across.granted["access_token"]]:
        across.refuses("invalid_grant", **as_refresh(each))


@spec("ID-JAG", "4.3.3")
def test_the_refresh_token_of_another_client_or_tenant_is_a_bad_grant(across):
    acme, globex = across.acme, across.globex
    for world, name in ((acme, "Another planner"), (globex, "Planner there")):
        theirs = world.grant(chains.asker(world, name), scope="openid offline_access", resource=None)
        across.refuses("invalid_grant", **as_refresh(theirs["refresh_token"]))


@spec("RFC 9700", "4.14.2")
def test_a_refresh_token_that_was_superseded_is_a_replay_and_ends_the_sign_in(across):
    acme, token = across.acme, across.granted["refresh_token"]
    successor = acme.refresh(across.here, token).json()["refresh_token"]
    assert across.request(**as_refresh(successor)).status_code == 200
    acme.rewrite(acme.family(token), rotated_at=timezone.now() - timedelta(seconds=11))
    answer = across.request(**as_refresh(token))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert len(acme.entries(Event.FAMILY_REVOKED)) == 1
    across.refuses("invalid_grant", **as_refresh(successor))
    across.refuses("invalid_grant")


# --- what the sign-in hangs on


@spec("ID-JAG", "4.3.3")
@pytest.mark.parametrize("over", ["sign-in revoked", "member suspended", "agent suspended", "sign-in ended"])
@pytest.mark.parametrize("kind", [ID_TOKEN, REFRESH_TOKEN])
def test_no_grant_comes_of_a_sign_in_that_is_over(across, over, kind):
    acme, here = across.acme, across.here
    token = across.granted["id_token" if kind == ID_TOKEN else "refresh_token"]
    asked = {"subject_token": token, "subject_token_type": kind}
    assert across.request(**asked).status_code == 200
    with context.use(acme.tenant):
        if over == "sign-in revoked":
            acme.revoke(here, across.granted["refresh_token"])
        if over == "member suspended":
            tenant_actions.suspend_member(acme.people["alice"], by=SYSTEM, reason="left")
        if over == "agent suspended":
            agent_actions.suspend_agent(here.client.agent, by=SYSTEM, reason="strange")
        if over == "sign-in ended":
            (sign_in,) = (each for each in acme.delegations() if each.origin == "consent")
            acme.rewrite(sign_in, ended_at=timezone.now())
    across.refuses("invalid_grant", **asked)


# --- where to


@spec("ID-JAG", "4.3")
def test_the_audience_is_the_exact_issuer_of_a_server_that_the_admin_named(across):
    there = across.globex.tenant.issuer
    assert across.request(audience=there).status_code == 200
    wrong = [
        None, "https://unknown.example", there[:-1], f"{there}/", f"{there}/token", there.upper(), f" {there}", "*",
        there.rpartition("/")[0], across.globex.calendar.identifier, across.acme.tenant.issuer, across.globex.origin,
        [there, across.acme.tenant.issuer], [there, there], across.there.id, "x" * 5000,
    ]  # fmt: skip
    for each in wrong:
        across.refuses("invalid_target", audience=each)


@spec("ID-JAG", "4.3")
def test_a_server_that_the_admin_switched_off_gets_no_grants_from_that_moment_on(across):
    assert across.request().status_code == 200
    across.change_audience(is_enabled=False)
    across.refuses("invalid_target")


@spec("MCP", "Enterprise-Managed Authorization 7.6.1")
def test_the_resource_is_one_behind_that_server(across):
    at = across.globex.calendar.identifier
    shouted = at.replace("https://calendar", "HTTPS://CALENDAR")
    for good in (at, shouted, [at]):
        assert claims(across.grant(resource=good))["resource"] == at
    wrong = [
        across.globex.notes.identifier, across.acme.calendar.identifier, across.globex.tenant.issuer, f"{at}/",
        f"{at}?x", at.removesuffix("mcp"), at.upper(), [at, across.globex.notes.identifier], "mcp", "x" * 5000,
    ]  # fmt: skip
    for each in wrong:
        across.refuses("invalid_target", resource=each)


@spec("ID-JAG", "4.3")
def test_the_resource_may_be_left_out_where_there_is_only_one_to_mean(across):
    at, notes = across.globex.calendar.identifier, across.globex.notes.identifier
    assert claims(across.grant(resource=None))["resource"] == at
    across.change_audience(resources={at: domains.SCOPES, notes: ["notes:read"]})
    across.refuses("invalid_target", resource=None)
    assert across.request(resource=at).status_code == 200
    across.change_audience(resources={})
    across.refuses("invalid_target", resource=None)


# --- for whom, and how much


@spec("ID-JAG", "4.3.3")
def test_without_a_rule_or_a_name_there_a_client_is_denied(across):
    names = {"client_id_there": ""}
    with context.use(across.acme.tenant):
        NameElsewhere.objects.filter(client=across.here.client).update(**names)
    across.refuses("access_denied")
    with context.use(across.acme.tenant):
        across_actions.name_elsewhere(across.here.client, across.audience, across.there.id, by=SYSTEM)
    domains.wait()
    assert across.request().status_code == 200
    with context.use(across.acme.tenant):
        across_actions.forbid_across(across.rule, by=SYSTEM)
    across.refuses("access_denied")


@spec("ID-JAG", "4.3.3")
def test_a_rule_is_for_the_people_and_groups_that_it_names(across):
    alice, bob = across.acme.people["alice"], across.acme.people["bob"]
    across.allow(members=[alice])
    assert across.request().status_code == 200
    across.allow(members=[bob])
    across.refuses("access_denied")
    across.allow(groups=["sales"])
    for groups in ([], ["Sales"], ["salesmen", "marketing"]):
        with context.use(across.acme.tenant):
            tenant_actions.set_groups(alice, groups, by=SYSTEM)
        across.refuses("access_denied")
    with context.use(across.acme.tenant):
        tenant_actions.set_groups(alice, ["marketing", "sales"], by=SYSTEM)
    domains.wait()
    assert across.request().status_code == 200
    across.allow()
    across.refuses("access_denied")


@spec("ID-JAG", "4.3.3")
def test_a_grant_is_narrower_where_policy_says_so_and_shows_it(across):
    both = " ".join(domains.SCOPES)
    for asked in (both, None):
        assert claims(across.grant(scope=asked))["scope"] == both
    across.allow(["events:read"], everyone=True)
    for asked in (both, None, "events:read events:drop"):
        answer = across.request(scope=asked).json()
        assert answer["scope"] == claims(answer["access_token"])["scope"] == "events:read"
    for nothing in ("events:write", "openid", "EVENTS:READ", "*"):
        across.refuses("invalid_scope", scope=nothing)
    across.change_audience(resources={across.globex.calendar.identifier: ["events:write"]})
    across.refuses("invalid_scope", scope=None)


@spec("ID-JAG", "4.3.3")
def test_a_grant_is_never_wider_than_the_agent_s_own_ceiling(across):
    at, agent = across.globex.calendar.identifier, across.here.client.agent

    def bound(ceiling):
        with context.use(across.acme.tenant):
            handovers.set_limits(agent, ceiling=ceiling, by=SYSTEM)

    bound({at: ["events:read"]})
    assert across.request(scope=None).json()["scope"] == "events:read"
    across.refuses("invalid_scope", scope="events:write")
    for nothing in ({}, {at: []}, {across.acme.calendar.identifier: ["events:read"]}):
        bound(nothing)
        across.refuses("invalid_scope")


@spec("ID-JAG", "4.3.1")
@pytest.mark.parametrize("missing", ["subject_token", "subject_token_type"])
def test_a_request_without_a_subject_is_malformed(across, missing):
    with leaves_only(across.acme):
        assert_refused(across.request(**{missing: None}), "invalid_request")
