"""Initial access tokens: who may register where an admin must have said so, how often, and until when."""

from concurrent.futures import Future
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from agents import registration_tokens
from agents.models import RegistrationToken
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_api import api_token
from tests.harness import everything, rush
from tests.harness.footprint import leaves_only
from tests.harness.registering import assert_refused, post
from tests.harness.rush import MANY, answers, start_together
from tests.harness.world import make
from tests.spec import spec

PLACE = "/api/v1/registration-tokens"


@pytest.fixture
def closed(world):
    """A tenant whose registration takes a token."""
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration_needs_token=True)
    return world


def give(world, **fields):
    with context.use(world.tenant):
        return registration_tokens.make("CI", by=SYSTEM, **fields)


def left(world, token):
    with context.use(world.tenant):
        return RegistrationToken.objects.get(pk=token.pk).uses_left


@pytest.fixture
def admin(world):
    """Return a call as ada, through an app that she lets do so."""
    token = api_token(world, world.public_client(), "ada", "registration:read registration:write")

    def ask(method, path="", body=None):
        held = {"Authorization": f"Bearer {token}"}
        return world.http.request(method, world.url(f"{PLACE}{path}"), headers=held, json=body)

    return ask


@spec("RFC 7591", "3")
def test_where_a_token_is_needed_nobody_registers_without_one(closed):
    with leaves_only(closed):
        refusal = post(closed)
    assert_refused(refusal, "invalid_token", 401)
    assert "error" not in refusal.headers["www-authenticate"]
    _, secret = give(closed)
    assert post(closed, secret).status_code == 201


@spec("RFC 7591", "3")
def test_the_client_remembers_by_which_token_it_came(closed):
    token, secret = give(closed)
    found = post(closed, secret).json()["client_id"]
    with context.use(closed.tenant):
        assert token.clients.get().client_id == found


@spec("RFC 7591", "3")
@pytest.mark.parametrize("needs", [True, False])
@pytest.mark.parametrize("kind", ["forged", "used up", "over", "taken back", "of another tenant", "long"])
def test_a_token_that_is_not_good_registers_nobody_whether_one_is_needed_or_not(world, elsewhere, needs, kind):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, registration_needs_token=needs)
    token, secret = give(elsewhere if kind == "of another tenant" else world)
    if kind == "used up":
        world.rewrite(token, uses_left=0)
    if kind == "over":
        world.rewrite(token, expires_at=timezone.now())
    if kind == "taken back":
        with context.use(world.tenant):
            registration_tokens.revoke(token, by=SYSTEM)
    presented = {"forged": f"{secret}x", "long": "x" * 4000}.get(kind, secret)
    with leaves_only(world), leaves_only(elsewhere):
        refusal = post(world, presented)
    assert_refused(refusal, "invalid_token", 401)
    assert 'error="invalid_token"' in refusal.headers["www-authenticate"]


@spec("RFC 7591", "3.2.2")
def test_a_registration_that_is_refused_uses_nothing_up(closed):
    token, secret = give(closed)
    with leaves_only(closed, "client.refused"):
        assert_refused(post(closed, secret, redirect_uris=["javascript:alert(1)"]), "invalid_redirect_uri")
    assert left(closed, token) == 1
    assert post(closed, secret).status_code == 201
    assert left(closed, token) == 0


@spec("RFC 7591", "3")
@pytest.mark.parametrize("uses", [1, 7])
def test_of_fifty_registrations_at_once_exactly_as_many_win_as_the_token_is_good_for(closed, uses):
    token, secret = give(closed, uses=uses)
    with rush.callers(closed) as pool:
        found: list[Future[httpx.Response]] = start_together(pool, lambda: post(closed, secret))
        codes = [answer.status_code for answer in answers(found)]
    assert (codes.count(201), codes.count(401)) == (uses, MANY - uses)
    assert left(closed, token) == 0
    with context.use(closed.tenant):
        assert token.clients.count() == uses


def test_the_token_is_stored_as_a_digest_alone(world):
    _, secret = give(world)
    assert not everything.tables_with(secret, everything.rows())


# --- over REST


def test_an_admin_makes_a_token_sees_it_once_and_takes_it_back(world, admin):
    made = admin("POST", body={"name": "CI", "uses": 2})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    secret, place = made.json()["token"], f"/{made.json()['id']}"
    assert post(world, secret).status_code == 201
    seen = admin("GET", place).json()
    assert {"token", "digest", "revoked_at"} & seen.keys() == set()
    assert (seen["uses"], seen["uses_left"], seen["made_by"]) == (2, 1, world.people["ada"].pk)
    assert admin("GET").json() == {"registration_tokens": [seen], "next": None}
    assert admin("DELETE", place).status_code == 204
    assert_refused(post(world, secret), "invalid_token", 401)
    told = [each.event for each in world.entries() if each.event.startswith("registration_token.")]
    assert told == ["registration_token.made", "registration_token.revoked"]


def test_a_token_is_usually_good_once_and_for_a_week(world, admin):
    made = admin("POST", body={"name": "CI"}).json()
    with context.use(world.tenant):
        kept = RegistrationToken.objects.get(pk=made["id"])
    assert kept.uses == 1
    assert timedelta(days=6) < kept.expires_at - timezone.now() <= timedelta(days=7)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"uses": 0}, 422),
        ({"uses": -1}, 422),
        ({"uses": 10_001}, 422),
        ({"uses": "many"}, 400),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"expires_at": "2999-01-01T00:00:00Z"}, 422),
        ({"expires_at": "soon"}, 400),
        ({"name": ""}, 400),
        ({"name": "x" * 101}, 400),
        ({"name": "a\x00b"}, 400),
        ({"name": None}, 400),
    ],
)
def test_what_cannot_hold_is_refused_and_makes_no_token(world, admin, changes, status):
    with leaves_only(world):
        answer = admin("POST", body={"name": "CI", **changes})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert admin("POST", body={"name": "CI"}).status_code == 201


@pytest.mark.parametrize(("person", "reads", "writes"), [("alice", 403, 403), ("ada", 200, 201)])
def test_only_people_who_look_after_the_tenant_reach_tokens(world, person, reads, writes):
    token = api_token(world, world.public_client(), person, "registration:read registration:write")
    held = {"Authorization": f"Bearer {token}"}
    assert world.http.get(world.url(PLACE), headers=held).status_code == reads
    assert world.http.post(world.url(PLACE), headers=held, json={"name": "CI"}).status_code == writes


def test_an_agents_own_token_and_one_without_the_scope_make_none(world):
    own = world.own_api_token(world.worker(), "registration:read registration:write")
    reading = api_token(world, world.public_client(), "ada", "registration:read")
    with leaves_only(world):
        for token in (own, reading):
            held = {"Authorization": f"Bearer {token}"}
            assert world.http.post(world.url(PLACE), headers=held, json={"name": "CI"}).status_code == 403


def test_a_token_of_another_tenant_is_not_there(world, admin, origin, http):
    other = make(origin, http)
    token, _ = give(other)
    with leaves_only(other):
        assert admin("GET", f"/{token.pk}").status_code == 404
        assert admin("DELETE", f"/{token.pk}").status_code == 404
    other.close()


def test_what_was_taken_back_is_taken_back_once(world, admin):
    token, _ = give(world)
    assert admin("DELETE", f"/{token.pk}").status_code == 204
    assert admin("DELETE", f"/{token.pk}").status_code == 409
