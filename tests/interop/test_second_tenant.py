"""The same flow in a second tenant: what the first one gave out is as good there as what nobody ever gave out."""

import re

import httpx
import pytest

from tests.harness.world import REDIRECT, pkce
from tests.interop.cast import raw_call
from tests.spec import spec

pytestmark = [pytest.mark.interop, pytest.mark.browser]
UNKNOWN_TOKEN = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Im5vbmUifQ.e30.c2lnbmF0dXJl"
UNKNOWN_REFRESH = "rtf_00000000000000000000000000.0.no-such-secret"


def same(one: httpx.Response, other: httpx.Response) -> bool:
    """Say whether two answers cannot be told apart, but for the number of the request."""
    return _told(one) == _told(other)


def _told(answer: httpx.Response) -> tuple[int, str, str | None]:
    text = re.sub(r"req_[0-9a-z]{26}", "req_", answer.text)
    return answer.status_code, text, answer.headers.get("www-authenticate")


def test_each_tenants_agent_goes_through_its_own_issuer(world, elsewhere, serve, cast):
    here, there = serve(world), serve(elsewhere)
    ours, theirs = cast(world), cast(elsewhere)
    assert "for usr_" in ours.call("alice", here, "list_events")
    assert "for usr_" in theirs.call("alice", there, "list_events")
    assert ours.claims("alice", here)["iss"] != theirs.claims("alice", there)["iss"]
    refused = raw_call(there, ours.token("alice", here))
    assert (refused.status_code, raw_call(there, UNKNOWN_TOKEN).status_code) == (401, 401)


@spec("RFC 7662", "2.2")
def test_a_token_of_the_first_tenant_is_unknown_to_the_second(world, elsewhere, serve, cast):
    here, play = serve(world), cast(world)
    play.call("alice", here, "list_events")
    token, introspector = play.token("alice", here), elsewhere.introspector()
    assert elsewhere.introspect(introspector, token) == elsewhere.introspect(introspector, UNKNOWN_TOKEN)
    for path in ("/api/v1/self", "/api/v1/delegations", "/userinfo"):
        answers = [
            httpx.get(elsewhere.url(path), headers={"Authorization": f"Bearer {each}"})
            for each in (token, UNKNOWN_TOKEN)
        ]
        assert answers[0].status_code == 401
        assert same(*answers), path


@spec("RFC 6749", "5.2")
def test_code_and_refresh_token_of_the_first_tenant_are_unknown_to_the_second(world, elsewhere):
    scout, theirs = world.public_client(), elsewhere.public_client()
    code, verifier = world.code(scout)
    refresh = world.grant(scout, scope="events:read offline_access", prompt="consent")["refresh_token"]
    assert same(elsewhere.redeem(theirs, code, verifier), elsewhere.redeem(theirs, "no-such-code", verifier))
    assert same(elsewhere.refresh(theirs, refresh), elsewhere.refresh(theirs, UNKNOWN_REFRESH))
    assert elsewhere.redeem(theirs, code, verifier).json()["error"] == "invalid_grant"
    assert world.redeem(scout, code, verifier).status_code == 200


@spec("RFC 6749", "5.2")
def test_a_client_of_the_first_tenant_is_unknown_to_the_second(world, elsewhere):
    ledger = world.secret_client()
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": REDIRECT, "code_verifier": "x" * 43}
    known, unknown = (
        elsewhere.http.post(elsewhere.url("/token"), data=form, auth=auth)
        for auth in (ledger.basic, ("dcr_nobody", ledger.secret))
    )
    assert same(known, unknown)
    assert known.json()["error"] == "invalid_client"
    page = elsewhere.browser().go(elsewhere.authorize_url(ledger, pkce()[1]))
    assert (page.status_code, "is not known" in page.text) == (400, True)


@spec("RFC 9700", "4.7")
def test_a_session_of_the_first_tenant_opens_no_page_of_the_second(world, elsewhere):
    signed_in = world.browser("alice")
    (cookie,) = [each for each in signed_in.http.cookies.jar if world.tenant.slug in each.name and "remit" in each.name]
    moved = cookie.name.replace(world.tenant.slug, elsewhere.tenant.slug)
    answers = [
        httpx.get(elsewhere.url("/me/agents"), cookies={moved: value}, headers={"Accept": "text/html"})
        for value in (cookie.value, "an-unknown-session-key-of-no-one")
    ]
    assert same(*answers)
    assert answers[0].headers["location"].startswith(f"/t/{elsewhere.tenant.slug}/login")
